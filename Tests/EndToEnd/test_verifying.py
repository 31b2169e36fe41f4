"""Downloads of what other tools stored, with bytes that change on the way.

Each kind of checksum that boto3 can leave, of one piece and of parts, on both servers: a byte that
is flipped once is found and fetched again; one that is flipped every time never gets a file's name.
"""

import base64
import json
import os
import struct
import zlib

import pytest
from conftest import Moto
from proxy import Proxy

MEBIBYTE = 1 << 20
PART = 6 * MEBIBYTE
# Above 16 MiB an object comes in ranges, below in one answer.
LARGE = 17 * MEBIBYTE + 5
FLIPPED = 7 * MEBIBYTE + 3

# moto knows no CRC64NVME, and CRC32C only with a package of its own.
SINGLE = [
    *(("seaweedfs", name) for name in (None, "CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256")),
    *(("moto", name) for name in (None, "CRC32", "SHA256")),
]
PARTS = [
    ("seaweedfs", None, None),
    ("seaweedfs", "CRC32", "COMPOSITE"),
    ("seaweedfs", "CRC32", "FULL_OBJECT"),
    ("seaweedfs", "CRC32C", "COMPOSITE"),
    ("seaweedfs", "CRC32C", "FULL_OBJECT"),
    ("seaweedfs", "CRC64NVME", "FULL_OBJECT"),
    ("seaweedfs", "SHA1", "COMPOSITE"),
    ("seaweedfs", "SHA256", "COMPOSITE"),
    ("moto", None, None),
    ("moto", "CRC32", "COMPOSITE"),
    ("moto", "CRC32", "FULL_OBJECT"),
    ("moto", "SHA1", "COMPOSITE"),
]


@pytest.fixture(scope="module")
def body():
    return os.urandom(LARGE)


@pytest.fixture
def place(server, store, new_bucket, person):
    """A bucket on one of the servers, its client, and the proxy before it."""
    if server == "moto":
        moto = Moto(new_bucket("verify", create=False))
        s3, bucket, endpoint = moto.s3, moto.bucket, moto.endpoint
    else:
        bucket = new_bucket("verify")
        s3, endpoint = store.s3, store.endpoint
    with Proxy(endpoint) as between:
        person.write_env(endpoint=between.endpoint)
        yield s3, bucket, between


def put_single(s3, bucket, key, body, algorithm):
    more = {"ChecksumAlgorithm": algorithm} if algorithm else {}
    s3.meta.config.request_checksum_calculation = "when_required"
    s3.put_object(Bucket=bucket, Key=key, Body=body, **more)


def put_parts(s3, bucket, key, body, algorithm, kind):
    s3.meta.config.request_checksum_calculation = "when_required"
    begin = {"ChecksumAlgorithm": algorithm, "ChecksumType": kind} if algorithm else {}
    each = {"ChecksumAlgorithm": algorithm} if algorithm else {}
    upload = s3.create_multipart_upload(Bucket=bucket, Key=key, **begin)["UploadId"]
    parts = []
    for number, start in enumerate(range(0, len(body), PART), 1):
        answer = s3.upload_part(
            Bucket=bucket,
            Key=key,
            UploadId=upload,
            PartNumber=number,
            Body=body[start : start + PART],
            **each,
        )
        part = {"PartNumber": number, "ETag": answer["ETag"]}
        if kind == "COMPOSITE":
            part[f"Checksum{algorithm}"] = answer[f"Checksum{algorithm}"]
        parts.append(part)
    s3.complete_multipart_upload(
        Bucket=bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": parts}
    )


def get(person, bucket, key, *more, status=0):
    done = person.run("get", f"s3://{bucket}/{key}", "--json", *more)
    assert done.returncode == status, done.stderr.decode()
    return done


def assert_once_is_healed(person, place, key, body, offset):
    s3, bucket, proxy = place
    flips = proxy.flip(offset, key=f"{key}".encode())
    line = json.loads(get(person, bucket, key).stdout)
    assert line["verified"] is True, line
    assert flips.seen == 2
    assert (person.downloads / key).read_bytes() == body
    assert [path.name for path in person.downloads.iterdir()] == [key]
    (person.downloads / key).unlink()
    proxy.clear()


def assert_always_fails(person, place, key, offset, algorithm):
    s3, bucket, proxy = place
    flips = proxy.flip(offset, key=key.encode(), times=0)
    if algorithm is None:
        # That the ETags of this server are MD5s is seen by another object.
        put_single(s3, bucket, "clean.bin", b"clean", None)
    done = get(person, bucket, key, status=1)
    assert not (person.downloads / key).exists()
    assert flips.seen == 2
    message = done.stderr.decode()
    assert "damaged" in message
    assert message.count(f"{(algorithm or 'MD5').lower()}:") >= 2


@pytest.mark.parametrize(("server", "algorithm"), SINGLE)
def test_a_flipped_byte_of_an_object_in_one_piece(person, place, body, algorithm):
    s3, bucket, proxy = place
    put_single(s3, bucket, "single.bin", body[: 3 * MEBIBYTE], algorithm)
    assert_once_is_healed(person, place, "single.bin", body[: 3 * MEBIBYTE], MEBIBYTE)
    assert_always_fails(person, place, "single.bin", MEBIBYTE, algorithm)


