"""Standard input and output: `put -`, `get … -` and `cat`, whole, verified, bounded and interruptible."""

import fcntl
import os
import re
import signal
import socket
import struct
import subprocess
import termios
import time

import pytest
from scripted import Answer, Scripted
from sink import Sink
from test_background import wait_until

MEBIBYTE = 1 << 20


def run(person, *arguments, status=0, **options):
    done = person.run(*arguments, **options)
    assert done.returncode == status, done.stderr.decode()
    return done


def start(person, *arguments, **options):
    return subprocess.Popen(
        [person.binary, *arguments],
        env=person.env,
        cwd=person.work,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **options,
    )


@pytest.mark.parametrize("size", [0, 1, 5 * MEBIBYTE - 1, 5 * MEBIBYTE, 5 * MEBIBYTE + 1, 12_345_678])
def test_what_goes_in_comes_out(person, store, bucket, size):
    body = os.urandom(size)
    done = run(person, "put", "--part-size", "5M", "-", f"s3://{bucket}/a.json", input=body)
    assert b"parts of 5.0 MiB, 48.8 GiB at most" in done.stderr
    assert store.get(bucket, "a.json") == body and store.uploads(bucket) == []
    assert store.s3.head_object(Bucket=bucket, Key="a.json")["ContentType"] == "application/json"
    (row,) = person.changes()
    assert (row["action"], row["outcome"]) == ("upload", "done") and row["etag"]
    assert run(person, "get", f"s3://{bucket}/a.json", "-").stdout == body
    assert run(person, "cat", f"s3://{bucket}/a.json").stdout == body


def test_parts_are_equal_and_their_size_follows_from_what_is_expected(person, store, bucket):
    body = os.urandom(33 * MEBIBYTE)
    done = run(person, "put", "-", f"s3://{bucket}/k", input=body)
    assert b"parts of 16.0 MiB, 156 GiB at most" in done.stderr
    assert store.s3.head_object(Bucket=bucket, Key="k")["ETag"].endswith('-3"')
    done = run(person, "put", "--expected-size", "1T", "-", f"s3://{bucket}/k", input=body)
    assert b"parts of 105 MiB, 1.0 TiB at most" in done.stderr
    assert store.get(bucket, "k") == body
    assert run(person, "put", "--quiet", "-", f"s3://{bucket}/k", input=b"1").stderr == b""


def test_a_part_that_does_not_fit_into_memory_goes_by_way_of_a_file(person, store, bucket):
    body = os.urandom(50 * MEBIBYTE)
    run(person, "put", "--part-size", "40M", "-", f"s3://{bucket}/k", input=body)
    assert store.s3.head_object(Bucket=bucket, Key="k")["ETag"].endswith('-2"')
    assert store.get(bucket, "k") == body


