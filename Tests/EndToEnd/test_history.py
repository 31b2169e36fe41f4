"""Who uploaded and deleted what: on screen by user, and in the SQLite file as it is."""

import json
import os
import shutil
import socket
import sqlite3
import stat
import subprocess
import threading

import pytest
from proxy import Proxy
from test_resuming import ended, start


@pytest.fixture
def recorded(person, bucket):
    """A history with the changes of two users in one bucket."""
    person.file("a.txt", b"abc")
    for user, name in (("ana", "one.txt"), ("boris", "two.txt"), ("ana", "three.txt")):
        done = person.run("put", "--user", user, "a.txt", f"s3://{bucket}/{name}")
        assert done.returncode == 0, done.stderr
    assert person.run("rm", "--user", "boris", f"s3://{bucket}/one.txt").returncode == 0
    return bucket


def test_each_row_says_who_where_and_what(person, store, recorded):
    rows = person.changes()
    assert [(row["user"], row["action"], row["key"]) for row in rows] == [
        ("ana", "upload", b"one.txt"),
        ("boris", "upload", b"two.txt"),
        ("ana", "upload", b"three.txt"),
        ("boris", "delete", b"one.txt"),
    ]
    for row in rows:
        assert row["outcome"] == "done" and row["finishedAt"] >= row["startedAt"]
        assert row["loginUID"] == os.getuid()
        assert row["host"] == socket.gethostname()
        assert row["accessKeyID"] == store.access_key
        assert row["bucket"] == recorded
        assert row["bootID"] and row["processID"] > 1 and row["processStart"] > 0
    assert all(row["size"] == 3 and row["localPath"].endswith(b"a.txt") for row in rows[:3])


def test_a_search_that_finds_nothing_says_so(person, recorded):
    done = person.run("history", "--user", "nobody-here")
    assert (done.returncode, done.stdout, done.stderr) == (
        0, b"", b"pail: no change in the history matches\n",
    )  # fmt: skip
    assert person.run("history", "-q", "--json", "--user", "nobody-here").stderr == b""


def test_the_rows_refuse_to_be_changed_or_removed(person, recorded):
    connection = sqlite3.connect(person.history_file)
    for statement in (
        "UPDATE changes SET user = 'nobody'",
        "DELETE FROM changes",
        "UPDATE outcomes SET outcome = 'failed'",
        "DELETE FROM outcomes",
        "INSERT OR REPLACE INTO changes SELECT * FROM changes LIMIT 1",
    ):
        with pytest.raises(sqlite3.DatabaseError):
            connection.execute(statement)
            connection.commit()
        connection.rollback()
    connection.close()
    assert len(person.changes()) == 4


def test_an_edit_behind_the_triggers_shows_in_the_chain(person, recorded):
    assert person.run("history", "verify").returncode == 0
    connection = sqlite3.connect(person.history_file)
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f'DROP TRIGGER "{name}"')
    connection.execute("UPDATE changes SET user = 'nobody' WHERE user = 'boris'")
    connection.commit()
    connection.close()
    done = person.run("history", "verify")
    assert done.returncode == 1 and done.stdout.startswith(b"altered: ")


def test_a_whole_history_without_the_expected_hash_was_altered(person, recorded):
    """No row of it can be in another file."""
    done = person.run("history", "verify", "--expect", "0123456789abcdef" * 4)
    assert done.returncode == 1 and done.stdout.startswith(b"altered: ")
    told = person.run("history", "verify", "--json", "--expect", "0123456789abcdef" * 4)
    told = json.loads(told.stdout)
    assert (told["hasExpected"], told["isIntact"]) == (False, False)


def test_the_file_is_private_durable_and_in_wal(person, recorded):
    mode = person.history_file.stat().st_mode
    assert stat.S_IMODE(mode) == 0o600
    assert stat.S_IMODE(person.history_file.parent.stat().st_mode) == 0o700
    connection = sqlite3.connect(person.history_file)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_the_command_filters_by_user_bucket_prefix_and_action(person, new_bucket, recorded):
    def keys(*arguments):
        output = person.run("history", "--format", "csv", *arguments).stdout.decode()
        return [line.split(",") for line in output.splitlines()[1:]]

    assert len(keys()) == 4
    assert len(keys("--user", "ana")) == 2
    assert len(keys("--user", "an")) == 0
    assert len(keys("--bucket", recorded)) == 4
    assert len(keys("--bucket", "other")) == 0
    assert len(keys("--action", "delete")) == 1
    assert len(keys("--prefix", "t")) == 2


