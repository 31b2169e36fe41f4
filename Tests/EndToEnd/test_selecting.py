"""Globs, filters, several sources and dry runs: what is meant, and nothing beside it."""

import json
import os

import pytest
from scripted import Answer, Scripted
from test_background import start

KEYS = ["logs/a.gz", "logs/a.txt", "logs/x/b.gz", "logs/x/c.tmp", "logsgz", "m/a.gz"]


def run(person, *arguments, status=0, **options):
    done = person.run(*arguments, **options)
    assert done.returncode == status, done.stderr.decode()
    return done


def json_lines(output):
    return [json.loads(line) for line in output.splitlines()]


@pytest.fixture
def filled(store, bucket):
    for key in KEYS:
        store.put(bucket, key, key.encode())
    return bucket


def listed(person, *arguments):
    return run(person, "ls", "-0", *arguments).stdout.decode().split("\0")[:-1]


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_ls_lists_what_matches_at_every_level(person, filled):
    assert listed(person, f"s3://{filled}/logs/*.gz") == ["logs/a.gz", "logs/x/b.gz"]
    assert listed(person, f"s3://{filled}/?/a.gz") == ["m/a.gz"]
    assert listed(person, "-r", f"s3://{filled}/*/x") == ["logs/x/b.gz", "logs/x/c.tmp"]
    assert listed(person, "--no-glob", f"s3://{filled}/logs/*.gz") == []


def test_of_include_and_exclude_the_last_that_matches_decides(person, filled):
    place = f"s3://{filled}/logs/"
    assert listed(person, "-r", place, "--exclude", "x/*") == ["logs/a.gz", "logs/a.txt"]
    both = ["--exclude", "*", "--include", "*.gz"]
    assert listed(person, "-r", place, *both) == ["logs/a.gz", "logs/x/b.gz"]
    assert listed(person, "-r", place, *both, "--exclude", "x/*") == ["logs/a.gz"]
    assert run(person, "ls", place, "--exclude", "x", status=64).stderr


@pytest.mark.parametrize("filters", [["--include", "*.tmp"], ["--include", "*.tmp", "--exclude", "*"]])
def test_an_include_that_comes_first_deletes_nothing(person, store, filled, filters):
    """It leaves nothing out, while s5cmd takes only what matches it."""
    for where in (["-r", f"s3://{filled}/logs/"], [f"s3://{filled}/logs/*"]):
        refused = run(person, "rm", *where, *filters, status=64)
        assert b"write --exclude '*' --include '*.tmp'" in b" ".join(refused.stderr.split())
    assert store.keys(filled) == KEYS and not person.history_file.exists()
    run(person, "rm", f"s3://{filled}/logs/*", "--exclude", "*", "--include", "*.tmp")
    assert store.keys(filled) == [key for key in KEYS if not key.endswith(".tmp")]


def test_a_prefix_without_its_slash_touches_nothing_beside_it(person, store, filled, new_bucket):
    """As in `aws s3`: `logs` means `logs/`, and `logsgz` is something else."""
    place, other = f"s3://{filled}/logs", new_bucket()
    inside = ["a.gz", "a.txt", "x/b.gz", "x/c.tmp"]
    run(person, "get", "-r", place, "out")
    assert files(person.work / "out") == inside
    run(person, "cp", "-r", place, f"s3://{other}")
    assert store.keys(other) == inside
    run(person, "rm", "-r", "--dry-run", place)
    run(person, "rm", "-r", place)
    assert store.keys(filled) == ["logsgz", "m/a.gz"]
    run(person, "rm", "-r", f"s3://{other}/?")
    assert store.keys(other) == ["a.gz", "a.txt"]
    run(person, "mv", "-r", f"s3://{filled}/m", f"s3://{filled}/n")
    assert store.keys(filled) == ["logsgz", "n/a.gz"]
    for command in (["get", "-r", f"s3://{filled}/logsgz", "none"], ["cp", "-r", f"s3://{filled}/logsgz", place]):
        done = run(person, *command, status=1)
        assert f"Nothing is under s3://{filled}/logsgz/".encode() in done.stderr
        assert b"Without -r" in done.stderr
    assert not (person.work / "none").exists()


