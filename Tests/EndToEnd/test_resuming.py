"""Large transfers go on after `kill -9`, a signal, a lost answer or a server that was away.

A proxy between `pail` and SeaweedFS stops a request at a random place of a random point, the program
is killed just there, and the next run goes on. What the proxy has seen tells whether anything was
sent again that had arrived. The seed of each test is printed, and PAIL_TEST_SEED repeats it.
"""

import contextlib
import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import threading

import pytest
from proxy import POINTS, Proxy
from test_background import wait_until

pytestmark = pytest.mark.timeout(300)

MEBIBYTE = 1 << 20
PART = 8 * MEBIBYTE
SIZE = 200 * MEBIBYTE + 12345
KEPT_SIZE = 72 * MEBIBYTE + 77
KILLS = 20


@pytest.fixture
def chance():
    seed = int(os.environ.get("PAIL_TEST_SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"PAIL_TEST_SEED={seed}")
    return random.Random(seed)


def content(size, seed=1):
    """Bytes that differ from place to place, made quickly."""
    block = random.Random(seed).randbytes(65521)
    return (block * (size // len(block) + 1))[:size]


def start(person, *arguments, prepare=None, stdin=subprocess.DEVNULL):
    return subprocess.Popen(
        [person.binary, *map(str, arguments)],
        env=person.env,
        cwd=person.work,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        preexec_fn=prepare,
    )


def ended(program, status=0):
    output = program.communicate(timeout=60)[0].decode("utf-8", "replace")
    assert program.returncode == status, output
    return output


def unfinished(person, *arguments):
    answer = person.run("transfers", "--json", *arguments)
    assert answer.returncode == 0, answer.stderr
    return [json.loads(line) for line in answer.stdout.splitlines()]


def kill_at(hold, program):
    """Kills the program once a request is held. Returns whether it came to that."""
    return kill_when(lambda: hold.is_reached, program)


def kill_when(holds, program):
    """Kills the program as soon as that holds, unless it comes to its end before."""
    while not holds() and program.poll() is None:
        try:
            program.wait(timeout=0.002)
        except subprocess.TimeoutExpired:
            continue
    program.kill()
    output = program.communicate()[0].decode("utf-8", "replace")
    assert program.returncode in (-signal.SIGKILL, 0), output
    return program.returncode != 0


def killed(person, proxy, chance, *arguments):
    """Runs `pail` and kills it at some point of some request, unless it comes to its end before."""
    hold = proxy.hold(chance.choice(POINTS[1:]), skip=chance.randrange(1, 9))
    was_killed = kill_at(hold, start(person, *arguments))
    if was_killed and chance.random() < 0.5:
        hold.drop()
        proxy.settle()
    proxy.clear()
    proxy.settle()
    return was_killed


def pieces(proxy, operation, point, since=0):
    """The parts or ranges that came to a point, each as often as it did."""
    return [
        entry["part"] if operation == "UploadPart" else entry["fields"]["range"]
        for entry in proxy.operations[since:]
        if entry["operation"] == operation
        and point in entry["points"]
        and entry["status"] in (200, 206)
    ]


def leave_upload(person, proxy, bucket, source, key="film.bin", after=3):
    """An upload that was killed when some parts were there. Returns those."""
    hold = proxy.hold("request", operation="UploadPart", skip=after, times=0)
    assert kill_at(hold, start(person, "put", source, f"s3://{bucket}/{key}"))
    hold.drop()
    proxy.settle()
    proxy.clear()
    proxy.settle()
    return set(pieces(proxy, "UploadPart", "delivered"))


def journaled_rows(person):
    """Place and size of each piece that the journal has, read with SQLite itself."""
    path = person.home / "state" / "pail" / "transfers.sqlite"
    if not path.exists():
        return []
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return connection.execute("SELECT place, size FROM pieces").fetchall()
    except sqlite3.OperationalError:
        return []  # still being made
    finally:
        connection.close()


def journaled_pieces(person):
    return len(journaled_rows(person))


def journaled_ranges(person):
    return {f"bytes={place}-{place + size - 1}" for place, size in journaled_rows(person)}


def test_twenty_kills_of_an_upload_send_nothing_again_that_arrived(
    person, store, proxy, bucket, chance
):
    body = content(SIZE)
    source = person.file("film.bin", body)
    kills = lives = 0
    while kills < KILLS:
        lives += 1
        key = f"films/{lives}.bin"
        target = f"s3://{bucket}/{key}"
        delivered, was_killed = set(), True
        while was_killed:
            before = len(proxy.operations)
            proxy.delay(0.02, operation="UploadPart")
            if kills < KILLS:
                was_killed = killed(person, proxy, chance, "put", source, target)
            else:
                was_killed = False
                ended(start(person, "put", source, target))
            again = delivered & set(pieces(proxy, "UploadPart", "received", before))
            assert not again, f"parts {sorted(again)} were sent again after kill {kills}"
            delivered |= set(pieces(proxy, "UploadPart", "delivered", before))
            kills += was_killed
            # All may be done but for the exit: then the next one is another upload.
            was_killed = was_killed and unfinished(person) != []
        rows = [row for row in person.changes() if row["key"] == key.encode()]
        assert {row["action"] for row in rows} == {"upload"}
        assert rows[-1]["outcome"] == "done", rows
        assert {row["outcome"] for row in rows[:-1]} <= {"interrupted"}, rows
        assert {row["detail"] for row in rows} <= {None, "resumed"}
        assert store.get(bucket, key) == body
    assert store.uploads(bucket) == []
    assert unfinished(person) == []


def test_twenty_kills_of_a_download_fetch_nothing_again_that_is_in_the_journal(
    person, store, proxy, bucket, chance
):
    body = content(SIZE)
    store.put(bucket, "film.bin", body)
    kills = found_kept = 0
    while kills < KILLS:
        was_killed = True
        while was_killed:
            before = len(proxy.operations)
            kept = journaled_ranges(person)
            found_kept += bool(kept)
            arguments = ("get", f"s3://{bucket}/film.bin", person.downloads)
            if kills < KILLS and kills % 2:
                # What arrives is flushed now and then: later than most kills at a request.
                proxy.delay(0.15, operation="GetObject")
                was_killed = kill_when(
                    lambda: journaled_pieces(person) > len(kept), start(person, *arguments)
                )
                proxy.clear()
                proxy.settle()
            elif kills < KILLS:
                proxy.delay(0.02, operation="GetObject")
                was_killed = killed(person, proxy, chance, *arguments)
            else:
                was_killed = False
                ended(start(person, *arguments))
            again = kept & set(pieces(proxy, "GetObject", "received", before))
            assert not again, f"{sorted(again)} came again after kill {kills}"
            kills += was_killed
        assert (person.downloads / "film.bin").read_bytes() == body
        assert [path.name for path in person.downloads.iterdir()] == ["film.bin"]
        (person.downloads / "film.bin").unlink()
    assert found_kept >= 5
    assert unfinished(person) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_upload_says_how_to_resume_and_does(
    person, store, proxy, bucket, number
):
    body = content(40 * MEBIBYTE)
    source = person.file("film.bin", body)
    hold = proxy.hold("request", operation="UploadPart", skip=3, times=0)
    program = start(person, "put", source, f"s3://{bucket}/film.bin")
    hold.wait()
    # Those that the hold let through may still be on their way, or be delivered and not yet read.
    wait_until(lambda: journaled_pieces(person) == 3, "three parts")
    program.send_signal(number)
    assert "pail transfers resume" in ended(program, 130)
    hold.drop()
    proxy.settle()
    proxy.clear()
    (entry,) = unfinished(person)
    assert (entry["state"], entry["key"], entry["size"]) == ("stopped", "film.bin", len(body))
    assert [row["outcome"] for row in person.changes()] == ["interrupted"]
    before = len(proxy.operations)
    answer = person.run("transfers", "resume")
    assert answer.returncode == 0, answer.stderr
    assert b"were there already" in answer.stdout
    assert len(pieces(proxy, "UploadPart", "received", before)) == 2
    assert store.get(bucket, "film.bin") == body
    assert unfinished(person) == []
    assert [(row["detail"], row["outcome"]) for row in person.changes()] == [
        (None, "interrupted"),
        ("resumed", "done"),
    ]


def test_parts_of_a_slow_line_arrive_one_after_the_other(person, store, proxy, bucket):
    size = 5 * MEBIBYTE
    body = content(4 * size)
    source = person.file("film.bin", body)
    line = ["--part-size", "5M", "--limit-rate", "400K"]
    hold = proxy.hold("delivered", operation="UploadPart", times=0)
    program = start(person, "put", source, f"s3://{bucket}/film.bin", *line)
    hold.wait()
    wait_until(lambda: journaled_pieces(person) == 1, "a part")
    program.kill()
    program.wait()
    hold.release()
    proxy.settle()
    # Those that began beside it were put back, long before they were as far as the first.
    lost = sum(request.get("cut", 0) for request in proxy.operations)
    assert 0 < lost < size
    before = len(proxy.operations)
    answer = person.run("transfers", "resume")
    assert answer.returncode == 0, answer.stderr
    assert len(pieces(proxy, "UploadPart", "received", before)) == 3
    assert store.get(bucket, "film.bin") == body


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_that_was_ignored_at_the_start_stays_ignored(person, store, proxy, bucket, number):
    hold = proxy.hold("answer", operation="PutObject")
    source = person.file("note.txt", b"1")
    program = start(
        person, "put", source, f"s3://{bucket}/note.txt",
        prepare=lambda: signal.signal(number, signal.SIG_IGN),
    )  # fmt: skip
    hold.wait()
    program.send_signal(number)
    hold.release()
    ended(program)
    assert [row["outcome"] for row in person.changes()] == ["done"]


def leave_download(person, proxy, *get, skip=4):
    """A download that was told to stop when some of it was there. Returns its part file."""
    hold = proxy.hold("request", operation="GetObject", skip=skip, times=0)
    program = start(person, "get", *get)
    hold.wait()
    wait_until(lambda: journaled_ranges(person), "a range")
    program.send_signal(signal.SIGTERM)
    ended(program, 130)
    hold.drop()
    proxy.settle()
    proxy.clear()
    (part,) = person.downloads.iterdir()
    assert part.name.startswith(".pail-") and part.name.endswith(".part")
    return part


@pytest.mark.parametrize("size, skip", [(KEPT_SIZE, 4), (20 * MEBIBYTE, 1)])
def test_an_interrupted_download_keeps_its_part_file_and_goes_on(
    person, store, proxy, bucket, size, skip
):
    body = content(size)
    store.put(bucket, "film.bin", body)
    leave_download(person, proxy, f"s3://{bucket}/film.bin", person.downloads, skip=skip)
    # Whichever came first: the last one is shorter.
    kept = journaled_rows(person)
    assert kept
    before = len(proxy.operations)
    answer = person.run("transfers", "resume", "--json")
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout)["resumedFrom"] == sum(count for _, count in kept)
    assert len(pieces(proxy, "GetObject", "received", before)) == -(-size // PART) - len(kept)
    assert [path.name for path in person.downloads.iterdir()] == ["film.bin"]
    assert (person.downloads / "film.bin").read_bytes() == body


@pytest.mark.parametrize("again", ["resume", "get", "folder"])
def test_a_download_that_is_skipped_after_all_leaves_nothing(person, store, proxy, bucket, again):
    store.put(bucket, "p/film.bin", content(KEPT_SIZE))
    source = ["-r", f"s3://{bucket}/p/"] if again == "folder" else [f"s3://{bucket}/p/film.bin"]
    get = [*source, person.downloads, "--no-overwrite"]
    leave_download(person, proxy, *get)
    (person.downloads / "film.bin").write_bytes(b"mine")
    ended(start(person, *(["transfers", "resume"] if again == "resume" else ["get", *get])))
    assert [path.name for path in person.downloads.iterdir()] == ["film.bin"]
    assert (person.downloads / "film.bin").read_bytes() == b"mine"
    assert unfinished(person) == []


def test_bytes_that_changed_on_the_disk_are_fetched_again(person, store, proxy, bucket):
    body = content(KEPT_SIZE)
    store.put(bucket, "film.bin", body)
    part = leave_download(person, proxy, f"s3://{bucket}/film.bin", person.downloads, skip=5)
    kept = journaled_ranges(person)
    damaged = sorted(kept)[0]
    with open(part, "r+b") as file:
        file.seek(int(damaged.split("=")[1].split("-")[0]) + 100)
        file.write(b"\x00damaged\x00")
    before = len(proxy.operations)
    assert person.run("transfers", "resume").returncode == 0
    again = pieces(proxy, "GetObject", "received", before)
    assert [piece for piece in again if piece in kept] == [damaged]
    assert len(again) == 10 - len(kept) + 1
    assert (person.downloads / "film.bin").read_bytes() == body


@pytest.mark.parametrize("size", [40 * MEBIBYTE, 10 * MEBIBYTE, 10])
def test_a_file_that_changed_meanwhile_is_said_and_its_upload_starts_over(
    person, store, proxy, bucket, size
):
    source = person.file("film.bin", content(40 * MEBIBYTE))
    leave_upload(person, proxy, bucket, source)
    (upload,) = store.uploads(bucket)
    body = content(size, seed=2)
    source.write_bytes(body)
    answer = person.run("put", source, f"s3://{bucket}/film.bin")
    assert answer.returncode == 0, answer.stderr
    assert b"started over, since the file has changed" in answer.stderr
    assert store.get(bucket, "film.bin") == body
    assert store.uploads(bucket) == []
    rows = [(row["action"], row["detail"], row["outcome"]) for row in person.changes()]
    assert ("abortUpload", None, "done") in rows
    if size > 16 * MEBIBYTE:
        assert rows[-1] == ("upload", "started over: sourceChanged", "done")


@pytest.mark.parametrize("by", ["history", "server"])
def test_an_upload_that_cannot_be_given_up_is_not_forgotten(person, store, proxy, bucket, by):
    source = person.file("film.bin", content(40 * MEBIBYTE))
    leave_upload(person, proxy, bucket, source)
    (upload,) = store.uploads(bucket)
    source.write_bytes(content(40 * MEBIBYTE, seed=2))
    put = ["put", source, f"s3://{bucket}/film.bin"]
    if by == "history":
        put += ["--history", person.file("damaged.sqlite", b"no history")]
    for operation in ("AbortMultipartUpload", "CreateMultipartUpload"):
        proxy.refuse(403, "AccessDenied", operation=operation, times=0)
    since = len(proxy.operations)
    assert person.run(*put).returncode == 1
    changes = [entry for entry in proxy.operations[since:] if entry["method"] not in ("GET", "HEAD")]
    assert bool(changes) == (by == "server") and store.uploads(bucket) == [upload]
    proxy.clear()
    (left,) = unfinished(person)
    assert (left["key"], left["state"]) == ("film.bin", "stopped")
    ended(start(person, "transfers", "abort", "--all"))
    assert store.uploads(bucket) == []


@pytest.mark.parametrize("size", [KEPT_SIZE + 1, 20 * MEBIBYTE, 10])
def test_an_object_that_changed_meanwhile_is_said_and_its_download_starts_over(
    person, store, proxy, bucket, size
):
    store.put(bucket, "film.bin", content(KEPT_SIZE))
    hold = proxy.hold("request", operation="GetObject", skip=4, times=0)
    program = start(person, "get", f"s3://{bucket}/film.bin", person.downloads)
    hold.wait()
    program.send_signal(signal.SIGTERM)
    ended(program, 130)
    hold.drop()
    proxy.settle()
    proxy.clear()
    body = content(size, seed=2)
    store.put(bucket, "film.bin", body)
    answer = person.run("transfers", "resume")
    assert answer.returncode == 0, answer.stderr
    assert b"started over, since the object has changed" in answer.stderr
    assert (person.downloads / "film.bin").read_bytes() == body
    assert [path.name for path in person.downloads.iterdir()] == ["film.bin"]


def test_an_object_that_is_replaced_during_its_download_never_mixes(person, store, proxy, bucket):
    store.put(bucket, "film.bin", content(KEPT_SIZE))
    hold = proxy.hold("request", operation="GetObject", skip=3, times=0)
    program = start(person, "get", f"s3://{bucket}/film.bin", person.downloads)
    hold.wait()
    store.put(bucket, "film.bin", content(KEPT_SIZE, seed=2))
    hold.release()
    assert "changed" in ended(program, 1)
    assert list(person.downloads.iterdir()) == []
    assert unfinished(person) == []


def test_a_range_that_is_answered_otherwise_costs_no_other(person, store, proxy, bucket):
    body = content(KEPT_SIZE)
    store.put(bucket, "film.bin", body)

    def whole(answer):
        answer.status = 200
        answer.fields.pop("content-range", None)

    proxy.change(whole, operation="GetObject", skip=5, times=0)
    answer = person.run("get", f"s3://{bucket}/film.bin", person.downloads)
    assert answer.returncode == 1
    proxy.clear()
    kept = journaled_ranges(person)
    assert kept
    before = len(proxy.operations)
    assert person.run("transfers", "resume").returncode == 0
    again = pieces(proxy, "GetObject", "received", before)
    assert kept.isdisjoint(again) and len(again) == 10 - len(kept)
    assert (person.downloads / "film.bin").read_bytes() == body


@pytest.mark.parametrize("may_look", [True, False])
def test_an_upload_that_was_aborted_by_somebody_starts_over(
    person, store, proxy, bucket, may_look
):
    body = content(40 * MEBIBYTE)
    source = person.file("film.bin", body)
    leave_upload(person, proxy, bucket, source)
    for upload in store.uploads(bucket):
        store.s3.abort_multipart_upload(Bucket=bucket, Key="film.bin", UploadId=upload)
    if not may_look:
        proxy.refuse(403, "AccessDenied", operation="HeadObject", times=0)
    answer = person.run("transfers", "resume")
    assert answer.returncode == 0, answer.stderr
    assert b"the server has nothing of it any more" in answer.stderr
    assert store.get(bucket, "film.bin") == body


@pytest.mark.parametrize("point", ["received", "answer"])
def test_a_lost_answer_to_the_completion_is_found_out(person, store, proxy, bucket, point):
    body = content(24 * MEBIBYTE)
    source = person.file("film.bin", body)
    hold = proxy.hold("answer", operation="CompleteMultipartUpload")
    assert kill_at(hold, start(person, "put", source, f"s3://{bucket}/film.bin"))
    hold.drop()
    proxy.settle()
    proxy.clear()
    proxy.settle()
    before = len(proxy.operations)
    if point == "received":
        answer = person.run("transfers", "resume")
    else:
        answer = person.run("put", "--no-overwrite", source, f"s3://{bucket}/film.bin")
    assert answer.returncode == 0, answer.stderr
    assert pieces(proxy, "UploadPart", "received", before) == []
    assert store.get(bucket, "film.bin") == body
    assert [row["outcome"] for row in person.changes()] == ["done"]
    assert unfinished(person) == []


def test_a_completion_that_was_not_waited_for_is_recorded_once_it_is_found_out(
    person, store, proxy, bucket
):
    body = content(24 * MEBIBYTE)
    source = person.file("film.bin", body)
    hold = proxy.hold("answer", operation="CompleteMultipartUpload")
    program = start(person, "put", source, f"s3://{bucket}/film.bin")
    hold.wait()
    program.send_signal(signal.SIGTERM)
    ended(program, 130)
    hold.drop()
    proxy.settle()
    proxy.clear()
    answer = person.run("transfers", "resume")
    assert answer.returncode == 0, answer.stderr
    assert b"were there already" in answer.stdout
    assert store.get(bucket, "film.bin") == body
    earlier, found = person.changes()
    assert (earlier["detail"], earlier["outcome"]) == (None, "interrupted")
    assert (found["detail"], found["outcome"]) == ("resumed", "done")
    assert found["etag"] and found["etag"] in store.s3.head_object(Bucket=bucket, Key="film.bin")["ETag"]
    assert unfinished(person) == []


def test_a_lost_answer_to_the_completion_is_found_out_while_it_runs(person, store, proxy, bucket):
    body = content(24 * MEBIBYTE)
    source = person.file("film.bin", body)
    proxy.reset("answer", operation="CompleteMultipartUpload")
    # SeaweedFS would take a second one as well; other servers have forgotten the upload by then.
    proxy.refuse(404, "NoSuchUpload", operation="CompleteMultipartUpload", skip=1, times=0)
    ended(start(person, "put", source, f"s3://{bucket}/film.bin"))
    assert proxy.names().count("CompleteMultipartUpload") == 2
    assert store.get(bucket, "film.bin") == body
    assert [row["outcome"] for row in person.changes()] == ["done"]


def test_a_part_whose_answer_is_lost_is_sent_again(person, store, proxy, bucket):
    body = content(40 * MEBIBYTE)
    source = person.file("film.bin", body)
    proxy.reset("answer", operation="UploadPart", skip=1, times=2)
    ended(start(person, "put", source, f"s3://{bucket}/film.bin"))
    assert len(pieces(proxy, "UploadPart", "received")) == 7
    assert store.get(bucket, "film.bin") == body


def test_a_server_that_is_busy_at_first_is_asked_again(person, store, proxy, bucket):
    body = content(40 * MEBIBYTE)
    source = person.file("film.bin", body)
    proxy.refuse(503, "SlowDown", operation="UploadPart", times=6)
    ended(start(person, "put", source, f"s3://{bucket}/film.bin"))
    assert store.get(bucket, "film.bin") == body


def test_a_part_that_is_refused_is_not_sent_again_and_the_others_are_kept(
    person, store, proxy, bucket
):
    body = content(40 * MEBIBYTE)
    source = person.file("film.bin", body)
    proxy.refuse(403, "AccessDenied", operation="UploadPart", skip=4, times=1)
    said = ended(start(person, "put", source, f"s3://{bucket}/film.bin"), 1)
    assert "AccessDenied" in said and "resume" in said
    refused = [entry for entry in proxy.operations if entry["status"] == 403]
    assert len(refused) == 1
    assert len(store.uploads(bucket)) == 1
    (entry,) = unfinished(person)
    since = len(proxy.operations)
    ended(start(person, "transfers", "resume"))
    assert store.get(bucket, "film.bin") == body
    assert entry["kept"] > 0
    again = pieces(proxy, "UploadPart", "received", since)
    assert len(again) * PART <= len(body) - entry["kept"]
    assert store.uploads(bucket) == [] and unfinished(person) == []


def test_two_processes_never_work_on_the_same_upload(person, store, proxy, bucket):
    body = content(40 * MEBIBYTE)
    source = person.file("film.bin", body)
    hold = proxy.hold("answer", operation="UploadPart", skip=2, times=0)
    first = start(person, "put", source, f"s3://{bucket}/film.bin")
    hold.wait()
    before = len(proxy.operations)
    second = person.run("put", source, f"s3://{bucket}/film.bin")
    assert second.returncode == 1
    assert b"under way already" in second.stderr and str(first.pid).encode() in second.stderr
    assert len(store.uploads(bucket)) == 1
    assert "CreateMultipartUpload" not in proxy.names()[before:]
    (entry,) = unfinished(person)
    assert (entry["state"], entry["processID"]) == ("running", first.pid)
    assert f"(in process {first.pid})" in person.run("transfers").stdout.decode()
    hold.release()
    ended(first)
    assert store.get(bucket, "film.bin") == body


class Away:
    """A server that is gone for a while: connections are refused until it is back."""

    def __init__(self, upstream):
        self.proxy = Proxy(upstream)
        self.port = int(self.proxy.endpoint.rsplit(":", 1)[1])
        self.upstream = upstream

    def leave_under(self, program, hold):
        """Is gone for ten seconds once the request is there, and the program comes to its end."""
        hold.wait()
        hold.drop()
        self.proxy.close()
        threading.Timer(10, self._back).start()
        try:
            ended(program)
        finally:
            self.proxy.close()

    def _back(self):
        self.proxy = Proxy(self.upstream, port=self.port)


@pytest.mark.parametrize(
    "operation, command, keys, made",
    [
        ("GetObject", "get s3://{}/one got/", ["one"], None),
        ("GetObject", "get -r s3://{}/many/ got", [f"many/{number}" for number in range(300)], None),
        ("PutObject", "put -r --no-overwrite files/ s3://{}/new/", [], [f"new/{n}" for n in range(100)]),
        ("UploadPart", "put --part-size 5M - s3://{}/new/film", [], ["new/film"]),
        (
            "CopyObject", "cp -r s3://{}/many/ s3://{}/new/",
            [f"many/{number}" for number in range(40)], [f"new/{n}" for n in range(40)],
        ),
    ],
)
def test_a_server_that_is_gone_for_ten_seconds_ends_nothing(
    person, store, bucket, operation, command, keys, made
):
    film = content(30 * MEBIBYTE)
    body = content(12 * MEBIBYTE if keys == ["one"] else 1000)
    for key in keys:
        store.put(bucket, key, body)
    for number in range(100):
        person.file(f"files/{number}", b"%d" % number)
    server = Away(store.endpoint)
    person.write_env(endpoint=server.proxy.endpoint)
    skip = 0 if keys == ["one"] else 1
    hold = server.proxy.hold("request", operation=operation, skip=skip, times=0)
    with open(person.file("film.bin", film), "rb") as stdin:
        program = start(person, *command.format(bucket, bucket).split(), stdin=stdin)
    server.leave_under(program, hold)
    if made is None:
        got = {path.name: path.read_bytes() for path in (person.work / "got").iterdir()}
        assert got == {key.rsplit("/", 1)[-1]: body for key in keys}
        return
    assert store.keys(bucket, "new/") == sorted(made)
    assert store.uploads(bucket) == []
    wanted = {"PutObject": b"7", "UploadPart": film, "CopyObject": body}[operation]
    assert store.get(bucket, "new/film" if operation == "UploadPart" else "new/7") == wanted


@pytest.mark.parametrize("direction", ["up", "down"])
def test_a_server_that_is_gone_for_ten_seconds_ends_no_transfer(
    person, store, bucket, direction
):
    body = content(KEPT_SIZE)
    server = Away(store.endpoint)
    person.write_env(endpoint=server.proxy.endpoint)
    if direction == "up":
        source = person.file("film.bin", body)
        arguments, operation = ("put", source, f"s3://{bucket}/film.bin"), "UploadPart"
    else:
        store.put(bucket, "film.bin", body)
        arguments, operation = ("get", f"s3://{bucket}/film.bin", person.downloads), "GetObject"
    hold = server.proxy.hold("request", operation=operation, skip=3, times=0)
    program = start(person, *arguments)
    server.leave_under(program, hold)
    if direction == "up":
        assert store.get(bucket, "film.bin") == body
    else:
        assert (person.downloads / "film.bin").read_bytes() == body


def test_uploads_that_nobody_will_finish_are_listed_and_aborted(person, store, bucket):
    upload = store.s3.create_multipart_upload(Bucket=bucket, Key="left/behind.bin")["UploadId"]
    for number in (1, 2):
        store.s3.upload_part(
            Bucket=bucket,
            Key="left/behind.bin",
            UploadId=upload,
            PartNumber=number,
            Body=content(5 * MEBIBYTE),
        )
    assert unfinished(person) == []
    (found,) = unfinished(person, "--bucket", bucket)
    assert (found["uploadID"], found["key"]) == (upload, "left/behind.bin")
    assert (found["kept"], found["parts"]) == (10 * MEBIBYTE, 2) and found["createdAt"]
    command = ["transfers", "abort", "--bucket", bucket, upload]
    planned = person.run(*command, "--dry-run", "--quiet")
    assert planned.stdout == f"would give up s3://{bucket}/left/behind.bin\n".encode(), planned.stderr
    planned = json.loads(person.run(*command, "--dry-run", "--json").stdout)
    assert planned == {"bucket": bucket, "key": "left/behind.bin", "uploadID": upload}
    assert store.uploads(bucket) == [upload]
    answer = person.run(*command, "--json")
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout) == {"action": "abort", **planned}
    assert store.uploads(bucket) == []
    (row,) = person.changes()
    assert (row["action"], row["outcome"], row["key"]) == (
        "abortUpload",
        "done",
        b"left/behind.bin",
    )


@pytest.mark.parametrize("what", ["stream", "copy"])
def test_an_upload_that_cannot_be_resumed_is_known_while_it_runs_and_when_its_process_has_died(
    person, store, proxy, bucket, what
):
    if what == "stream":
        program = start(
            person, "put", "--part-size", "5M", "-", f"s3://{bucket}/k", stdin=subprocess.PIPE
        )
        program.stdin.write(content(12 * MEBIBYTE))
        program.stdin.flush()
        action, origin, kept = "upload", "standard input", 10 * MEBIBYTE
    else:
        store.put(bucket, "source", content(12 * MEBIBYTE))
        hold = proxy.hold("request", operation="UploadPart", skip=1, times=0)
        program = start(
            person, "cp", "--part-size", "5M", f"s3://{bucket}/source", f"s3://{bucket}/k"
        )
        hold.wait()
        action, origin, kept = "copy", f"s3://{bucket}/source", 5 * MEBIBYTE

    def found():
        return unfinished(person, "--bucket", bucket)

    wait_until(lambda: sum(each.get("kept", 0) for each in found()) == kept, "the parts")
    (running,) = found()
    assert (running["action"], running["state"], running["from"]) == (action, "running", origin)
    assert running["processID"] == program.pid
    upload = running["uploadID"]
    table = person.run("transfers").stdout.decode()
    assert f"{origin} to s3://{bucket}/k" in table and f"in process {program.pid}" in table
    for arguments in (["--dry-run"], []):
        answer = person.run("transfers", "abort", upload, *arguments)
        assert answer.returncode == 1
        assert f"in process {program.pid}" in answer.stderr.decode()
    assert person.run("transfers", "abort", "--all").returncode == 0
    assert store.uploads(bucket) == [upload]

    program.kill()
    program.wait()
    if what == "copy":
        hold.drop()
        proxy.settle()
    proxy.clear()
    proxy.settle()
    (left,) = found()
    assert (left["state"], left["kept"]) == ("interrupted", kept) and left["createdAt"]
    told = person.run("transfers")
    assert b"interrupted" in told.stdout and b"cannot be resumed" in told.stderr
    assert b"cannot be resumed" in person.run("transfers", "resume").stderr
    assert store.uploads(bucket) == [upload]
    assert person.run("transfers", "abort", upload).returncode == 0
    assert store.uploads(bucket) == [] and found() == []
    outcomes = [(row["action"], row["outcome"]) for row in person.changes()]
    assert outcomes == [
        ("upload" if what == "stream" else "copy", "interrupted"),
        ("abortUpload", "done"),
    ]


def test_aborting_removes_what_has_moved_here_and_there(person, store, proxy, bucket):
    source = person.file("film.bin", content(40 * MEBIBYTE))
    leave_upload(person, proxy, bucket, source)
    store.put(bucket, "other.bin", content(KEPT_SIZE))
    hold = proxy.hold("request", operation="GetObject", skip=4, times=0)
    program = start(person, "get", f"s3://{bucket}/other.bin", person.downloads)
    assert kill_at(hold, program)
    hold.drop()
    proxy.settle()
    proxy.clear()
    assert {entry["state"] for entry in unfinished(person)} == {"interrupted"}
    table = person.run("transfers").stdout.decode()
    assert "film.bin" in table and "other.bin" in table and "interrupted" in table
    answer = person.run("transfers", "abort", "--all")
    assert answer.returncode == 0, answer.stderr
    assert store.uploads(bucket) == [] and list(person.downloads.iterdir()) == []
    assert unfinished(person, "--bucket", bucket) == []
    assert [(row["action"], row["outcome"]) for row in person.changes()] == [
        ("upload", "interrupted"),
        ("abortUpload", "done"),
    ]


def test_giving_up_one_download_keeps_what_another_of_its_name_has(person, store, proxy, bucket):
    for folder in "ab":
        store.put(bucket, f"{folder}/film.bin", content(KEPT_SIZE, seed=ord(folder)))
        hold = proxy.hold("request", operation="GetObject", skip=4, times=0)
        program = start(person, "get", f"s3://{bucket}/{folder}/film.bin", person.downloads)
        assert kill_at(hold, program)
        hold.drop()
        proxy.settle()
        proxy.clear()
    first, second = unfinished(person)
    assert (first["key"], second["key"]) == ("a/film.bin", "b/film.bin")
    answer = person.run("transfers", "abort", first["id"])
    assert answer.returncode == 0, answer.stderr
    (part,) = person.downloads.iterdir()
    assert part.name.startswith(".pail-")
    answer = person.run("transfers", "abort", second["id"])
    assert answer.returncode == 0, answer.stderr
    assert list(person.downloads.iterdir()) == []


def test_abort_of_all_names_what_it_leaves(person, store, proxy, bucket):
    source = person.file("film.bin", content(40 * MEBIBYTE))
    leave_upload(person, proxy, bucket, source)
    elsewhere = person.run("transfers", "abort", "--all", "--endpoint-url", store.endpoint)
    assert elsewhere.returncode == 0 and b"nothing to give up" in elsewhere.stderr
    said = f"others are left for pail transfers abort --all --endpoint-url {proxy.endpoint}\n"
    assert said.encode() in elsewhere.stderr
    hold = proxy.hold("request", operation="UploadPart", times=0)
    program = start(person, "transfers", "resume")
    hold.wait()
    running = person.run("transfers", "abort", "--all")
    assert running.returncode == 0 and b"1 transfer under way is left alone" in running.stderr
    hold.release()
    ended(program)


def test_an_upload_whose_file_is_gone_is_told_with_how_to_give_it_up(person, store, proxy, bucket):
    source = person.file("film.bin", content(40 * MEBIBYTE))
    leave_upload(person, proxy, bucket, source)
    (entry,) = unfinished(person)
    source.unlink()
    for _ in range(2):
        answer = person.run("transfers", "resume")
        assert answer.returncode == 1 and b"film.bin is not there any more" in answer.stderr
        assert f"pail transfers abort {entry['id']} gives".encode() in answer.stderr
    assert person.run("transfers", "abort", entry["id"]).returncode == 0
    assert unfinished(person) == [] and store.uploads(bucket) == []


def limited_files():
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (20 * MEBIBYTE, 20 * MEBIBYTE))


def test_a_file_that_may_not_grow_so_large_leaves_nothing(person, store, bucket):
    store.put(bucket, "film.bin", content(KEPT_SIZE))
    program = start(
        person, "get", f"s3://{bucket}/film.bin", person.downloads, prepare=limited_files
    )
    assert "ulimit" in ended(program, 1)
    assert list(person.downloads.iterdir()) == [] and unfinished(person) == []


def test_a_full_disk_is_said_and_leaves_nothing(person, store, bucket, tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "none", small], check=True)
    try:
        store.put(bucket, "film.bin", content(KEPT_SIZE))
        program = start(person, "get", f"s3://{bucket}/film.bin", small)
        assert "space" in ended(program, 1).lower()
        assert list(small.iterdir()) == [] and unfinished(person) == []
    finally:
        subprocess.run(["umount", small], check=True)


def test_a_disk_that_somebody_else_fills_keeps_what_has_arrived(
    person, store, proxy, bucket, tmp_path
):
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=96m", "none", small], check=True)
    try:
        body = content(KEPT_SIZE)
        store.put(bucket, "film.bin", body)
        hold = proxy.hold("request", operation="GetObject", skip=4, times=0)
        program = start(person, "get", f"s3://{bucket}/film.bin", small)
        hold.wait()
        (part,) = small.glob(".pail-*.part")
        wait_until(lambda: part.stat().st_blocks * 512 >= 3 * PART, "three ranges")
        with (small / "other").open("wb") as other, contextlib.suppress(OSError):
            while True:
                other.write(bytes(MEBIBYTE))
        hold.release()
        assert "space" in ended(program, 1).lower()
        (entry,) = unfinished(person)
        assert entry["kept"] >= 2 * PART
        # Who tries too early loses nothing by it.
        assert "space" in ended(start(person, "transfers", "resume"), 1).lower()
        assert unfinished(person)[0]["kept"] == entry["kept"]
        (small / "other").unlink()
        since = len(proxy.operations)
        ended(start(person, "transfers", "resume"))
        assert (small / "film.bin").read_bytes() == body
        again = sum(e["operation"] == "GetObject" for e in proxy.operations[since:])
        assert (again - 1) * PART < KEPT_SIZE - entry["kept"]
    finally:
        subprocess.run(["umount", small], check=True)


@pytest.mark.parametrize("is_interrupted", [False, True])
def test_a_journal_that_cannot_be_used_is_told_of(person, store, proxy, bucket, is_interrupted):
    body = content(5 * PART)
    source = person.file("film.bin", body)
    state = person.home / "state/pail"
    state.mkdir(parents=True, mode=0o700)
    (state / "transfers.sqlite").write_bytes(b"no database" * 1000)
    hold = proxy.hold("request", operation="UploadPart", skip=2, times=0)
    program = start(person, "put", source, f"s3://{bucket}/film.bin")
    hold.wait()
    if is_interrupted:
        program.send_signal(signal.SIGINT)
    else:
        hold.release()
    said = ended(program, 130 if is_interrupted else 0)
    assert "journal of unfinished transfers cannot be used" in said and "cannot be resumed" in said
    assert said.count("cannot be resumed") == 1
    assert store.uploads(bucket) == [] and store.keys(bucket) == ([] if is_interrupted else ["film.bin"])


def test_what_a_host_left_that_has_another_name_now_is_taken_over_when_asked(
    person, store, proxy, bucket
):
    source = person.file("film.bin", content(5 * PART))
    leave_upload(person, proxy, bucket, source)
    journal = sqlite3.connect(person.home / "state/pail/transfers.sqlite")
    with journal:
        journal.execute("UPDATE transfers SET host = 'build-07'")
    journal.close()
    refused = ended(start(person, "put", source, f"s3://{bucket}/film.bin"), 1)
    assert "on build-07" in refused and "--dead-host build-07" in refused
    since = len(proxy.operations)
    ended(start(person, "transfers", "resume", "--dead-host", "build-07"))
    assert store.get(bucket, "film.bin") == content(5 * PART)
    assert len(pieces(proxy, "UploadPart", "received", since)) < 5
    assert store.uploads(bucket) == [] and unfinished(person) == []


def test_a_source_that_needs_no_parts_any_more_leaves_none_on_the_server(
    person, store, proxy, bucket
):
    source = person.file("film.bin", content(5 * PART))
    leave_upload(person, proxy, bucket, source)
    assert len(store.uploads(bucket)) == 1
    os.truncate(source, 1000)
    ended(start(person, "put", source, f"s3://{bucket}/film.bin"))
    assert store.get(bucket, "film.bin") == content(5 * PART)[:1000]
    assert store.uploads(bucket) == [] and unfinished(person) == []
    rows = [(row["action"], row["outcome"]) for row in person.changes()]
    assert rows == [("upload", "interrupted"), ("upload", "done"), ("abortUpload", "done")]


def test_the_next_browser_offers_to_go_on_with_what_was_interrupted(person, proxy, store, bucket):
    for name in ("film.bin", "other.bin"):
        source = person.file(name, content(5 * PART))
        leave_upload(person, proxy, bucket, source, key=name)
    kept = {(entry["key"], entry["part"]) for entry in proxy.operations if entry["status"] == 200}
    since = len(proxy.operations)
    browser = person.browse(f"s3://{bucket}")
    browser.wait_for("2 transfers were interrupted: t, then R goes on with all of them")
    browser.wait_for(re.compile(r"↑ film\.bin +interrupted .*\n.*↑ other\.bin +interrupted"))
    browser.press("t")
    browser.wait_focus("transfers")
    browser.press("r")
    browser.wait_for(re.compile(r"film\.bin +done"), timeout=40)
    assert store.get(bucket, "film.bin") == content(5 * PART)
    sent = {
        (entry["key"], entry["part"])
        for entry in proxy.operations[since:]
        if entry["operation"] == "UploadPart"
    }
    assert sent and not sent & kept
    browser.press("G")
    browser.wait_for(re.compile(r"▸. other\.bin"))
    browser.press("x")
    browser.wait_for("Give up?")
    browser.press("y")
    browser.wait_for("Gave up other.bin")
    browser.wait_gone("interrupted")
    assert store.keys(bucket) == ["film.bin"] and store.uploads(bucket) == []
    assert unfinished(person) == []


def small_files(person, folder, count=60):
    return {f"{each:03}": person.file(f"{folder}/{each:03}", content(3000, each)) for each in range(count)}


def moved(proxy, operation, since=0, point="request"):
    """The keys of objects that moved whole."""
    return [
        entry["key"]
        for entry in proxy.operations[since:]
        if entry["operation"] == operation and point in entry["points"] and entry["key"]
    ]


def lost_while_waiting(person, proxy, waiting, *arguments):
    """Kills an upload when some objects are there and the journal has `waiting` entries. Returns the
    keys of those that are there."""
    hold = proxy.hold("request", operation="PutObject", skip=3, times=0)
    put = start(person, "put", *arguments)
    hold.wait()
    wait_until(lambda: len(set(moved(proxy, "PutObject", point="delivered"))) == 3, "three objects")
    wait_until(lambda: len(unfinished(person)) == waiting, f"{waiting} entries in the journal")
    put.kill()
    put.communicate()
    hold.drop()
    proxy.settle()
    proxy.clear()
    proxy.settle()
    return set(moved(proxy, "PutObject", point="delivered"))


def assert_nothing_goes_twice(person, proxy, store, bucket, arrived, expected):
    since = len(proxy.operations)
    ended(start(person, "transfers", "resume"))
    sent = moved(proxy, "PutObject", since)
    assert not arrived & set(sent) and len(sent) == len(set(sent))
    assert {key: store.get(bucket, key) for key in store.keys(bucket)} == expected
    assert unfinished(person) == []


def test_files_that_waited_when_pail_was_killed_are_not_lost(person, proxy, store, bucket):
    paths = small_files(person, "some", count=12)
    arrived = lost_while_waiting(person, proxy, 9, *paths.values(), f"s3://{bucket}/p/")
    expected = {f"p/{name}": path.read_bytes() for name, path in paths.items()}
    assert_nothing_goes_twice(person, proxy, store, bucket, arrived, expected)


def test_folders_that_waited_when_pail_was_killed_are_not_lost(person, proxy, store, bucket):
    expected = {}
    for folder in ("a", "b", "c"):
        for name, path in small_files(person, folder, count=5).items():
            expected[f"p/{folder}/{name}"] = path.read_bytes()
    arrived = lost_while_waiting(person, proxy, 3, "-r", "a", "b", "c", f"s3://{bucket}/p/")
    assert len(arrived) == 3
    assert [entry["key"] for entry in unfinished(person)] == ["p/a/", "p/b/", "p/c/"]
    assert_nothing_goes_twice(person, proxy, store, bucket, arrived, expected)


def test_a_long_list_of_files_is_one_transfer_that_is_not_lost(person, proxy, store, bucket):
    paths = small_files(person, "some", count=70)
    arrived = lost_while_waiting(person, proxy, 1, *paths.values(), f"s3://{bucket}/p/")
    expected = {f"p/{name}": path.read_bytes() for name, path in paths.items()}
    assert_nothing_goes_twice(person, proxy, store, bucket, arrived, expected)


def test_a_transfer_goes_on_with_its_own_profile_only(person, proxy, store, bucket):
    folder = person.home / ".aws"
    folder.mkdir()
    keys = f"aws_access_key_id = {store.access_key}\naws_secret_access_key = {store.secret_key}\n"
    (folder / "config").write_text(
        "".join(f"[profile {name}]\n{keys}region = us-east-1\n" for name in ("ana", "work"))
    )
    source = person.file("film.bin", content(5 * PART))
    hold = proxy.hold("request", operation="UploadPart", skip=2, times=0)
    place = ["--endpoint-url", proxy.endpoint, "--profile"]
    put = start(person, "put", source, f"s3://{bucket}/film.bin", *place, "ana")
    assert kill_at(hold, put)
    hold.drop()
    proxy.settle()
    proxy.clear()
    (left,) = unfinished(person)
    since = len(proxy.operations)
    said = ended(start(person, "transfers", "resume", *place, "work"))
    assert "nothing to resume" in said and f"resume --endpoint-url {proxy.endpoint} --profile ana" in said
    said = ended(start(person, "transfers", "resume", str(left["id"]), *place, "work"), 1)
    assert "keys of profile ana" in said and "keys of profile work" in said
    assert len(proxy.operations) == since
    ended(start(person, "transfers", "resume", *place, "ana"))
    assert store.get(bucket, "film.bin") == content(5 * PART) and unfinished(person) == []


def test_what_waits_to_be_resumed_is_not_offered_as_interrupted(person, proxy, store, bucket):
    small_files(person, "some", count=3)
    person.file("note.txt", b"1")
    for left, put in enumerate((["note.txt"], ["-r", "some"]), start=1):
        hold = proxy.hold("request", operation="PutObject", times=0)
        program = start(person, "put", *put, f"s3://{bucket}/p/")
        hold.wait()
        wait_until(lambda: len(unfinished(person)) == left, "its entry in the journal")
        program.kill()
        program.communicate()
        hold.drop()
        proxy.settle()
        proxy.clear()
    assert [entry["state"] for entry in unfinished(person)] == ["interrupted"] * 2
    hold = proxy.hold("request", operation="PutObject", times=0)
    resume = start(person, "transfers", "resume")
    hold.wait()
    # The folder waits until the file is done.
    assert [entry["state"] for entry in unfinished(person)] == ["running"] * 2
    resume.send_signal(signal.SIGTERM)
    assert "2 unfinished transfers are kept" in ended(resume, 130)
    hold.drop()
    proxy.settle()
    proxy.clear()
    assert [entry["state"] for entry in unfinished(person)] == ["stopped"] * 2
    ended(start(person, "transfers", "resume"))
    assert len(store.keys(bucket)) == 4 and unfinished(person) == []


def test_a_folder_that_was_killed_goes_on_with_what_is_missing(person, proxy, store, bucket):
    small_files(person, "many")
    person.file("many/large", content(5 * PART))
    hold = proxy.hold("request", operation="PutObject", skip=30, times=0)
    put = start(person, "put", "-r", "many", f"s3://{bucket}/p/")
    hold.wait()
    wait_until(lambda: pieces(proxy, "UploadPart", "delivered"), "a part of the large file")
    # Those that the hold let through may still be on their way.
    wait_until(lambda: len(set(moved(proxy, "PutObject", point="delivered"))) >= 20, "20 files")
    put.kill()
    put.communicate()
    hold.drop()
    proxy.settle()
    proxy.clear()
    proxy.settle()
    arrived = set(moved(proxy, "PutObject", point="delivered"))
    assert len(arrived) >= 20
    (left,) = unfinished(person)
    assert (left["key"], left["recursive"], left["state"]) == ("p/", True, "interrupted")

    parts = set(pieces(proxy, "UploadPart", "delivered"))
    since = len(proxy.operations)
    ended(start(person, "transfers", "resume"))
    assert not arrived & set(moved(proxy, "PutObject", since))
    assert not parts & set(pieces(proxy, "UploadPart", "request", since))
    for name, path in {**small_files(person, "many"), "large": person.work / "many/large"}.items():
        assert store.get(bucket, f"p/{name}") == path.read_bytes()
    # What was found there is told of in the row of the run that made it.
    rows = {row["key"].decode(): row["outcome"] for row in person.changes() if row["action"] == "upload"}
    assert {rows[key] for key in arrived} == {"done"}
    assert len(store.keys(bucket)) == 61 and store.uploads(bucket) == []
    assert unfinished(person) == []


def test_a_prefix_that_was_killed_goes_on_with_what_is_missing(person, proxy, store, bucket):
    for name, path in small_files(person, "many").items():
        store.put(bucket, f"p/{name}", path.read_bytes())
    hold = proxy.hold("answer", operation="GetObject", skip=30, times=0)
    get = start(person, "get", "-r", f"s3://{bucket}/p/", "down")
    hold.wait()
    down = person.work / "down"
    wait_until(lambda: len(list(down.glob("[0-9]*"))) >= 10, "ten files")
    get.kill()
    get.communicate()
    hold.drop()
    proxy.settle()
    proxy.clear()
    proxy.settle()
    there = {f"p/{path.name}" for path in down.glob("[0-9]*")}
    since = len(proxy.operations)
    ended(start(person, "transfers", "resume"))
    assert not there & set(moved(proxy, "GetObject", since))
    for each in range(60):
        name = f"{each:03}"
        assert (down / name).read_bytes() == (person.work / "many" / name).read_bytes()
    assert unfinished(person) == []


@pytest.mark.parametrize("code", ["InvalidAccessKeyId", "AccessDenied"])
def test_a_file_that_is_refused_costs_a_large_one_beside_it_nothing(
    person, proxy, store, bucket, code
):
    person.file("both/large", content(5 * PART))
    person.file("both/small", b"small")
    parts = proxy.hold("request", operation="UploadPart", skip=3, times=0)
    small = proxy.hold("request", operation="PutObject")
    refusal = proxy.refuse(403, code, operation="PutObject")
    put = start(person, "put", "-r", "both", f"s3://{bucket}/p/")
    wait_until(lambda: len(journaled_rows(person)) == 3, "three parts of the large file")
    small.release()
    wait_until(lambda: refusal.seen, "the refusal")
    if code == "AccessDenied":
        # It says nothing of other files.
        parts.release()
    ended(put, status=1)
    parts.drop()
    assert "AbortMultipartUpload" not in proxy.names()
    proxy.clear()
    proxy.settle()
    if code == "InvalidAccessKeyId":
        # It would have been the same with all of them: they go on when the keys are right again.
        arrived, since = set(pieces(proxy, "UploadPart", "delivered")), len(proxy.operations)
        (left,) = unfinished(person)
        assert (left["key"], left["recursive"]) == ("p/", True)
        ended(start(person, "transfers", "resume"))
        assert not arrived & set(pieces(proxy, "UploadPart", "request", since))
        assert store.get(bucket, "p/small") == b"small"
    assert store.get(bucket, "p/large") == content(5 * PART)
    assert unfinished(person) == [] and store.uploads(bucket) == []


@pytest.fixture(scope="module")
def long_prefix(store):
    """A bucket with more keys under one prefix than a page has, and first more large objects than go
    at once."""
    bucket = "box-long-prefix"
    store.s3.create_bucket(Bucket=bucket)
    for number in range(6):
        store.put(bucket, f"p/-{number}", content(3 * PART, number))
    for number in range(1_010):
        store.put(bucket, f"p/{number:04}.txt", b"text")
    yield bucket
    store.drop(bucket)


def test_a_page_that_is_refused_ends_none_of_what_was_found_before(person, proxy, long_prefix):
    proxy.refuse(403, "AccessDenied", operation="ListObjectsV2", skip=1, times=0)
    held = [
        proxy.hold("answer", operation="GetObject", key=f"p/-{number}".encode(), times=0)
        for number in range(4)
    ]
    get = start(person, "get", "-r", f"s3://{long_prefix}/p/", "down")
    down = person.work / "down"
    wait_until(lambda: len(list(down.glob("*.txt"))) > 900, "the small ones of the first page")
    for hold in held:
        hold.release()
    output = ended(get, status=1)
    assert "denied" in output, output
    for number in range(6):
        assert (down / f"-{number}").read_bytes() == content(3 * PART, number)


def test_a_page_is_asked_for_as_long_as_files_are(person, proxy, long_prefix):
    # Twice as often as the client asks by itself.
    proxy.refuse(503, "SlowDown", operation="ListObjectsV2", skip=1, times=10)
    ended(start(person, "get", "-r", f"s3://{long_prefix}/p/", "down"))
    assert len(list((person.work / "down").iterdir())) == 1_016
