"""Stores that know less than Amazon S3: SeaweedFS behind a proxy that refuses what they refuse.

Each is met with what it does know, and asked for nothing else once it has said so.
"""

import os

import pytest
from test_transfers import MEBIBYTE

CHECKSUMS = ("x-amz-checksum", "x-amz-sdk-checksum")


def has_checksum(entry):
    return any(name.startswith(CHECKSUMS) for name in entry["names"])


def has_encoding(entry):
    return "encoding-type" in entry["query"]


def knows_no_second_listing(proxy):
    proxy.refuse(501, "NotImplemented", operation="ListObjectsV2", times=0)


def knows_no_encoding(proxy):
    proxy.refuse(400, "InvalidArgument", times=0, when=has_encoding)


def knows_no_checksums(proxy):
    proxy.refuse(400, "InvalidRequest", times=0, when=has_checksum, message="unknown x-amz-checksum")


def knows_no_deletion_of_many(proxy):
    proxy.refuse(501, "NotImplemented", operation="DeleteObjects", times=0)


def refused(proxy):
    return [entry["operation"] for entry in proxy.operations if entry["status"] in (400, 501)]


def succeeds(person, *arguments, **options):
    done = person.run(*arguments, **options)
    assert done.returncode == 0, done.stderr
    assert b"not verified" not in done.stdout + done.stderr
    return done.stdout


def test_a_store_without_the_second_listing_is_listed_by_markers(person, many, proxy):
    knows_no_second_listing(proxy)
    place = f"s3://{many.bucket}/requests/"
    listed = succeeds(person, "ls", "-r", "-0", place).split(b"\0")[:-1]
    assert [name.decode() for name in listed] == many.keys
    pages = [entry for entry in proxy.operations if entry["operation"] == "ListObjects"]
    assert len(pages) >= 5 and "marker" in pages[-1]["query"]
    # How the program found out costs one request, not one for each page.
    assert refused(proxy) == ["ListObjectsV2"]
    browser = person.browse(place)
    browser.wait_listed("00000.log")
    browser.press("G")
    browser.wait_until(lambda: browser.selected in ("00999.log", "01999.log"), "the end of a page")
    browser.press("q")
    browser.wait_exit()


def test_a_store_that_takes_the_second_listing_for_the_first_is_listed_whole(person, many, proxy):
    def older(answer):
        start, _, rest = answer.body.partition(b"<NextContinuationToken>")
        answer.body = start + rest.partition(b"</NextContinuationToken>")[2]
        answer.body = answer.body.replace(b"</Name>", b"</Name><Marker></Marker>", 1)

    proxy.change(older, operation="ListObjectsV2", times=0)
    listed = succeeds(person, "ls", "-r", "-0", f"s3://{many.bucket}/requests/").split(b"\0")[:-1]
    assert len(listed) == len(many.keys) and len(set(listed)) == len(listed)


def test_a_store_without_encoding_of_keys_is_asked_for_plain_ones(
    person, store, new_bucket, proxy
):
    bucket = new_bucket(versioned=True)
    keys = ["a b+c%41.txt", "grün/ö&<>.txt"]
    names = [key.encode() for key in keys]
    for key in keys:
        store.put(bucket, key, b"1")
    knows_no_encoding(proxy)
    assert succeeds(person, "ls", "-r", "-0", f"s3://{bucket}").split(b"\0")[:-1] == names
    assert len(refused(proxy)) == 2
    versions = succeeds(person, "ls", "-r", "--versions", "-0", f"s3://{bucket}")
    assert versions.split(b"\0")[:-1] == names
    succeeds(person, "transfers", "--bucket", bucket)
    succeeds(person, "rm", "-r", "--all-versions", f"s3://{bucket}")
    assert store.versions(bucket) == []


