"""Deleting one object, marked ones, and whole prefixes, by keys."""

import json
import re
import signal
import subprocess

import pytest


def test_one_object_goes_after_y_and_stays_after_enter_n_and_esc(person, store, bucket):
    store.put(bucket, "foo", b"12345")
    store.put(bucket, "foobar", b"1")
    browser = person.browse(f"s3://{bucket}")
    browser.wait_selected("foo")
    for answer in ("Enter", "n", "Esc"):
        browser.press("D")
        browser.wait_for(f"Delete s3://{bucket}/foo")
        browser.wait_for("1 object, 5 B")
        browser.press(answer)
        browser.wait_gone("Delete s3://")
        assert store.keys(bucket) == ["foo", "foobar"]
    browser.press("Delete")
    browser.wait_for("cannot be undone")
    browser.press("y")
    browser.wait_for("Deleted 1 object")
    browser.wait_until(lambda: browser.names == ["foobar"], "the row gone")
    assert store.keys(bucket) == ["foobar"]
    (row,) = person.changes()
    assert (row["action"], row["key"], row["outcome"]) == ("delete", b"foo", "done")


def test_marked_objects_go_together(person, store, bucket):
    for name in ("a", "b", "c", "d"):
        store.put(bucket, name, b"xx")
    browser = person.browse(f"s3://{bucket}")
    browser.wait_selected("a")
    browser.press("Space")
    browser.wait_selected("b")
    browser.press("j", "Space")
    browser.wait_for("2 marked")
    browser.press("D")
    browser.wait_for("2 objects, 4 B")
    browser.press("y")
    browser.wait_for("Deleted 2 objects")
    assert store.keys(bucket) == ["b", "d"]


def test_a_whole_prefix_goes_in_batches_with_a_digest_and_a_row_for_each(
    person, store, proxy, bucket
):
    keys = [f"logs/{number:04}" for number in range(1203)]
    for key in keys:
        store.put(bucket, key, b"1")
    store.put(bucket, "logs-of-others", b"kept")
    browser = person.browse(f"s3://{bucket}")
    browser.select("logs/")
    browser.press("D")
    browser.wait_for(f"everything under s3://{bucket}/logs/")
    browser.wait_for("1,203 objects, 1.2 KiB")
    browser.press("y")
    browser.wait_for("Deleted 1,203 objects", timeout=60)
    assert store.keys(bucket) == ["logs-of-others"]
    batches = [entry for entry in proxy.operations if entry["operation"] == "DeleteObjects"]
    assert len(batches) >= 2
    assert all(entry["fields"].get("content-md5") for entry in batches)
    rows = person.changes()
    assert sorted(row["key"].decode() for row in rows) == keys
    assert {row["outcome"] for row in rows} == {"done"}


def test_a_key_that_xml_cannot_carry_is_deleted_by_itself(person, store, proxy, bucket):
    for key in ("p/plain", "p/also plain", "p/esc\x1b[31m", "p/bell\x07"):
        store.put(bucket, key, b"1")
    browser = person.browse(f"s3://{bucket}")
    browser.select("p/")
    browser.press("D")
    browser.wait_for("4 objects")
    browser.press("y")
    browser.wait_for("Deleted 4 objects")
    assert store.keys(bucket) == []
    assert proxy.names().count("DeleteObject") == 2
    assert proxy.names().count("DeleteObjects") == 1


def test_what_failed_is_counted_and_named_with_its_code(person, store, proxy, bucket):
    for key in ("p/fine", "p/stuck\x1b"):
        store.put(bucket, key, b"1")
    proxy.refuse(403, "AccessDenied", operation="DeleteObject", key=b"p/stuck\x1b", times=0)
    browser = person.browse(f"s3://{bucket}")
    browser.select("p/")
    browser.press("D")
    browser.wait_for("2 objects")
    browser.press("y")
    browser.wait_for("Deleted 1 object, 1 failed")
    browser.wait_for(r"p/stuck\x1b")
    assert "AccessDenied" in browser.text
    assert store.keys(bucket) == ["p/stuck\x1b"]
    assert {row["key"]: row["outcome"] for row in person.changes()} == {
        b"p/fine": "done",
        b"p/stuck\x1b": "failed",
    }


