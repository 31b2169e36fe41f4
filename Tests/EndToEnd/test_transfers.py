"""Uploads and downloads by keys: progress, several at once, cancelling, and large ones in parts."""

import hashlib
import os
import re
import stat

import pytest

MEBIBYTE = 1024 * 1024


def open_upload(browser):
    browser.press("u")
    browser.wait_for("Upload from")
    browser.wait_for("entr")


def choose(browser, *names):
    """Marks files and folders of the local file browser, which starts at its first row."""
    for name in names:
        browser.press("g")
        browser.wait_for("▸ ..")
        while not re.search(rf"▸[ *]{re.escape(name)}\b", before := browser.text):
            browser.press("j")
            browser.wait_until(lambda: browser.text != before, f"{name!r} on the way down")
        browser.press("Space")
        browser.wait_for(re.compile(rf"\*{re.escape(name)}\b"))


def upload(browser, *names):
    open_upload(browser)
    choose(browser, *names)
    browser.press("u")


def test_one_file_goes_up_with_a_guessed_type_and_appears_in_the_list(person, store, bucket):
    person.file("report.json", b'{"a": 1}')
    browser = person.browse(f"s3://{bucket}")
    upload(browser, "report.json")
    browser.wait_for(re.compile(r"report\.json.*done"))
    browser.wait_listed("report.json")
    assert store.get(bucket, "report.json") == b'{"a": 1}'
    head = store.s3.head_object(Bucket=bucket, Key="report.json")
    assert head["ContentType"] == "application/json"
    (row,) = person.changes()
    assert (row["action"], row["outcome"], row["size"]) == ("upload", "done", 8)
    assert row["localPath"].endswith(b"/report.json") and row["etag"]


def test_files_and_a_folder_go_up_together_below_the_prefix(person, store, bucket):
    person.file("one.txt", b"1")
    person.file("tree/a/deep.txt", b"deep")
    person.file("tree/b.txt", b"b")
    store.put(bucket, "p/seed", b"1")
    browser = person.browse(f"s3://{bucket}/p/")
    upload(browser, "one.txt", "tree")
    browser.wait_for(re.compile(r"Transfers \(2 of 2"))
    browser.wait_until(
        lambda: sorted(store.keys(bucket)) == ["p/one.txt", "p/seed", "p/tree/a/deep.txt", "p/tree/b.txt"],
        "every key",
    )


def test_a_key_that_exists_is_overwritten_skipped_or_renamed_as_one_says(person, store, bucket):
    person.file("note.txt", b"new")
    store.put(bucket, "note.txt", b"old!")
    browser = person.browse(f"s3://{bucket}")
    upload(browser, "note.txt")
    browser.wait_for("exists already")
    assert "4 bytes" in browser.text and "3 bytes" in browser.text
    browser.press("s")
    browser.wait_gone("exists already")
    assert store.get(bucket, "note.txt") == b"old!"
    upload(browser, "note.txt")
    browser.wait_for("exists already")
    browser.press("r")
    browser.wait_until(lambda: len(store.keys(bucket)) == 2, "another key")
    assert store.get(bucket, "note.txt") == b"old!"
    upload(browser, "note.txt")
    browser.wait_for("exists already")
    browser.press("o")
    browser.wait_until(lambda: store.get(bucket, "note.txt") == b"new", "the new contents")


def test_the_prefix_that_files_go_to_can_be_changed(person, store, bucket):
    person.file("note.txt", b"1")
    browser = person.browse(f"s3://{bucket}")
    open_upload(browser)
    browser.press("p")
    browser.wait_for("Upload to")
    browser.type("in/box")
    browser.press("Enter")
    browser.wait_for(f"s3://{bucket}/in/box/")
    choose(browser, "note.txt")
    browser.press("u")
    browser.wait_until(lambda: store.keys(bucket) == ["in/box/note.txt"], "the key")


