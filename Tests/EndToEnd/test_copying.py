"""`pail cp` and `pail mv`: the server copies, each change has its rows, and no source goes too early."""

import json
import os

import pytest
from proxy import Proxy

KEYS = ["p/a.gz", "p/a.txt", "p/x/b.gz", "q/c"]


def run(person, *arguments, status=0, **options):
    done = person.run(*arguments, **options)
    assert done.returncode == status, done.stderr.decode()
    return done


def json_lines(output):
    return [json.loads(line) for line in output.splitlines()]


@pytest.fixture
def filled(store, bucket):
    for key in KEYS:
        store.put(bucket, key, key.encode(), ContentType="text/x-own", Metadata={"note": key})
    return bucket


def test_cp_copies_one_object_with_what_belongs_to_it(person, store, filled):
    done = run(person, "cp", f"s3://{filled}/p/a.gz", f"s3://{filled}/copy/")
    assert done.stdout == f"Copied s3://{filled}/p/a.gz to s3://{filled}/copy/a.gz\n".encode()
    head = store.s3.head_object(Bucket=filled, Key="copy/a.gz")
    assert (head["ContentType"], head["Metadata"]) == ("text/x-own", {"note": "p/a.gz"})
    assert store.get(filled, "copy/a.gz") == b"p/a.gz" and store.get(filled, "p/a.gz") == b"p/a.gz"
    assert [(row["action"], row["outcome"]) for row in person.changes()] == [("copy", "done")]
    run(person, "cp", "--content-type", "text/x-new", f"s3://{filled}/q/c", f"s3://{filled}/q/d")
    assert store.s3.head_object(Bucket=filled, Key="q/d")["ContentType"] == "text/x-new"


def test_a_copy_keeps_storage_class_and_encryption(person, moto):
    person.write_env(endpoint=moto.endpoint)
    special = {
        "StorageClass": "STANDARD_IA",
        "ServerSideEncryption": "aws:kms",
        "SSEKMSKeyId": "arn:aws:kms:us-east-1:123456789012:key/one",
    }
    moto.s3.put_object(Bucket=moto.bucket, Key="a", Body=b"a", **special)
    run(person, "cp", f"s3://{moto.bucket}/a", f"s3://{moto.bucket}/b")
    run(person, "cp", "--storage-class", "GLACIER_IR", f"s3://{moto.bucket}/a", f"s3://{moto.bucket}/c")
    heads = {key: moto.s3.head_object(Bucket=moto.bucket, Key=key) for key in "bc"}
    assert {name: heads["b"][name] for name in special} == special
    assert heads["c"]["StorageClass"] == "GLACIER_IR"
    assert heads["c"]["ServerSideEncryption"] == "aws:kms"


def test_cp_r_copies_what_is_inside_and_several_keep_their_names(person, store, filled, new_bucket):
    other = new_bucket()
    rows = json_lines(run(person, "cp", "-r", "--json", f"s3://{filled}/p/", f"s3://{other}/in").stdout)
    assert [row["to"] for row in rows] == [f"s3://{other}/in/{name}" for name in ("a.gz", "a.txt", "x/b.gz")]
    assert all(row["action"] == "copy" and not row["skipped"] for row in rows)
    run(person, "cp", "-r", f"s3://{filled}/p/", f"s3://{filled}/q/", f"s3://{other}/two/", "--exclude", "*.gz")
    assert store.keys(other, "two/") == ["two/p/a.txt", "two/q/c"]


def test_a_pattern_copies_what_matches_and_no_copies(person, store, filled):
    command = ["cp", f"s3://{filled}/*.gz", f"s3://{filled}/z/"]
    for again in ([], ["--no-overwrite"], ["--exclude", "z/*"]):
        run(person, *command, *again)
        assert store.keys(filled) == [*KEYS, "z/p/a.gz", "z/p/x/b.gz"]