def test_ls_of_nothing_says_so_and_ends_well(person, filled, new_bucket):
    empty = new_bucket()
    for words, said in (
        ([f"s3://{empty}"], f"s3://{empty} is empty"),
        ([f"s3://{filled}/x"], f"nothing begins with s3://{filled}/x"),
        (["-r", f"s3://{filled}/x"], f"nothing begins with s3://{filled}/x"),
        ([f"s3://{filled}/x*"], f"nothing matches s3://{filled}/x*"),
        (["-r", f"s3://{filled}", "--exclude", "*"], f"the filters leave nothing of s3://{filled}"),
    ):
        done = run(person, "ls", *words)
        assert (done.stdout, done.stderr) == (b"", f"pail: {said}\n".encode())
        assert run(person, "ls", "--quiet", *words).stderr == b""
    assert run(person, "ls", "-0", "--json", f"s3://{filled}", status=64).stdout == b""


def test_rm_goes_on_in_the_other_buckets(person, store, filled):
    places = [f"s3://{filled}/m/a.gz", "s3://never-made-bucket/k", f"s3://{filled}/logsgz"]
    done = run(person, "rm", *places, status=1)
    assert done.stdout == b"Deleted 2 objects\n" and b"NoSuchBucket" in done.stderr
    assert store.keys(filled) == KEYS[:4]
    nothing = run(person, "rm", "-r", f"s3://{filled}/none")
    said = f"pail: there is nothing to delete under s3://{filled}/none\n".encode()
    assert (nothing.stdout, nothing.stderr) == (b"Deleted 0 objects\n", said)


def test_rm_names_each_place_in_which_nothing_was_found(person, store, filled, new_bucket):
    missing = [f"s3://{filled}/none*", f"s3://{new_bucket()}/*", "s3://never-made-bucket/*"]
    command = ["rm", *missing, f"s3://{filled}/log*/a.*", f"s3://{filled}/logs?a.txt"]
    plan = run(person, *command, "--dry-run", status=1)
    assert plan.stdout.count(b"would delete") == 2 and not person.history_file.exists()
    done = run(person, *command, status=1)
    assert done.stdout == b"Deleted 2 objects\n" and store.keys(filled) == KEYS[2:]
    for said in (plan.stderr, done.stderr):
        for place in missing[:2]:
            assert f"Nothing matches {place}\n".encode() in said
        assert b"NoSuchBucket" in said and said.count(b"pail: ") == 3
    # A prefix is as it was to be.
    places = [f"s3://{filled}/none/", f"s3://{filled}/m/"]
    done = run(person, "rm", "-r", *places)
    assert done.stdout == b"Deleted 1 object\n"
    assert done.stderr == f"pail: there is nothing to delete under {places[0]}\n".encode()
    assert run(person, "rm", "-r", f"s3://{filled}/none*", status=1).stdout == b""


def test_rm_of_all_versions_names_what_has_none(person, store, new_bucket):
    bucket = new_bucket(versioned=True)
    store.put(bucket, "a", b"1")
    places = [f"s3://{bucket}/{key}" for key in ("none", "none*", "a")]
    done = run(person, "rm", "--all-versions", *places, status=1)
    assert done.stdout == b"Deleted 1 version\n" and store.versions(bucket) == []
    assert done.stderr == f"pail: {places[0]} is not there\npail: Nothing matches {places[1]}\n".encode()
    run(person, "rm", "--all-versions", places[0])


def test_rm_deletes_what_matches_and_records_each(person, store, filled):
    plan = run(person, "rm", "--dry-run", f"s3://{filled}/logs/*.gz").stdout.decode()
    assert plan == "".join(
        f"would delete s3://{filled}/{key}\n" for key in ("logs/a.gz", "logs/x/b.gz")
    )
    assert store.keys(filled) == KEYS and not person.history_file.exists()
    assert run(person, "rm", f"s3://{filled}/logs/*.gz").stdout == b"Deleted 2 objects\n"
    assert store.keys(filled) == ["logs/a.txt", "logs/x/c.tmp", "logsgz", "m/a.gz"]
    rows = [(row["action"], row["key"], row["outcome"]) for row in person.changes()]
    assert rows == [("delete", b"logs/a.gz", "done"), ("delete", b"logs/x/b.gz", "done")]


def test_rm_r_takes_filters_and_several_places(person, store, filled):
    places = [f"s3://{filled}/logs/", f"s3://{filled}/m/"]
    dry = json_lines(
        run(person, "rm", "-r", "--dry-run", "--json", "--exclude", "*.gz", *places).stdout
    )
    assert [row["key"] for row in dry] == ["logs/a.txt", "logs/x/c.tmp"]
    run(person, "rm", "-r", "--exclude", "*.gz", *places)
    assert store.keys(filled) == ["logs/a.gz", "logs/x/b.gz", "logsgz", "m/a.gz"]


