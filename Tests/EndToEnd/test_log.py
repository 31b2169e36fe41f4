"""`--log` and `--debug`: every request, and no secret."""

import os
import stat


def test_the_log_has_each_request_and_is_for_its_owner_alone(person, store, bucket):
    store.put(bucket, "a b.txt", b"abc")
    path = person.file("pail.log", b"")
    path.chmod(0o644)
    done = person.run("--log", "pail.log", "ls", f"s3://{bucket}/a")
    assert done.returncode == 0 and done.stderr == b""
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    text = path.read_text()
    assert f"GET {store.endpoint}/{bucket}?" in text and "prefix=a" in text and " 200, " in text
    person.run("--log", "pail.log", "stat", f"s3://{bucket}/never")
    assert path.read_text().startswith(text), "a log is added to"
    assert "404" in path.read_text() and "error pail: s3://" in path.read_text()


def test_the_log_has_no_secret_even_with_debug(person, store, bucket):
    person.file("f", b"1")
    token = "0123-a-session-token"
    debug = person.run(
        "put", "--debug", "--metadata", "note=for-nobody", "f", f"s3://{bucket}/f",
        env={"AWS_ACCESS_KEY_ID": store.access_key, "AWS_SECRET_ACCESS_KEY": store.secret_key,
             "AWS_SESSION_TOKEN": token, "AWS_ENDPOINT_URL": store.endpoint},
    )
    log = debug.stderr.decode()
    assert "Authorization: ***" in log and "x-amz-security-token: ***" in log
    assert "Content-Length" in log or "x-amz-content-sha256" in log
    for secret in (store.secret_key, token, "for-nobody", "Signature="):
        assert secret not in log


def test_a_pipe_or_device_keeps_its_permissions(person, store, bucket):
    """/dev/null among them, where root names it."""
    pipe = person.work / "pipe"
    os.mkfifo(pipe)
    pipe.chmod(0o644)
    # Both ends, so that nobody waits for the other.
    end = os.open(pipe, os.O_RDWR)
    try:
        assert person.run("--log", "pipe", "ls", f"s3://{bucket}").returncode == 0
        assert b" 200, " in os.read(end, 65536)
    finally:
        os.close(end)
    assert stat.S_IMODE(pipe.stat().st_mode) == 0o644


def test_lines_that_a_log_cannot_take_are_told_once(person, store, bucket):
    store.put(bucket, "k", b"1")
    done = person.run("--log", "/dev/full", "ls", f"s3://{bucket}")
    assert done.returncode == 0 and done.stdout
    assert done.stderr == (
        b"pail: The log /dev/full lacks lines that could not be written: No space left on device\n"
    )


def test_a_log_that_cannot_be_written_stops_the_command(person, store, bucket):
    person.file("f", b"1")
    done = person.run("put", "--log", "no/such/folder/log", "f", f"s3://{bucket}/f")
    assert done.returncode == 1 and b"no/such/folder/log" in done.stderr
    assert store.keys(bucket) == []