@pytest.mark.parametrize("command", ["mv", "cp"])
def test_a_pattern_replaces_nothing_that_it_names_itself(person, store, bucket, command):
    before = {"a": b"ONE", "a/a": b"THREE", "a/z": b"X", "b": b"TWO"}
    for key, body in before.items():
        store.put(bucket, key, body)
    verb = {"mv": "move", "cp": "copy"}[command]
    stays = f"pail: 2 objects under s3://{bucket}/a/ match as well: they are there already, and stay"
    refusal = f"pail: s3://{bucket}/a: its new name s3://{bucket}/a/a is among what is to be copied or moved"
    for dry in (["--dry-run"], []):
        done = run(person, command, *dry, f"s3://{bucket}/*", f"s3://{bucket}/a/", status=1)
        said = done.stderr.decode()
        assert stays in said and refusal in said and "--exclude 'a/*'" in said, said
        start = f"would {verb}" if dry else {"mv": "Moved", "cp": "Copied"}[command]
        assert done.stdout.decode().splitlines() == [f"{start} s3://{bucket}/b to s3://{bucket}/a/b"]
        if dry:
            assert store.keys(bucket) == sorted(before)
    after = {**before, "a/b": b"TWO"}
    if command == "mv":
        del after["b"]
    assert {key: store.get(bucket, key) for key in store.keys(bucket)} == after
    skipped = run(person, command, "--no-overwrite", f"s3://{bucket}/*", f"s3://{bucket}/a/")
    assert f"Skipped s3://{bucket}/a/a, which is there already" in skipped.stdout.decode()
    assert store.get(bucket, "a/a") == b"THREE"
    # Who leaves it out says that it is not meant, and may be replaced as anything else.
    replaced = run(person, command, f"s3://{bucket}/*", f"s3://{bucket}/a/", "--exclude", "a/*")
    assert replaced.stderr == b"" and store.get(bucket, "a/a") == b"ONE"
    assert store.get(bucket, "a/z") == b"X"


def test_an_object_that_two_patterns_name_is_copied_beside_others_once(person, store, bucket):
    for key in ("ab", "x/old"):
        store.put(bucket, key, key.encode())
    done = run(person, "cp", f"s3://{bucket}/*a*", f"s3://{bucket}/*b*", f"s3://{bucket}/x/")
    assert done.stdout.count(b"Copied") == 1 and done.stderr == b"", done
    assert store.keys(bucket) == ["ab", "x/ab", "x/old"]


def test_a_pattern_of_which_all_is_there_already_says_so(person, store, bucket):
    store.put(bucket, "x/a", b"1")
    done = run(person, "mv", f"s3://{bucket}/*", f"s3://{bucket}/x/", status=1)
    assert done.stderr.decode().splitlines() == [
        f"pail: 1 object under s3://{bucket}/x/ matches as well: it is there already, and stays",
        f"pail: Nothing else matches s3://{bucket}/*",
    ]


@pytest.mark.parametrize("words", [["q/c", "new"], ["-r", "q", "new"], ["q/*", "new/"]], ids=" ".join)
def test_a_move_whose_deletion_is_refused_names_the_copy(person, proxy, store, filled, words):
    proxy.refuse(403, "AccessDenied", operation="DeleteObject", times=0)
    places = [word if word == "-r" else f"s3://{filled}/{word}" for word in words]
    to = "new" if len(words) == 2 and words[0] == "q/c" else "new/c"
    done = run(person, "mv", *places, status=1)
    lines = done.stderr.decode().splitlines()
    assert lines[0] == (
        f"pail: s3://{filled}/q/c was copied to s3://{filled}/{to} and not removed: "
        f"Access to s3://{filled}/q/c was denied (AccessDenied)"
    )
    assert "s3:DeleteObject" in lines[1]
    assert store.get(filled, to) == store.get(filled, "q/c") == b"q/c"


def test_mv_deletes_the_source_once_the_copy_is_proven(person, store, filled):
    done = run(person, "mv", "-r", f"s3://{filled}/p/", f"s3://{filled}/moved/")
    assert done.stdout.splitlines()[0] == f"Moved s3://{filled}/p/a.gz to s3://{filled}/moved/a.gz".encode()
    assert store.keys(filled) == ["moved/a.gz", "moved/a.txt", "moved/x/b.gz", "q/c"]
    actions = sorted((row["action"], row["key"], row["outcome"]) for row in person.changes())
    assert actions == sorted(
        [("copy", f"moved/{name}".encode(), "done") for name in ("a.gz", "a.txt", "x/b.gz")]
        + [("delete", f"p/{name}".encode(), "done") for name in ("a.gz", "a.txt", "x/b.gz")]
    )