@pytest.mark.parametrize("command", ["get", "cp", "mv"])
def test_a_bucket_that_cannot_be_listed_holds_nothing_else_up(person, store, filled, new_bucket, command):
    other = new_bucket()
    to = "in" if command == "get" else f"s3://{other}/"
    missing = ["s3://never-made-bucket/*", "s3://nor-this-one/?"]
    places = [missing[0], f"s3://{filled}/logsgz", f"s3://{filled}/m/*.gz", missing[1]]
    # Nothing may come of what might become one.
    twice = run(person, command, *places, f"s3://{filled}/logs/*", to, status=1)
    assert b"may become the same" in twice.stderr and store.keys(filled) == KEYS
    plan = run(person, command, "--dry-run", *places, to, status=1)
    done = run(person, command, *places, to, status=1)
    assert plan.stderr == done.stderr
    assert done.stderr.count(b"NoSuchBucket") == done.stderr.count(b"pail: ") == 2
    assert (files(person.work / "in") if command == "get" else store.keys(other)) == ["a.gz", "logsgz"]
    assert store.keys(filled) == (KEYS[:4] if command == "mv" else KEYS)


def test_get_of_what_is_left_of_several_takes_the_destination_for_a_folder(person, filled):
    run(person, "get", "s3://never-made-bucket/*", f"s3://{filled}/logsgz", "in", status=1)
    assert files(person.work / "in") == ["logsgz"]


def test_a_key_that_is_named_like_a_pattern_is_meant_alone(person, store, moto):
    person.write_env(endpoint=moto.endpoint)
    for key in ("a*", "ab", "abc"):
        moto.s3.put_object(Bucket=moto.bucket, Key=key, Body=key.encode())
    assert run(person, "cat", f"s3://{moto.bucket}/a*").stdout == b"a*"
    # And where it is left out nothing is.
    done = run(person, "rm", f"s3://{moto.bucket}/a*", "--exclude", "a?", status=1)
    assert b"he filters leave nothing" in done.stderr
    assert moto.s3.list_objects_v2(Bucket=moto.bucket)["KeyCount"] == 3
    done = run(person, "rm", f"s3://{moto.bucket}/a*")
    assert b"the same words are a pattern; with --no-glob they stay the name" in done.stderr
    keys = [each["Key"] for each in moto.s3.list_objects_v2(Bucket=moto.bucket)["Contents"]]
    assert keys == ["ab", "abc"]
    # It is gone, so that without --no-glob the pattern would be meant.
    gone = run(person, "rm", "--no-glob", f"s3://{moto.bucket}/a*")
    assert gone.stderr == b""
    assert b"1 not there" in gone.stdout
    assert moto.s3.list_objects_v2(Bucket=moto.bucket)["KeyCount"] == 2


def test_a_key_of_which_only_versions_are_left_is_meant_alone(person, store, new_bucket):
    bucket = new_bucket("kept", versioned=True)
    for key in ("s*", "s1", "s2"):
        store.put(bucket, key, b"1")
    store.s3.delete_object(Bucket=bucket, Key="s*")
    place = f"s3://{bucket}/s*"
    assert run(person, "rm", "--all-versions", "-d", place).stdout.count(b"would delete") == 2
    assert run(person, "rm", "--all-versions", place).stdout == b"Deleted 2 versions\n"
    assert store.keys(bucket) == ["s1", "s2"]


def test_a_key_named_like_a_pattern_is_alone_in_a_store_without_versions(person):
    contents = "".join(f"<Contents><Key>{key}</Key><Size>1</Size></Contents>" for key in ("s*", "s1"))
    page = f"<ListBucketResult>{contents}<IsTruncated>false</IsTruncated></ListBucketResult>".encode()
    gone = []

    def answer(method, path, query, headers):
        if method == "DELETE":
            gone.append(path)
            return Answer(204)
        if "versions" in query:
            return Answer(501, b"<Error><Code>NotImplemented</Code></Error>")
        return Answer(200, page if method == "GET" else b"")

    with Scripted(answer) as server:
        run(person, "rm", "--all-versions", "s3://some-bucket/s*", "--endpoint-url", server.endpoint)
    assert gone == ["/some-bucket/s*"]