def test_a_bucket_may_be_named_by_its_place(person, recorded):
    rows = person.run("history", "--format", "csv", "--bucket", recorded).stdout
    assert rows.count(b"\n") == 5
    for place in (f"s3://{recorded}", f"s3://{recorded}/"):
        assert person.run("history", "--format", "csv", "--bucket", place).stdout == rows
    for command in (["history"], ["transfers", "list"], ["transfers", "abort", "--all"]):
        for other, said in (("", b"is empty"), (f"s3://{recorded}/k", b"a bucket alone")):
            refused = person.run(*command, "--bucket", other)
            assert refused.returncode == 64 and said in refused.stderr


def test_a_history_that_cannot_be_written_refuses_the_change(person, store, bucket, tmp_path):
    person.file("a.txt", b"abc")
    nowhere = tmp_path / "file"
    nowhere.write_bytes(b"this is no database, and long enough to be read as one" * 100)
    done = person.run("put", "a.txt", f"s3://{bucket}/a.txt", "--history", nowhere)
    assert done.returncode == 1
    assert store.keys(bucket) == []


def test_a_history_that_is_moved_takes_no_more_and_loses_nothing(person, store, bucket, proxy):
    # More than are begun in one commit ahead of their use.
    for number in range(600):
        person.file(f"d/{number:03}", b"abc")
    hold = proxy.hold("request", operation="PutObject", skip=40, times=0)
    program = start(person, "put", "-r", "d", f"s3://{bucket}/")
    hold.wait()
    place, moved = person.history_file, person.history_file.with_name("old.sqlite")
    place.rename(moved)
    hold.release()
    said = ended(program, status=1)
    assert f"{place} was moved, removed or replaced while Pail had it open" in said

    assert person.run("history", "verify", "--history", moved).returncode == 0
    person.history_file = moved
    recorded = {row["key"].decode() for row in person.changes()}
    # Where each that was begun arrived before the history was looked for, the two are the same.
    assert set(store.keys(bucket)) <= recorded and len(recorded) < 600
    # Another begins in its place.
    assert person.run("put", "d/000", f"s3://{bucket}/other").returncode == 0
    person.history_file = place
    assert [row["key"] for row in person.changes()] == [b"other"]


def test_rows_of_a_history_that_was_moved_without_its_journal_are_not_overwritten(
    person, store, bucket
):
    person.file("a.txt", b"abc")
    assert person.run("put", "a.txt", f"s3://{bucket}/first").returncode == 0
    moved = person.history_file.with_name("old.sqlite")
    person.history_file.rename(moved)
    refused = person.run("put", "a.txt", f"s3://{bucket}/second")
    said = refused.stderr.decode()
    assert refused.returncode == 1 and store.keys(bucket) == ["first"]
    assert f"{person.history_file}-wal is left of one that was" in said and "Move it back" in said
    moved.rename(person.history_file)
    assert person.run("put", "a.txt", f"s3://{bucket}/second").returncode == 0
    assert [row["key"] for row in person.changes()] == [b"first", b"second"]


def test_a_locked_history_is_waited_for(person, store, bucket):
    person.file("a.txt", b"abc")
    assert person.run("put", "a.txt", f"s3://{bucket}/first").returncode == 0
    connection = sqlite3.connect(person.history_file, isolation_level=None, check_same_thread=False)
    connection.execute("BEGIN IMMEDIATE")
    release = threading.Timer(1.0, lambda: connection.execute("COMMIT"))
    release.start()
    done = person.run("put", "a.txt", f"s3://{bucket}/second")
    release.join()
    connection.close()
    assert done.returncode == 0, done.stderr
    assert store.keys(bucket) == ["first", "second"]