def test_dry_run_changes_nothing_and_says_what_is_replaced(person, store, filled):
    store.put(filled, "in/a.gz", b"before")
    done = run(person, "mv", "-r", "-d", f"s3://{filled}/p/", f"s3://{filled}/in/").stdout.decode()
    assert done.splitlines() == [
        f"would move s3://{filled}/p/a.gz to s3://{filled}/in/a.gz, replacing what is there",
        f"would move s3://{filled}/p/a.txt to s3://{filled}/in/a.txt",
        f"would move s3://{filled}/p/x/b.gz to s3://{filled}/in/x/b.gz",
    ]
    assert store.keys(filled) == ["in/a.gz", *KEYS] and not person.history_file.exists()


def test_no_overwrite_leaves_what_is_there(person, store, filled):
    run(person, "mv", "--no-overwrite", f"s3://{filled}/q/c", f"s3://{filled}/p/a.gz")
    assert store.get(filled, "p/a.gz") == b"p/a.gz" and store.get(filled, "q/c") == b"q/c"
    for command, action in (("mv", "move"), ("cp", "copy")):
        line = [command, "--no-overwrite", "--json", f"s3://{filled}/q/c", f"s3://{filled}/p/a.gz"]
        for dry in (["--dry-run"], []):
            (row,) = json_lines(run(person, *line, *dry).stdout)
            assert (row["action"], row["skipped"]) == (action, True)


@pytest.mark.parametrize("source", [["-r", "p"], ["p/*"]], ids=["prefix", "pattern"])
def test_objects_are_copied_onto_themselves_where_that_changes_them(person, store, filled, source):
    *recursive, key = source
    command = ["cp", *recursive, f"s3://{filled}/{key}", f"s3://{filled}/p/"]
    refused = run(person, *command, status=1)
    assert b"cannot be copied onto itself" in refused.stderr
    moved = run(person, "mv", *command[1:], status=1)
    assert b"cannot be copied onto itself" in moved.stderr and not person.history_file.exists()
    change = ["--cache-control", "no-store"]
    assert len(run(person, *command, *change, "--dry-run").stdout.splitlines()) == 3
    run(person, *command, *change)
    for object in KEYS:
        head = store.s3.head_object(Bucket=filled, Key=object)
        assert head.get("CacheControl") == ("no-store" if object.startswith("p/") else None)
    assert store.get(filled, "p/x/b.gz") == b"p/x/b.gz" and store.keys(filled) == KEYS


def test_what_makes_no_sense_changes_nothing(person, store, filled):
    same = f"s3://{filled}/q/c"
    run(person, "mv", same, same, status=1)
    inside = run(person, "cp", "-r", f"s3://{filled}/p/", f"s3://{filled}/p/x/", status=1)
    assert b"into itself" in inside.stderr
    missing = run(person, "cp", f"s3://{filled}/none", f"s3://{filled}/x", status=1)
    assert b"NoSuchKey" in missing.stderr or b"404" in missing.stderr
    for words in ([same], [f"s3://{filled}", same], ["f", same]):
        run(person, "cp", *words, status=64)
    refused = run(person, "mv", "--read-only", same, f"s3://{filled}/q/d", status=1)
    assert f"s3://{filled}/q/d was left alone: Pail runs read-only".encode() in refused.stderr
    assert store.keys(filled) == KEYS


def test_what_may_be_the_same_object_is_not_moved_onto_itself(person, store, filled):
    done = run(person, "mv", f"s3://{filled}/p/a.gz", f"s3://{filled}/p//a.gz", status=1)
    said = done.stderr.decode()
    assert f"s3://{filled}/p/a.gz stays where it is: p//a.gz is there already" in said
    assert "skip it" not in said and "Move it to another key." in said
    assert store.keys(filled) == KEYS and not person.history_file.exists()


@pytest.mark.parametrize(
    "places",
    [
        ["p/*", "q/*"],
        ["-r", "p/x", "q/x"],
        ["p/a.gz", "q/a.gz"],
        ["q/a.gz", "p/*.gz"],
    ],
)
def test_two_objects_never_become_one(person, store, filled, places):
    for key in ("q/a.gz", "q/x/b.gz"):
        store.put(filled, key, key.encode())
    before = store.keys(filled)
    words = [f"s3://{filled}/{place}" if place != "-r" else place for place in places]
    for command in ("mv", "cp"):
        refused = run(person, command, *words, f"s3://{filled}/new/", status=1)
        assert b"may become the same object" in refused.stderr
    assert store.keys(filled) == before and not person.history_file.exists()
    run(person, "mv", "--no-overwrite", *words, f"s3://{filled}/new/")
    assert {store.get(filled, key) for key in store.keys(filled)} == {key.encode() for key in before}