@pytest.mark.parametrize("command", ["rm", "cat", "get"])
def test_a_pattern_that_nothing_matches_fails(person, store, filled, command):
    done = run(person, command, f"s3://{filled}/never*", status=1)
    assert f"Nothing matches s3://{filled}/never*".encode() in done.stderr
    assert store.keys(filled) == KEYS


def test_cat_writes_objects_one_after_the_other(person, filled):
    output = run(person, "cat", f"s3://{filled}/logs/*.gz", f"s3://{filled}/m/a.gz").stdout
    assert output == b"logs/a.gzlogs/x/b.gzm/a.gz"
    missing = run(person, "cat", f"s3://{filled}/m/a.gz", f"s3://{filled}/none", status=1)
    assert missing.stdout == b"m/a.gz" and b"NoSuchKey" in missing.stderr
    places = [f"s3://{filled}/{key}" for key in ("m/a.gz", "none", "none*", "logsgz")]
    rest = run(person, "cat", *places, status=1)
    assert rest.stdout == b"m/a.gzlogsgz" and rest.stderr.count(b"pail: ") == 2


def test_a_pattern_goes_to_standard_output_where_it_is_one_object(person, filled):
    assert run(person, "get", f"s3://{filled}/logs/x/*.gz", "-").stdout == b"logs/x/b.gz"
    several = run(person, "get", f"s3://{filled}/logs/*", "-", status=1)
    assert several.stdout == b"" and b"matches several objects" in several.stderr
    assert b"pail cat" in several.stderr and b"--no-glob" in several.stderr
    none = run(person, "get", f"s3://{filled}/never*", "-", status=1)
    assert f"Nothing matches s3://{filled}/never*".encode() in none.stderr
    key = run(person, "get", "--no-glob", f"s3://{filled}/logs/*", "-", status=1)
    assert b"NoSuchKey" in key.stderr


def test_get_takes_several_keys_and_patterns_into_a_folder(person, filled):
    run(person, "get", f"s3://{filled}/logs/*.gz", f"s3://{filled}/logsgz", "in")
    assert files(person.work / "in") == ["a.gz", "logsgz", "x/b.gz"]
    run(person, "get", "-r", f"s3://{filled}/logs/x/", f"s3://{filled}/m/", "two/")
    assert files(person.work / "two") == ["m/a.gz", "x/b.gz", "x/c.tmp"]
    run(person, "get", "-r", f"s3://{filled}/logs/", "some", "--exclude", "*.t*")
    assert files(person.work / "some") == ["a.gz", "x/b.gz"]
    run(person, "get", f"s3://{filled}/logsgz", f"S3://{filled}/m/a.gz")
    assert files(person.downloads) == ["a.gz", "logsgz"]
    twice = run(person, "get", f"s3://{filled}/logs/a.gz", f"s3://{filled}/m/a.gz", "o", status=1)
    assert b"may become the same file" in twice.stderr and not (person.work / "o").exists()
    for places in (["-r", "logs/x", "old/x"], ["logs/*", "m/*"], ["logs/*.gz", "m/a.gz"]):
        words = [f"s3://{filled}/{place}" if place != "-r" else place for place in places]
        refused = run(person, "get", *words, "o", status=1)
        assert b"may become the same file" in refused.stderr and not (person.work / "o").exists()


def test_of_objects_that_become_one_file_the_first_stays(person, proxy, filled):
    # If they moved at once, that of the second pattern would be there first.
    proxy.delay(1, operation="GetObject", key=b"logs/a.gz")
    run(person, "get", "--no-overwrite", f"s3://{filled}/logs/*", f"s3://{filled}/m/*", "kept")
    assert (person.work / "kept/a.gz").read_bytes() == b"logs/a.gz"


