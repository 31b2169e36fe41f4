"""What goes wrong is told with its subject and code, as a status, and changes nothing on the server."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import termios
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest
from scripted import Answer, Scripted
from test_background import start

PUT = ["put", "f", "s3://{}/k"]
READS = [
    ["ls", "s3://{}"], ["ls", "--versions", "s3://{}"], ["du", "s3://{}"],
    ["get", "s3://{}/k", "out"], ["get", "-r", "s3://{}/", "out"], ["cat", "s3://{}/k"],
    ["stat", "s3://{}/k"],
]
CHANGES = [
    PUT, ["put", "-", "s3://{}/k"], ["rm", "s3://{}/k"], ["rm", "-r", "s3://{}/"],
    ["rm", "s3://{}/*"], ["cp", "s3://{}/k", "s3://{}/l"], ["mv", "s3://{}/k", "s3://{}/l"],
    ["mv", "-r", "s3://{}/", "s3://elsewhere/"], ["rb", "s3://{}"], ["rb", "--force", "s3://{}"],
]
MB = ["mb", "s3://{}-more"]
PRESIGN = ["presign", "s3://{}/k", "--method", "put"]
DOCTOR = ["doctor", "s3://{}"]


def words(command, bucket):
    return [word.replace("{}", bucket) for word in command]


def name(command):
    return " ".join(command)


def run(person, *arguments, status=0, **options):
    done = person.run(*arguments, **options)
    assert done.returncode == status, (done.stdout.decode(), done.stderr.decode())
    return done


@pytest.fixture
def filled(person, store, bucket):
    person.file("f", b"mine")
    store.put(bucket, "k", b"before")
    return bucket


def untouched(store, bucket):
    return store.keys(bucket) == ["k"] and store.get(bucket, "k") == b"before"


@pytest.mark.parametrize("command", READS + CHANGES, ids=name)
def test_a_bucket_that_is_not_there_is_named_with_its_code(person, command):
    person.file("f", b"mine")
    done = run(person, *words(command, "never-made-bucket"), input=b"x", status=1)
    assert b"never-made-bucket" in done.stderr
    assert b"NoSuchBucket" in done.stderr or b"NoSuchKey" in done.stderr or b"404" in done.stderr
    assert done.stdout == b"" or b"Deleted 0" in done.stdout
    assert not (person.work / "out").is_file()


@pytest.mark.parametrize("command", [
    READS[0], *READS[2:4], *READS[5:], *CHANGES[:3], *CHANGES[5:7], CHANGES[8], MB, DOCTOR,
], ids=name)
def test_without_a_network_each_command_says_what_it_could_not_reach(person, command):
    person.file("f", b"mine")
    # RFC 6761: a name that never resolves.
    place = ["--endpoint-url", "https://no-such-host.invalid"]
    done = run(
        person, *words(command, "box"), *place, input=b"x", status=1, env={"PAIL_RETRY_FOR": "1s"}
    )
    assert b"no-such-host.invalid" in done.stderr
    assert not (person.work / "out").is_file()


@pytest.mark.parametrize("command", [*CHANGES, MB, PRESIGN], ids=name)
def test_read_only_refuses_every_change(person, store, filled, command):
    done = run(person, "--read-only", *words(command, filled), input=b"x", status=1)
    assert b"read-only" in done.stderr
    assert untouched(store, filled) and not person.history_file.exists()
    assert f"{filled}-more" not in store.buckets()


@pytest.mark.parametrize("command, place", [
    ("rm s3://{}/k", "s3://{}/k"), ("rm -r s3://{}/p", "s3://{}/p/"), ("rm s3://{}/p/*", "s3://{}/p/*"),
    ("rm -r s3://{}", "Bucket {}"), ("put -r s s3://{}/m/", "s3://{}/m/a"),
])
def test_read_only_names_what_it_leaves_alone(person, filled, command, place):
    person.file("s/a", b"1")
    done = run(person, "--read-only", *words(command.split(), filled), status=1)
    said = f"{place.replace('{}', filled)} was left alone: Pail runs read-only\n"
    assert done.stderr.decode().count(said) == 1 and done.stderr.count(b"left alone") == 1


def test_who_gave_no_read_only_is_told_where_to_look_for_it(person, store, filled):
    # Settling and archiving need a history.
    run(person, "presign", f"s3://{filled}/k")
    settings = person.home / "config/pail/config.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text("read_only = true\n")
    settings.chmod(0o600)
    for command in (["rm", f"s3://{filled}/k"], ["history", "settle"], ["history", "archive"]):
        refused = run(person, *command, status=1).stderr
        assert b"runs read-only" in refused
        assert b"or without the setting that says so: pail doctor shows where it comes from" in refused
    assert b"config.toml" in run(person, "doctor").stdout and untouched(store, filled)


@pytest.mark.parametrize("command", [*READS, DOCTOR], ids=name)
def test_read_only_is_no_matter_to_what_only_reads(person, filled, command):
    run(person, "--read-only", *words(command, filled))


@pytest.mark.parametrize("command", READS, ids=name)
def test_what_only_reads_needs_no_history(person, filled, command):
    person.file("no-folder", b"")
    run(person, *words(command, filled), "--history", "no-folder/history.sqlite")


def test_doctor_says_that_the_history_cannot_be_written(person, filled):
    person.file("no-folder", b"")
    place = "no-folder/history.sqlite"
    done = run(person, *words(DOCTOR, filled), "--history", place, status=1)
    assert b"history" in done.stderr and place.encode() in done.stderr


@pytest.fixture
def left_over(person, store, proxy, bucket):
    """An upload of which a part is on the server, and the program dead."""
    person.file("large.bin", bytes(17 << 20))
    hold = proxy.hold("request", "UploadPart", skip=1, times=0)
    program = subprocess.Popen(
        [person.binary, "put", "large.bin", f"s3://{bucket}/large.bin"], env=person.env,
        cwd=person.work, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
    )
    hold.wait()
    program.kill()
    program.wait()
    hold.drop()
    proxy.clear()
    proxy.settle()
    (upload,) = store.uploads(bucket)
    return bucket, upload


@pytest.mark.parametrize("command", ["resume", "abort --all"])
@pytest.mark.parametrize("trouble", ["no network", "read-only", "no history"])
def test_unfinished_transfers_stay_as_they_are_when_nothing_can_be_done(
    person, store, proxy, left_over, command, trouble
):
    bucket, upload = left_over
    person.file("no-folder", b"")
    options = {
        "read-only": ["--read-only"], "no history": ["--history", "no-folder/history.sqlite"],
    }.get(trouble, [])
    if trouble == "no network":
        proxy.close()
    done = run(
        person, "transfers", *command.split(), *options, status=1, env={"PAIL_RETRY_FOR": "1s"}
    )
    said = {
        "no network": "No connection to 127.0.0.1", "read-only": "read-only",
        "no history": "no-folder/history.sqlite cannot be opened",
    }[trouble]
    assert said.encode() in done.stderr
    assert store.uploads(bucket) == [upload] and store.keys(bucket) == []
    (kept,) = run(person, "transfers", "--json").stdout.splitlines()
    assert json.loads(kept)["uploadID"] == upload


@pytest.mark.parametrize("command", [*CHANGES, MB, PRESIGN], ids=name)
def test_no_record_no_change(person, store, filled, command):
    person.file("no-folder", b"")
    done = run(
        person, *words(command, filled), "--history", "no-folder/history.sqlite", input=b"x", status=1
    )
    # Why, too.
    assert b"history" in done.stderr and b"no-folder/history.sqlite cannot be opened" in done.stderr
    assert untouched(store, filled)
    assert f"{filled}-more" not in store.buckets()


@pytest.mark.parametrize("command", [*READS, *CHANGES, MB], ids=name)
def test_what_is_denied_is_told_with_the_code(person, store, filled, command):
    def refuse(method, path, query, headers):
        body = b"<Error><Code>AccessDenied</Code><Message>No</Message></Error>"
        return Answer(403, body, {"Content-Type": "application/xml"})

    with Scripted(refuse) as server:
        done = run(
            person, *words(command, filled), "--endpoint-url", server.endpoint, input=b"x", status=1
        )
    assert b"AccessDenied" in done.stderr or b"denied" in done.stderr
    rows = person.changes() if person.history_file.exists() else []
    assert all(row["outcome"] == "failed" for row in rows)
    assert untouched(store, filled)


@pytest.mark.parametrize("command", ["stat s3://{}/k", "get s3://{}/k out", "cp s3://{}/k s3://{}/l"])
def test_a_wrong_secret_is_no_mere_lack_of_permission(person, filled, command):
    """HEAD is asked first, whose answer has no body to say what is wrong."""
    wrong = {
        "AWS_ACCESS_KEY_ID": person.store.access_key, "AWS_SECRET_ACCESS_KEY": "wrong",
        "AWS_ENDPOINT_URL": person.store.endpoint,
    }  # fmt: skip
    said = run(person, *words(command.split(), filled), env=wrong, status=1).stderr
    assert b"was denied" in said and b"A wrong secret key is answered in the same way" in said
    assert b"refused the signature" in run(person, "doctor", env=wrong, status=1).stderr


@pytest.mark.parametrize(
    "operation, command",
    [
        ("PutObject", PUT), ("DeleteObject", ["rm", "s3://{}/k"]),
        ("DeleteObject", ["mv", "s3://{}/k", "s3://{}/l"]),
        ("CreateBucket", MB),
    ],
    ids=str,
)
def test_the_page_of_a_portal_is_no_success(person, store, filled, proxy, operation, command):
    proxy.page(operation)
    done = run(person, *words(command, filled), status=1)
    assert b"proxy" in done.stderr
    (row,) = [row for row in person.changes() if row["outcome"] != "done"]
    assert row["outcome"] in ("started", "interrupted")
    assert store.get(filled, "k") == b"before" and f"{filled}-more" not in store.buckets()


@pytest.mark.parametrize("listed", [False, True])
def test_the_page_of_a_portal_becomes_no_file(person, filled, proxy, listed):
    proxy.page("GetObject")
    command = ["get", "-r", f"s3://{filled}/", "out"] if listed else ["get", f"s3://{filled}/k", "out"]
    run(person, *command, status=1)
    assert [path for path in (person.work / "out").rglob("*") if path.is_file()] == []
    assert not (person.work / "out").is_file()


@pytest.mark.parametrize("length", ["9223372036854775807", str(1 << 60)])
@pytest.mark.parametrize(
    "command", [READS[3], READS[5], CHANGES[5], ["transfers", "--bucket", "{}"]], ids=name
)
def test_a_server_that_tells_sizes_no_object_has_ends_no_command(person, command, length):
    def tell(method, path, query, headers):
        if "uploads" in query:
            upload = b"<Upload><Key>k</Key><UploadId>u</UploadId></Upload>"
            return Answer(200, b"<ListMultipartUploadsResult>%b</ListMultipartUploadsResult>" % upload)
        if "uploadId" in query:
            part = f"<Part><PartNumber>1</PartNumber><Size>{length}</Size></Part>".encode()
            return Answer(200, b"<ListPartsResult>%b</ListPartsResult>" % (9 * part))
        if method != "HEAD":
            return Answer(404)
        etag = '"0123456789abcdef0123456789abcdef-9"'
        told = {"Content-Length": length, "ETag": etag, "x-amz-mp-parts-count": "9"}
        return Answer(200, b"", told)

    with Scripted(tell) as server:
        done = person.run(*words(command, "box"), "--endpoint-url", server.endpoint)
    assert done.returncode in (0, 1), done.stderr
    assert "Fatal" not in done.stderr.decode()


@pytest.mark.parametrize("command", ["get", "cat", "stat", "cp", "mv"])
def test_a_key_that_is_not_there_is_named(person, store, filled, command):
    to = [f"s3://{filled}/x"] if command in ("cp", "mv") else []
    done = run(person, command, f"s3://{filled}/no/such", *to, status=1)
    assert b"no/such" in done.stderr and b"NoSuchKey" in done.stderr
    assert untouched(store, filled)


@pytest.mark.parametrize("command, said", [
    ("ls box/k", "perhaps s3://box/k"), ("rm S3:/box/k", "perhaps s3://box/k"),
    ("cp ./f s3://box/", "pail put uploads files"), ("mv s3://box/k f", "pail get downloads objects"),
])
def test_who_comes_from_another_tool_is_told_how_it_is_written_here(person, command, said):
    assert said.encode() in b" ".join(run(person, *command.split(), status=64).stderr.split())


@pytest.mark.parametrize("command", ["ls b/k", "get s3:/b", "rm s3://", "stat s3:///k", "cp s3://b/k f"])
def test_what_is_no_place_is_wrong_usage(person, command):
    assert b"s3://" in run(person, *command.split(), status=64).stderr


@pytest.mark.parametrize("destination, said", [
    ("s3:/x", "a place in the store begins with s3://, and a file of that name is ./s3:/x"),
    ("file:///some/file", "the destination is a path: /some/file"),
    ("https://host/x", "a file of that name is ./https://host/x"),
])
def test_get_takes_no_url_for_a_path(person, filled, destination, said):
    before = os.listdir(person.work)
    done = run(person, "get", f"s3://{filled}/k", destination, status=64)
    assert said in " ".join(done.stderr.decode().split()) and os.listdir(person.work) == before
    run(person, "get", f"s3://{filled}/k", f"./{destination}")
    assert (person.work / destination).read_bytes() == b"before"


def test_one_failure_among_many_is_status_1_and_the_others_are_done(person, store, filled):
    done = run(person, "get", f"s3://{filled}/none", f"s3://{filled}/k", "out/", status=1)
    assert b"none" in done.stderr and b"NoSuchKey" in done.stderr
    assert (person.work / "out/k").read_bytes() == b"before"


@contextmanager
def silent():
    """A server that takes requests and answers none, and whether one has come."""
    asked, over = threading.Event(), threading.Event()

    def wait(method, path, query, headers):
        asked.set()
        over.wait(60)
        return Answer(500)

    with Scripted(wait) as server:
        try:
            yield server, asked
        finally:
            over.set()


@pytest.mark.parametrize("command", [["ls", "s3://b"], ["get", "-r", "s3://b/", "out"], ["cat", "s3://b/k"]], ids=name)
def test_an_interrupt_ends_a_command_that_waits_for_an_answer(person, command):
    with silent() as (server, asked):
        terminal = person.open(*command, "--endpoint-url", server.endpoint)
        assert asked.wait(20)
        terminal.write(b"\x03")
        assert terminal.wait_exit() == 130
        assert "interrupted" in terminal.text


def minds_interrupts(process):
    """Whether SIGINT does something else than ending the process, as proc_pid_status(5) has it."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    sets = dict(line.split(":\t") for line in status.splitlines() if line.startswith(("SigIgn", "SigCgt")))
    return any(int(set, 16) >> (signal.SIGINT - 1) & 1 for set in sets.values())


