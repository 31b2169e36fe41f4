"""`pail ls`: plain on a terminal, exact for scripts, and every page of it."""

import json


def run(person, *arguments, status=0, **options):
    done = person.run(*arguments, **options)
    assert done.returncode == status, done.stderr.decode()
    return done


def json_lines(output):
    return [json.loads(line) for line in output.splitlines()]


def test_ls_lists_the_buckets(person, new_bucket):
    names = sorted([new_bucket("one"), new_bucket("two")])
    output = run(person, "ls").stdout.decode()
    assert [name for name in names if name in output] == names
    listed = [line["bucket"] for line in json_lines(run(person, "ls", "--json").stdout)]
    assert set(names) <= set(listed)


def test_ls_shows_prefixes_and_objects_of_one_level(person, store, bucket):
    store.put(bucket, "top.txt", b"12345")
    store.put(bucket, "deep/er/leaf.txt", b"1")
    rows = json_lines(run(person, "ls", "--json", f"s3://{bucket}").stdout)
    assert {"prefix": "deep/"} in rows
    (top,) = [row for row in rows if "key" in row]
    head = store.s3.head_object(Bucket=bucket, Key="top.txt")
    assert top["key"] == "top.txt" and top["size"] == 5 and top["etag"] == head["ETag"].strip('"')
    assert top["lastModified"].startswith(head["LastModified"].strftime("%Y-%m-%dT%H:%M:%S"))
    below = run(person, "ls", "-r", "-0", f"s3://{bucket}/deep").stdout
    assert below == b"deep/er/leaf.txt\0"


def test_ls_r_and_du_are_in_key_order_where_the_server_lists_by_folders(person, store, bucket):
    keys = ["a-/x", "a-b", "a.txt", "a/1", "a/2-", "a/2/x", "a0"]
    for key in keys:
        store.put(bucket, key, b"1")
    assert store.keys(bucket) != keys
    assert run(person, "ls", "-r", "-0", f"s3://{bucket}").stdout.decode().split("\0")[:-1] == keys
    du = run(person, "du", "--json", f"s3://{bucket}")
    assert [row["prefix"] for row in json_lines(du.stdout)] == ["a-/", "a/", ""] and du.stderr == b""


def test_ls_follows_every_page(person, many):
    output = run(person, "ls", "-r", "-0", f"s3://{many.bucket}/requests/").stdout
    keys = output.decode().split("\0")[:-1]
    assert keys == many.keys


def test_a_wrong_command_line_is_status_64(person):
    assert run(person, "nonsense", status=64).stderr
    assert run(person, "get", status=64).stderr


def test_results_go_to_a_pipe_raw_and_to_a_terminal_escaped(person, store, bucket):
    store.put(bucket, "red\x1b[31m.txt", b"1")
    raw = run(person, "ls", "-0", f"s3://{bucket}").stdout
    assert raw == b"red\x1b[31m.txt\0"
    terminal = person.open("ls", f"s3://{bucket}")
    assert terminal.wait_exit() == 0
    assert "\\x1b[31m.txt" in terminal.text
    assert b"\x1b[31m" not in terminal.raw
    terminal = person.open("ls", "-0", f"s3://{bucket}")
    assert terminal.wait_exit() == 0 and b"\x1b[31m" not in terminal.raw


def test_the_version_is_told_without_settings(person):
    (person.work / ".env").unlink()
    assert run(person, "--version").stdout.startswith(b"pail ")



def test_versions_come_in_key_order_with_their_classes(person, store, new_bucket):
    bucket = new_bucket(versioned=True)
    for key in ("a", "b/x", "c", "c"):
        store.put(bucket, key, key.encode())
    store.s3.delete_object(Bucket=bucket, Key="a")
    rows = json_lines(run(person, "ls", "--versions", "--json", f"s3://{bucket}").stdout)
    assert [row.get("key") or row["prefix"] for row in rows] == ["a", "a", "b/", "c", "c"]
    assert [row.get("isDeleteMarker") for row in rows] == [True, False, None, False, False]
    classes = {row.get("storageClass") for row in rows if row.get("isDeleteMarker") is False}
    assert classes == {"STANDARD"}