@pytest.mark.parametrize("command", ["mv", "cp"])
@pytest.mark.parametrize(
    "places",
    [["s/a/n", "s/b/n"], ["-r", "s/a/x", "s/b/x"], ["s/a/*", "s/b/*"], ["s/a/*", "s/b/n"], ["s/a/n", "s/b/*"]],
    ids=" ".join,
)
def test_of_objects_that_become_one_the_first_stays(person, moto, command, places):
    name = "x/n" if places[0] == "-r" else "n"
    objects = {f"s/{letter}/{name}": letter.encode() for letter in "ab"}
    for key, body in objects.items():
        moto.s3.put_object(Bucket=moto.bucket, Key=key, Body=body)
    words = [f"s3://{moto.bucket}/{place}" if place != "-r" else place for place in places]
    line = [command, *words, f"s3://{moto.bucket}/d/", "--no-overwrite"]
    # moto copies onto what is there whatever the request says: were both copied at once, the first
    # would come last and replace the second.
    with Proxy(moto.endpoint) as between:
        person.write_env(endpoint=between.endpoint)
        between.delay(1, operation="CopyObject", times=1)
        plan = run(person, *line, "--dry-run").stdout.decode().splitlines()
        plan_rows = json_lines(run(person, *line, "--dry-run", "--json").stdout)
        rows = json_lines(run(person, *line, "--json").stdout)
    assert [row["skipped"] for row in rows] == [row["skipped"] for row in plan_rows] == [False, True]
    to = f"s3://{moto.bucket}/d/{name}"
    assert plan[1] == f"would skip s3://{moto.bucket}/s/b/{name} to {to}, which is there by then"
    if command == "mv":
        del objects[f"s/a/{name}"]
    listed = moto.s3.list_objects_v2(Bucket=moto.bucket)["Contents"]
    bodies = {o["Key"]: moto.s3.get_object(Bucket=moto.bucket, Key=o["Key"])["Body"].read() for o in listed}
    assert bodies == {f"d/{name}": b"a", **objects}


def test_names_that_cannot_meet_go_together(person, store, filled):
    places = [f"s3://{filled}/{key}" for key in ("p/a.g*", "p/a.gz", "q/c")]
    run(person, "cp", *places, f"s3://{filled}/new/")
    assert store.keys(filled, "new/") == ["new/a.gz", "new/c"]


@pytest.mark.parametrize("command", ["mv", "cp"])
def test_what_is_moved_up_replaces_nothing_that_is_to_be_moved_too(person, store, bucket, command):
    for key in ("a/b/b/x", "a/b/x", "a/b/y"):
        store.put(bucket, key, key.encode())
    refused = run(person, command, "-r", f"s3://{bucket}/a/b/", f"s3://{bucket}/a/", status=1)
    assert f"a/b/b/x: its new name s3://{bucket}/a/b/x is among".encode() in refused.stderr
    assert store.get(bucket, "a/b/b/x") == b"a/b/b/x" and store.get(bucket, "a/x") == b"a/b/x"
    assert store.get(bucket, "a/y") == b"a/b/y"
    if command == "mv":
        assert store.keys(bucket) == ["a/b/b/x", "a/x", "a/y"]


@pytest.mark.parametrize("command", ["cp", "mv", "get"])
def test_a_place_with_nothing_to_take_does_not_hold_up_the_others(person, store, filled, new_bucket, command):
    places = [f"s3://{filled}/none", "s3://never-made-bucket/x", f"s3://{filled}/p", f"s3://{filled}/no*e", f"s3://{filled}/q"]
    other = new_bucket()
    to = "out/" if command == "get" else f"s3://{other}/"
    for dry in (["--dry-run"], []):
        done = run(person, command, "-r", *dry, *places, to, status=1)
        assert len(done.stdout.splitlines()) == len(KEYS), done.stderr
        for said in (f"Nothing is under {places[0]}/", f"Nothing is under what matches {places[3]}", "NoSuchBucket"):
            assert done.stderr.decode().count(said) == 1
    found = {str(path.relative_to(person.work / "out")) for path in (person.work / "out").rglob("*.*")}
    assert found >= {"p/a.gz", "p/x/b.gz"} if command == "get" else store.keys(other) == KEYS
    assert store.keys(filled) == ([] if command == "mv" else KEYS)


