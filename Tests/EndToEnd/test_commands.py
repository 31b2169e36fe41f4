"""The commands for scripts: plain outputs, exit statuses, and what the server and history hold."""

import json
import os
import urllib.request

import pytest


def run(person, *arguments, status=0, **options):
    done = person.run(*arguments, **options)
    assert done.returncode == status, done.stderr.decode()
    return done


def json_lines(output):
    return [json.loads(line) for line in output.splitlines()]


def test_put_and_get_carry_the_same_bytes(person, store, bucket):
    body = os.urandom(100_003)
    person.file("data.bin", body)
    run(person, "put", "data.bin", f"s3://{bucket}/in/")
    assert store.get(bucket, "in/data.bin") == body
    run(person, "get", f"s3://{bucket}/in/data.bin", "copy.bin")
    assert (person.work / "copy.bin").read_bytes() == body
    changed = store.s3.head_object(Bucket=bucket, Key="in/data.bin")["LastModified"].timestamp()
    assert int((person.work / "copy.bin").stat().st_mtime) == int(changed)


def test_get_without_a_destination_goes_to_the_download_folder(person, store, bucket):
    store.put(bucket, "p/notes.txt", b"notes")
    run(person, "get", f"s3://{bucket}/p/notes.txt")
    assert (person.downloads / "notes.txt").read_bytes() == b"notes"


def test_put_guesses_the_content_type_and_takes_another(person, store, bucket):
    person.file("page.html", b"<p>")
    run(person, "put", "page.html", f"s3://{bucket}/page.html")
    assert store.s3.head_object(Bucket=bucket, Key="page.html")["ContentType"].startswith("text/html")
    run(person, "put", "--content-type", "text/x-own", "page.html", f"s3://{bucket}/own")
    assert store.s3.head_object(Bucket=bucket, Key="own")["ContentType"] == "text/x-own"


def test_a_multipart_object_goes_up_and_comes_down_whole(person, store, bucket):
    body = os.urandom(40 * 1024 * 1024 + 12345)
    person.file("large.bin", body)
    run(person, "put", "large.bin", f"s3://{bucket}/large.bin")
    assert "-" in store.s3.head_object(Bucket=bucket, Key="large.bin")["ETag"]
    assert store.get(bucket, "large.bin") == body
    run(person, "get", f"s3://{bucket}/large.bin", "back.bin")
    assert (person.work / "back.bin").read_bytes() == body
    assert store.uploads(bucket) == []
    assert sorted(path.name for path in person.work.iterdir()) == [".env", "back.bin", "large.bin"]


def test_an_empty_file_is_an_object_of_no_bytes(person, store, bucket):
    person.file("empty", b"")
    run(person, "put", "empty", f"s3://{bucket}/empty")
    assert store.get(bucket, "empty") == b""
    run(person, "get", f"s3://{bucket}/empty", "back")
    assert (person.work / "back").read_bytes() == b""


def test_an_empty_folder_is_kept_like_the_files_beside_it(person, moto):
    person.write_env(endpoint=moto.endpoint)
    person.file("tree/a.txt", b"a")
    (person.work / "tree" / "empty").mkdir()
    options = ["--sse", "aws:kms", "--storage-class", "STANDARD_IA", "--content-type", "text/x-own"]
    done = person.run("put", "-r", *options, person.work / "tree", f"s3://{moto.bucket}/t")
    assert done.returncode == 0, done.stderr
    for key in ("t/a.txt", "t/empty/"):
        head = moto.s3.head_object(Bucket=moto.bucket, Key=key)
        assert (head["ServerSideEncryption"], head["StorageClass"]) == ("aws:kms", "STANDARD_IA")
        assert (head["ContentType"] == "text/x-own") == (key == "t/a.txt")


def test_an_object_with_bytes_whose_key_ends_in_a_slash_is_reached_as_get_says(person, moto):
    person.write_env(endpoint=moto.endpoint)
    moto.s3.put_object(Bucket=moto.bucket, Key="x/", Body=b"bytes")
    place = f"s3://{moto.bucket}/x/"
    for to in ("f", "-"):
        done = run(person, "get", place, to, status=64)
        assert f"pail cat {place} > FILE" in " ".join(done.stderr.decode().split())
    assert run(person, "cat", place).stdout == b"bytes"


def test_rm_deletes_one_key_and_its_row_is_done(person, store, bucket):
    store.put(bucket, "foo", b"1")
    store.put(bucket, "foobar", b"2")
    run(person, "rm", f"s3://{bucket}/foo")
    assert store.keys(bucket) == ["foobar"]
    (row,) = person.changes()
    assert (row["action"], row["bucket"], row["key"]) == ("delete", bucket, b"foo")
    assert row["outcome"] == "done"


def test_rm_of_a_key_that_is_not_there_says_so(person, store, bucket):
    done = run(person, "rm", f"s3://{bucket}/never")
    assert done.stdout == b"Deleted 0 objects, 1 not there\n"
    dry = run(person, "rm", "--dry-run", f"s3://{bucket}/never")
    assert dry.stdout == b"" and f"s3://{bucket}/never is not there".encode() in dry.stderr
    assert person.history_file.exists() is False


