"""Each option does what its help says: seen in the store, in what is sent, or in what is written."""

import json
import os
import signal
import subprocess
import threading
import urllib.error
import urllib.request

import pytest
from test_background import start, wait_until

OWNER = "111122223333"


def run(person, *arguments, status=0, **options):
    done = person.run(*arguments, **options)
    assert done.returncode == status, (done.stdout.decode(), done.stderr.decode())
    return done


def json_line(person, *arguments):
    """The one line that a command writes with --json."""
    (line,) = run(person, *arguments, "--json").stdout.splitlines()
    return json.loads(line)


@pytest.fixture
def versions(store, new_bucket):
    """A bucket with two versions of `k`, and the ID of the first."""
    bucket = new_bucket("kept", versioned=True)
    first = store.put(bucket, "k", b"the first")["VersionId"]
    store.put(bucket, "k", b"second")
    return bucket, first


# What is known of an object.


@pytest.fixture
def described(moto):
    moto.s3.put_bucket_versioning(Bucket=moto.bucket, VersioningConfiguration={"Status": "Enabled"})
    put = moto.s3.put_object(
        Bucket=moto.bucket, Key="q3.csv", Body=b"x" * 2048, StorageClass="STANDARD_IA",
        ContentType="text/csv", CacheControl="no-cache", Metadata={"colour": "blue"},
        ContentDisposition="inline", ContentLanguage="en", Tagging="a=1&b=2",
    )  # fmt: skip
    return put["ETag"].strip('"'), put["VersionId"]


def test_stat_tells_what_is_known_of_an_object(person, moto, described):
    place, (etag, version) = f"s3://{moto.bucket}/q3.csv", described
    lines = run(person, "stat", place, "--endpoint-url", moto.endpoint).stdout.decode().splitlines()
    told = {line[:16].rstrip(): line[16:].strip() for line in lines}
    assert told.pop("modified")[-1] == "Z"
    told.pop("checksum", None)
    assert told == {
        "object": place, "size": "2048 bytes (2.0 KiB)", "etag": etag, "version": version,
        "class": "STANDARD_IA", "content type": "text/csv", "cache control": "no-cache",
        "disposition": "inline", "language": "en", "tags": "2", "meta colour": "blue",
    }  # fmt: skip


def test_stat_in_json_has_the_same(person, moto, described):
    etag, version = described
    line = json_line(person, "stat", f"s3://{moto.bucket}/q3.csv", "--endpoint-url", moto.endpoint)
    assert line.pop("lastModified").endswith("Z")
    line.pop("checksum", None)
    assert line == {
        "bucket": moto.bucket, "key": "q3.csv", "size": 2048, "etag": etag, "versionID": version,
        "storageClass": "STANDARD_IA", "contentType": "text/csv", "cacheControl": "no-cache",
        "contentDisposition": "inline", "contentLanguage": "en", "tagCount": 2,
        "metadata": {"colour": "blue"},
    }  # fmt: skip


# Versions.


def test_a_version_that_is_named_is_the_one_that_is_read(person, versions):
    bucket, first = versions
    place, that = f"s3://{bucket}/k", ("--version-id", first)
    assert run(person, "cat", place).stdout == b"second"
    assert run(person, "cat", place, *that).stdout == b"the first"
    assert run(person, "get", place, "-", *that).stdout == b"the first"
    run(person, "get", place, "old", *that)
    assert (person.work / "old").read_bytes() == b"the first"
    line = json_line(person, "stat", place, *that)
    assert (line["size"], line["versionID"]) == (len(b"the first"), first)


@pytest.mark.parametrize("command", ["get", "cat", "stat", "cp"])
def test_a_version_that_never_was_is_named(person, versions, command):
    bucket, _ = versions
    to = {"get": ["out"], "cp": [f"s3://{bucket}/new"]}.get(command, [])
    done = run(person, command, "--version-id", "nope", f"s3://{bucket}/k", *to, status=1)
    assert b"has no version nope" in done.stderr and b"does not exist" not in done.stderr