def test_a_versioned_bucket_says_that_it_can_be_undone(person, store, new_bucket):
    name = new_bucket("kept", versioned=True)
    store.put(name, "a.txt", b"1")
    browser = person.browse(f"s3://{name}")
    browser.wait_selected("a.txt")
    browser.press("D")
    browser.wait_for("delete markers")
    browser.press("y")
    browser.wait_for("Deleted 1 object")
    versions = store.versions(name)
    assert sorted(marker for _, _, marker in versions) == [False, True]


def test_the_count_of_a_prefix_can_be_stopped_and_nothing_is_deleted(person, store, proxy, bucket):
    store.put(bucket, "p/a", b"1")
    browser = person.browse(f"s3://{bucket}")
    browser.select("p/")
    hold = proxy.hold("request", operation="ListObjectsV2")
    browser.press("D")
    hold.wait()
    browser.wait_for("counting")
    browser.press("Esc")
    browser.wait_for("the count was stopped")
    hold.release()
    browser.press("Esc")
    browser.wait_gone("everything under")
    browser.press("j", "k")
    browser.wait_quiet(0.3)
    assert store.keys(bucket) == ["p/a"]
    assert re.search("▸.*p/", browser.text)


@pytest.mark.parametrize("key", ["+plus", "per%2Fcent", "space blank", "quest?ion", "é", "e\u0301", "a&<b>", "hash#x"])
def test_awkward_keys_are_deleted_by_their_own_name_alone(person, store, bucket, key):
    store.put(bucket, key, b"1")
    store.put(bucket, key + "x", b"1")
    browser = person.browse(f"s3://{bucket}")
    browser.wait_until(lambda: len(browser.names) == 2, "two rows")
    browser.press("g", "D")
    browser.wait_for("1 object, 1 B")
    browser.press("y")
    browser.wait_for("Deleted 1 object")
    assert store.keys(bucket) == [key + "x"]


def test_all_versions_of_a_choice_go_for_ever(person, store, new_bucket):
    name = new_bucket("kept", versioned=True)
    for key in ("p/a", "p/a", "p/b", "pa"):
        store.put(name, key, b"12345")
    store.s3.delete_object(Bucket=name, Key="p/b")
    browser = person.browse(f"s3://{name}")
    browser.select("p/")
    browser.press("D")
    browser.wait_for("[v] all versions")
    browser.press("v")
    browser.wait_for("4 versions, 15 B")
    browser.type("delete")
    browser.press("Enter")
    browser.wait_for("Deleted 4 versions")
    assert [key for key, _, _ in store.versions(name)] == ["pa"]
    rows = person.changes()
    assert len(rows) == 4 and all(row["versionID"] and row["outcome"] == "done" for row in rows)


def test_the_command_deletes_all_versions_and_a_missing_key_is_no_failure(
    person, store, new_bucket
):
    name = new_bucket("kept", versioned=True)
    for key in ("a", "a", "ab"):
        store.put(name, key, b"1")
    planned = person.run("rm", "--all-versions", "--dry-run", f"s3://{name}/a")
    assert planned.stdout.count(b"would delete") == 2 and b"version" in planned.stdout
    assert len(store.versions(name)) == 3
    done = person.run("rm", "--all-versions", f"s3://{name}/a")
    assert done.returncode == 0 and b"Deleted 2 versions" in done.stdout
    assert [key for key, _, _ in store.versions(name)] == ["ab"]
    gone = person.run("rm", f"s3://{name}/a")
    assert gone.returncode == 0 and b"Deleted 0 objects, 1 not there" in gone.stdout
    assert [key for key, _, _ in store.versions(name)] == ["ab"]


def test_rb_dry_run_says_all_that_would_go_and_removes_nothing(person, store, new_bucket):
    name = new_bucket(versioned=True)
    first = store.put(name, "a", b"1")["VersionId"]
    marker = store.s3.delete_object(Bucket=name, Key="a")["VersionId"]
    upload = store.s3.create_multipart_upload(Bucket=name, Key="up")["UploadId"]
    refused = person.run("rb", "--dry-run", f"s3://{name}")
    assert refused.returncode == 1 and refused.stdout == b"" and b"--force" in refused.stderr
    planned = person.run("rb", "--force", "--dry-run", f"s3://{name}")
    assert planned.returncode == 0, planned.stderr
    assert planned.stdout.decode().splitlines() == [
        f"would abort the upload of s3://{name}/up  ({upload})",
        f"would delete s3://{name}/a  version {marker}",
        f"would delete s3://{name}/a  version {first}",
        f"would remove s3://{name}",
    ]
    assert len(store.versions(name)) == 2 and store.uploads(name) == [upload]
    assert not person.history_file.exists()