def test_no_interrupt_is_lost_while_a_command_starts(person):
    with silent() as (server, _):
        for _ in range(20):
            program = subprocess.Popen(
                [person.binary, "ls", "s3://b", "--endpoint-url", server.endpoint], env=person.env,
                cwd=person.work, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            )
            while not minds_interrupts(program):
                assert program.poll() is None
            program.send_signal(signal.SIGINT)
            _, said = program.communicate(timeout=20)
            assert program.returncode == 130 and b"interrupted" in said, said


@pytest.mark.parametrize("command, hint", [
    (["rm", "-r", "s3://b/p"], b"deletes the rest.\n"),
    (["rm", "s3://b/p*"], b"deletes the rest. Where a key of just that name was meant, add --no-glob."),
    (["mv", "s3://b/p*", "s3://c/"], b"moves the rest. Where a key of just that name was meant, add --no-glob."),
    (["cp", "-r", "s3://b/p", "s3://c/"], b"copies the rest"),
    (["put", "-r", "folder", "s3://b/"], b"uploads the rest"), (["get", "-r", "s3://b/p", "out"], b"downloads the rest"),
])
def test_an_interrupted_command_says_how_to_go_on(person, command, hint):
    for name in ("a", "b"):
        person.file(f"folder/{name}", b"1")
    with silent() as (server, asked):
        program = subprocess.Popen(
            [person.binary, *command, "--endpoint-url", server.endpoint], env=person.env,
            cwd=person.work, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        assert asked.wait(20)
        program.send_signal(signal.SIGINT)
        _, said = program.communicate(timeout=20)
    assert program.returncode == 130
    assert b"interrupted" in said and hint in said, said


def test_an_interrupt_of_what_the_server_may_have_done_says_so(person, proxy, store, new_bucket):
    new, old = new_bucket(create=False), new_bucket()
    programs = []
    for command, name, operation in (("mb", new, "CreateBucket"), ("rb", old, "DeleteBucket")):
        hold = proxy.hold("answer", operation=operation)
        program = subprocess.Popen(
            [person.binary, command, f"s3://{name}"], env=person.env, cwd=person.work,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        hold.wait()
        program.send_signal(signal.SIGINT)
        programs.append((program, name))
    for program, name in programs:
        _, said = program.communicate(timeout=20)
        assert program.returncode == 130 and b"pail: interrupted" in said
        assert f"Bucket {name} may have been changed".encode() in said, said
    assert new in store.buckets() and old not in store.buckets()
    assert {row["outcome"] for row in person.changes()} == {"interrupted"}


def test_an_interrupted_deletion_says_once_what_is_not_known(person, proxy, store, filled):
    for key in ("l", "m"):
        store.put(filled, key, b"1")
    hold = proxy.hold("answer", operation="DeleteObjects")
    program = subprocess.Popen(
        [person.binary, "rm", "-r", f"s3://{filled}/"], env=person.env, cwd=person.work,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )
    hold.wait()
    program.send_signal(signal.SIGINT)
    output, said = program.communicate(timeout=20)
    assert program.returncode == 130 and said.count(b"pail: ") == 2, said
    assert output == b"Deleted 0 objects, 3 unknown\n"
    assert f"Whether 3 objects in bucket {filled} are deleted is not known".encode() in said
    assert {row["outcome"] for row in person.changes()} == {"interrupted"}


def test_an_interruption_ends_what_waits_for_its_reader(person, store, bucket):
    store.put(bucket, "k", bytes(1 << 20))
    program = subprocess.Popen(
        [person.binary, "cat", f"s3://{bucket}/k"], env=person.env, cwd=person.work,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )
    try:
        # A pipe takes 64 KiB, and less where the pieces do not fit its pages.
        unread = bytearray(4)
        while int.from_bytes(unread, sys.byteorder) < 32 << 10:
            assert program.poll() is None
            fcntl.ioctl(program.stdout, termios.FIONREAD, unread)
        program.send_signal(signal.SIGTERM)
        assert program.wait(timeout=30) == 130
        assert b"pail: interrupted" in program.stderr.read()
    finally:
        program.kill()
        program.wait()


@pytest.mark.parametrize("command", [
    ["--version"], ["--help"], ["help", "put"], ["ls", "s3://{}"], ["history"], ["cat", "s3://{}/k"],
    ["put", "f", "s3://{}/l"],
], ids=name)
def test_what_cannot_be_written_is_a_failure(person, store, filled, command):
    run(person, "put", "f", f"s3://{filled}/l")
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [person.binary, *words(command, filled)], env=person.env, cwd=person.work,
            stdout=full, stderr=subprocess.PIPE,
        )
    assert done.returncode == 1 and b"No space left" in done.stderr


@pytest.mark.parametrize("command", [["get", "s3://{}/k", "out"], ["put", "-", "s3://{}/l"]], ids=name)
def test_a_closed_stream_is_no_other_file(person, store, filled, command):
    stream = 0 if command[0] == "put" else 1
    done = subprocess.run(
        [person.binary, *words(command, filled)], env=person.env, cwd=person.work,
        stderr=subprocess.PIPE, preexec_fn=lambda: os.close(stream), timeout=60,
    )
    assert done.returncode == 1 and b"Bad file descriptor" in done.stderr
    assert store.keys(filled) == ["k"]
    assert stream == 0 or (person.work / "out").read_bytes() == b"before"


@pytest.mark.parametrize("command", ["cp", "mv"])
def test_a_destination_bucket_that_is_not_there_is_named(person, store, filled, command):
    done = run(person, command, f"s3://{filled}/k", "s3://never-made-bucket/", status=1)
    assert b"Bucket never-made-bucket does not exist (NoSuchBucket)" in done.stderr
    assert untouched(store, filled)


def test_what_ends_the_upload_of_a_folder_is_told_once(person):
    for number in range(80):
        person.file(f"folder/{number}", b"x")
    done = run(person, "put", "-r", "folder", "s3://never-made-bucket/", status=1)
    assert done.stderr.count(b"NoSuchBucket") == 1
    assert done.stderr.startswith(b"pail: Bucket never-made-bucket does not exist (NoSuchBucket)\n")


def test_advice_that_fits_the_next_failure_as_well_is_given_once(person):
    for name in ("a", "b"):
        person.file(name, b"1")
    done = run(person, "put", "a", "b", "s3://never-made-bucket/", status=1)
    lines = done.stderr.splitlines()
    assert lines.count(b"  Check its name and the endpoint.") == 1, lines
    assert len([line for line in lines if line.startswith(b"pail: ")]) == 2, lines


def test_a_bucket_that_is_not_there_keeps_nothing_of_what_was_on_its_way(person, proxy):
    for name in ("a", "b"):
        person.file(f"d/{name}", b"1")
    unanswered = proxy.hold("answer", operation="PutObject", key=b"a", times=99)
    ending = proxy.hold("request", operation="PutObject", key=b"b")
    put = start(person, "put", "-r", "d/", "s3://never-made-bucket/")
    unanswered.wait()
    ending.wait()
    ending.release()
    _, errors = put.communicate(timeout=30)
    unanswered.release()
    assert put.returncode == 1
    assert errors.splitlines() == [
        b"pail: Bucket never-made-bucket does not exist (NoSuchBucket)",
        b"  Check its name and the endpoint.",
    ]
    # That its answer never came is on record all the same.
    assert sorted(row["outcome"] for row in person.changes()) == ["failed", "interrupted"]


@pytest.mark.parametrize("command", ["get", "cat", "stat", "cp"])
def test_a_bucket_that_is_not_there_is_no_missing_key(person, command):
    to = ["s3://never-made-bucket/l"] if command == "cp" else []
    done = run(person, command, "s3://never-made-bucket/k", *to, status=1)
    assert b"Bucket never-made-bucket does not exist (NoSuchBucket)" in done.stderr


def test_a_second_signal_of_the_same_moment_takes_no_word_away(person, store, proxy, bucket):
    for name in ("a", "b"):
        person.file(f"d/{name}", b"1")
    held = proxy.hold("request", operation="PutObject", key=b"b", times=99)
    put = start(person, "put", "-r", "d/", f"s3://{bucket}/")
    held.wait()
    assert put.stdout.readline() == f"Uploaded d/a to s3://{bucket}/a\n".encode()
    # As timeout(1) does, to the process and to its group; of the same one the second may get lost.
    put.send_signal(signal.SIGTERM)
    put.send_signal(signal.SIGINT)
    _, errors = put.communicate(timeout=30)
    assert put.returncode == 130 and b"pail transfers resume" in errors
    outcomes = [row["outcome"] for row in person.changes()]
    assert len(outcomes) == 2 and "done" in outcomes and None not in outcomes, outcomes


def test_a_result_does_not_wait_for_the_next(person, store, proxy, bucket):
    for name in ("a", "b"):
        person.file(f"d/{name}", b"1")
    held = proxy.hold("request", operation="PutObject", key=b"b")
    put = start(person, "put", "-r", "d/", f"s3://{bucket}/")
    held.wait()
    assert put.stdout.readline() == f"Uploaded d/a to s3://{bucket}/a\n".encode()
    held.release()
    output, errors = put.communicate(timeout=30)
    assert put.returncode == 0 and output.startswith(b"Uploaded d/b"), errors


def test_what_is_newer_than_the_command_is_left_and_said(person):
    listing = (
        b'<?xml version="1.0"?><ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>k</Key>'
        b"<LastModified>2099-01-01T00:00:00Z</LastModified><Size>1</Size></Contents></ListBucketResult>"
    )
    with Scripted(lambda *_: Answer(200, listing)) as server:
        for quiet in ([], ["-q"]):
            done = run(
                person, "rm", "-r", *quiet, "s3://b/", "--endpoint-url", server.endpoint, status=1)
            assert b"1 object is newer than this command" in done.stderr
