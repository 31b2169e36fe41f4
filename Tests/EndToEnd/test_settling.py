"""What dead processes left open: settled by the word of the server, and never by a guess."""

import json
import os
import signal
import subprocess

import pytest
from proxy import Proxy

pytestmark = pytest.mark.timeout(120)

BODY = b"a small file\n" * 20


def kill_at(person, proxy, point, operation, *arguments, is_lost=False):
    """Runs `pail` and kills it when its request is at the point."""
    hold = proxy.hold(point, operation)
    program = subprocess.Popen(
        [person.binary, *map(str, arguments), "--endpoint-url", proxy.endpoint],
        env=person.env,
        cwd=person.work,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        hold.wait()
    finally:
        program.kill()
        output = program.communicate()[0]
    assert program.returncode == -signal.SIGKILL, output
    if is_lost:
        hold.drop()
        proxy.settle()
    proxy.clear()
    proxy.settle()


def settle(person, proxy, *options):
    done = person.run("history", "settle", "--json", *options, "--endpoint-url", proxy.endpoint)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def outcomes(person):
    return [row["outcome"] for row in person.changes()]


def uploading(person, file, place, proxy):
    return subprocess.Popen(
        [person.binary, "put", file, place, "--endpoint-url", proxy.endpoint],
        env=person.env,
        cwd=person.work,
        stdin=subprocess.DEVNULL,
    )


def test_a_killed_upload_is_done_where_the_server_proves_it(person, store, bucket):
    file = person.file("note.txt", BODY)
    large = person.file("film.bin", os.urandom(17 * 1024 * 1024 + 5))
    with Proxy(store.endpoint) as proxy:
        kill_at(person, proxy, "request", "PutObject", "put", file, f"s3://{bucket}/lost", is_lost=True)
        kill_at(person, proxy, "answer", "PutObject", "put", file.name, f"s3://{bucket}/stored")
        kill_at(person, proxy, "received", "UploadPart", "put", large, f"s3://{bucket}/begun")
        kill_at(
            person, proxy, "answer", "CompleteMultipartUpload", "put", large, f"s3://{bucket}/whole"
        )
        assert outcomes(person) == [None] * 4
        refused = person.run("history", "settle", "--read-only", "--endpoint-url", proxy.endpoint)
        assert refused.returncode == 1 and b"Nothing was settled: Pail runs read-only" in refused.stderr
        planned = settle(person, proxy, "--dry-run", "--read-only")
        assert outcomes(person) == [None] * 4
        settled = settle(person, proxy)
        assert planned == settled
        again = settle(person, proxy)
    assert [(row["key"], row["outcome"]) for row in settled] == [
        ("lost", "interrupted"),
        ("stored", "done"),
        ("begun", "interrupted"),
        ("whole", "done"),
    ]
    assert again == []
    assert outcomes(person) == ["interrupted", "done", "interrupted", "done"]
    rows = person.changes()
    assert rows[1]["etag"] and rows[3]["etag"]
    assert person.run("history", "verify").returncode == 0


def test_a_process_that_lives_keeps_its_rows(person, store, bucket):
    file = person.file("note.txt", BODY)
    with Proxy(store.endpoint) as proxy:
        hold = proxy.hold("answer", "PutObject")
        program = uploading(person, file, f"s3://{bucket}/a", proxy)
        try:
            hold.wait()
            assert settle(person, proxy) == []
            assert outcomes(person) == [None]
            hold.release()
            assert program.wait(30) == 0
        finally:
            program.kill()
            program.wait()
    assert outcomes(person) == ["done"]


def test_a_process_of_another_pid_namespace_keeps_its_rows_and_its_transfer(person, store, bucket):
    file = person.file("film.bin", os.urandom(17 * 1024 * 1024))
    own = ["unshare", "-pf", "--mount-proc"]
    if os.geteuid() != 0:
        own.insert(1, "-r")

    def elsewhere(*arguments):
        done = subprocess.run(
            [*own, person.binary, *arguments, "--json", "--endpoint-url", proxy.endpoint],
            capture_output=True, env=person.env, cwd=person.work, timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    with Proxy(store.endpoint) as proxy:
        hold = proxy.hold("answer", "UploadPart", times=0)
        program = uploading(person, file, f"s3://{bucket}/a", proxy)
        try:
            hold.wait()
            assert elsewhere("history", "settle") == []
            assert [transfer["state"] for transfer in elsewhere("transfers")] == ["running"]
            assert outcomes(person) == [None]
            hold.release()
            assert program.wait(30) == 0
        finally:
            program.kill()
            program.wait()
    assert outcomes(person) == ["done"]


def test_another_endpoint_is_not_asked(person, store, bucket):
    file = person.file("note.txt", BODY)
    with Proxy(store.endpoint) as proxy:
        kill_at(person, proxy, "answer", "PutObject", "put", file, f"s3://{bucket}/a")
        done = person.run("history", "settle")
        assert done.returncode == 0
        assert b"open changes of other endpoints, left alone: 1" in done.stderr
    assert outcomes(person) == [None]


def test_a_server_that_is_away_leaves_them_open(person, store, bucket):
    file = person.file("note.txt", BODY)
    with Proxy(store.endpoint) as proxy:
        kill_at(person, proxy, "answer", "PutObject", "put", file, f"s3://{bucket}/a")
        endpoint = proxy.endpoint
    done = person.run("history", "settle", "--endpoint-url", endpoint, timeout=90)
    assert done.returncode == 1
    assert b"1 change stays open" in done.stderr
    assert outcomes(person) == [None]


def test_the_browser_settles_in_the_background(person, store, bucket):
    file = person.file("note.txt", BODY)
    with Proxy(store.endpoint) as proxy:
        kill_at(person, proxy, "answer", "PutObject", "put", file, f"s3://{bucket}/a")
        person.write_env(endpoint=proxy.endpoint)
        browser = person.browse()
        # What is said of it gives way to the offer to go on with the upload, whichever comes first.
        browser.wait_until(lambda: outcomes(person) == ["done"], "the change is settled")
        browser.press("q")
        assert browser.wait_exit() == 0