def test_a_large_file_goes_up_in_parts_with_progress_while_one_browses(
    person, store, proxy, bucket
):
    body = os.urandom(160 * MEBIBYTE + 7)
    person.file("large.bin", body)
    store.put(bucket, "p/inside.txt", b"1")
    browser = person.browse(f"s3://{bucket}")
    hold = proxy.hold("answer", operation="UploadPart", skip=1, times=99)
    upload(browser, "large.bin")
    hold.wait()
    progress = browser.wait_for(re.compile(r"↑ large\.bin\s.*?(\d+)%\s+([\d.]+)(?: \w+)?/160(?:\.0)? MiB"))
    assert int(progress.group(1)) < 100
    assert "Transfers (0 of 1" in browser.text
    assert store.keys(bucket) == ["p/inside.txt"]
    (row,) = person.changes()
    assert row["action"] == "upload" and row["outcome"] is None
    # Browsing goes on meanwhile.
    browser.select("p/")
    browser.press("Enter")
    browser.wait_listed("inside.txt")
    hold.release()
    browser.wait_for(re.compile(r"large\.bin.*done"), timeout=60)
    assert hashlib.sha256(store.get(bucket, "large.bin")).digest() == hashlib.sha256(body).digest()
    parts = [entry for entry in proxy.operations if entry["operation"] == "UploadPart"]
    assert {entry["part"] for entry in parts} == set(range(1, len({e["part"] for e in parts}) + 1))
    assert len({entry["part"] for entry in parts}) >= 3
    assert store.uploads(bucket) == []


def test_several_run_at_once(person, store, proxy, bucket):
    for name in ("a1.bin", "b2.bin", "c3.bin"):
        person.file(name, os.urandom(MEBIBYTE))
    hold = proxy.hold("answer", operation="PutObject", times=3)
    browser = person.browse(f"s3://{bucket}")
    upload(browser, "a1.bin", "b2.bin", "c3.bin")
    hold.wait()
    browser.wait_for("Transfers (0 of 3")
    browser.wait_until(lambda: proxy.names().count("PutObject") == 3, "three requests at once")
    hold.release()
    browser.wait_for("Transfers (3 of 3")
    assert store.keys(bucket) == ["a1.bin", "b2.bin", "c3.bin"]
    browser.press("t")
    browser.wait_focus("transfers")
    browser.press("C")
    browser.wait_gone("Transfers (")


def test_a_cancelled_upload_leaves_no_object_and_no_multipart_upload(person, store, proxy, bucket):
    person.file("large.bin", os.urandom(40 * MEBIBYTE))
    hold = proxy.hold("answer", operation="UploadPart", times=99)
    browser = person.browse(f"s3://{bucket}")
    upload(browser, "large.bin")
    hold.wait()
    assert store.uploads(bucket) != []
    browser.press("t")
    browser.wait_focus("transfers")
    browser.press("x")
    browser.wait_for(re.compile(r"large\.bin.*cancel"))
    hold.release()
    browser.wait_for(re.compile(r"large\.bin.*cancelled"))
    assert store.uploads(bucket) == []
    assert store.keys(bucket) == []
    rows = person.changes()
    assert [row["outcome"] for row in rows if row["action"] == "upload"] == ["cancelled"]


def download(browser, folder):
    browser.press("d")
    browser.wait_for("Enter downloads")
    assert str(folder)[-20:] in browser.text
    browser.press("Enter")


def test_an_object_comes_down_to_the_download_folder(person, store, bucket):
    store.put(bucket, "p/data.txt", b"data" * 1000)
    browser = person.browse(f"s3://{bucket}/p/")
    browser.wait_selected("data.txt")
    download(browser, person.downloads)
    browser.wait_for(re.compile(r"↓ data\.txt.*done"))
    path = person.downloads / "data.txt"
    assert path.read_bytes() == b"data" * 1000
    head = store.s3.head_object(Bucket=bucket, Key="p/data.txt")
    assert int(path.stat().st_mtime) == int(head["LastModified"].timestamp())
    assert not path.stat().st_mode & stat.S_IXUSR
    # Downloads change nothing, so the history has nothing to say.
    assert not person.history_file.exists() or person.changes() == []


def test_an_object_whose_key_is_no_name_for_a_file_says_what_it_is_called(person, store, bucket):
    store.put(bucket, "p/.pail-0.part", b"data")
    browser = person.browse(f"s3://{bucket}/p/")
    browser.wait_selected(".pail-0.part")
    download(browser, person.downloads)
    browser.wait_for(re.compile(r"done.* as %2Epail-0\.part"))
    assert "1 under another name" in browser.bottom
    path = person.downloads / "%2Epail-0.part"
    assert path.read_bytes() == b"data"
    browser.press("t")
    browser.wait_focus("transfers")
    browser.press("Enter")
    browser.wait_for(re.compile(r"Other name +%2Epail-0\.part"))
    assert f"s3://{bucket}/p/.pail-0.part" in browser.text and "verified by" in browser.text
    browser.press("Esc")
    browser.wait_focus("transfers")


