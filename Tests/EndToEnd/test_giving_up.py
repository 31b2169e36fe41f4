"""Trouble that does not pass, and what only looks like it: each ends in time, with its reason.

PAIL_RETRY_FOR and PAIL_STALL_TIMEOUT shorten what a person would wait for.
"""

import gzip
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import Moto
from keyspace import Keyspace
from proxy import Proxy
from scripted import Answer, Scripted
from test_faults import LARGE, MEBIBYTE, SMALL, outcomes
from test_resuming import KEPT_SIZE, ended, pieces, start, unfinished
from test_transfers import upload

SOON = {"PAIL_RETRY_FOR": "1s"}


def fails(person, *arguments):
    done = person.run(*arguments, env=SOON)
    assert done.returncode == 1, done.stderr.decode()
    return done.stderr.decode()


def resume_without_repetition(person, proxy, operation):
    """Nothing that arrived moves again."""
    arrived = set(pieces(proxy, operation, "delivered"))
    assert arrived
    proxy.clear()
    before = len(proxy.operations)
    resumed = person.run("transfers", "resume")
    assert resumed.returncode == 0, resumed.stderr
    assert not arrived & set(pieces(proxy, operation, "request", before))


@pytest.mark.parametrize(
    "operation, status, code",
    [
        ("UploadPart", 503, "SlowDown"),
        ("CompleteMultipartUpload", 503, "SlowDown"),
        # A success whose body says otherwise.
        ("CompleteMultipartUpload", 200, "InternalError"),
    ],
)
def test_a_server_that_stays_busy_ends_an_upload_that_can_be_resumed(
    person, proxy, store, bucket, operation, status, code
):
    body = os.urandom(LARGE)
    source = person.file("film.bin", body)
    skip = 1 if operation == "UploadPart" else 0
    proxy.refuse(status, code, operation=operation, skip=skip, times=0)
    message = fails(person, "put", source, f"s3://{bucket}/film.bin")
    assert code in message and "pail transfers resume" in message
    assert store.keys(bucket) == []
    (left,) = unfinished(person)
    assert left["state"] == "stopped" and left["key"] == "film.bin"
    resume_without_repetition(person, proxy, "UploadPart")
    assert store.get(bucket, "film.bin") == body
    assert unfinished(person) == [] and store.uploads(bucket) == []


@pytest.mark.parametrize("size", [40, LARGE])
def test_a_server_that_stays_busy_ends_what_it_never_took(person, proxy, store, bucket, size):
    source = person.file("film.bin", os.urandom(size))
    for operation in ("PutObject", "CreateMultipartUpload", "GetObject", "HeadObject"):
        proxy.refuse(503, "SlowDown", operation=operation, times=0)
    assert "SlowDown" in fails(person, "put", source, f"s3://{bucket}/film.bin")
    assert store.keys(bucket) == [] and store.uploads(bucket) == []
    assert "done" not in [outcome for _, outcome in outcomes(person)]
    store.put(bucket, "other.bin", os.urandom(size))
    message = fails(person, "get", f"s3://{bucket}/other.bin")
    assert "SlowDown" in message or "503" in message or "ServiceUnavailable" in message
    assert list(person.downloads.iterdir()) == []


@pytest.mark.parametrize("size", [LARGE, KEPT_SIZE])
def test_a_server_that_stays_busy_midway_ends_a_download(person, proxy, store, bucket, size):
    body = os.urandom(size)
    store.put(bucket, "film.bin", body)
    proxy.refuse(503, "SlowDown", operation="GetObject", skip=2, times=0)
    message = fails(person, "get", f"s3://{bucket}/film.bin")
    assert "SlowDown" in message
    assert "pail transfers resume" in message
    resume_without_repetition(person, proxy, "GetObject")
    assert [path.name for path in person.downloads.iterdir()] == ["film.bin"]
    assert (person.downloads / "film.bin").read_bytes() == body