def test_du_goes_on_with_the_other_places(person, filled):
    done = run(person, "du", "--depth", "0", "s3://never-made-bucket", f"s3://{filled}/q/", status=1)
    assert done.stdout.split() == [b"3", b"1", f"s3://{filled}/q/".encode()]
    assert b"Bucket never-made-bucket does not exist (NoSuchBucket)" in done.stderr


def test_an_object_of_parts_is_moved_whole(person, store, bucket):
    body = os.urandom(12 << 20)
    run(person, "put", "--part-size", "5M", "-", f"s3://{bucket}/large", input=body)
    run(person, "mv", "--part-size", "5M", f"s3://{bucket}/large", f"s3://{bucket}/new")
    assert store.get(bucket, "new") == body
    assert store.keys(bucket) == ["new"] and store.uploads(bucket) == []


def test_markers_of_empty_folders_are_copied_and_moved_too(person, store, bucket):
    (person.work / "site/empty").mkdir(parents=True)
    person.file("site/a", b"a")
    run(person, "put", "-r", "site", f"s3://{bucket}/p/")
    run(person, "cp", "-r", f"s3://{bucket}/p/", f"s3://{bucket}/q/")
    assert store.keys(bucket, "q/") == ["q/a", "q/empty/"]
    run(person, "mv", "-r", f"s3://{bucket}/q/", f"s3://{bucket}/r/")
    assert store.keys(bucket) == ["p/a", "p/empty/", "r/a", "r/empty/"]
    assert {row["outcome"] for row in person.changes()} == {"done"}


def test_a_copy_that_is_sent_again_says_so_until_it_has_succeeded(person, proxy, store, filled):
    def trouble(operation):
        proxy.refuse(503, "SlowDown", operation=operation)
        return proxy.hold("request", operation=operation, skip=1)

    again = trouble("CopyObject")
    removal = proxy.hold("request", operation="DeleteObject")
    terminal = person.open("mv", f"s3://{filled}/p/a.gz", f"s3://{filled}/new")
    again.wait()
    terminal.wait_for("retrying 2/6: SlowDown")
    again.release()
    removal.wait()
    terminal.wait_gone("retrying")
    removal.release()
    assert terminal.wait_exit() == 0 and store.get(filled, "new") == b"p/a.gz"

    proxy.clear()
    again = trouble("CopyObject")
    browser = person.browse(f"s3://{filled}/q/")
    browser.press("c")
    browser.type("d")
    browser.press("Enter")
    again.wait()
    browser.wait_for("Copied 0…  retrying 2/6: SlowDown")
    again.release()
    browser.wait_for("Copied 1 object")
    assert store.get(filled, "q/d") == b"q/c"


def test_several_go_into_a_destination_without_its_slash(person, store, filled):
    run(person, "cp", f"s3://{filled}/p/a.gz", f"s3://{filled}/q/c", f"s3://{filled}/n")
    run(person, "mv", f"s3://{filled}/p/a.gz", f"s3://{filled}/p/a.txt", f"s3://{filled}/m")
    # Also where nothing but one of them is left.
    run(person, "cp", f"s3://{filled}/q/c", f"s3://{filled}/none*", f"s3://{filled}/l", status=1)
    assert store.keys(filled) == ["l/c", "m/a.gz", "m/a.txt", "n/a.gz", "n/c", "p/x/b.gz", "q/c"]


@pytest.mark.parametrize("change", [["--storage-class", "STANDARD_IA"], ["--acl", "private"]], ids=str)
def test_a_copy_onto_itself_keeps_headers_metadata_and_tags(person, store, bucket, change):
    said = {"ContentType": "text/x-own", "CacheControl": "no-store", "Metadata": {"note": "k"}}
    store.put(bucket, "k", b"body", Tagging="a=1&b=2", **said)
    run(person, "cp", f"s3://{bucket}/k", f"s3://{bucket}/k", *change)
    head = store.s3.head_object(Bucket=bucket, Key="k")
    assert {name: head[name] for name in said} == said and store.get(bucket, "k") == b"body"
    tags = store.s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"a": "1", "b": "2"}
    assert change[0] != "--storage-class" or head["StorageClass"] == change[1]
    assert [(row["action"], row["outcome"]) for row in person.changes()] == [("copy", "done")]