@pytest.mark.parametrize("command", ["get", "cat", "stat", "cp"])
def test_a_version_id_that_no_server_gives_is_told_as_one_that_is_not_there(person, moto, command):
    """moto answers so where a bucket keeps no versions: to HEAD, 400 and no body."""
    moto.s3.put_object(Bucket=moto.bucket, Key="k", Body=b"x")
    to = {"get": ["out"], "cp": [f"s3://{moto.bucket}/new"]}.get(command, [])
    place = f"s3://{moto.bucket}/k"
    more = ("--version-id", "nonsense", "--endpoint-url", moto.endpoint)
    done = run(person, command, place, *to, *more, status=1)
    assert f"{place} has no version nonsense".encode() in done.stderr
    assert b"ls --versions" in done.stderr


def test_a_version_that_is_named_is_the_one_that_is_copied(person, store, versions):
    bucket, first = versions
    run(person, "cp", f"s3://{bucket}/k", f"s3://{bucket}/old", "--version-id", first)
    assert store.get(bucket, "old") == b"the first" and store.get(bucket, "k") == b"second"


def test_a_version_that_is_named_is_the_one_that_is_deleted(person, store, versions):
    bucket, first = versions
    run(person, "rm", f"s3://{bucket}/k", "--version-id", first)
    assert store.get(bucket, "k") == b"second"
    ((key, version, is_marker),) = store.versions(bucket)
    assert key == "k" and version != first and not is_marker
    (row,) = person.changes()
    assert (row["action"], row["versionID"], row["outcome"]) == ("delete", first, "done")


@pytest.mark.parametrize("words", [
    "rm {}", "get {} .", "cat {}", "stat {}", "cp {} {}2", "mv {} {}2",
])  # fmt: skip
def test_an_empty_version_is_not_the_current_one(person, store, versions, words):
    bucket, _ = versions
    before = store.versions(bucket)
    words = words.format(*[f"s3://{bucket}/k"] * 2).split()
    done = run(person, *words, "--version-id", "", status=64)
    assert b"the version ID is empty" in done.stderr
    assert store.versions(bucket) == before


@pytest.mark.parametrize("words", [
    "rb s3://{} --expected-owner", "rb s3://{} --force --expected-owner", "put f s3://{}/k --sse",
    "put f s3://{}/k --sse-kms-key-id", "put f s3://{}/k --acl", "put f s3://{}/k --storage-class",
    "put f s3://{}/k --content-type", "cp s3://{}/k s3://{}/l --sse", "presign s3://{}/k --file-name",
    "presign s3://{}/k --method put --content-type", "rm -r s3://{} --exclude",
    "rm -r s3://{} --exclude * --include", "history archive --dead-host", "transfers resume --dead-host",
    "transfers abort --all --dead-host",
])  # fmt: skip
def test_an_option_with_an_empty_value_is_wrong_usage(person, store, new_bucket, words):
    """As an unset variable of a script gives it: the server would be asked for nothing."""
    bucket = new_bucket("owned")
    person.file("f", b"1")
    words = [word.format(bucket) for word in words.split()]
    done = run(person, *words, "", status=64)
    assert f"The value '' is invalid for '{words[-1]} <".encode() in done.stderr
    assert b"is empty" in done.stderr
    assert bucket in store.buckets() and store.keys(bucket) == [] and not person.history_file.exists()


@pytest.mark.parametrize("words, said", [
    ("put f s3://{}/k --sse aes256", "--sse is one of AES256, aws:kms, aws:kms:dsse, aws:fsx"),
    ("cp s3://{}/k s3://{}/l --sse kms", "--sse is one of"),
    ("put f s3://{}/k --sse-kms-key-id 1", "--sse-kms-key-id needs --sse aws:kms"),
    ("put f s3://{}/k --sse-kms-key-id 1 --sse AES256", "--sse-kms-key-id needs --sse aws:kms"),
])  # fmt: skip
def test_an_encryption_that_stores_may_ignore_is_wrong_usage(person, store, bucket, words, said):
    person.file("f", b"1")
    done = run(person, *[word.format(bucket) for word in words.split()], status=64)
    assert said.encode() in done.stderr
    assert store.keys(bucket) == [] and not person.history_file.exists()