def test_a_store_without_checksums_is_sent_md5_and_believed_by_it(person, store, bucket, proxy):
    knows_no_checksums(proxy)
    small, large = os.urandom(3000), os.urandom(20 * MEBIBYTE)
    person.file("site/small.bin", small)
    person.file("site/more.bin", small)
    person.file("large.bin", large)
    succeeds(person, "put", "-r", "site", f"s3://{bucket}/")
    succeeds(person, "put", "large.bin", f"s3://{bucket}/large.bin")
    assert store.get(bucket, "small.bin") == small and store.get(bucket, "large.bin") == large
    bodies = [
        entry
        for entry in proxy.operations
        if entry["operation"] in ("PutObject", "UploadPart") and entry["status"] == 200
    ]
    assert len(bodies) >= 5 and all("content-md5" in entry["fields"] for entry in bodies)
    (row,) = [row for row in person.changes() if row["key"] == b"large.bin"]
    assert row["outcome"] == "done"
    for name, body in (("small.bin", small), ("large.bin", large)):
        succeeds(person, "get", f"s3://{bucket}/{name}", f"back-{name}")
        assert (person.work / f"back-{name}").read_bytes() == body
    succeeds(person, "cp", f"s3://{bucket}/large.bin", f"s3://{bucket}/copy.bin")
    assert store.get(bucket, "copy.bin") == large
    # What is damaged on the way is noticed by the MD5 alone: after the two that are refused for
    # their checksums the first with an MD5 is, and goes again.
    flips = proxy.flip_sent(1000, "PutObject", times=3)
    succeeds(person, "put", "site/small.bin", f"s3://{bucket}/damaged.bin")
    assert flips.seen == 4 and store.get(bucket, "damaged.bin") == small


def test_a_store_without_deletion_of_many_loses_them_one_by_one(person, store, bucket, proxy):
    for number in range(24):
        store.put(bucket, f"{number // 2}/{number}", b"1")
    store.put(bucket, "kept", b"1")
    knows_no_deletion_of_many(proxy)
    succeeds(person, "rm", "-r", *(f"s3://{bucket}/{number}/" for number in range(12)))
    assert store.keys(bucket) == ["kept"]
    # Some are on the way when the first is refused.
    assert 1 <= proxy.names().count("DeleteObjects") <= 4
    assert proxy.names().count("DeleteObject") == 24
    rows = [row["outcome"] for row in person.changes() if row["action"] == "delete"]
    assert rows == ["done"] * 24


def test_one_setting_says_all_of_it_beforehand(person, store, bucket, proxy):
    for limit in (knows_no_second_listing, knows_no_checksums, knows_no_deletion_of_many):
        limit(proxy)
    env = {"PAIL_BASIC_REQUESTS": "true"}
    person.file("site/a.bin", os.urandom(3000))
    person.file("site/b.bin", os.urandom(18 * MEBIBYTE))
    succeeds(person, "put", "-r", "site", f"s3://{bucket}/p/", env=env)
    assert succeeds(person, "ls", "-r", f"s3://{bucket}", env=env).count(b"\n") == 2
    succeeds(person, "get", "-r", f"s3://{bucket}/p/", "back", env=env)
    assert (person.work / "back/b.bin").read_bytes() == (person.work / "site/b.bin").read_bytes()
    succeeds(person, "rm", "-r", f"s3://{bucket}/p/", env=env)
    assert store.keys(bucket) == []
    assert refused(proxy) == []


@pytest.mark.parametrize("limit", [knows_no_encoding, knows_no_checksums])
def test_what_is_wrong_in_another_way_is_told_as_it_is(person, store, proxy, limit):
    limit(proxy)
    listed = person.run("ls", "s3://no-such-bucket-here")
    assert listed.returncode == 1 and b"NoSuchBucket" in listed.stderr
    sent = person.run("put", person.file("a.txt", b"abc"), "s3://no-such-bucket-here/a.txt")
    assert sent.returncode == 1 and b"NoSuchBucket" in sent.stderr