def test_an_input_that_breaks_is_no_end_of_it(person, store, bucket):
    # What a reset connection has delivered is read; then comes one error, and after it only the end.
    with socket.create_server(("127.0.0.1", 0)) as listener:
        writer = socket.create_connection(listener.getsockname())
        reader, _ = listener.accept()
    put = subprocess.Popen(
        [person.binary, "put", "-", f"s3://{bucket}/k"], env=person.env, cwd=person.work,
        stdin=reader, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    reader.close()
    writer.sendall(os.urandom(3 * MEBIBYTE))
    unsent = bytearray(4)
    wait_until(
        lambda: fcntl.ioctl(writer, termios.TIOCOUTQ, unsent) == 0 and not any(unsent), "all read"
    )
    writer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.close()
    _, told = put.communicate(timeout=60)
    assert put.returncode == 1 and b"reset" in told, told.decode()
    assert store.keys(bucket) == [] and store.uploads(bucket) == []


def test_an_answer_of_another_size_than_was_told_is_refused(person):
    def answer(method, path, query, headers):
        fields = {"ETag": '"0123456789abcdef0123456789abcdef"', "Content-Type": "text/plain"}
        if method == "HEAD":
            return Answer(headers=fields | {"Content-Length": "100000"})
        if query.get("list-type") or path.count("/") < 2:
            return Answer(body=b"<ListBucketResult/>", headers={})
        return Answer(body=b"0123456789", headers=fields)

    with Scripted(answer) as server:
        person.write_env(endpoint=server.endpoint)
        done = person.run("cat", "s3://box/k", env={"PAIL_RETRY_FOR": "1s"})
    assert done.returncode == 1 and b"10 bytes" in done.stderr, done.stderr.decode()
    assert done.stdout == b""


def test_no_overwrite_reads_nothing_where_there_is_an_object(person, store, bucket):
    store.put(bucket, "k", b"before")
    done = run(person, "put", "--no-overwrite", "-", f"s3://{bucket}/k", input=b"after")
    assert b"Skipped" in done.stdout and store.get(bucket, "k") == b"before"
    run(person, "put", "--no-overwrite", "-", f"s3://{bucket}/new", input=b"after")
    assert store.get(bucket, "new") == b"after"


def test_wrong_usage_is_told(person, bucket):
    for words in (["-", f"s3://{bucket}/p/"], ["-", f"s3://{bucket}"], ["-", "f", f"s3://{bucket}/k"],
                  ["-r", "-", f"s3://{bucket}/k"], ["--expected-size", "1G", "f", f"s3://{bucket}/k"]):
        run(person, "put", *words, status=64)


def test_a_refused_stream_leaves_nothing(person, store, bucket):
    done = run(person, "put", "--part-size", "5M", "-", "s3://never-made/k", input=b"1" * 6_000_000, status=1)
    assert b"NoSuchBucket" in done.stderr
    assert [row["outcome"] for row in person.changes()] == ["failed"]
    done = run(person, "put", "--read-only", "-", f"s3://{bucket}/k", input=b"1", status=1)
    assert b"read-only" in done.stderr and store.keys(bucket) == []


@pytest.mark.parametrize("sent", [0, 11 * MEBIBYTE])
def test_an_interrupt_while_nothing_comes_aborts(person, store, bucket, sent):
    program = start(person, "put", "--part-size", "5M", "-", f"s3://{bucket}/k")
    program.stdin.write(os.urandom(sent))
    program.stdin.flush()
    deadline = time.monotonic() + 20
    while sent and not store.uploads(bucket) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert program.stderr.readline().startswith(b"pail: standard input goes up")
    program.send_signal(signal.SIGINT)
    # Standard input stays open: whoever writes may not notice at once.
    assert program.wait(timeout=20) == 130, program.stderr.read()
    program.stdin.close()
    assert store.uploads(bucket) == [] and store.keys(bucket) == []
    if sent:
        outcomes = {row["action"]: row["outcome"] for row in person.changes()}
        assert outcomes == {"upload": "cancelled", "abortUpload": "done"}


def test_a_writer_that_goes_with_the_terminal_leaves_no_half_of_what_it_meant(
    person, store, proxy, bucket
):
    held = proxy.hold("answer", operation="UploadPart")
    pipe = f"yes | {person.binary} put --part-size 5M - s3://{bucket}/k"
    # A shell with its jobs in one group, as a terminal has it.
    shell = subprocess.Popen(["sh", "-c", pipe], env=person.env, cwd=person.work,
                             stderr=subprocess.PIPE, start_new_session=True)  # fmt: skip
    held.wait()
    os.killpg(shell.pid, signal.SIGHUP)
    held.release()
    # Comes to its end when the last of them has closed it.
    assert b"interrupted" in shell.stderr.read()
    shell.wait(timeout=20)
    assert store.keys(bucket) == [] and store.uploads(bucket) == []
    outcomes = {row["action"]: row["outcome"] for row in person.changes()}
    assert outcomes == {"upload": "cancelled", "abortUpload": "done"}


def peak_of_a_stream(person, size):
    with Sink(size, exists=False) as sink:
        program = start(person, "put", "-", "s3://sink/k", "--endpoint-url", sink.endpoint)
        block = bytes(MEBIBYTE)
        for _ in range(size // MEBIBYTE):
            program.stdin.write(block)
        program.stdin.flush()
        with open(f"/proc/{program.pid}/status") as status:
            peak = int(re.search(r"VmHWM:\s+(\d+) kB", status.read()).group(1))
        program.stdin.close()
        assert program.wait() == 0, program.stderr.read()
        assert sink.received == size
    return peak


def test_a_long_stream_needs_no_more_memory_than_a_short_one(person):
    short, long = (peak_of_a_stream(person, count * MEBIBYTE) for count in (64, 512))
    assert long - short < 8 * 1024 and long < 64 * 1024, (short, long)


def test_a_stream_needs_no_file_where_there_is_no_room_for_one(person, store, bucket, tmp_path):
    body = os.urandom(40 * MEBIBYTE)
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m", "none", small], check=True)
    try:
        for folder in (small, tmp_path / "none"):
            run(person, "put", "-", f"s3://{bucket}/k", input=body, env={"TMPDIR": str(folder)})
            assert store.get(bucket, "k") == body
    finally:
        subprocess.run(["umount", small], check=True)


def keeper(store, bucket, key, send):
    """Answers about an object as the real server does, with the body that `send` makes of it."""
    body = store.get(bucket, key)
    facts = store.s3.head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
    headers = {
        "ETag": facts["ETag"],
        "Last-Modified": "Sun, 01 Nov 2026 00:00:00 GMT",
        "x-amz-checksum-crc64nvme": facts["ChecksumCRC64NVME"],
        "x-amz-checksum-type": "FULL_OBJECT",
    }

    def answer(method, path, query, asked):
        if method == "HEAD":
            return Answer(headers={**headers, "Content-Length": str(len(body))})
        return send(body, dict(headers), asked)

    return Scripted(answer)


def test_damage_on_the_way_to_standard_output_is_an_error_after_the_bytes(person, store, bucket):
    body = os.urandom(3_000_000)
    run(person, "put", "-", f"s3://{bucket}/k", input=body)
    damaged = bytearray(body)
    damaged[1_000_000] ^= 1
    with keeper(store, bucket, "k", lambda _, headers, __: Answer(200, bytes(damaged), headers)) as bad:
        done = run(person, "get", f"s3://{bucket}/k", "-", "--endpoint-url", bad.endpoint, status=1)
    assert done.stdout == damaged
    assert b"damaged" in done.stderr and b"crc64nvme:" in done.stderr


def test_a_broken_connection_goes_on_where_it_broke(person, store, bucket):
    body = os.urandom(9_000_000)
    run(person, "put", "-", f"s3://{bucket}/k", input=body)
    ranges = []

    def send(body, headers, asked):
        ranges.append(asked.get("Range"))
        assert asked["If-Match"] == headers["ETag"]
        if asked.get("Range") is None:
            return Answer(200, body, headers, cut=4_000_000)
        first, last = map(int, re.fullmatch(r"bytes=(\d+)-(\d+)", asked["Range"]).groups())
        headers["Content-Range"] = f"bytes {first}-{last}/{len(body)}"
        return Answer(206, body[first : last + 1], headers)

    with keeper(store, bucket, "k", send) as weak:
        done = run(person, "get", f"s3://{bucket}/k", "-", "--endpoint-url", weak.endpoint)
    assert done.stdout == body
    assert ranges == [None, f"bytes=4000000-{len(body) - 1}"]


def test_a_stream_that_is_sent_again_says_so_until_its_first_byte(person, proxy, store, bucket):
    store.put(bucket, "k", b"first\nsecond\n")
    proxy.refuse(503, "SlowDown", operation="GetObject")
    again = proxy.hold("request", operation="GetObject", skip=1)
    # The rest does not come for minutes; nobody waits for an answer any more.
    proxy.change(lambda answer: setattr(answer, "paces", [(5, 600)]), operation="GetObject")
    shell = person.shell()
    shell.type(f"pail cat s3://{bucket}/k > kept\n")
    again.wait()
    shell.wait_for("retrying 2/6: SlowDown")
    again.release()
    shell.wait_gone("retrying")
    shell.wait_until(lambda: (person.work / "kept").read_bytes() == b"first", "the first bytes")
    assert shell.text.count("ready>") == 1
    shell.press("^c")
    shell.wait_until(lambda: shell.text.count("ready>") == 2, "the end of the command")
    shell.type("exit\n")
    shell.wait_exit()


def test_a_stream_that_breaks_off_says_so_until_it_goes_on(person, proxy, store, bucket):
    store.put(bucket, "k", b"first\nsecond\n")

    def shorten(answer):
        answer.length, answer.body = len(answer.body), answer.body[:5]

    proxy.change(shorten, operation="GetObject")
    again = proxy.hold("request", operation="GetObject", skip=1)
    shell = person.shell()
    shell.type(f"pail cat s3://{bucket}/k > kept\n")
    again.wait()
    shell.wait_for("retrying 2/6: ConnectionLost")
    again.release()
    shell.wait_until(lambda: shell.text.count("ready>") == 2, "the end of the command")
    assert "retrying" not in shell.text
    assert (person.work / "kept").read_bytes() == b"first\nsecond\n"
    shell.type("exit\n")
    shell.wait_exit()


def test_what_is_said_of_a_stream_spoils_nothing_of_it(person, proxy, store, bucket):
    store.put(bucket, "k", b"first\nsecond\n")
    answers = iter([(5, 0), (3, 600)])

    def change(answer):
        count, silence = next(answers)
        if silence:
            answer.paces = [(count, silence)]
        else:
            answer.length, answer.body = len(answer.body), answer.body[:count]

    for skip in (0, 2):
        proxy.refuse(503, "SlowDown", operation="GetObject", skip=skip)
    first, second = (proxy.hold("request", operation="GetObject", skip=skip) for skip in (1, 3))
    proxy.change(change, operation="GetObject", times=0)
    terminal = person.open("cat", f"s3://{bucket}/k")
    first.wait()
    terminal.wait_for("retrying 2/6: SlowDown")
    first.release()
    # The line breaks in the middle of a line, and the next attempt is refused once.
    second.wait()
    terminal.wait_until(
        lambda: terminal.lines[:2] == ["first", "retrying 2/6: SlowDown"], "both, each on its line")
    second.release()
    terminal.wait_for("se")
    assert terminal.lines[0] == "first" and "retrying" not in terminal.text
    terminal.press("^c")
    assert terminal.wait_exit() == 130
    assert terminal.lines[0] == "first"


def test_a_pipe_that_is_closed_early_ends_quietly(person, store, bucket):
    store.put(bucket, "k", b"line\n" * 2_000_000)
    program = start(person, "cat", f"s3://{bucket}/k")
    assert program.stdout.read(5) == b"line\n"
    program.stdout.close()
    assert program.wait(timeout=20) == -signal.SIGPIPE
    assert program.stderr.read() == b""


def test_what_is_no_file_is_never_replaced(person, store, bucket):
    store.put(bucket, "k", b"body")
    os.mkfifo(person.work / "pipe")
    done = run(person, "get", f"s3://{bucket}/k", "pipe", status=1)
    assert b"pipe is not a regular file" in done.stderr and b"pail get" in done.stderr
    assert (person.work / "pipe").is_fifo()
    dry = run(person, "get", "--dry-run", f"s3://{bucket}/k", "pipe", status=1)
    assert dry.stdout == b"" and b"pipe is not a regular file" in dry.stderr


@pytest.mark.parametrize("link", ["/proc/self/fd/2", "/dev/fd/2", "other"])
def test_a_link_to_a_stream_is_never_replaced(person, store, bucket, link):
    store.put(bucket, "k", b"body")
    (person.work / "other").symlink_to("/proc/self/fd/2")
    (person.work / "stderr").symlink_to(link)
    for dry in ([], ["--dry-run"]):
        # The stream is a regular file, which a link may lead to elsewhere.
        with open(person.work / "log", "wb") as log:
            done = subprocess.run(
                [person.binary, "get", *dry, f"s3://{bucket}/k", "stderr"], cwd=person.work,
                env=person.env, stdout=subprocess.PIPE, stderr=log, timeout=60,
            )  # fmt: skip
        assert (done.returncode, done.stdout) == (1, b"")
        said = (person.work / "log").read_text()
        assert "stderr is not a regular file" in said and "pail get … - > FILE" in said
    assert os.readlink(person.work / "stderr") == link
    (person.work / "log.link").symlink_to("log")
    run(person, "get", f"s3://{bucket}/k", "log.link")
    assert (person.work / "log.link").read_bytes() == b"body" and b"body" not in (person.work / "log").read_bytes()
    named = run(person, "get", f"s3://{bucket}/k", "/dev/fd/1", status=1)
    assert b"/dev/fd/1 is not a regular file" in named.stderr