def test_a_version_that_never_was_is_not_deleted(person, store, versions):
    bucket, _ = versions
    named = f"s3://{bucket}/none", "--version-id", "aVersion"
    done = run(person, "rm", *named)
    assert done.stdout == b"Deleted 0 versions, 1 not there\n"
    planned = run(person, "rm", "--dry-run", *named)
    assert planned.stderr == f"pail: {named[0]}, version aVersion, is not there\n".encode()


def test_an_object_is_back_once_its_delete_marker_is_deleted(person, store, versions):
    """SeaweedFS answers HEAD of a delete marker as if it had never been."""
    bucket, _ = versions
    place = f"s3://{bucket}/k"
    # Its versions come behind, and are not those of the key.
    store.put(bucket, "k2", b"another")
    run(person, "rm", place)
    (marker,) = [version for _, version, is_marker in store.versions(bucket) if is_marker]
    that = place, "--version-id", marker
    planned = run(person, "rm", "--dry-run", *that)
    assert planned.stdout == f"would delete {place}  version {marker}\n".encode()
    other = run(person, "rm", f"{place}2", *that[1:])
    assert other.stdout == b"Deleted 0 versions, 1 not there\n"
    assert run(person, "rm", *that).stdout == b"Deleted 1 version\n"
    assert store.get(bucket, "k") == b"second"
    row = person.changes()[-1]
    assert (row["action"], row["versionID"], row["outcome"]) == ("delete", marker, "done")


def test_a_store_without_versions_has_none_to_read_or_delete(person, store, bucket):
    """SeaweedFS answers for the object that it has, and deletes it."""
    store.put(bucket, "k", b"the only one")
    place, never = f"s3://{bucket}/k", ("--version-id", "aVersion")
    for command in (["stat", place], ["get", place, "out"], ["cat", place], ["cp", place, f"{place}2"]):
        assert b"NoSuchVersion" in run(person, *command, *never, status=1).stderr
    assert run(person, "rm", place, *never).stdout == b"Deleted 0 versions, 1 not there\n"
    assert store.keys(bucket) == ["k"] and not (person.work / "out").exists()
    assert run(person, "rm", place, "--version-id", "null").stdout == b"Deleted 1 version\n"
    assert store.keys(bucket) == []


def test_a_version_that_is_a_delete_marker_is_named(person, moto, described):
    marker = moto.s3.delete_object(Bucket=moto.bucket, Key="q3.csv")["VersionId"]
    place = f"s3://{moto.bucket}/q3.csv"
    for command in (["stat", place], ["cat", place], ["get", place, "."]):
        done = run(
            person, *command, "--version-id", marker, "--endpoint-url", moto.endpoint, status=1)
        assert b"this version is a delete marker" in done.stderr
    run(person, "rm", place, "--version-id", marker, "--endpoint-url", moto.endpoint)
    assert moto.s3.get_object(Bucket=moto.bucket, Key="q3.csv")["Body"].read() == b"x" * 2048


# What an object is given.


@pytest.mark.parametrize("way", ["file", "parts", "stream"])
def test_put_gives_an_object_what_the_options_say(person, moto, way):
    person.file("f", bytes(17 << 20) if way == "parts" else b"body")
    source = "-" if way == "stream" else "f"
    run(
        person, "put", source, f"s3://{moto.bucket}/k", "--endpoint-url", moto.endpoint,
        "--cache-control", "max-age=60", "--tagging", "project=atlas&owner=ana",
        "--metadata", "colour=blue", "--metadata", "Note=a=b", "--acl", "public-read",
        "--sse", "aws:kms", "--sse-kms-key-id", "key-of-ana", input=b"body",
    )  # fmt: skip
    place = {"Bucket": moto.bucket, "Key": "k"}
    head = moto.s3.head_object(**place)
    assert ("-" in head["ETag"]) == (way == "parts")
    assert head["CacheControl"] == "max-age=60"
    assert head["Metadata"] == {"colour": "blue", "note": "a=b"}
    assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", "key-of-ana")
    tags = moto.s3.get_object_tagging(**place)["TagSet"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"project": "atlas", "owner": "ana"}
    grants = moto.s3.get_object_acl(**place)["Grants"]
    assert any(grant["Grantee"].get("URI", "").endswith("/AllUsers") for grant in grants)


