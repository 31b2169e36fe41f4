"""What is said to be on the disk is there: seen by the calls that the program makes, in their order."""

import os

import pytest
from test_background import wait_until
from test_faults import LARGE
from test_resuming import KEPT_SIZE, content, journaled_pieces, start


@pytest.fixture
def calls(person, library, tmp_path):
    """Runs `pail` and gives what it flushed, named and sent."""
    log = tmp_path / "calls"

    def run(*arguments):
        done = person.run(*arguments, env={"LD_PRELOAD": str(library), "CALLS_LOG": str(log)})
        assert done.returncode == 0, done.stderr
        return log.read_text().splitlines()

    return run


def place(calls, *words):
    """Where the first call that begins and ends so is."""
    found = [
        index
        for index, call in enumerate(calls)
        if call.startswith(words[0]) and call.endswith(words[-1])
    ]
    assert found, f"no call {words} in {calls}"
    return found[0]


@pytest.mark.parametrize("size", [40, LARGE])
def test_a_download_is_on_the_disk_before_it_has_its_name(person, store, bucket, calls, size):
    store.put(bucket, "film.bin", os.urandom(size))
    seen = calls("get", f"s3://{bucket}/film.bin")
    named = place(seen, "named film.bin")
    assert place(seen, f"flushed {person.downloads}/.pail-", ".part") < named
    # The name itself is on the disk when the program says that all is done.
    assert named < place(seen, f"flushed {person.downloads}", str(person.downloads))


def test_new_folders_are_on_the_disk_before_the_file_has_its_name(person, store, bucket, calls):
    store.put(bucket, "film.bin", b"film")
    seen = calls("get", f"s3://{bucket}/film.bin", f"{person.downloads}/new/newer/")
    named = place(seen, "named film.bin")
    for folder in (person.downloads, person.downloads / "new"):
        assert place(seen, f"flushed {folder}", str(folder)) < named


@pytest.mark.parametrize("size, request_line", [(40, "sent PUT /"), (LARGE, "sent POST /")])
def test_a_row_is_on_the_disk_before_its_request_leaves(
    person, store, bucket, calls, size, request_line
):
    source = person.file("film.bin", os.urandom(size))
    seen = calls("put", source, f"s3://{bucket}/film.bin")
    history = f"flushed {person.history_file}"
    sent = place(seen, request_line, "HTTP/1.1")
    rows = [call for call in seen[:sent] if call.startswith(history)]
    assert rows and not [call for call in seen[:sent] if call.startswith("sent PUT")]
    # Making the file flushes as well; the row is one of the flushes of what is there already.
    before = calls("put", source, f"s3://{bucket}/second.bin")[len(seen) :]
    sent = place(before, request_line, "HTTP/1.1")
    assert [call for call in before[:sent] if call.startswith(history)]


def test_parts_that_have_arrived_are_on_the_disk_though_nothing_follows(
    person, bucket, proxy, library, tmp_path
):
    source = person.file("film.bin", content(200 << 20))
    log, arrived = tmp_path / "calls", 20
    person.env |= {"LD_PRELOAD": str(library), "CALLS_LOG": str(log)}
    proxy.hold("request", operation="UploadPart", skip=arrived, times=0)
    program = start(person, "put", source, f"s3://{bucket}/film.bin")

    def last_call():
        about = [call for call in log.read_text().splitlines() if "transfers.sqlite-wal" in call]
        return about[-1].split()[0] if about else None

    try:
        wait_until(lambda: journaled_pieces(person) == arrived, "each part noted")
        wait_until(lambda: last_call() == "flushed", "the last of them flushed")
        assert journaled_pieces(person) == arrived
    finally:
        program.kill()
        program.communicate()


def test_ranges_that_have_arrived_are_in_the_journal_though_nothing_follows(
    person, store, bucket, proxy
):
    store.put(bucket, "film.bin", content(KEPT_SIZE))
    proxy.hold("request", operation="GetObject", skip=4, times=0)
    program = start(person, "get", f"s3://{bucket}/film.bin", person.downloads)
    try:
        wait_until(lambda: journaled_pieces(person) == 4, "each range noted")
    finally:
        program.kill()
        program.communicate()


@pytest.mark.parametrize("size", [40, LARGE])
def test_a_file_system_without_locks_is_told_and_keeps_nothing(
    person, store, bucket, library, size
):
    store.put(bucket, "film.bin", os.urandom(size))
    environment = {"LD_PRELOAD": str(library), "NO_LOCKS": "1"}
    done = person.run("get", f"s3://{bucket}/film.bin", env=environment)
    assert done.returncode == 1
    assert b"has no locks (flock)" in done.stderr and b"-o flock" in done.stderr
    assert list(person.downloads.iterdir()) == []
