"""What a command shows while it works: on a terminal alone, and only where it was not forbidden."""

import os
import re
import signal
import subprocess

import pytest
from test_faults import LARGE
from test_transfers import download, upload

PERCENT = re.compile(rb"\d+%")


@pytest.fixture
def large(person):
    person.file("large.bin", bytes(24 << 20))
    return ["put", "large.bin", "--limit-rate", "24M"]


def test_progress_is_shown_on_a_terminal(person, bucket, large):
    terminal = person.open(*large, f"s3://{bucket}/k")
    assert terminal.wait_exit() == 0
    assert PERCENT.search(terminal.raw)
    # The line is taken away for what stays.
    assert f"Uploaded large.bin to s3://{bucket}/k" in terminal.text and "%" not in terminal.text


@pytest.mark.parametrize("option", ["--no-progress", "--quiet"])
def test_progress_can_be_forbidden(person, store, bucket, large, option):
    terminal = person.open(*large, option, f"s3://{bucket}/k")
    assert terminal.wait_exit() == 0
    assert not PERCENT.search(terminal.raw) and store.keys(bucket) == ["k"]
    assert ("Uploaded" in terminal.text) == (option == "--no-progress")


def test_a_terminal_that_cannot_wipe_a_line_away_gets_none(person, bucket, large):
    terminal = person.open(*large, f"s3://{bucket}/k", env={"TERM": "dumb"})
    assert terminal.wait_exit() == 0
    assert b"Uploaded large.bin" in terminal.raw and b"\x1b" not in terminal.raw


def test_a_file_or_a_pipe_gets_plain_lines_alone(person, bucket, large):
    done = person.run(*large, f"s3://{bucket}/k")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == f"Uploaded large.bin to s3://{bucket}/k\n".encode()
    quiet = person.run("put", "-q", "large.bin", f"s3://{bucket}/k")
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, b"", b"")


@pytest.mark.parametrize(
    "operation, command",
    [
        ("DeleteObjects", "rm -r s3://{}"),
        ("DeleteObjects", "rb --force s3://{}"),
        ("PutObject", "put - s3://{}/k < .env"),
        ("ListObjectsV2", "du s3://{}"),
        ("ListBuckets", "ls"),
        ("ListObjectsV2", "ls -r s3://{}"),
        ("ListObjectVersions", "ls --versions s3://{}"),
        ("HeadObject", "stat s3://{}/a"),
        ("ListObjectsV2", "get -r s3://{}/ kept"),
    ],
)
def test_what_is_sent_again_is_told_until_it_has_succeeded(
    person, proxy, store, bucket, operation, command
):
    for key in "ab":
        store.put(bucket, key, b"1")
    proxy.refuse(503, "SlowDown", operation=operation)
    again = proxy.hold("request", operation=operation, skip=1)
    shell = person.shell()
    shell.type(f"pail {command.format(bucket)}\n")
    again.wait()
    # An answer to HEAD has no code.
    code = "ServiceUnavailable" if operation == "HeadObject" else "SlowDown"
    shell.wait_for(f"retrying 2/6: {code}")
    again.release()
    shell.wait_until(lambda: shell.text.count("ready>") == 2, "the end of the command")
    assert "retrying" not in shell.text
    shell.type("exit\n")
    shell.wait_exit()


@pytest.mark.parametrize(
    "operation, size",
    [("PutObject", 3000), ("UploadPart", LARGE), ("GetObject", 3000), ("GetObject", LARGE)],
)
def test_a_transfer_that_is_sent_again_says_so_until_it_goes_on(
    person, proxy, store, bucket, operation, size
):
    body = os.urandom(size)
    person.file("film.bin", body)
    if operation == "GetObject":
        store.put(bucket, "film.bin", body)
    browser = person.browse(f"s3://{bucket}")
    # The server says how long the words stand there; after some of these waits all is given up.
    proxy.refuse(503, "SlowDown", operation=operation, times=0, headers=[("Retry-After", "2")])
    retrying = re.compile(r"retrying [2-6]/6: SlowDown")
    if operation == "GetObject":
        browser.wait_selected("film.bin")
        download(browser, person.downloads)
        command = person.open("get", f"s3://{bucket}/film.bin", "other.bin")
    else:
        upload(browser, "film.bin")
        command = person.open("put", "film.bin", f"s3://{bucket}/other.bin")
    browser.wait_for(re.compile(r"film\.bin +" + retrying.pattern))
    command.wait_for(retrying)
    proxy.clear()
    browser.wait_for(re.compile(r"film\.bin +done"))
    assert command.wait_exit() == 0
    assert "retrying" not in browser.text + command.text
    if operation == "GetObject":
        copies = [person.downloads / "film.bin", person.work / "other.bin"]
        assert [copy.read_bytes() for copy in copies] == [body, body]
    else:
        assert [store.get(bucket, key) for key in ("film.bin", "other.bin")] == [body, body]


def test_what_stands_still_says_for_how_long_until_it_moves(person, proxy, store, bucket):
    person.env["PAIL_STALL_TIMEOUT"] = "60s"
    store.put(bucket, "film.bin", b"1" * 3000)

    def stands_still(answer):
        answer.paces = [(1000, 600)]

    proxy.change(stands_still, operation="GetObject", times=0)
    hold = proxy.hold("answer", operation="PutObject", times=0)
    browser = person.browse(f"s3://{bucket}")
    browser.wait_selected("film.bin")
    download(browser, person.downloads)
    commands = ["get s3://{}/film.bin other.bin", "cat s3://{}/film.bin > kept", "put - s3://{}/k < .env"]
    shells = [person.shell() for _ in commands]
    for shell, command in zip(shells, commands):
        shell.type(f"pail {command.format(bucket)}\n")
    stalled = re.compile(r"stalled \d+ s")
    browser.wait_for(re.compile(r"film\.bin +" + stalled.pattern))
    for shell in shells:
        shell.wait_for(stalled)
    hold.release()
    for shell in shells:
        if shell is not shells[-1]:
            shell.press("^c")
        shell.wait_until(lambda: shell.text.count("ready>") == 2, "the end of the command")
        assert "stalled" not in shell.text
        shell.type("exit\n")
        shell.wait_exit()
    assert store.get(bucket, "k") == (person.work / ".env").read_bytes()


@pytest.mark.parametrize("command", [["ls", "-r"], ["ls", "-r", "--json"], ["du", "--depth", "9"], ["rm", "-r", "-d"]])
@pytest.mark.parametrize("blocked", [[], [signal.SIGPIPE]])
def test_a_reader_who_has_seen_enough_ends_it_quietly(person, many, command, blocked):
    program = subprocess.Popen(
        [person.binary, *command, f"s3://{many.bucket}"],
        env=person.env, cwd=person.work, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, blocked),
    )
    program.stdout.close()
    assert program.wait(timeout=30) == -signal.SIGPIPE
    assert program.stderr.read() == b""