def test_of_keys_that_become_one_file_the_first_stays(person, proxy, filled):
    # If they moved at once, one of them would find the other under way.
    hold = proxy.hold("request", operation="GetObject", key=b"logs/a.gz")
    words = [f"s3://{filled}/{key}" for key in ("logs/a.gz", "logsgz", "m/a.gz", "logs/a.txt")]
    plan = run(person, "get", "-d", "--no-overwrite", *words, "kept").stdout.decode().splitlines()
    program = start(person, "get", "--no-overwrite", *words, "kept", "--json")
    hold.wait()
    rows = [program.stdout.readline() for _ in range(2)]
    hold.release()
    output, errors = program.communicate(timeout=60)
    assert (program.returncode, errors) == (0, b"")
    assert {row["key"]: row["skipped"] for row in json_lines(b"".join(rows) + output)} == {
        "logs/a.gz": False, "logsgz": False, "m/a.gz": True, "logs/a.txt": False,
    }
    assert (person.work / "kept/a.gz").read_bytes() == b"logs/a.gz"
    said = f"would skip s3://{filled}/m/a.gz to kept/a.gz, which is there by then"
    assert len(plan) == 4 and said in plan
    # What is named first, be it a pattern or a key.
    run(person, "get", "--no-overwrite", f"s3://{filled}/logs/*.gz", f"s3://{filled}/m/a.gz", "new")
    assert (person.work / "new/a.gz").read_bytes() == b"logs/a.gz"


def test_get_dry_run_writes_nothing_and_says_what_it_replaces(person, filled):
    person.file("in/a.gz", b"mine")
    place = f"s3://{filled}/logs/"
    rows = json_lines(run(person, "get", "-r", "-d", "--json", place, "in").stdout)
    assert [(row["localPath"], row["replaces"]) for row in rows] == [
        ("in/a.gz", True), ("in/a.txt", False), ("in/x/b.gz", False), ("in/x/c.tmp", False),
    ]
    plain = run(person, "get", "-r", "-d", "--no-overwrite", place, "in").stdout.decode()
    assert f"would skip {place}a.gz to in/a.gz, which is there already\n" in plain
    assert files(person.work / "in") == ["a.gz"] and (person.work / "in/a.gz").read_bytes() == b"mine"


def test_the_size_of_what_is_skipped_is_the_true_one_or_none(person, filled):
    for name in ("in/a.gz", "in/logsgz"):
        person.file(name, b"mine")
    to = ["in", "--no-overwrite", "--json"]
    rows = json_lines(run(person, "get", "-r", f"s3://{filled}/logs/", *to).stdout)
    skipped = {row["key"]: row["size"] for row in rows if row["skipped"]}
    assert skipped == {"logs/a.gz": len("logs/a.gz")}
    # Nobody has asked the server about these.
    (got,) = json_lines(run(person, "get", f"s3://{filled}/logsgz", *to).stdout)
    stream = ["put", "-", f"s3://{filled}/logsgz", *to[1:]]
    (put,) = json_lines(run(person, *stream, input=b"new").stdout)
    for row in (got, put):
        assert row["skipped"] and "size" not in row


@pytest.mark.parametrize("command", ["get", "cp", "mv"])
def test_a_dry_run_fails_where_the_real_one_would(person, store, filled, command):
    to = "f" if command == "get" else f"s3://{filled}/f"
    done = run(person, command, "--dry-run", f"s3://{filled}/none", to, status=1)
    assert done.stdout == b"" and b"NoSuchKey" in done.stderr
    (row,) = json_lines(run(person, command, "-d", "--json", f"s3://{filled}/logsgz", to).stdout)
    assert (row["size"], row["replaces"]) == (len("logsgz"), False)
    assert store.keys(filled) == KEYS and not (person.work / "f").exists()


def test_a_dry_run_fails_where_nothing_may_be_written(person, filled, bound_by_permissions):
    closed = person.work / "closed"
    closed.mkdir(mode=0o500)
    (person.work / "open").mkdir()
    (person.work / "open/x").mkdir(mode=0o500)
    refused = [
        ([f"s3://{filled}/logsgz", "closed/"], ["closed/logsgz"]),
        ([f"s3://{filled}/logsgz", "closed/f"], ["closed/f"]),
        (["-r", f"s3://{filled}/m/", "closed/new/deep"], ["closed/new/deep/a.gz"]),
        (["-r", f"s3://{filled}/", "open/x/new"], [""]),
        (["-r", f"s3://{filled}/logs/", "open"], ["open/x/b.gz", "open/x/c.tmp"]),
    ]
    for words, files in refused:
        plan = run(person, "get", "--dry-run", *words, status=1)
        lines = plan.stderr.decode().splitlines()
        said = [line for line in lines if line.startswith("pail: ")]
        assert len(said) == len(files) and all("Permission denied" in line for line in said), lines
        for name in files:
            assert f" to {name}" not in plan.stdout.decode()
        done = run(person, "get", *words, status=1)
        assert b"Permission denied" in done.stderr
    assert b"open/a.gz" in plan.stdout and b"open/a.txt" in plan.stdout
    assert list(closed.iterdir()) == []
    # What is there already, and stays, needs no room.
    closed.chmod(0o700)
    (closed / "logsgz").write_bytes(b"mine")
    closed.chmod(0o500)
    run(person, "get", "--dry-run", "--no-overwrite", f"s3://{filled}/logsgz", "closed/")