# How much at a time.


def test_a_limited_upload_is_slower_than_one_that_begins_after_it(person, store, proxy, bucket):
    """At 1 KiB a second the first would take a quarter of an hour."""
    person.file("f", bytes(1 << 20))
    program = subprocess.Popen(
        [person.binary, "put", "f", f"s3://{bucket}/slow", "--limit-rate", "1K"], env=person.env,
        cwd=person.work, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip

    def slow():
        return [entry for entry in proxy.operations if entry["key"] == "slow" and entry["method"] == "PUT"]

    try:
        wait_until(slow, "the first upload")
        run(person, "put", "f", f"s3://{bucket}/quick")
        (entry,) = slow()
        assert entry["points"] == [], "all of it has come"
        program.send_signal(signal.SIGINT)
        program.communicate(timeout=30)
        assert program.returncode == 130
    finally:
        program.kill()
        program.communicate()
    assert store.keys(bucket) == ["quick"]


class Crowd:
    """How many requests with bodies are under way at a time, at most."""

    def __init__(self, proxy):
        self.lock, self.now, self.most = threading.Lock(), 0, 0
        for operation in ("PutObject", "UploadPart"):
            proxy.change_sent(self.come, operation, times=0)
            # So that those that may be under way together are.
            proxy.delay(0.2, operation, point="received")
            proxy.change(self.go, operation, times=0)

    def come(self, _):
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)

    def go(self, _):
        with self.lock:
            self.now -= 1


@pytest.mark.parametrize("options, fits", [
    (["--concurrency", "1"], lambda most: most == 1), (["--concurrency", "3"], lambda most: most == 3),
    ([], lambda most: most > 3),
], ids=["1", "3", "chosen"])  # fmt: skip
def test_concurrency_is_how_many_uploads_are_under_way(person, store, proxy, bucket, options, fits):
    for number in range(8):
        person.file(f"d/{number}", b"x")
    # Counts with the others, in parts and beside them.
    person.file("d/large", b"x" * 20 * 1024 * 1024)
    crowd = Crowd(proxy)
    run(person, "put", "-r", "d", f"s3://{bucket}", *options)
    assert len(store.keys(bucket)) == 9 and fits(crowd.most), crowd.most


@pytest.mark.parametrize("way", ["up", "down"])
def test_several_folders_move_at_once(person, store, proxy, bucket, way):
    words = ["put", "-r", "one", "two", f"s3://{bucket}/"]
    person.file("one/a", b"a")
    person.file("two/b", b"b")
    if way == "down":
        run(person, *words)
        words = ["get", "-r", f"s3://{bucket}/one", f"s3://{bucket}/two", "got"]
    held = proxy.hold("request", operation="PutObject" if way == "up" else "GetObject", key=b"one/a")
    command = start(person, *words)
    held.wait()
    if way == "up":
        wait_until(lambda: store.keys(bucket) == ["two/b"], "the second folder")
    else:
        wait_until((person.work / "got/two/b").exists, "the second prefix")
    held.release()
    _, errors = command.communicate(timeout=30)
    assert command.returncode == 0, errors
    assert store.keys(bucket) == ["one/a", "two/b"]


def test_a_server_that_knows_nobody_is_told_once_for_all_folders(person, proxy, bucket):
    person.file("one/a", b"a")
    person.file("two/b", b"b")
    proxy.refuse(403, "InvalidAccessKeyId", operation="PutObject", times=0)
    done = run(person, "put", "-r", "one", "two", f"s3://{bucket}/", status=1)
    assert done.stderr.count(b"The server does not know this access key") == 1


# Buckets.


