"""Keys of every kind are listed, fetched, sent and deleted, each as the bytes that it is.

moto takes all of them, and SeaweedFS the one with a line break that stands among the hostile ones.
What no file can be named comes down under a name that tells them apart.
"""

import json
import shutil

KEYS = [
    "a/../../esc", "..", "../up", "/abs", "a//b", "./x", "%00", "C:\\x", "x" * 300,
    "dot.", "blank ", " lead", "-x", "-", "*", "?", "[", "[a]", "#", "%2F", "%", "+", "=", "a b",
    "tab\t", "cr\r", "escape\x1b[31m", "link\x1b]8;;evil:x\x07", "clip\x1b]52;c;UFdO\x07",
    "bell\x07", "delete\x7f", "c1\u009b31m", "bidi\u202etxt.exe", "zero\u200bwidth",
    "wide\U0001f9d1\u200d\U0001f680", "\u0301", "caf\u00e9", "cafe\u0301", "p", "p/q", "p/q/r",
    "A", "a.txt", "A.txt", "deep/" * 100 + "end", ".pail-0.part", "file..txt", "...", "~", "$HOME",
]  # fmt: skip
MARKERS = ["empty/", "trailing//"]


def run(person, *arguments, status=0):
    done = person.run(*arguments)
    assert done.returncode == status, done.stderr.decode()
    return done


def files_below(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def keys(s3, bucket):
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return sorted(item["Key"] for page in pages for item in page.get("Contents", []))


def test_keys_of_every_kind_are_listed_fetched_and_deleted(person, moto):
    for key in KEYS:
        moto.s3.put_object(Bucket=moto.bucket, Key=key, Body=b"body of " + key.encode())
    for key in MARKERS:
        moto.s3.put_object(Bucket=moto.bucket, Key=key, Body=b"")
    person.write_env(endpoint=moto.endpoint)

    lines = run(person, "ls", "-r", "--json", f"s3://{moto.bucket}").stdout.splitlines()
    assert [json.loads(line)["key"] for line in lines] == sorted(
        KEYS + MARKERS, key=lambda key: key.encode()
    )
    before = set(files_below(person.home.parent))
    told = run(person, "get", "-r", f"s3://{moto.bucket}", "down").stderr.decode()
    down = person.work / "down"
    found = files_below(down)
    assert sorted(path.read_bytes() for path in found) == sorted(
        b"body of " + key.encode() for key in KEYS
    )
    outside = set(files_below(person.home.parent)) - before - set(found)
    assert not [path for path in outside if "state" not in path.parts]
    assert (down / "caf\u00e9").is_file() and (down / "file..txt").is_file()
    assert (down / "empty").is_dir()
    # Names that are others than the keys are told.
    assert "a/../../esc: its name cannot be taken as it is, so the file is down/a/%2E%2E/%2E%2E/esc" in told
    assert "caf\u00e9" not in told
    assert "\x1b" not in told and "\x07" not in told

    run(person, "rm", "-r", f"s3://{moto.bucket}")
    assert keys(moto.s3, moto.bucket) == []
    deleted = {row["key"].decode() for row in person.changes() if row["action"] == "delete"}
    assert deleted == {*KEYS, *MARKERS}


def test_keys_of_every_kind_are_written_and_read_one_by_one(person, moto):
    person.write_env(endpoint=moto.endpoint)
    source = person.file("source", b"body")
    for key in KEYS:
        run(person, "put", source, f"s3://{moto.bucket}/{key}")
        read = run(person, "cat", "--no-glob", f"s3://{moto.bucket}/{key}")
        assert read.stdout == b"body", key
    assert keys(moto.s3, moto.bucket) == sorted(KEYS)


def test_an_object_named_as_the_prefix_itself_comes_with_what_is_under_it(person, moto):
    for key, body in (("d/", b"own"), ("d/q", b"q"), ("d//x", b"x"), ("e/", b""), ("e/q", b"q")):
        moto.s3.put_object(Bucket=moto.bucket, Key=key, Body=body)
    person.write_env(endpoint=moto.endpoint)
    for place in (["-r", "d/"], ["-r", "d"], ["d/*"]):
        command = ["get", *place[:-1], f"s3://{moto.bucket}/{place[-1]}"]
        plan = run(person, *command, "down", "--dry-run").stdout.decode()
        assert f"would download s3://{moto.bucket}/d/ to down/%\n" in plan
        run(person, *command, "down")
        down = person.work / "down"
        found = {str(path.relative_to(down)): path.read_bytes() for path in files_below(down)}
        assert found == {"%": b"own", "q": b"q", "%%2F/x": b"x"}
        kept = run(person, *command, "down", "--no-overwrite", "--json").stdout.splitlines()
        assert all(json.loads(line)["skipped"] for line in kept) and len(kept) == 3
        shutil.rmtree(down)
    # One without bytes is the folder itself.
    run(person, "get", "-r", f"s3://{moto.bucket}/e", "down")
    assert [path.name for path in files_below(person.work / "down")] == ["q"]