def test_a_dry_run_says_that_pail_runs_read_only(person, store, filled):
    note = b"pail: Pail runs read-only: without --dry-run this would be refused\n"
    person.file("f", b"1")
    run(person, "put", "f", f"s3://{filled}/f")
    place, new = f"s3://{filled}/logsgz", f"s3://{filled}/new"
    lines = [
        ["put", "f", new], ["put", "-", new], ["cp", place, new], ["mv", place, new], ["rm", place],
        ["rb", "--force", f"s3://{filled}"], ["transfers", "abort", "--all"], ["history", "settle"],
    ]
    for line in lines:
        done = run(person, *line, "--dry-run", "--read-only")
        assert note in done.stderr, line
        assert done.stdout == run(person, *line, "--dry-run").stdout
        assert note not in run(person, *line, "--dry-run").stderr
    assert b"read-only" not in run(person, "get", place, "got", "--dry-run", "--read-only").stderr


@pytest.mark.parametrize("command", ["put", "get", "cp", "mv"])
def test_a_dry_run_has_the_names_of_its_result(person, store, filled, command):
    words = [command, "--json", f"s3://{filled}/logsgz", "out" if command == "get" else f"s3://{filled}/new"]
    if command == "put":
        words[2] = str(person.file("logsgz", b"logsgz"))
    (plan,) = json_lines(run(person, *words, "--dry-run").stdout)
    (done,) = json_lines(run(person, *words).stdout)
    assert plan.pop("replaces") is False
    assert plan == {name: done[name] for name in plan}
    assert ("verified" in done) == ("verification" in done) == (command != "put")


def test_a_dry_run_of_put_is_no_failure_where_only_writing_is_allowed(person, proxy, store, filled):
    person.file("site/logsgz", b"1")
    for operation in ("HeadObject", "ListObjectsV2"):
        proxy.refuse(403, "AccessDenied", operation=operation, times=0)
    place, command = f"s3://{filled}/", ["put", "-r", "site", f"s3://{filled}/", "--dry-run"]
    plan = run(person, *command)
    unseen = f"would upload site/logsgz to {place}logsgz; whether that replaces something cannot be seen with these keys\n"
    assert plan.stdout.decode() == unseen and plan.stderr == b""
    kept = run(person, *command, "--no-overwrite").stdout.decode()
    assert kept == f"would upload site/logsgz to {place}logsgz, unless something is there, which cannot be seen with these keys\n"
    (row,) = json_lines(run(person, *command, "--json").stdout)
    assert "replaces" not in row and row["skipped"] is False
    assert store.get(filled, "logsgz") == b"logsgz"


def test_a_pattern_with_r_that_has_nothing_under_it_says_what_it_would_mean_without(person, store, filled):
    for command in (["get", "out"], ["cp", f"s3://{filled}/n/"], ["mv", f"s3://{filled}/n/"], ["rm"]):
        words = [command[0], "-r", f"s3://{filled}/logs/*.gz", *command[1:]]
        done = run(person, *words, status=1)
        assert f"Nothing is under what matches s3://{filled}/logs/*.gz\n".encode() in done.stderr
        assert b"Without -r the pattern means the objects themselves." in done.stderr
    assert store.keys(filled) == KEYS


def test_what_get_is_told_twice_it_does_once(person, filled):
    place = f"s3://{filled}/logsgz"
    done = run(person, "get", place, place, "in/")
    assert done.stdout == f"Downloaded {place} to in/logsgz\n".encode()
    run(person, "get", f"s3://{filled}/logs/a.gz", f"s3://{filled}/logs/a*", f"s3://{filled}/logs/*", "in/")
    assert files(person.work / "in") == ["a.gz", "a.txt", "logsgz", "x/b.gz", "x/c.tmp"]