@pytest.mark.parametrize("options", [[], ["--force"], ["--dry-run"], ["--dry-run", "--force"]], ids=" ".join)
def test_a_bucket_of_another_owner_stays_with_all_that_is_in_it(person, store, proxy, bucket, options):
    """SeaweedFS does not compare, so the proxy does."""
    if "--force" in options:
        store.put(bucket, "k", b"1")

    def is_refused(entry):
        return entry["fields"].get("x-amz-expected-bucket-owner") == OWNER

    proxy.refuse(403, "AccessDenied", times=0, when=is_refused)
    done = run(person, "rb", f"s3://{bucket}", "--expected-owner", OWNER, *options, status=1)
    assert b"AccessDenied" in done.stderr and done.stdout == b""
    assert f"does not belong to account {OWNER}.".encode() in done.stderr
    assert bucket in store.buckets() and store.keys(bucket) == ["k"] * ("--force" in options)
    assert not {"DeleteObject", "DeleteObjects"} & set(proxy.names())
    proxy.clear()
    run(person, "rb", f"s3://{bucket}", "--expected-owner", "999900001111", *options)
    assert (bucket in store.buckets()) == ("--dry-run" in options)


def test_mb_creates_the_bucket_in_the_region_that_is_named(person, moto):
    name = f"{moto.bucket}-eu"
    run(person, "mb", f"s3://{name}", "--region", "eu-central-1", "--endpoint-url", moto.endpoint)
    assert moto.s3.get_bucket_location(Bucket=name)["LocationConstraint"] == "eu-central-1"
    moto.s3.delete_bucket(Bucket=name)


def test_mb_creates_the_bucket_where_a_region_is_merely_set(person, moto):
    name = f"{moto.bucket}-set"
    person.env["AWS_REGION"] = "eu-west-1"
    run(person, "mb", f"s3://{name}", "--endpoint-url", moto.endpoint)
    assert moto.s3.get_bucket_location(Bucket=name)["LocationConstraint"] == "eu-west-1"
    moto.s3.delete_bucket(Bucket=name)


# URLs.


def test_a_url_for_an_upload_wants_the_content_type_that_was_said(person, store, bucket):
    done = run(
        person, "presign", f"s3://{bucket}/k", "--method", "put", "--content-type", "text/x-own"
    )
    assert b"content-type: text/x-own" in done.stderr.lower()

    def upload(kind):
        url = done.stdout.decode().strip()
        request = urllib.request.Request(url, b"body", {"Content-Type": kind}, method="PUT")
        with urllib.request.urlopen(request) as answer:
            return answer.status

    with pytest.raises(urllib.error.HTTPError, match="403"):
        upload("text/plain")
    assert store.keys(bucket) == []
    assert upload("text/x-own") == 200
    assert store.s3.head_object(Bucket=bucket, Key="k")["ContentType"] == "text/x-own"


def test_a_url_is_made_without_asking_the_server(person):
    place = "https://no-such-host.invalid"
    done = run(person, "presign", "s3://box/k", "--endpoint-url", place)
    assert done.stdout.startswith(f"{place}/box/k?".encode()) and b"X-Amz-Expires=900" in done.stdout


def test_a_url_for_a_download_names_the_file(person, store, bucket):
    store.put(bucket, "2026/k", b"body")
    done = run(person, "presign", f"s3://{bucket}/2026/k", "--file-name", "third quarter.csv")
    with urllib.request.urlopen(done.stdout.decode().strip()) as answer:
        assert answer.read() == b"body"
        assert "third quarter.csv" in answer.headers["Content-Disposition"].replace("%20", " ")


# The history.


def test_history_since_shows_what_came_from_then_on(person, bucket):
    person.file("f", b"1")
    for key in ("early", "late"):
        run(person, "put", "f", f"s3://{bucket}/{key}")

    def keys(since):
        lines = run(person, "history", "--json", "--since", since).stdout.splitlines()
        return [json.loads(line)["key"] for line in lines]

    late = json.loads(run(person, "history", "--json").stdout.splitlines()[0])
    assert keys("2026-01-01") == keys("1h") == ["late", "early"]
    assert keys(late["startedAt"]) == ["late"]
    assert keys("2999-01-01") == []