def test_the_download_folder_can_be_changed(person, store, bucket, tmp_path):
    other = tmp_path / "elsewhere"
    other.mkdir()
    store.put(bucket, "data.txt", b"1")
    browser = person.browse(f"s3://{bucket}")
    browser.wait_selected("data.txt")
    browser.press("d")
    browser.wait_for("Enter downloads")
    browser.press("^u")
    browser.type(str(other))
    browser.press("Enter")
    browser.wait_for(re.compile(r"data\.txt.*done"))
    assert (other / "data.txt").read_bytes() == b"1"


def files_in(folder):
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_a_prefix_and_marked_objects_come_down_with_their_names(person, store, bucket):
    for key in ("tree/a.txt", "tree/sub/b.txt", "c.txt"):
        store.put(bucket, key, key.encode())
    browser = person.browse(f"s3://{bucket}")
    browser.wait_listed("tree/", "c.txt")
    browser.press("g", "*")
    browser.wait_for("2 marked")
    download(browser, person.downloads)
    browser.wait_for("Transfers (2 of 2")
    assert files_in(person.downloads) == {
        key: key.encode() for key in ("tree/a.txt", "tree/sub/b.txt", "c.txt")
    }


def test_marked_keys_that_cannot_be_names_here_get_others(person, store, bucket):
    for key in ("a", "a/b", "a%2Fb"):
        store.put(bucket, key, key.encode())
    browser = person.browse(f"s3://{bucket}")
    browser.wait_listed("a/", "a", "a%2Fb")
    browser.press("g", "*")
    browser.wait_for("3 marked")
    download(browser, person.downloads)
    browser.wait_for("Transfers (3 of 3")
    assert files_in(person.downloads) == {"a": b"a", "a%2F/b": b"a/b", "a%252Fb": b"a%2Fb"}


def test_a_marked_object_named_as_the_prefix_itself_comes_down(person, moto):
    for key, body in (("d/", b"own"), ("d/q", b"q")):
        moto.s3.put_object(Bucket=moto.bucket, Key=key, Body=body)
    person.write_env(endpoint=moto.endpoint)
    browser = person.browse(f"s3://{moto.bucket}/d/")
    browser.wait_listed("q")
    browser.press("g", "*")
    browser.wait_for("2 marked")
    download(browser, person.downloads)
    browser.wait_for("Transfers (2 of 2")
    assert files_in(person.downloads) == {"%": b"own", "q": b"q"}


def test_a_large_object_comes_down_in_ranges_and_whole(person, store, proxy, bucket):
    body = os.urandom(40 * MEBIBYTE + 11)
    store.put(bucket, "large.bin", body)
    browser = person.browse(f"s3://{bucket}")
    browser.wait_selected("large.bin")
    download(browser, person.downloads)
    browser.wait_for(re.compile(r"large\.bin.*done"), timeout=60)
    assert (person.downloads / "large.bin").read_bytes() == body
    assert proxy.names().count("GetObject") >= 3
    assert [path.name for path in person.downloads.iterdir()] == ["large.bin"]


def test_a_cancelled_download_leaves_no_file(person, store, proxy, bucket):
    store.put(bucket, "large.bin", os.urandom(40 * MEBIBYTE))
    hold = proxy.hold("answer", operation="GetObject", skip=1, times=99)
    browser = person.browse(f"s3://{bucket}")
    browser.wait_selected("large.bin")
    download(browser, person.downloads)
    hold.wait()
    assert not (person.downloads / "large.bin").exists()
    browser.press("t")
    browser.wait_focus("transfers")
    browser.press("x")
    browser.wait_for(re.compile(r"large\.bin.*cancelled"))
    assert list(person.downloads.iterdir()) == []