def test_a_dry_run_of_standard_input_reads_none_and_standard_output_has_none(person, store, filled):
    plan = run(person, "put", "-d", "-", f"s3://{filled}/logsgz", input=b"new").stdout
    said = f"would upload standard input to s3://{filled}/logsgz, replacing what is there\n"
    assert plan == said.encode()
    assert store.get(filled, "logsgz") == b"logsgz"
    # Its name in words is no path, while a file may have it.
    for words in (["-d", "-"], ["-"]):
        (row,) = json_lines(run(person, "put", "--json", *words, f"s3://{filled}/new", input=b"new").stdout)
        assert row["key"] == "new" and "localPath" not in row
    person.file("standard input", b"mine")
    (row,) = json_lines(run(person, "put", "--json", "standard input", f"s3://{filled}/new").stdout)
    assert row["localPath"] == "standard input"
    assert run(person, "get", "-d", f"s3://{filled}/logsgz", "-", status=64).stdout == b""


def test_du_adds_up_by_prefix(person, filled):
    rows = json_lines(run(person, "du", "--json", f"s3://{filled}").stdout)
    assert [(row["prefix"], row["objects"], row["isTotal"]) for row in rows] == [
        ("logs/", 4, False), ("m/", 1, False), ("", 6, True),
    ]
    assert rows[-1]["size"] == sum(map(len, KEYS))
    deep = json_lines(run(person, "du", "--json", "--depth", "2", f"s3://{filled}/logs/").stdout)
    assert [row["prefix"] for row in deep] == ["logs/x/", "logs/"]
    text = run(person, "du", "--depth", "0", f"s3://{filled}/*.gz").stdout.decode()
    assert text.split() == [str(9 + 11 + 6), "3", f"s3://{filled}/*.gz"]
    nothing = run(person, "du", f"s3://{filled}/none*")
    assert nothing.stderr == f"pail: nothing matches s3://{filled}/none*\n".encode()


def test_du_adds_up_what_rm_r_would_take_and_not_what_only_begins_so(person, store, filled):
    (total,) = json_lines(run(person, "du", "--json", "-d", "0", f"s3://{filled}/logs").stdout)
    assert (total["prefix"], total["objects"]) == ("logs", 4)
    rows = json_lines(run(person, "du", "--json", f"s3://{filled}/logs", "--exclude", "*.tmp").stdout)
    assert [(row["prefix"], row["objects"]) for row in rows] == [("logs/x/", 1), ("logs", 3)]
    # Beside what is under it, an object of just that name is not meant.
    store.put(filled, "logs", b"of that name")
    (total,) = json_lines(run(person, "du", "--json", "-d", "0", f"s3://{filled}/logs").stdout)
    taken = run(person, "rm", "-r", "--dry-run", f"s3://{filled}/logs").stdout.splitlines()
    assert total["objects"] == len(taken) == 4
    (one,) = json_lines(run(person, "du", "--json", f"s3://{filled}/m/a.gz").stdout)
    assert (one["prefix"], one["objects"], one["size"]) == ("m/a.gz", 1, 6)
    (none,) = json_lines(run(person, "du", "--json", f"s3://{filled}/m/a").stdout)
    assert none["objects"] == 0
    nothing = run(person, "du", f"s3://{filled}/m/a")
    assert nothing.stderr == f"pail: nothing is at s3://{filled}/m/a, or under it\n".encode()


def test_options_may_stand_before_the_command(person, filled):
    done = run(person, "--json", "--user", "ana", "rm", f"s3://{filled}/logsgz")
    assert json_lines(done.stdout) == [
        {"deleted": 1, "failed": 0, "leftNewer": 0, "missing": 0}
    ]
    assert [row["user"] for row in person.changes()] == ["ana"]


def test_put_r_takes_filters_and_a_dry_run_sends_nothing(person, store, bucket):
    for name in ("a.gz", "a.tmp", "x/b.gz"):
        person.file(f"site/{name}", b"12")
    store.put(bucket, "in/a.gz", b"before")
    (person.work / "site/empty").mkdir()
    command = ["put", "-r", "--exclude", "*.tmp", "site", f"s3://{bucket}/in/"]
    plan = run(person, *command, "--dry-run").stdout.decode().splitlines()
    assert plan == [
        f"would upload site/a.gz to s3://{bucket}/in/a.gz, replacing what is there",
        f"would upload site/empty to s3://{bucket}/in/empty/",
        f"would upload site/x/b.gz to s3://{bucket}/in/x/b.gz",
    ]
    assert store.keys(bucket) == ["in/a.gz"] and not person.history_file.exists()
    run(person, *command)
    assert store.keys(bucket) == ["in/a.gz", "in/empty/", "in/x/b.gz"] and store.get(bucket, "in/a.gz") == b"12"


