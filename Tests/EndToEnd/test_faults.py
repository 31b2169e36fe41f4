"""What a bad line does to a transfer: once is healed, always is told, and nothing wrong is kept."""

import os

import pytest
from conftest import Moto
from proxy import Proxy
from test_background import wait_until
from test_resuming import KEPT_SIZE, ended, pieces, start

MEBIBYTE = 1 << 20
SMALL = 3 * MEBIBYTE + 1
# Above 16 MiB an object goes in parts and ranges.
LARGE = 17 * MEBIBYTE + 5
ONE_ANSWER = pytest.mark.parametrize("size", [40, SMALL])
SIZES = pytest.mark.parametrize("size", [40, SMALL, LARGE])


def run(person, *arguments, status=0):
    done = person.run(*arguments)
    assert done.returncode == status, done.stderr.decode()
    return done.stderr.decode()


def outcomes(person):
    return [(row["action"], row["outcome"]) for row in person.changes()]


def is_cut_short(answer):
    answer.length = len(answer.body)
    answer.body = answer.body[: len(answer.body) // 2]


def is_reset(answer):
    is_cut_short(answer)
    answer.resets = True


@SIZES
@pytest.mark.parametrize("fault", [is_cut_short, is_reset])
def test_a_body_that_breaks_off_is_fetched_again(person, proxy, store, bucket, size, fault):
    body = os.urandom(size)
    store.put(bucket, "film.bin", body)
    proxy.change(fault, operation="GetObject", times=2)
    run(person, "get", f"s3://{bucket}/film.bin")
    assert (person.downloads / "film.bin").read_bytes() == body
    assert len(list(person.downloads.iterdir())) == 1


def is_too_long(answer):
    answer.body += b"more"


@ONE_ANSWER
@pytest.mark.parametrize("fault", [is_cut_short, is_reset, is_too_long])
def test_a_body_that_never_comes_whole_never_gets_a_name(
    person, proxy, store, bucket, size, fault
):
    store.put(bucket, "film.bin", os.urandom(size))
    proxy.change(fault, operation="GetObject", times=0)
    env = {"PAIL_RETRY_FOR": "1s"}
    done = person.run("get", f"s3://{bucket}/film.bin", env=env)
    assert done.returncode == 1 and b"film.bin" in done.stderr
    assert list(person.downloads.iterdir()) == []


@SIZES
def test_a_request_that_is_reset_in_its_body_goes_again(person, proxy, store, bucket, size):
    body = os.urandom(size)
    source = person.file("film.bin", body)
    for operation in ("PutObject", "UploadPart"):
        proxy.cut(min(size // 10, 100_000), operation=operation, times=2)
    run(person, "put", source, f"s3://{bucket}/film.bin")
    assert store.get(bucket, "film.bin") == body
    assert outcomes(person) == [("upload", "done")]


@SIZES
def test_connections_that_are_dropped_at_once_are_made_again(person, proxy, store, bucket, size):
    body = os.urandom(size)
    source = person.file("film.bin", body)
    # An upload in parts that is begun twice says that the first beginning may have left something.
    proxy.reset("connection", skip=1 if size == LARGE else 0, times=2)
    run(person, "put", source, f"s3://{bucket}/film.bin")
    assert store.get(bucket, "film.bin") == body
    proxy.clear()
    proxy.reset("connection", times=2)
    run(person, "get", f"s3://{bucket}/film.bin")
    assert (person.downloads / "film.bin").read_bytes() == body


@pytest.mark.parametrize(
    "operation, status",
    [
        ("PutObject", 500),
        ("UploadPart", 500),
        ("CompleteMultipartUpload", 500),
        # A success whose body says otherwise.
        ("CompleteMultipartUpload", 200),
    ],
)
def test_an_error_of_the_server_is_asked_again(person, proxy, store, bucket, operation, status):
    body = os.urandom(40 if operation == "PutObject" else LARGE)
    source = person.file("film.bin", body)
    proxy.refuse(status, "InternalError", operation=operation, times=1)
    run(person, "put", source, f"s3://{bucket}/film.bin")
    assert store.get(bucket, "film.bin") == body
    assert outcomes(person) == [("upload", "done")]
    assert store.uploads(bucket) == []


@SIZES
@pytest.mark.parametrize("status, code", [(500, "InternalError"), (503, "SlowDown")])
def test_a_download_is_asked_for_again_after_an_error_of_the_server(
    person, proxy, store, bucket, size, status, code
):
    body = os.urandom(size)
    store.put(bucket, "film.bin", body)
    proxy.refuse(status, code, operation="GetObject", times=2)
    run(person, "get", f"s3://{bucket}/film.bin")
    assert (person.downloads / "film.bin").read_bytes() == body


def test_a_part_without_an_etag_is_sent_again(person, proxy, store, bucket):
    def without(answer):
        del answer.fields["etag"]

    body = os.urandom(LARGE)
    source = person.file("film.bin", body)
    proxy.change(without, operation="UploadPart", skip=1, times=1)
    run(person, "put", source, f"s3://{bucket}/film.bin")
    assert proxy.names().count("UploadPart") == 4
    assert store.get(bucket, "film.bin") == body


@pytest.mark.parametrize("operation", ["UploadPart", "GetObject"])
def test_one_slow_part_does_not_hold_the_others(person, proxy, store, bucket, operation):
    # More than are under way at once.
    body = os.urandom(18 * 5 * MEBIBYTE)
    source = person.file("film.bin", body)
    if operation == "GetObject":
        store.put(bucket, "film.bin", body)
        words = ["get", f"s3://{bucket}/film.bin"]
    else:
        words = ["put", source, f"s3://{bucket}/film.bin"]
    hold = proxy.hold("request", operation=operation)
    program = start(person, *words, "--part-size", "5M")

    def arrived():
        return len(pieces(proxy, operation, "delivered"))

    hold.wait()
    wait_until(lambda: arrived() == 17, "all the other parts")
    hold.release()
    ended(program)
    assert proxy.names().count(operation) == 18
    if operation == "GetObject":
        assert (person.downloads / "film.bin").read_bytes() == body
    else:
        assert store.get(bucket, "film.bin") == body


@pytest.mark.parametrize("size", [SMALL, LARGE, KEPT_SIZE])
@pytest.mark.parametrize("user", ["the same", "another"])
def test_two_processes_never_write_the_same_file(
    person, proxy, store, bucket, tmp_path, size, user
):
    body = os.urandom(size)
    store.put(bucket, "film.bin", body)
    hold = proxy.hold("answer", operation="GetObject")
    first = start(person, "get", f"s3://{bucket}/film.bin")
    hold.wait()
    # Another one has another journal.
    env = {"XDG_STATE_HOME": str(tmp_path / "other")} if user == "another" else {}
    second = person.run("get", f"s3://{bucket}/film.bin", env=env)
    assert second.returncode == 1
    said = second.stderr.decode()
    assert (
        f"{person.downloads}/film.bin is being downloaded by another transfer" in said
        or f"film.bin is under way already, in process {first.pid}" in said
    )
    assert "Wait until that is done" in said
    # The other's file is as it was.
    (part,) = person.downloads.iterdir()
    assert part.name.startswith(".pail-")
    hold.release()
    ended(first)
    assert [path.name for path in person.downloads.iterdir()] == ["film.bin"]
    assert (person.downloads / "film.bin").read_bytes() == body


def grows(path):
    with open(path, "ab") as file:
        file.write(b"more")


def shrinks(path):
    os.truncate(path, 9 * MEBIBYTE)


def is_rewritten(path):
    with open(path, "r+b") as file:
        file.write(b"others")


def is_replaced(path):
    path.with_name("new").write_bytes(b"x" * LARGE)
    path.with_name("new").rename(path)


def is_deleted(path):
    path.unlink()


@pytest.mark.parametrize("change", [grows, shrinks, is_rewritten, is_replaced, is_deleted])
def test_a_file_that_changes_during_its_upload_becomes_no_object(
    person, proxy, store, bucket, change
):
    source = person.file("film.bin", os.urandom(LARGE))

    def now(answer):
        change(source)

    # Before the first part has been answered, so that none of the others can be the last.
    proxy.change(now, operation="CreateMultipartUpload")
    message = run(person, "put", source, f"s3://{bucket}/film.bin", status=1)
    assert ("is gone" if change is is_deleted else "changed") in message and "film.bin" in message
    assert store.keys(bucket) == [] and store.uploads(bucket) == []
    assert outcomes(person) == [("upload", "failed"), ("abortUpload", "done")]


@pytest.fixture
def checksum(request, person, store, new_bucket):
    """A server by whose answers each kind of checksum is used; its client, bucket and proxy."""
    if request.param.startswith("CRC"):
        s3, bucket, endpoint = store.s3, new_bucket(), store.endpoint
    else:
        moto = Moto(new_bucket("box", create=False))
        s3, bucket, endpoint = moto.s3, moto.bucket, moto.endpoint
    with Proxy(endpoint) as proxy:
        if request.param == "MD5":
            proxy.change(shows_no_checksum, times=0)
        if request.param == "CRC32C":
            proxy.refuse(
                400, "InvalidArgument", times=0, when=lambda entry: entry["checksum"] == "crc64nvme",
                message="this checksum is not known",
            )
        person.write_env(endpoint=proxy.endpoint)
        yield s3, bucket, proxy


def shows_no_checksum(answer):
    for name in list(answer.fields):
        if name.startswith("x-amz-checksum"):
            del answer.fields[name]


# moto compares nothing and repeats what it is told, so that its ETag alone shows what it has.
@pytest.mark.parametrize("checksum", ["CRC64NVME", "CRC32C", "MD5"], indirect=True)
@pytest.mark.parametrize("operation, size", [("PutObject", SMALL), ("UploadPart", LARGE)])
def test_a_byte_that_changes_on_the_way_up_is_sent_again(
    person, checksum, operation, size, request
):
    s3, bucket, proxy = checksum
    body = os.urandom(size)
    source = person.file("film.bin", body)
    kind = {"CRC64NVME": "crc64nvme", "CRC32C": "crc32c"}.get(
        request.node.callspec.params["checksum"]
    )
    # Not of a request that is refused for its checksum.
    flips = proxy.flip_sent(
        MEBIBYTE, operation, times=1, when=lambda entry: kind in (None, entry["checksum"])
    )
    run(person, "put", source, f"s3://{bucket}/film.bin")
    assert flips.seen >= 2
    taken = [
        entry
        for entry in proxy.operations
        if entry["operation"] == operation and entry["status"] == 200
    ]
    assert kind is None or {entry["checksum"] for entry in taken} == {kind}
    assert s3.get_object(Bucket=bucket, Key="film.bin")["Body"].read() == body
    assert outcomes(person) == [("upload", "done")]


@pytest.mark.parametrize("checksum", ["MD5"], indirect=True)
def test_a_byte_that_changes_on_the_way_up_is_told_where_nothing_may_be_replaced(person, checksum):
    _, bucket, proxy = checksum
    proxy.flip_sent(100, "PutObject")
    source = person.file("film.bin", os.urandom(3000))
    said = run(person, "put", "--no-overwrite", source, f"s3://{bucket}/film.bin", status=1)
    assert "arrived damaged" in said and "over what may be there" in said
    assert outcomes(person) == [("upload", "interrupted")]


@pytest.mark.parametrize("size", [1, 20_000, 1_000_000])
def test_an_upload_whose_answer_is_lost_is_not_taken_for_somebody_elses(
    person, store, bucket, proxy, size
):
    path = person.file("f", os.urandom(size))
    # The question before it has left a connection, which libcurl would start again on by itself.
    lost = proxy.reset("answer", operation="PutObject")
    done = person.run("put", "--no-overwrite", path, f"s3://{bucket}/k")
    assert done.returncode == 0 and b"Uploaded" in done.stdout, (done.stdout, done.stderr)
    assert [row["outcome"] for row in person.changes()] == ["done"]
    assert store.get(bucket, "k") == path.read_bytes()


def test_what_a_lost_upload_may_have_stored_is_not_recorded_as_failed(person, store, bucket, proxy):
    for name in ("d/1", "d/2"):
        person.file(name, name.encode())
    proxy.reset("answer", operation="PutObject", skip=1)
    proxy.refuse(403, "AccessDenied", operation="PutObject", skip=2, times=0)
    done = person.run("put", "-r", "d", f"s3://{bucket}", "--concurrency", "1")
    assert done.returncode == 1 and store.keys(bucket) == ["1", "2"]
    assert [row["outcome"] for row in person.changes()] == ["done", "interrupted"]