def test_a_file_that_exists_is_asked_about_before_it_is_replaced(person, store, bucket):
    store.put(bucket, "data.txt", b"from the store")
    (person.downloads / "data.txt").write_bytes(b"precious")
    browser = person.browse(f"s3://{bucket}")
    browser.wait_selected("data.txt")
    download(browser, person.downloads)
    browser.wait_for("exists already")
    browser.press("Esc")
    browser.wait_gone("exists already")
    assert (person.downloads / "data.txt").read_bytes() == b"precious"
    download(browser, person.downloads)
    browser.wait_for("exists already")
    browser.press("o")
    browser.wait_for(re.compile(r"data\.txt.*done"))
    assert (person.downloads / "data.txt").read_bytes() == b"from the store"


@pytest.mark.parametrize("key", ["../../escaped", "/absolute", "a/../../escaped"])
def test_a_hostile_key_never_leaves_the_download_folder(person, moto, key):
    moto.s3.put_object(Bucket=moto.bucket, Key=f"p/{key}", Body=b"escaped")
    moto.s3.put_object(Bucket=moto.bucket, Key="p/fine.txt", Body=b"fine")
    person.write_env(endpoint=moto.endpoint)
    outside = person.home.parent
    before = {path for path in outside.rglob("*") if path.is_file()}
    browser = person.browse(f"s3://{moto.bucket}")
    browser.select("p/")
    download(browser, person.downloads)
    browser.wait_until(lambda: (person.downloads / "p/fine.txt").exists(), "the harmless one")
    browser.wait_quiet(0.5)
    after = {path for path in outside.rglob("*") if path.is_file()}
    strangers = {
        path
        for path in after - before
        if person.downloads not in path.parents and "state" not in path.parts
    }
    assert strangers == set()


def test_quitting_asks_only_while_transfers_run_and_stops_them_resumably(person, store, proxy, bucket):
    person.file("large.bin", os.urandom(40 * MEBIBYTE))
    hold = proxy.hold("answer", operation="UploadPart", times=99)
    browser = person.browse(f"s3://{bucket}")
    upload(browser, "large.bin")
    hold.wait()
    browser.press("q")
    browser.wait_for(re.compile("[Qq]uit"))
    browser.press("n")
    browser.wait_for("Transfers (0 of 1")
    assert browser.process.poll() is None
    browser.press("q")
    browser.wait_for(re.compile("[Qq]uit"))
    browser.press("s")
    # The parts are still held: who quits does not wait for them.
    assert browser.wait_exit() == 0
    hold.release()
    assert len(store.uploads(bucket)) == 1
    assert store.keys(bucket) == []
    assert [row["outcome"] for row in person.changes() if row["action"] == "upload"] == ["interrupted"]


def test_a_failed_upload_is_told_and_r_tries_again(person, store, proxy, bucket):
    person.file("note.txt", b"1")
    proxy.refuse(403, "AccessDenied", operation="PutObject", times=1)
    browser = person.browse(f"s3://{bucket}")
    upload(browser, "note.txt")
    browser.wait_for(re.compile(r"note\.txt.*failed"))
    assert "AccessDenied" in browser.text
    browser.press("t")
    browser.wait_focus("transfers")
    browser.press("r")
    browser.wait_for(re.compile(r"note\.txt.*done"))
    assert store.get(bucket, "note.txt") == b"1"
    assert [row["outcome"] for row in person.changes()] == ["failed", "done"]


def test_an_upload_takes_attributes_along(person, store, moto):
    person.write_env(endpoint=moto.endpoint)
    person.file("report.json", b"{}")
    browser = person.browse(f"s3://{moto.bucket}")
    open_upload(browser)
    choose(browser, "report.json")
    browser.press("a")
    browser.wait_for("Attributes of what is uploaded")
    browser.press("Tab", "Right", "Right", "Tab", "Right", "Tab")
    browser.wait_for("▸Metadata")
    browser.type("owner=ana")
    browser.press("Tab")
    browser.type("cost=7")
    browser.press("Enter")
    browser.wait_for("STANDARD_IA · SSE-S3 · 1 metadata · 1 tag")
    browser.press("u")
    browser.wait_for(re.compile(r"report\.json.*done"))
    head = moto.s3.head_object(Bucket=moto.bucket, Key="report.json")
    assert head["StorageClass"] == "STANDARD_IA" and head["ServerSideEncryption"] == "AES256"
    assert head["Metadata"] == {"owner": "ana"} and head["ContentType"] == "application/json"
    tags = moto.s3.get_object_tagging(Bucket=moto.bucket, Key="report.json")["TagSet"]
    assert tags == [{"Key": "cost", "Value": "7"}]