def test_an_archive_of_a_dead_host_carries_over_what_it_left_open(person, proxy, bucket):
    hold = proxy.hold("request", "PutObject")
    person.file("f", b"1")
    own = ["unshare", "-u"] if os.geteuid() == 0 else ["unshare", "-ru"]
    there = [*own, "sh", "-c", 'hostname build-07 && exec "$@"', "sh"]
    program = subprocess.Popen(
        [*there, person.binary, "put", "f", f"s3://{bucket}/k"], env=person.env, cwd=person.work,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
    )
    hold.wait()
    program.kill()
    program.wait()
    hold.drop()
    for options in ([], ["--dead-host", "build-08"]):
        refused = run(person, "history", "archive", *options, status=1)
        assert b"build-07" in refused.stderr and len(person.changes()) == 1
    line = json_line(person, "history", "archive", "--dead-host", "build-07")
    assert line["carriedOver"] == 1
    (row,) = person.changes()
    assert (row["host"], row["key"], row["outcome"]) == ("build-07", b"k", None)


# Lines of JSON.


def test_each_command_writes_its_fields_in_json(person, store, new_bucket):
    bucket, file = new_bucket(create=False), person.file("f", b"body")
    place, other = f"s3://{bucket}/k", f"s3://{bucket}/l"
    assert json_line(person, "mb", f"s3://{bucket}") == {"bucket": bucket}
    line = json_line(person, "put", file, place)
    etag = store.s3.head_object(Bucket=bucket, Key="k")["ETag"].strip('"')
    assert line.pop("checksum")
    assert line == {
        "action": "upload", "bucket": bucket, "key": "k", "localPath": str(file), "size": 4,
        "etag": etag, "skipped": False,
    }  # fmt: skip
    line = json_line(person, "put", "--no-overwrite", file, place)
    assert (line["action"], line["key"], line["skipped"]) == ("upload", "k", True)
    line = json_line(person, "mv", place, other)
    assert line.pop("checksum")
    verification = line["verification"]
    assert verification.startswith("verified by ")
    assert line == {
        "action": "move", "from": place, "to": other, "size": 4, "etag": etag, "verified": True,
        "verification": verification, "skipped": False,
    }  # fmt: skip
    assert store.keys(bucket) == ["l"]
    line = json_line(person, "presign", other, "--method", "put", "--content-type", "text/x-own")
    assert line["url"].startswith(f"{store.endpoint}/{bucket}/l?") and line["expiresAt"].endswith("Z")
    assert line.keys() == {"url", "method", "expiresAt", "requiredHeaders"}
    headers = {name.lower(): value for name, value in line["requiredHeaders"].items()}
    assert (line["method"], headers) == ("PUT", {"content-type": "text/x-own"})
    line = json_line(person, "rb", "--force", f"s3://{bucket}")
    assert line == {"bucket": bucket, "deleted": 1, "failed": 0, "removed": True}
    assert bucket not in store.buckets()


def test_the_history_is_verified_and_archived_in_json(person, bucket, tmp_path):
    person.file("f", b"1")
    run(person, "put", "f", f"s3://{bucket}/k")
    line = json_line(person, "history", "verify")
    head = line.pop("head")
    assert len(head) == 64
    assert line == {"isIntact": True, "changes": 1, "outcomes": 1, "isArchive": False}
    archive = tmp_path / "old.sqlite"
    assert json_line(person, "history", "archive", archive) == {
        "file": str(archive), "changes": 1, "outcomes": 1, "head": head, "carriedOver": 0,
    }  # fmt: skip
    line = json_line(person, "history", "verify", "--history", archive)
    assert line["isArchive"] and line["head"] == head
    line = json_line(person, "history", "verify")
    assert (line["predecessor"], line["predecessorHead"]) == (str(archive), head)


# Downloads.