def test_many_processes_write_one_history(person, store, bucket):
    person.file("a.txt", b"abc")
    results = []

    def put(number):
        results.append(person.run("put", "a.txt", f"s3://{bucket}/key-{number}").returncode)

    threads = [threading.Thread(target=put, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [0] * 8
    rows = person.changes()
    assert sorted(row["key"] for row in rows) == [f"key-{n}".encode() for n in range(8)]
    assert {row["outcome"] for row in rows} == {"done"}
    assert person.run("history", "verify").returncode == 0


def test_a_history_elsewhere_is_used_by_flag_and_by_variable(person, bucket, tmp_path):
    person.file("a.txt", b"abc")
    flag, variable = tmp_path / "flag.sqlite", tmp_path / "variable.sqlite"
    assert person.run("put", "a.txt", f"s3://{bucket}/f", "--history", flag).returncode == 0
    done = person.run("put", "a.txt", f"s3://{bucket}/v", env={"PAIL_HISTORY": str(variable)})
    assert done.returncode == 0
    assert flag.exists() and variable.exists() and not person.history_file.exists()
    shutil.copy(flag, tmp_path / "copy.sqlite")
    assert person.run("history", "verify", "--history", flag).returncode == 0


def test_the_browser_shows_the_history_newest_first_and_filters_as_one_types(person, recorded):
    browser = person.browse()
    browser.press("H")
    browser.wait_for("three.txt")
    lines = [line for line in browser.lines if ".txt" in line]
    assert ["one.txt" in lines[0], "three.txt" in lines[1], "two.txt" in lines[2]] == [True] * 3
    browser.type("bor")
    browser.wait_gone("three.txt")
    browser.wait_for("two.txt")
    for _ in range(3):
        browser.press("Backspace")
    browser.wait_for("three.txt")
    # The next fields: bucket, then action.
    browser.press("Tab")
    browser.type("no-such-bucket")
    browser.wait_gone("three.txt")
    for _ in "no-such-bucket":
        browser.press("Backspace")
    browser.wait_for("three.txt")
    browser.press("Tab")
    browser.type("delete")
    browser.wait_gone("three.txt")
    browser.wait_for("one.txt")
    browser.press("Esc")
    browser.wait_gone("one.txt")


def test_an_archive_keeps_the_old_rows_and_the_chain_goes_on(person, bucket, recorded):
    head = person.run("history", "verify").stdout.split()[-1]
    refused = person.run("--read-only", "history", "archive")
    assert refused.returncode == 1 and b"runs read-only" in refused.stderr
    assert [path.name for path in person.history_file.parent.glob("history-*")] == []
    done = person.run("history", "archive")
    assert done.returncode == 0, done.stderr
    (archive,) = person.history_file.parent.glob("history-*.sqlite")
    assert archive.name.encode() in done.stdout and head in done.stdout
    assert person.changes() == []
    assert person.run("put", "a.txt", f"s3://{bucket}/later.txt").returncode == 0
    assert [row["key"] for row in person.changes()] == [b"later.txt"]
    verified = person.run("history", "verify", "--expect", head.decode())
    assert verified.returncode == 0 and b"goes on from: " + head in verified.stdout
    old = person.run("history", "--history", archive, "--format", "csv")
    assert old.stdout.count(b"\n") == 5
    verified = person.run("history", "verify", "--history", archive, "--expect", head.decode())
    assert verified.returncode == 0
    refused = person.run("put", "--history", archive, "a.txt", f"s3://{bucket}/no.txt")
    assert refused.returncode == 1 and b"could not record it" in refused.stderr
    assert person.run("ls", f"s3://{bucket}/no.txt").stdout == b""


def test_a_write_protected_archive_is_read(person, bucket, recorded, bound_by_permissions):
    head = person.run("history", "verify").stdout.split()[-1]
    archive = person.work / "kept.sqlite"
    assert person.run("history", "archive", archive).returncode == 0
    archive.chmod(0o444)
    old = person.run("history", "--history", archive, "--format", "csv")
    assert old.returncode == 0 and old.stdout.count(b"\n") == 5, old.stderr
    verified = person.run("history", "verify", "--history", archive, "--expect", head.decode())
    assert verified.returncode == 0, verified.stderr
    refused = person.run("put", "--history", archive, "a.txt", f"s3://{bucket}/no.txt")
    assert refused.returncode == 1 and b"could not record it" in refused.stderr
    assert [path.name for path in person.work.glob("kept*")] == ["kept.sqlite"]


def test_an_archive_waits_for_changes_under_way(person, store, bucket):
    file = person.file("a.txt", b"abc")
    with Proxy(store.endpoint) as proxy:
        hold = proxy.hold("answer", "PutObject")
        program = subprocess.Popen(
            [person.binary, "put", file, f"s3://{bucket}/a", "--endpoint-url", proxy.endpoint],
            env=person.env,
            cwd=person.work,
            stdin=subprocess.DEVNULL,
        )
        try:
            hold.wait()
            refused = person.run("history", "archive")
            assert refused.returncode == 1 and b"a change is under way, in process" in refused.stderr
            hold.release()
            assert program.wait(30) == 0
        finally:
            program.kill()
            program.wait()
    assert [row["outcome"] for row in person.changes()] == ["done"]
    assert person.run("history", "archive").returncode == 0


def test_a_history_that_may_not_be_read_is_none_without_rows(person, bucket):
    """Nor is one that somebody has named and that is not there."""
    person.file("file", b"")
    commands = (["history"], ["history", "verify"], ["history", "archive"], ["history", "settle"])
    for command in commands:
        fresh = person.run(*command)
        assert fresh.returncode == 0 and b"nothing is recorded yet" in fresh.stderr
        # What is no folder cannot be entered, whoever asks.
        closed = person.run(*command, env={"PAIL_HISTORY": "file/history.sqlite"})
        assert closed.returncode == 1 and b"file/history.sqlite cannot be opened" in closed.stderr
        missing = person.run(*command, "--history", "missing.sqlite")
        if command[-1] == "settle":
            assert missing.returncode == 0 and b"nothing is recorded yet" in missing.stderr
        else:
            assert missing.returncode == 1 and b"There is no history missing.sqlite" in missing.stderr


def test_rows_in_csv_have_their_header_where_there_are_none(person, bucket):
    header = person.run("history", "--format", "csv").stdout
    assert header.startswith(b"id,action,user,") and header.count(b"\n") == 1
    assert person.run("history").stdout == b""
    assert person.run("history", "--json", "--format", "json").returncode == 0
    assert person.run("history", "--json", "--format", "csv").returncode == 64


def test_what_an_archive_took_is_said(person, bucket, recorded):
    person.file("a.txt", b"1")
    old = person.run("history", "verify").stdout.split()[-1].decode()
    assert person.run("put", "a.txt", f"s3://{bucket}/more.txt").returncode == 0
    assert person.run("history", "archive", "old.sqlite").returncode == 0
    assert b"no changes, other than perhaps in archives" in person.run("history").stderr
    missing = person.run("history", "verify", "--expect", old)
    assert missing.returncode == 1 and b"it may be one of an older archive" in missing.stderr
    assert missing.stdout.startswith(b"unproven: ")
    advice = missing.stderr.decode().split("pail history verify")[1].split()
    assert person.run("history", "verify", *advice).returncode == 0
    told = person.run("history", "verify", "--json", "--expect", old)
    told = json.loads(told.stdout)
    assert told["hasExpected"] is False and "isIntact" not in told
    again = person.run("history", "archive", "new.sqlite", "--history", "old.sqlite")
    assert again.returncode == 1 and b"the file is an archive" in again.stderr
    assert not (person.work / "new.sqlite").exists()
    assert person.run("put", "a.txt", f"s3://{bucket}/one.txt").returncode == 0
    assert b": 1 change, 1 outcome\n" in person.run("history", "verify").stdout
    newer = person.run("history", "verify").stdout.split(b"head: ")[1].split()[0].decode()
    missing = person.run("history", "verify", "--history", "old.sqlite", "--expect", newer)
    assert missing.returncode == 1 and b"it may be one of rows that came later" in missing.stderr
    assert missing.stdout.startswith(b"unproven: ")