def breaks_off(answer):
    answer.length, answer.body = len(answer.body), answer.body[: len(answer.body) // 2]
    answer.resets = True


def test_a_server_that_fails_now_and_then_ends_no_stream(person, proxy, store, bucket):
    body = os.urandom(LARGE)
    store.put(bucket, "film.bin", body)
    proxy.change(breaks_off, operation="GetObject", times=3)
    # After each of those answers, as often as a request is sent in one go.
    for skip in (1, 8, 15):
        proxy.refuse(500, "InternalError", operation="GetObject", skip=skip, times=6)
    done = person.run("cat", f"s3://{bucket}/film.bin")
    assert done.returncode == 0, done.stderr
    assert done.stdout == body


def test_a_server_that_is_busy_for_a_while_ends_no_stream(person, proxy, store, bucket):
    body = os.urandom(LARGE)
    store.put(bucket, "film.bin", body)
    proxy.change(breaks_off, operation="GetObject")
    # More often than a request is sent in one go.
    proxy.refuse(503, "SlowDown", operation="GetObject", skip=1, times=8)
    done = person.run("cat", f"s3://{bucket}/film.bin")
    assert done.returncode == 0, done.stderr
    assert done.stdout == body
    proxy.clear()
    proxy.refuse(503, "SlowDown", operation="GetObject", times=0)
    message = fails(person, "cat", f"s3://{bucket}/film.bin")
    assert "SlowDown" in message


def test_a_folder_meets_a_server_that_stays_busy(person, proxy, store, bucket):
    for number in range(20):
        person.file(f"many/{number:02}", b"x" * 100)
    proxy.refuse(503, "SlowDown", operation="PutObject", skip=5, times=0)
    message = fails(person, "put", "-r", "many", f"s3://{bucket}/")
    assert "SlowDown" in message and "pail transfers resume" in message
    assert 1 <= len(store.keys(bucket)) < 20
    proxy.clear()
    resumed = person.run("transfers", "resume")
    assert resumed.returncode == 0, resumed.stderr
    assert len(store.keys(bucket)) == 20


@pytest.fixture
def renewing(person, new_bucket):
    """moto, which takes any keys, and a program that gives new ones each time it is asked."""
    moto = Moto(new_bucket("box", create=False))
    asked = person.home / "asked"
    program = person.home / "keys.py"
    program.write_text(
        "import json, pathlib\n"
        f"asked = pathlib.Path({str(asked)!r})\n"
        "count = len(asked.read_text()) + 1 if asked.exists() else 1\n"
        "asked.write_text('x' * count)\n"
        "print(json.dumps({'Version': 1, 'AccessKeyId': f'KEY{count}', 'SecretAccessKey': 's',\n"
        "    'SessionToken': f'token{count}', 'Expiration': '2099-01-01T00:00:00Z'}))\n"
    )
    (person.work / ".env").unlink()
    folder = person.home / ".aws"
    folder.mkdir()
    (folder / "config").write_text(
        f"[default]\nregion = us-east-1\ncredential_process = {sys.executable} {program}\n"
    )
    with Proxy(moto.endpoint) as proxy:
        person.env["AWS_ENDPOINT_URL"] = proxy.endpoint
        yield moto, proxy, lambda: len(asked.read_text())


# By key, what is there before.
MANY = {f"many/{number:02}": b"%02d" % number * 50 for number in range(20)}


def expected(made, film):
    """What a command makes: a copy of each of many, or of the film."""
    if not made.endswith("/"):
        return {made: film}
    return {name.replace("many/", made): body for name, body in MANY.items()}


@pytest.mark.parametrize(
    "operation, skip, command, made",
    [
        ("UploadPart", 1, "put film.bin s3://{}/new/film", "new/film"),
        ("CompleteMultipartUpload", 0, "put film.bin s3://{}/new/film", "new/film"),
        ("PutObject", 3, "put -r many s3://{}/new/", "new/"),
        ("GetObject", 1, "get s3://{}/film got/", "got/film"),
        ("GetObject", 3, "get -r s3://{}/many/ got", "got/"),
        ("CopyObject", 1, "cp -r s3://{}/many/ s3://{}/new/", "new/"),
        ("DeleteObjects", 0, "rm -r s3://{}/many/", None),
    ],
)
def test_keys_that_expire_midway_are_renewed_and_the_request_goes_again(
    person, renewing, operation, skip, command, made
):
    moto, proxy, asked = renewing
    film = os.urandom(LARGE)
    person.file("film.bin", film)
    for name, body in {**MANY, "film": film}.items():
        moto.s3.put_object(Bucket=moto.bucket, Key=name, Body=body)
        person.file(name, body)
    proxy.refuse(400, "ExpiredToken", operation=operation, skip=skip, times=1)
    ended(start(person, *command.replace("{}", moto.bucket).split()))
    assert asked() == 2
    statuses = [entry["status"] for entry in proxy.operations if entry["operation"] == operation]
    assert statuses.count(400) == 1
    listing = moto.s3.list_objects_v2(Bucket=moto.bucket)["Contents"]
    if operation == "DeleteObjects":
        assert [item["Key"] for item in listing] == ["film"]
    elif operation == "GetObject":
        for name, body in expected(made, film).items():
            assert (person.work / name).read_bytes() == body
        return
    else:
        for name, body in expected(made, film).items():
            assert moto.s3.get_object(Bucket=moto.bucket, Key=name)["Body"].read() == body
    assert {outcome for _, outcome in outcomes(person)} == {"done"}


def test_answers_to_head_that_give_no_reason_cost_no_new_keys(person, renewing):
    moto, proxy, asked = renewing
    moto.s3.put_object(Bucket=moto.bucket, Key="locked")
    proxy.refuse(400, "InvalidRequest", operation="HeadObject", times=0)
    assert person.run("stat", f"s3://{moto.bucket}/locked").returncode == 1
    assert asked() == 1


def test_keys_whose_source_is_in_trouble_midway_are_waited_for(person, new_bucket):
    moto = Moto(new_bucket("box", create=False))
    # Busy at first, and again when the keys have to be renewed.
    statuses = [503, 200] + [503] * 7 + [200]
    asked = []

    def lend(method, path, query, headers):
        status = statuses[len(asked)]
        asked.append(status)
        keys = {
            "AccessKeyId": "KEY", "SecretAccessKey": "s", "Token": f"token{len(asked)}",
            "Expiration": "2099-01-01T00:00:00Z",
        }
        return Answer(status, json.dumps(keys).encode() if status == 200 else b"busy")

    (person.work / ".env").unlink()
    for name, body in MANY.items():
        person.file(name, body)
    with Scripted(lend) as source, Proxy(moto.endpoint) as proxy:
        person.env["AWS_ENDPOINT_URL"] = proxy.endpoint
        person.env["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = source.endpoint
        proxy.refuse(400, "ExpiredToken", operation="PutObject", skip=3, times=1)
        ended(start(person, "put", "-r", "many", f"s3://{moto.bucket}/new/"))
    assert asked == statuses
    assert len(moto.s3.list_objects_v2(Bucket=moto.bucket)["Contents"]) == len(MANY)
    assert {outcome for _, outcome in outcomes(person)} == {"done"}
    assert {row["accessKeyID"] for row in person.changes()} == {"KEY"}


def test_keys_that_expire_between_two_pages_are_renewed_and_the_page_is_asked_for_again(
    person, renewing
):
    _, _, asked = renewing
    with Keyspace(5_000) as server, Proxy(server.endpoint) as proxy:
        person.env["AWS_ENDPOINT_URL"] = proxy.endpoint
        proxy.refuse(400, "ExpiredToken", operation="ListObjectsV2", skip=2, times=1)
        listed = person.run("ls", "-r", "-0", "s3://box")
        assert listed.returncode == 0, listed.stderr
        assert listed.stdout.decode().split("\0")[:-1] == list(server.keys)
    assert asked() == 2


def test_keys_that_stay_expired_end_an_upload_that_can_be_resumed(person, renewing):
    moto, proxy, asked = renewing
    body = os.urandom(LARGE)
    source = person.file("film.bin", body)
    proxy.refuse(400, "ExpiredToken", operation="UploadPart", skip=1, times=0)
    message = fails(person, "put", source, f"s3://{moto.bucket}/film.bin")
    assert "ExpiredToken" in message and "pail transfers resume" in message
    # Each part once with the keys that were there, and at most once with new ones.
    assert proxy.names().count("UploadPart") <= 5 and asked() <= 3
    proxy.clear()
    resumed = person.run("transfers", "resume")
    assert resumed.returncode == 0, resumed.stderr
    assert moto.s3.get_object(Bucket=moto.bucket, Key="film.bin")["Body"].read() == body


@pytest.mark.parametrize("operation", ["UploadPart", "GetObject"])
def test_a_request_that_nobody_answers_is_given_up_and_sent_again(
    person, proxy, store, bucket, operation
):
    person.env["PAIL_STALL_TIMEOUT"] = "1s"
    body = os.urandom(LARGE)
    source = person.file("film.bin", body)
    if operation == "GetObject":
        store.put(bucket, "film.bin", body)
    hold = proxy.hold("request", operation=operation, skip=1)
    if operation == "UploadPart":
        program = start(person, "put", source, f"s3://{bucket}/film.bin")
    else:
        program = start(person, "get", f"s3://{bucket}/film.bin")
    hold.wait()
    ended(program)
    hold.drop()
    assert proxy.names().count(operation) == 4
    if operation == "UploadPart":
        assert store.get(bucket, "film.bin") == body
    else:
        assert (person.downloads / "film.bin").read_bytes() == body


@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_a_body_that_stands_still_midway_is_fetched_again(person, proxy, store, bucket, size):
    person.env["PAIL_STALL_TIMEOUT"] = "1s"
    body = os.urandom(size)
    store.put(bucket, "film.bin", body)

    def stands_still(answer):
        answer.paces = [(len(answer.body) // 2, 600)]

    proxy.change(stands_still, operation="GetObject")
    ended(start(person, "get", f"s3://{bucket}/film.bin"))
    assert (person.downloads / "film.bin").read_bytes() == body


def test_a_body_that_comes_slowly_and_steadily_is_no_stall(person, proxy, store, bucket):
    body = os.urandom(100_000)
    store.put(bucket, "film.bin", body)

    def is_slow(answer):
        answer.paces = [(5_000, 0.25)] * 19

    # Every answer is, so that none comes whole for who gives up on them.
    proxy.change(is_slow, operation="GetObject", times=0)
    env = {"PAIL_STALL_TIMEOUT": "2s", **SOON}
    done = person.run("get", f"s3://{bucket}/film.bin", env=env)
    assert done.returncode == 0, done.stderr
    assert (person.downloads / "film.bin").read_bytes() == body


def test_blanks_before_the_answer_to_the_completion_are_waited_out(person, proxy, store, bucket):
    body = os.urandom(LARGE)
    source = person.file("film.bin", body)

    def is_late(answer):
        answer.body = b" " * 10 + answer.body
        answer.paces = [(1, 0.2)] * 10

    proxy.change(is_late, operation="CompleteMultipartUpload", times=0)
    ended(start(person, "put", source, f"s3://{bucket}/film.bin"))
    assert proxy.names().count("CompleteMultipartUpload") == 1
    assert store.get(bucket, "film.bin") == body


def test_what_may_not_be_read_is_told_and_the_rest_goes_up(
    person, store, bucket, bound_by_permissions
):
    for name in ("a.txt", "secret.txt", "closed/d.txt", "sub/c.txt"):
        person.file(f"tree/{name}", b"1")
    unreadable = [person.work / "tree" / name for name in ("secret.txt", "closed")]
    for path in unreadable:
        path.chmod(0)
    try:
        message = fails(person, "put", "-r", "tree", f"s3://{bucket}/p/")
        for path in ("tree/secret.txt", "tree/closed"):
            assert f"{path}: Permission denied" in message
        assert store.keys(bucket) == ["p/a.txt", "p/sub/c.txt"] and unfinished(person) == []

        browser = person.browse(f"s3://{bucket}")
        upload(browser, "tree")
        browser.wait_for("failed: 2 of 4 could not be uploaded")
        browser.press("E")
        # A long path leaves the reason, or half of it, to the next line.
        for name in ("secret.txt", "closed"):
            browser.wait_for(f"tree/{name}:")
        assert "Permission" in browser.text and "denied" in browser.text
        assert store.keys(bucket, "tree/") == ["tree/a.txt", "tree/sub/c.txt"]
    finally:
        for path in unreadable:
            path.chmod(0o700)


@pytest.fixture
def read_only_folder(tmp_path):
    """Where nobody can write, not even root."""
    folder = tmp_path / "read-only"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "none", folder], check=True)
    yield folder
    subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize("size", [40, LARGE])
def test_a_destination_that_cannot_be_written_is_named_before_anything_is_fetched(
    person, proxy, store, bucket, read_only_folder, size
):
    store.put(bucket, "p/film.bin", os.urandom(size))
    message = fails(person, "get", f"s3://{bucket}/p/film.bin", read_only_folder)
    assert str(read_only_folder) in message and "ead-only" in message
    message = fails(person, "get", "-r", f"s3://{bucket}/p/", read_only_folder)
    assert str(read_only_folder) in message and "ead-only" in message
    # What fits into memory comes in the one request that also tells what it is.
    assert size == 40 or "GetObject" not in proxy.names()
    assert unfinished(person) == []


@pytest.mark.parametrize("size", [40, SMALL, LARGE])
def test_a_disk_that_fills_up_leaves_nothing(person, store, bucket, tmp_path, size):
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "none", small], check=True)
    try:
        with open(small / "other", "wb") as other:
            other.write(b"x" * (16 * MEBIBYTE))
        store.put(bucket, "film.bin", os.urandom(size))
        message = fails(person, "get", f"s3://{bucket}/film.bin", small / "film.bin")
        assert "space" in message.lower()
        assert [path.name for path in small.iterdir()] == ["other"]
    finally:
        subprocess.run(["umount", small], check=True)