def test_get_no_overwrite_leaves_the_file(person, store, bucket):
    store.put(bucket, "p/a", b"from the store")
    store.put(bucket, "p/b", b"new")
    mine = person.file("out/a", b"mine")
    done = run(person, "get", "--no-overwrite", f"s3://{bucket}/p/a", mine)
    assert b"Skipped" in done.stdout and mine.read_bytes() == b"mine"
    run(person, "get", "-r", "--no-overwrite", f"s3://{bucket}/p/", "out")
    assert mine.read_bytes() == b"mine" and (person.work / "out/b").read_bytes() == b"new"
    run(person, "get", f"s3://{bucket}/p/a", mine)
    assert mine.read_bytes() == b"from the store"


def test_get_no_overwrite_takes_no_folder_for_the_file(person, store, bucket):
    store.put(bucket, "p/a", b"1")
    (person.work / "out/a").mkdir(parents=True)
    for words in (["-r", f"s3://{bucket}/p/", "out"], [f"s3://{bucket}/p/a", "out/"]):
        done = run(person, "get", "--no-overwrite", *words, status=1)
        assert b"out/a is a folder" in done.stderr
    assert list((person.work / "out/a").iterdir()) == []


@pytest.mark.parametrize("destination", ["nodir/.", "nodir/.."])
def test_get_says_that_a_folder_without_a_name_is_not_there(person, store, bucket, destination):
    store.put(bucket, "k", b"k")
    for dry in (["--dry-run"], []):
        done = run(person, "get", *dry, f"s3://{bucket}/k", destination, status=1)
        assert f"There is no folder {destination}, and it names no file".encode() in done.stderr
        assert done.stdout == b"" and not (person.work / "nodir").exists()


def test_get_without_a_folder_for_downloads_goes_to_the_current_one(person, store, bucket):
    settings = (person.work / ".env").read_text().splitlines(keepends=True)
    person.write_env("".join(line for line in settings if "PATH_TO_SAVE_FILE" not in line))
    store.put(bucket, "p/notes.txt", b"notes")
    run(person, "get", f"s3://{bucket}/p/notes.txt")
    assert (person.work / "notes.txt").read_bytes() == b"notes"
    assert list(person.downloads.iterdir()) == []


# Uploads of folders.


@pytest.mark.parametrize("dry", [[], ["--dry-run"]], ids=["upload", "dry run"])
def test_a_link_that_leads_out_of_a_folder_is_left_out_with_what_to_do(person, store, bucket, dry):
    person.file("outside.txt", b"not asked for")
    person.file("d/inside.txt", b"1")
    (person.work / "d/out").symlink_to("../outside.txt")
    (person.work / "d/in").symlink_to("inside.txt")
    done = run(person, "put", "-r", "d", f"s3://{bucket}", *dry, status=1)
    assert b"d/out is a link out of its folder" in done.stderr and b"by its own name" in done.stderr
    assert store.keys(bucket) == ([] if dry else ["in", "inside.txt"])
    done = run(person, "put", "-r", "--follow-symlinks", "d", f"s3://{bucket}", *dry)
    assert done.stdout.count(b"\n") >= 3
    assert store.keys(bucket) == ([] if dry else ["in", "inside.txt", "out"])
    assert dry or store.get(bucket, "out") == b"not asked for"


def test_a_folder_in_the_way_of_a_file_is_named_as_one(person, store, bucket):
    store.put(bucket, "a", b"1")
    (person.work / "to/a").mkdir(parents=True)
    for options in ([], ["--dry-run"], ["--no-overwrite"], ["--no-overwrite", "--dry-run"]):
        done = run(person, "get", f"s3://{bucket}/a", "to", *options, status=1)
        assert b"to/a is a folder" in done.stderr and b"pail put" not in done.stderr


def test_a_file_of_the_kernel_is_no_empty_object(person, store, bucket):
    done = run(person, "put", "/proc/self/status", f"s3://{bucket}/s", status=1)
    assert b"pail put -" in done.stderr and store.keys(bucket) == []
    person.file("empty", b"")
    run(person, "put", "empty", f"s3://{bucket}/")
    assert store.keys(bucket) == ["empty"]


def test_a_method_may_be_written_in_capitals(person, bucket):
    assert run(person, "presign", "--method", "PUT", f"s3://{bucket}/k").stdout.startswith(b"http")