def test_mb_and_rb_make_and_remove_a_bucket(person, store, new_bucket):
    name = new_bucket(create=False)
    run(person, "mb", f"s3://{name}")
    assert name in store.buckets()
    store.put(name, "kept", b"1")
    refused = run(person, "rb", f"s3://{name}", status=1)
    assert b"BucketNotEmpty" in refused.stderr
    assert store.keys(name) == ["kept"]
    store.s3.delete_object(Bucket=name, Key="kept")
    run(person, "rb", f"s3://{name}")
    assert name not in store.buckets()
    assert [(row["action"], row["outcome"]) for row in person.changes()] == [
        ("createBucket", "done"),
        ("deleteBucket", "failed"),
        ("deleteBucket", "done"),
    ]


def test_mb_refuses_a_name_that_s3_would_not_take_and_sends_nothing(person, store):
    refused = run(person, "mb", "s3://No_Such_Name", status=1)
    assert b"No_Such_Name" in refused.stderr
    assert "no_such_name" not in [name.lower() for name in store.buckets()]
    assert not person.history_file.exists() or person.changes() == []


def test_presign_makes_urls_that_work_without_keys(person, store, bucket):
    store.put(bucket, "a b+c/é.txt", b"shared")
    url = run(person, "presign", f"s3://{bucket}/a b+c/é.txt", "--expires", "1h").stdout.decode().strip()
    assert "X-Amz-Expires=3600" in url
    with urllib.request.urlopen(url) as answer:
        assert answer.read() == b"shared"
    put = run(person, "presign", f"s3://{bucket}/up", "--method", "put").stdout.decode().strip()
    request = urllib.request.Request(put, data=b"by url", method="PUT")
    # urllib adds a Content-Type of its own, which is not signed and so harmless.
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 200
    assert store.get(bucket, "up") == b"by url"
    rows = person.changes()
    assert [row["action"] for row in rows] == ["presign", "presign"]
    assert all("X-Amz" not in str(value) for row in rows for value in row.values())


def test_history_tells_who_did_what(person, store, bucket):
    person.file("a.txt", b"abc")
    run(person, "put", "--user", "ana", "a.txt", f"s3://{bucket}/a.txt")
    run(person, "rm", "--user", "boris", f"s3://{bucket}/a.txt")
    rows = json_lines(run(person, "history", "--format", "json").stdout)
    assert [(row["user"], row["action"], row["key"], row["outcome"]) for row in rows] == [
        ("boris", "delete", "a.txt", "done"),
        ("ana", "upload", "a.txt", "done"),
    ]
    upload = rows[1]
    assert upload["size"] == 3 and upload["bucket"] == bucket
    assert upload["loginUID"] == os.getuid() and upload["accessKeyID"] == store.access_key
    assert upload["endpoint"].endswith(store.endpoint.removeprefix("http://"))
    assert upload["localPath"].endswith("a.txt") and upload["etag"]
    only = json_lines(run(person, "history", "--user", "ana", "--format", "json").stdout)
    assert [row["user"] for row in only] == ["ana"]
    table = run(person, "history").stdout.decode()
    assert "boris" in table and "a.txt" in table
    csv = run(person, "history", "--format", "csv").stdout.decode().splitlines()
    assert len(csv) == 3 and csv[0].startswith("id,action,user,loginUID")


def test_history_verify_finds_the_chain_whole(person, bucket):
    person.file("a.txt", b"abc")
    run(person, "put", "a.txt", f"s3://{bucket}/a.txt")
    done = run(person, "history", "verify")
    assert done.stdout.strip()
    refused = run(person, "history", "verify", "--expect", "f" * 64, status=1)
    assert refused.stderr.strip()


def test_doctor_says_where_each_setting_came_from_and_masks_the_secret(person, store, bucket):
    done = run(person, "doctor", env={"AWS_REGION": "eu-west-9"})
    text = done.stdout.decode()
    assert "eu-west-9" in text and "./.env" in text
    assert store.endpoint.removeprefix("http://") in text
    assert store.secret_key not in text
    assert not person.history_file.exists(), "looking makes no history"


def test_a_missing_key_is_status_1_and_named_with_its_code(person, bucket):
    done = run(person, "get", f"s3://{bucket}/no/such", "out", status=1)
    assert b"no/such" in done.stderr and (b"NoSuchKey" in done.stderr or b"404" in done.stderr)
    assert not (person.work / "out").exists()


@pytest.mark.parametrize("arguments", [("put", "f", "s3://{}/k"), ("rm", "s3://{}/k"), ("rb", "s3://{}")])
def test_read_only_refuses_every_change(person, store, bucket, arguments):
    person.file("f", b"1")
    store.put(bucket, "k", b"before")
    done = run(person, *(word.format(bucket) for word in arguments), "--read-only", status=1)
    assert b"read-only" in done.stderr
    assert store.get(bucket, "k") == b"before"


def test_nothing_is_expanded(person, store, tmp_path):
    folder = tmp_path / "a $HOME folder"
    folder.mkdir()
    text = (person.work / ".env").read_text().replace(str(person.downloads), str(folder))
    person.write_env(text)
    assert "a $HOME folder" in person.run("doctor").stdout.decode()