def test_rb_force_says_what_it_deleted_where_the_bucket_stays(person, store, proxy, new_bucket):
    proxy.refuse(403, "AccessDenied", operation="DeleteBucket", times=0)
    for options in ([], ["--json"]):
        name = new_bucket()
        for key in ("a", "b", "c"):
            store.put(name, key, b"1")
        done = person.run("rb", "--force", *options, f"s3://{name}")
        assert done.returncode == 1
        assert f"pail: Access to bucket {name} was denied (AccessDenied)" in done.stderr.decode()
        if options:
            row = {"bucket": name, "deleted": 3, "failed": 0, "removed": False}
            assert [json.loads(line) for line in done.stdout.splitlines()] == [row]
        else:
            said = f"Deleted 3 objects and versions; s3://{name} was not removed\n"
            assert done.stdout.decode() == said
        assert store.keys(name) == []


def test_rb_force_counts_an_object_that_stays_once(person, store, proxy, bucket, library):
    for key in ("a", "b", "stays"):
        store.put(bucket, key, b"1")
    # Without MD5 each goes by itself, so that one can be refused.
    environment = {"LD_PRELOAD": str(library), "NO_MD5": "1"}
    proxy.refuse(403, "AccessDenied", operation="DeleteObject", key=b"stays", times=0)
    done = person.run("rb", "--force", "--json", f"s3://{bucket}", env=environment)
    assert done.returncode == 1
    row = {"bucket": bucket, "deleted": 2, "failed": 1, "removed": False}
    assert [json.loads(line) for line in done.stdout.splitlines()] == [row], done.stderr
    lines = done.stderr.decode().splitlines()
    assert [line for line in lines if line.startswith("pail: ")] == [
        f"pail: Access to s3://{bucket}/stays was denied (AccessDenied)",
        f"pail: Bucket {bucket} stays: 1 of its objects could not be deleted",
    ]
    assert lines[-1] == "  Each is listed with its reason."
    assert store.keys(bucket) == ["stays"]


@pytest.mark.parametrize("command", [["rm", "-r"], ["rb", "--force"]], ids=" ".join)
def test_what_is_not_known_of_an_interrupted_deletion_is_counted(person, store, proxy, bucket, command):
    keys = ["a", "b"]
    # By itself, and answered: XML cannot carry it, and SeaweedFS not among versions.
    known = ["bell\x07"] if command[0] == "rm" else []
    for key in keys + known:
        store.put(bucket, key, b"1")
    batch = proxy.hold("answer", operation="DeleteObjects", times=0)
    single = proxy.hold("request", operation="DeleteObject")
    told = proxy.hold("delivered", operation="DeleteObject")
    program = subprocess.Popen(
        [person.binary, *command, f"s3://{bucket}"], env=person.env, cwd=person.work,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )
    batch.wait()
    if known:
        single.release()
        told.wait()
    program.send_signal(signal.SIGINT)
    output, errors = (text.decode() for text in program.communicate(timeout=30))
    proxy.clear()
    assert program.returncode == 130
    assert output == (
        "Deleted 1 object, 2 unknown\n"
        if known
        else f"Deleted 0 objects and versions, 2 unknown; s3://{bucket} was not removed\n"
    )
    assert errors.splitlines() == [
        f"pail: Whether 2 objects in bucket {bucket} are deleted is not known: it was cancelled before "
        "an answer came",
        "  pail history shows which: their outcome is interrupted.",
        "pail: interrupted",
        "  What was deleted is recorded; the same command deletes the rest.",
    ]
    outcomes = sorted(row["outcome"] for row in person.changes() if row["action"] == "delete")
    assert outcomes == ["done"] * len(known) + ["interrupted"] * 2


def test_objects_are_deleted_one_by_one_where_md5_is_forbidden(
    person, store, proxy, bucket, library
):
    for key in ("p/1", "p/2", "q"):
        store.put(bucket, key, b"1")
    environment = {"LD_PRELOAD": str(library), "NO_MD5": "1"}
    done = person.run("rm", "-r", f"s3://{bucket}/p/", env=environment)
    assert done.returncode == 0, done.stderr
    assert store.keys(bucket) == ["q"]
    assert "DeleteObjects" not in proxy.names()