@pytest.mark.parametrize(("server", "algorithm", "kind"), PARTS)
def test_a_flipped_byte_of_an_object_in_parts(person, place, body, algorithm, kind):
    s3, bucket, proxy = place
    put_parts(s3, bucket, "parts.bin", body, algorithm, kind)
    assert_once_is_healed(person, place, "parts.bin", body, FLIPPED)
    assert_always_fails(person, place, "parts.bin", FLIPPED, algorithm)


def tells_parts(body):
    """Has an answer about a part tell its checksum, as Amazon S3 does and SeaweedFS does not."""

    def change(answer):
        place = answer.fields.get("content-range")
        if place is None:
            return
        first, last = map(int, place.removeprefix("bytes ").split("/")[0].split("-"))
        value = struct.pack(">I", zlib.crc32(body[first : last + 1]))
        answer.fields["x-amz-checksum-crc32"] = base64.b64encode(value).decode()

    return change


@pytest.mark.parametrize(
    ("server", "algorithm", "kind", "again"),
    [
        # Ranges end where parts end; the byte is in the second of three.
        ("seaweedfs", "CRC32", "COMPOSITE", 1),
        # Ranges are of 8 MiB, and two of three have bytes of the second part.
        ("seaweedfs", "CRC32", "FULL_OBJECT", 2),
        # The ETag of a part is its MD5.
        ("moto", None, None, 1),
    ],
)
def test_only_what_is_damaged_is_fetched_again(person, place, body, algorithm, kind, again):
    s3, bucket, proxy = place
    put_parts(s3, bucket, "parts.bin", body, algorithm, kind)
    if algorithm is None:
        # That the ETags of this server are MD5s is seen by another object.
        put_single(s3, bucket, "clean.bin", b"clean", None)
    else:
        proxy.change(tells_parts(body), operation="HeadObject", times=0)
    flips = proxy.flip(FLIPPED, key=b"parts.bin")
    line = json.loads(get(person, bucket, "parts.bin").stdout)
    assert line["verified"] is True, line
    assert (person.downloads / "parts.bin").read_bytes() == body
    assert flips.seen == 2
    ranges = [
        entry
        for entry in proxy.operations
        if entry["operation"] == "GetObject" and entry["key"] == "parts.bin"
    ]
    assert len(ranges) == 3 + again


@pytest.mark.parametrize(
    ("server", "algorithm", "kind"),
    [("seaweedfs", None, None), ("seaweedfs", "SHA256", "COMPOSITE"), ("moto", None, None)],
)
def test_parts_of_what_comes_in_one_answer(person, place, body, algorithm, kind):
    s3, bucket, proxy = place
    put_parts(s3, bucket, "parts.bin", body[: 13 * MEBIBYTE], algorithm, kind)
    line = json.loads(get(person, bucket, "parts.bin").stdout)
    assert line["verified"] is True
    # The usual sizes of parts do without a question.
    assert proxy.names().count("GetObject") == 1
    (person.downloads / "parts.bin").unlink()
    assert_once_is_healed(person, place, "parts.bin", body[: 13 * MEBIBYTE], FLIPPED)


def test_what_cannot_be_verified_is_said(person, proxy, store, bucket):
    store.put(bucket, "plain.bin", b"bytes")

    def nothing_known(answer):
        for name in list(answer.fields):
            if name == "etag" or name.startswith("x-amz-checksum"):
                del answer.fields[name]

    # An answer without an ETag is of no store that has told one before.
    for operation in ("HeadObject", "GetObject"):
        proxy.change(nothing_known, operation=operation, times=0)
    line = json.loads(get(person, bucket, "plain.bin").stdout)
    assert line["verified"] is False and "no checksum" in line["verification"]
    done = person.run("get", f"s3://{bucket}/plain.bin")
    assert done.returncode == 0 and b"not verified" in done.stderr
    done = person.run("get", "--quiet", f"s3://{bucket}/plain.bin")
    assert done.returncode == 0 and b"not verified" in done.stderr


def answers_whole(answer):
    answer.status = 200
    answer.fields.pop("content-range", None)


def answers_elsewhere(answer):
    length = len(answer.body)
    answer.fields["content-range"] = f"bytes 1-{length}/{LARGE}"


def answers_another_etag(answer):
    answer.fields["etag"] = '"00000000000000000000000000000000"'


def answers_no_etag(answer):
    del answer.fields["etag"]


def promises_more(answer):
    answer.length = len(answer.body) + 10


def sends_more(answer):
    answer.body += b"x" * 10
    answer.length = len(answer.body)


@pytest.mark.parametrize(
    "change",
    [
        answers_whole, answers_elsewhere, answers_another_etag, answers_no_etag, promises_more,
        sends_more,
    ],
)
def test_a_range_that_is_answered_otherwise_never_gets_into_a_file(
    person, proxy, store, bucket, body, change
):
    store.put(bucket, "large.bin", body)
    proxy.change(change, operation="GetObject", skip=1, times=0)
    done = get(person, bucket, "large.bin", status=1)
    assert done.stderr
    assert not (person.downloads / "large.bin").exists()


def test_an_object_replaced_midway_is_noticed(person, proxy, store, bucket, body):
    store.put(bucket, "large.bin", body)

    def replace(answer):
        store.put(bucket, "large.bin", body[::-1])

    proxy.change(replace, operation="HeadObject", times=1)
    done = get(person, bucket, "large.bin", status=1)
    assert b"changed" in done.stderr
    assert not (person.downloads / "large.bin").exists()
