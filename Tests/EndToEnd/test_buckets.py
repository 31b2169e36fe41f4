"""Creating and removing buckets by keys."""

import re


def test_a_bucket_is_created_by_name(person, store, new_bucket):
    name = new_bucket(create=False)
    browser = person.browse()
    browser.press("a")
    browser.wait_for("Create a bucket")
    browser.type(name)
    browser.press("Enter")
    browser.wait_for(f"Created bucket {name}")
    assert name in store.buckets()
    browser.wait_gone("Create a bucket")
    assert re.search(rf"│▸ {name}", browser.text)
    (row,) = person.changes()
    assert (row["action"], row["bucket"], row["outcome"]) == ("createBucket", name, "done")


def test_no_region_is_sent_unless_one_is_given(person, store, proxy, new_bucket):
    plain, placed = new_bucket(create=False), new_bucket(create=False)
    browser = person.browse()
    for name, region in ((plain, ""), (placed, "us-east-1")):
        browser.press("a")
        browser.wait_for("Create a bucket")
        browser.type(name)
        browser.press("Tab")
        browser.type(region)
        browser.press("Enter")
        browser.wait_for(f"Created bucket {name}")
    sent = [entry for entry in proxy.operations if entry["operation"] == "CreateBucket"]
    assert [entry["bucket"] for entry in sent] == [plain, placed]
    assert sent[0]["sent"] == 0
    assert sent[1]["sent"] > 0


def test_a_name_that_breaks_the_rules_is_refused_before_anything_is_sent(person, proxy):
    browser = person.browse()
    browser.press("a")
    browser.wait_for("Create a bucket")
    for name in ("Upper", "under_score", "ab", "192.168.1.1", "dots..twice"):
        browser.type(name)
        browser.wait_for("cannot be named")
        browser.press("Enter")
        browser.wait_quiet(0.2)
        for _ in name:
            browser.press("Backspace")
        browser.wait_gone("cannot be named")
    browser.press("Esc")
    browser.wait_gone("Create a bucket")
    assert "CreateBucket" not in proxy.names()


def test_a_name_that_is_taken_is_told_with_its_code(person, store, bucket):
    browser = person.browse()
    browser.press("a")
    browser.wait_for("Create a bucket")
    browser.type(bucket)
    browser.press("Enter")
    browser.wait_for(re.compile("BucketAlready(OwnedByYou|Exists)"))
    assert person.changes()[0]["outcome"] == "failed"


def test_an_empty_bucket_is_removed_after_y_and_not_after_enter(person, store, bucket):
    browser = person.browse()
    browser.select_bucket(bucket)
    browser.press("D")
    browser.wait_for(f"Remove bucket {bucket}")
    browser.press("Enter")
    browser.wait_gone("Remove bucket")
    assert bucket in store.buckets()
    browser.press("D")
    browser.wait_for(f"Remove bucket {bucket}")
    browser.press("y")
    browser.wait_for(f"Removed bucket {bucket}")
    assert bucket not in store.buckets()


def test_the_expected_owner_is_sent_with_the_removal(person, store, proxy, bucket):
    browser = person.browse()
    browser.select_bucket(bucket)
    browser.press("D")
    browser.wait_for(f"Remove bucket {bucket}")
    browser.press("Tab")
    browser.type("111122223333")
    browser.press("Enter")
    browser.wait_for(re.compile(r"[Oo]wner.*111122223333"))
    browser.press("y")
    browser.wait_for(f"Removed bucket {bucket}")
    (removal,) = [entry for entry in proxy.operations if entry["operation"] == "DeleteBucket"]
    assert removal["fields"]["x-amz-expected-bucket-owner"] == "111122223333"


def test_a_bucket_with_contents_asks_for_its_name_and_then_goes_with_every_version(
    person, store, proxy, new_bucket
):
    name = new_bucket("full", versioned=True)
    for _ in range(2):
        store.put(name, "a/twice.txt", b"version")
    store.put(name, "gone.txt", b"1")
    store.s3.delete_object(Bucket=name, Key="gone.txt")
    store.s3.create_multipart_upload(Bucket=name, Key="never-finished")
    browser = person.browse()
    browser.select_bucket(name)
    browser.press("D")
    browser.wait_for(f"Remove bucket {name}")
    browser.press("Tab")
    browser.type("111122223333")
    browser.press("Enter")
    browser.press("y")
    browser.wait_for("not empty")
    browser.type("wrong")
    browser.press("Enter")
    browser.wait_for("not the name")
    assert len(store.versions(name)) == 4
    for _ in "wrong":
        browser.press("Backspace")
    browser.type(name)
    browser.press("Enter")
    browser.wait_for(f"removed bucket {name}")
    assert name not in store.buckets()
    deletions = [row for row in person.changes() if row["action"] == "delete"]
    assert len(deletions) == 4 and {row["outcome"] for row in deletions} == {"done"}
    assert all(row["versionID"] for row in deletions)
    assert [row["outcome"] for row in person.changes() if row["action"] == "abortUpload"] == ["done"]
    # The server was told the owner before anything was deleted, and again at the end.
    sent = [
        (entry["operation"], entry["fields"].get("x-amz-expected-bucket-owner"))
        for entry in proxy.operations
    ]
    deletion = next(number for number, (name, _) in enumerate(sent) if name.startswith("DeleteObject"))
    assert any(owner == "111122223333" for _, owner in sent[:deletion])
    assert ("DeleteBucket", "111122223333") in sent[deletion:]


def test_esc_at_the_typed_name_leaves_the_contents_alone(person, store, bucket):
    store.put(bucket, "kept.txt", b"1")
    browser = person.browse()
    browser.select_bucket(bucket)
    browser.press("D")
    browser.wait_for(f"Remove bucket {bucket}")
    browser.press("y")
    browser.wait_for("not empty")
    browser.press("Esc")
    browser.wait_gone("not empty")
    assert store.keys(bucket) == ["kept.txt"]