def test_put_r_filters_the_files_beside_the_folders_too(person, store, bucket):
    for name in ("a.tmp", "dd/b.tmp", "dd/c", "e", "sub/a.tmp"):
        person.file(name, b"1")
    # As the shell gives them for *, and one that would be the same object if it were meant.
    command = ["put", "-r", "a.tmp", "dd", "e", "sub/a.tmp", f"s3://{bucket}/in/", "--exclude", "*.tmp"]
    for dry in (["--dry-run"], []):
        done = run(person, *command, *dry)
        assert len(done.stdout.splitlines()) == 2 and done.stderr == b""
    assert store.keys(bucket) == ["in/dd/c", "in/e"]
    # Where one of several is left the destination still means "into".
    run(person, "put", "-r", "e", "a.tmp", f"s3://{bucket}/one", "--exclude", "*", "--include", "e")
    assert store.keys(bucket, "one") == ["one/e"]
    for dry in (["--dry-run"], []):
        done = run(person, "put", "-r", *dry, "e", f"s3://{bucket}/none/", "--exclude", "*", status=1)
        assert (done.stdout, done.stderr) == (b"", b"pail: The filters leave nothing of e\n")


def test_put_r_names_each_folder_that_makes_no_object(person, store, bucket):
    for name in ("bare", "site/empty"):
        (person.work / name).mkdir(parents=True)
    person.file("full/a.tmp", b"1")
    to = f"s3://{bucket}/in/"
    for dry in (["--dry-run"], []):
        done = run(person, "put", "-r", *dry, "bare", "full", to, status=1)
        assert done.stderr == b"pail: There is nothing to upload in bare\n"
        done = run(person, "put", "-r", *dry, "full", to, "--exclude", "*", status=1)
        assert (done.stdout, done.stderr) == (b"", b"pail: The filters leave nothing of full\n")
        # An empty folder inside is something.
        run(person, "put", "-r", *dry, "site", to)
        assert store.keys(bucket) == ([] if dry else ["in/empty/", "in/full/a.tmp"])


def test_a_limit_is_taken_before_and_after_the_command(person, store, bucket):
    person.file("f", bytes(300_000))
    run(person, "--limit-rate", "10M", "put", "f", f"s3://{bucket}/f")
    assert store.get(bucket, "f") == bytes(300_000)
    assert run(person, "ls", "--limit-rate", "fast", status=64).stderr


def test_an_exclude_silences_what_cannot_be_uploaded(person, store, bucket):
    person.file("d/a.txt", b"1")
    person.file("outside/x", b"1")
    for name, target in (("out", "../outside"), ("loop", "."), ("nowhere", "missing")):
        (person.work / "d" / name).symlink_to(target)
    os.mkfifo(person.work / "d/fifo")
    command = ["put", "-r", "d", f"s3://{bucket}"]
    for dry in (["--dry-run"], []):
        done = run(person, *command, *dry, status=1)
        assert done.stderr.count(b"pail: ") == 4
        filters = [word for name in ("out", "loop/*", "no*", "fifo") for word in ("--exclude", name)]
        assert run(person, *command, *dry, *filters).stderr == b""
        some = ["--exclude", "*", "--include", "*.txt"]
        assert run(person, *command, *dry, *some).stderr == b""
        # What is in it is not known, and may be meant.
        left = run(person, *command, *dry, "--exclude", "out/*.txt", *filters[2:], status=1)
        assert b"d/out is a link out of its folder" in left.stderr and left.stderr.count(b"pail: ") == 1
    assert store.keys(bucket) == ["a.txt"]
    looping = run(person, *command, "--follow-symlinks", *filters[4:], status=1)
    assert b"d/loop is a link back into a folder that holds it" in looping.stderr
    assert b"--follow-symlinks" not in looping.stderr


@pytest.mark.parametrize("command", ["get", "cp", "mv", "rm"])
def test_filters_that_leave_nothing_are_named(person, store, filled, command):
    to = {"get": ["out"], "rm": []}.get(command, [f"s3://{filled}/n/"])
    for place in (["-r", f"s3://{filled}/logs/"], [f"s3://{filled}/logs/*"]):
        status = 0 if command == "rm" and place[0] == "-r" else 1
        done = run(person, command, *place, *to, "--exclude", "*", status=status)
        assert f"he filters leave nothing of {place[-1]}\n".encode() in done.stderr
    assert store.keys(filled) == KEYS