# More than are under way at a time.
MANY_MORE = 500


@pytest.fixture
def many_more(store, bucket):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda each: store.put(bucket, f"p/{each:03}", b"x" * 5000), range(MANY_MORE)))


def test_a_disk_that_fills_up_ends_a_download_of_many_soon(
    person, proxy, bucket, tmp_path, many_more
):
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", small], check=True)
    try:
        message = fails(person, "get", "-r", f"s3://{bucket}/p/", small)
        assert "No space left" in message and message.count("\n") < MANY_MORE // 4
        assert proxy.names().count("GetObject") < MANY_MORE
        assert not [path.name for path in small.iterdir() if path.name.startswith(".pail-")]
        assert "pail transfers resume" in message
        subprocess.run(["mount", "-o", "remount,size=16m", small], check=True)
        resumed = person.run("transfers", "resume")
        assert resumed.returncode == 0, resumed.stderr
        assert len(list(small.iterdir())) == MANY_MORE
    finally:
        subprocess.run(["umount", small], check=True)


def test_a_folder_that_may_not_be_written_ends_a_download_of_many_soon(
    person, bucket, bound_by_permissions, many_more
):
    closed = person.work / "closed"
    closed.mkdir(mode=0o500)
    message = fails(person, "get", "-r", f"s3://{bucket}/p/", closed)
    assert "Permission denied" in message and message.count("\n") < MANY_MORE // 2


def test_a_folder_below_that_may_not_be_written_ends_nothing_else(
    person, store, bucket, bound_by_permissions, many_more
):
    store.put(bucket, "p/000closed/a", b"1")
    (person.work / "got/000closed").mkdir(parents=True)
    (person.work / "got/000closed").chmod(0o500)
    message = fails(person, "get", "-r", f"s3://{bucket}/p/", "got")
    assert "000closed/a" in message
    assert len(list((person.work / "got").iterdir())) == MANY_MORE + 1


def test_bytes_come_as_they_are_stored_and_no_header_chooses_the_name(person, store, bucket):
    body = gzip.compress(b"text " * 1000)
    store.put(
        bucket,
        "notes.txt",
        body,
        ContentEncoding="gzip",
        ContentDisposition='attachment; filename="../../other.txt"',
    )
    line = json.loads(person.run("get", "--json", f"s3://{bucket}/notes.txt").stdout)
    assert line["verified"] is True
    assert [path.name for path in person.downloads.iterdir()] == ["notes.txt"]
    assert (person.downloads / "notes.txt").read_bytes() == body
