"""Transfers outlive the terminal: it is lost or stops reading, and they go on."""

import contextlib
import json
import os
import re
import signal
import socket
import stat
import subprocess
import time
from pathlib import Path

import pytest
from test_transfers import MEBIBYTE, upload


def wait_end(program):
    """Waits for the end of a program whose terminal is gone; gives its exit status."""
    return program.process.wait(timeout=60)


def wait_until(holds, what, seconds=20):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.01)


def end(number):
    """Ends a process that is no child of ours, should it still be there."""
    try:
        os.kill(number, signal.SIGKILL)
    except ProcessLookupError:
        pass


def outcomes(person, action="upload"):
    return [row["outcome"] for row in person.changes() if row["action"] == action]


def test_an_upload_of_the_browser_outlives_the_terminal(person, store, proxy, bucket):
    body = os.urandom(40 * MEBIBYTE)
    person.file("large.bin", body)
    hold = proxy.hold("answer", operation="UploadPart", times=99)
    browser = person.browse(f"s3://{bucket}")
    upload(browser, "large.bin")
    hold.wait()
    browser.hang_up()
    # What the shell and the kernel both send may come twice.
    browser.signal(signal.SIGHUP)
    hold.release()
    assert wait_end(browser) == 0
    assert store.get(bucket, "large.bin") == body
    assert outcomes(person) == ["done"]
    assert store.uploads(bucket) == []


def test_sighup_alone_gives_the_terminal_back_and_the_upload_goes_on(person, store, proxy, bucket):
    person.file("note.txt", b"1")
    hold = proxy.hold("answer", operation="PutObject")
    browser = person.browse(f"s3://{bucket}")
    upload(browser, "note.txt")
    hold.wait()
    browser.signal(signal.SIGHUP)
    browser.wait_until(lambda: b"\x1b[?1049l" in browser.raw, "the screen is left")
    browser.wait_until(lambda: browser.modes_now() == browser.modes_before, "the modes are back")
    assert browser.process.poll() is None
    hold.release()
    assert wait_end(browser) == 0
    assert store.get(bucket, "note.txt") == b"1"
    assert outcomes(person) == ["done"]


def test_put_and_get_outlive_the_terminal(person, store, proxy, bucket):
    for name in ("one.bin", "two.bin"):
        person.file(name, os.urandom(MEBIBYTE))
    held = proxy.hold("answer", operation="PutObject", times=2)
    put = person.open("put", "one.bin", "two.bin", f"s3://{bucket}/")
    held.wait()
    put.hang_up()
    held.release()
    assert wait_end(put) == 0
    assert store.keys(bucket) == ["one.bin", "two.bin"]
    assert outcomes(person) == ["done", "done"]

    held = proxy.hold("answer", operation="GetObject")
    get = person.open("get", f"s3://{bucket}/one.bin", "copy.bin")
    held.wait()
    get.signal(signal.SIGHUP)
    get.hang_up()
    held.release()
    assert wait_end(get) == 0
    assert (person.work / "copy.bin").read_bytes() == (person.work / "one.bin").read_bytes()


def test_a_frozen_terminal_stops_no_transfer(person, store, proxy, bucket):
    names = [f"{number:03}.bin" for number in range(40)]
    for name in names:
        person.file(f"many/{name}", b"x" * 1000)
    held = proxy.hold("answer", operation="PutObject", times=40)
    put = person.open("put", "-r", "many", f"s3://{bucket}/")
    held.wait()
    put.freeze()
    held.release()
    put.wait_until(lambda: store.keys(bucket) == names, "every object")
    # The command itself waits to be read, as every program does.
    put.thaw()
    assert put.wait_exit() == 0
    # In any order, and more lines than the screen has.
    assert all(name.encode() in put.raw for name in names)

    person.file("large.bin", os.urandom(20 * MEBIBYTE))
    held = proxy.hold("answer", operation="UploadPart", times=99)
    browser = person.browse(f"s3://{bucket}")
    upload(browser, "large.bin")
    held.wait()
    browser.freeze()
    held.release()
    browser.wait_until(lambda: "large.bin" in store.keys(bucket), "the object")
    browser.thaw()
    browser.wait_for(re.compile(r"large\.bin.*done"))


def start(person, *arguments):
    """`pail` without a terminal, to be waited for with `communicate`."""
    return subprocess.Popen(
        [person.binary, *map(str, arguments)],
        env=person.env,
        cwd=person.work,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def limit(browser, rate):
    browser.press("L")
    browser.wait_for("Limit the bandwidth")
    browser.press("^u")
    browser.type(rate)
    browser.press("Enter")


def open_sockets(number):
    links = set()
    for descriptor in Path(f"/proc/{number}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            links.add(os.readlink(descriptor))
    return {link for link in links if link.startswith("socket:")}


def sockets(person):
    folder = person.home / "state" / "pail" / "run"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_the_next_pail_shows_the_transfers_of_another_and_x_cancels_them_there(
    person, store, proxy, bucket
):
    person.file("large.bin", os.urandom(20 * MEBIBYTE))
    held = proxy.hold("answer", operation="UploadPart", times=99)
    put = start(person, "put", "large.bin", f"s3://{bucket}/")
    held.wait()
    browser = person.browse(f"s3://{bucket}")
    browser.wait_for(re.compile(rf"↑ large\.bin +⇄ pid {put.pid}"))
    folder = person.home / "state" / "pail" / "run"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / f"{put.pid}.sock").stat().st_mode) == 0o600
    browser.press("t")
    browser.wait_focus("transfers")
    browser.press("x")
    browser.wait_for(f"Process {put.pid}")
    held.release()
    _, errors = put.communicate(timeout=30)
    assert put.returncode == 1 and b"ancelled" in errors
    assert store.keys(bucket) == [] and store.uploads(bucket) == []
    assert outcomes(person) == ["cancelled"]
    assert sockets(person) == []
    assert "Transfers (" not in browser.text


def test_what_a_process_that_dies_moved_is_offered_to_be_gone_on_with(person, store, proxy, bucket):
    person.file("note.txt", b"1")
    held = proxy.hold("answer", operation="PutObject")
    put = start(person, "put", "note.txt", f"s3://{bucket}/")
    held.wait()
    browser = person.browse(f"s3://{bucket}")
    browser.wait_for(f"⇄ pid {put.pid}")
    put.kill()
    put.communicate()
    browser.wait_for("1 transfer was interrupted: t, then R goes on with it")
    browser.wait_for(re.compile(r"↑ note\.txt +interrupted"))
    assert "⇄" not in browser.text
    held.release()
    # Its socket stays, and whoever comes next takes it away.
    browser.wait_until(lambda: sockets(person) == [], "no socket")


def test_a_browser_without_a_terminal_is_shown_by_the_next_one(person, store, proxy, bucket):
    person.file("note.txt", b"1")
    held = proxy.hold("answer", operation="PutObject")
    first = person.browse(f"s3://{bucket}")
    upload(first, "note.txt")
    held.wait()
    first.hang_up()
    second = person.browse(f"s3://{bucket}")
    second.wait_for(re.compile(rf"↑ note\.txt +⇄ pid {first.pid}"))
    held.release()
    second.wait_for(f"Process {first.pid}: Uploaded 1 file")
    assert wait_end(first) == 0
    assert outcomes(person) == ["done"]


def test_hostile_peers_of_the_socket_hurt_nothing(person, store, proxy, bucket):
    person.file("note.txt", b"1")
    held = proxy.hold("answer", operation="PutObject")
    put = start(person, "put", "note.txt", f"s3://{bucket}/")
    held.wait()
    name = person.home / "state" / "pail" / "run" / f"{put.pid}.sock"
    wait_until(name.exists, "a socket")
    # The kernel allows only short addresses.
    folder = os.open(name.parent, os.O_RDONLY)
    peers = []
    for _ in range(12):
        peer = socket.socket(socket.AF_UNIX)
        peer.connect(f"/proc/self/fd/{folder}/{name.name}")
        peer.settimeout(20)
        peers.append(peer)
    told = json.loads(peers[0].makefile("rb").readline())
    assert [each["key"] for each in told["transfers"]] == ["note.txt"]
    peers[0].sendall(b'\n\n{"command":"explode"}\n\x00\xff\n[[[[\n{"command":"cancel","id":99}\n')
    try:
        # A line without an end; the connection ends before all of it is taken.
        for _ in range(1000):
            peers[1].sendall(b"x" * 65536)
        raise AssertionError("everything was taken")
    except OSError:
        pass
    for peer in peers[2:]:
        peer.close()
    held.release()
    _, errors = put.communicate(timeout=30)
    assert put.returncode == 0, errors
    assert store.get(bucket, "note.txt") == b"1"
    last = peers[0].makefile("rb").read().splitlines()
    assert json.loads(last[-1]) == {"end": True}
    os.close(folder)


@contextlib.contextmanager
def peer_of(person, number):
    """A connection to the socket of a process, as the next pail makes it."""
    name = person.home / "state" / "pail" / "run" / f"{number}.sock"
    wait_until(name.exists, "a socket")
    folder = os.open(name.parent, os.O_RDONLY)
    try:
        with socket.socket(socket.AF_UNIX) as peer:
            peer.connect(f"/proc/self/fd/{folder}/{name.name}")
            peer.settimeout(20)
            yield peer
    finally:
        os.close(folder)


def told(peer, *states):
    """Waits for a transfer in one of these states; gives its number."""
    lines = peer.makefile("rb")
    while True:
        for each in json.loads(lines.readline()).get("transfers", []):
            if each["state"] in states:
                return each["id"]


def command(peer, name, number):
    peer.sendall(json.dumps({"command": name, "id": number}).encode() + b"\n")


def test_a_prefix_that_another_process_cancels_is_a_failure(person, store, proxy, bucket):
    for name in ("one", "two"):
        store.put(bucket, f"p/{name}", name.encode())
    held = proxy.hold("answer", operation="GetObject", times=99)
    get = start(person, "get", "-r", f"s3://{bucket}/p/", "down")
    held.wait()
    with peer_of(person, get.pid) as peer:
        command(peer, "cancel", told(peer, "running"))
        _, errors = get.communicate(timeout=30)
    held.release()
    assert get.returncode == 1 and f"s3://{bucket}/p/: Cancelled".encode() in errors


def test_what_another_process_tries_again_comes_to_its_end(person, store, proxy, bucket):
    for name in ("first.txt", "second.txt"):
        person.file(name, name.encode())
    proxy.refuse(403, "AccessDenied", operation="PutObject", key=b"first.txt")
    again = proxy.hold("request", operation="PutObject", key=b"first.txt", skip=1)
    held = proxy.hold("request", operation="PutObject", key=b"second.txt")
    put = start(person, "put", "first.txt", "second.txt", f"s3://{bucket}/")
    held.wait()
    with peer_of(person, put.pid) as peer:
        command(peer, "retry", told(peer, "failed"))
        again.wait()
        held.release()
        wait_until(lambda: "done" in outcomes(person), "the second")
        # It would end now.
        with pytest.raises(subprocess.TimeoutExpired):
            put.wait(1)
        again.release()
        _, errors = put.communicate(timeout=30)
    assert put.returncode == 1 and b"AccessDenied" in errors
    assert store.get(bucket, "first.txt") == b"first.txt"
    assert sorted(outcomes(person)) == ["done", "done", "failed"]


def test_p_holds_a_transfer_of_another_process_and_lets_it_go_on(person, store, proxy, bucket):
    body = os.urandom(40 * MEBIBYTE)
    person.file("large.bin", body)
    held = proxy.hold("answer", operation="UploadPart", times=99)
    put = start(person, "put", "large.bin", f"s3://{bucket}/", "--concurrency", "2")
    held.wait()
    browser = person.browse(f"s3://{bucket}")
    browser.wait_for(f"⇄ pid {put.pid}")
    browser.press("t")
    browser.wait_focus("transfers")
    browser.press("p")
    browser.wait_for(re.compile(rf"⇄ pid {put.pid} paused"))
    held.release()
    browser.wait_quiet(0.5)
    assert store.keys(bucket) == [] and put.poll() is None
    limit(browser, "900M")
    browser.wait_gone("Limit the bandwidth")
    browser.press("p")
    browser.wait_for(re.compile(rf"Process {put.pid}(: Uploaded 1 file| has ended;)"), timeout=40)
    assert put.wait(timeout=30) == 0
    put.communicate()
    assert store.get(bucket, "large.bin") == body
    assert outcomes(person) == ["done"]


def test_controls_of_the_own_transfers(person, store, proxy, bucket):
    for number in range(1, 8):
        person.file(f"files/{number}.bin", os.urandom(17 * MEBIBYTE))
    held = proxy.hold("answer", operation="UploadPart", times=999)
    browser = person.browse(f"s3://{bucket}", columns=120)
    for number in range(1, 8):
        os.rename(person.work / f"files/{number}.bin", person.work / f"{number}.bin")
    upload(browser, *[f"{number}.bin" for number in range(1, 8)])
    held.wait()
    browser.press("t")
    browser.wait_focus("transfers")
    browser.wait_for(re.compile(r"7\.bin +waiting"))
    browser.press("G")
    browser.wait_for(re.compile(r"▸. 7\.bin"))
    browser.press("K")
    browser.wait_for(re.compile(r"▸. 7\.bin +waiting.*\n.*6\.bin"))
    browser.press("J")
    browser.wait_for(re.compile(r"6\.bin +waiting.*\n.*▸. 7\.bin +waiting"))
    browser.press("K")
    browser.wait_for(re.compile(r"▸. 7\.bin +waiting.*\n.*6\.bin"))
    browser.press("p")
    browser.wait_for(re.compile(r"7\.bin +paused"))
    limit(browser, "900M")
    browser.wait_for("at most 900 MiB/s")
    held.release()
    browser.wait_for("Transfers (6 of 7)", timeout=60)
    assert "7.bin" not in store.keys(bucket)
    browser.press("p")
    browser.wait_for("Transfers (7 of 7)")
    browser.press("C")
    browser.wait_gone("Transfers (")
    assert len(store.keys(bucket)) == 7


def test_q_hands_the_transfers_over_to_the_background(person, store, proxy, bucket):
    body = os.urandom(40 * MEBIBYTE)
    person.file("large.bin", body)
    held = proxy.hold("request", operation="UploadPart", skip=2, times=99)
    browser = person.browse(f"s3://{bucket}")
    upload(browser, "large.bin")
    held.wait()
    browser.press("q")
    browser.wait_for("go on in the background")
    browser.press("n")
    browser.wait_gone("go on in the background")
    assert browser.process.poll() is None
    watching = person.browse(f"s3://{bucket}")
    watching.wait_for(f"⇄ pid {browser.pid}")
    browser.press("q")
    browser.wait_for("go on in the background")
    before = open_sockets(browser.pid)
    assert before
    browser.press("b")
    assert browser.wait_exit() == 0
    found = re.search(rb"1 transfer goes on in the background as process (\d+)", browser.raw)
    assert found, browser.text
    number = int(found.group(1))
    try:
        assert os.getsid(number) == number
        assert {os.readlink(f"/proc/{number}/fd/{each}") for each in range(3)} == {"/dev/null"}
        assert not before & open_sockets(number)
        command = Path(f"/proc/{number}/cmdline").read_bytes()
        assert store.secret_key.encode() not in command
        second = person.browse(f"s3://{bucket}")
        second.wait_for(re.compile(rf"↑ large\.bin +⇄ pid {number}"))
        # At no moment it was nobody's.
        watching.wait_for(f"Process {browser.pid}: Uploaded 0 files, 0 B, 1 stopped")
        watching.wait_for(f"⇄ pid {number}")
        assert b"interrupted" not in watching.raw and b"interrupted" not in second.raw
        held.release()
        second.wait_for(re.compile(rf"Process {number}(: Uploaded 1 file| has ended;)"), timeout=40)
        assert store.get(bucket, "large.bin") == body
        parts = [entry for entry in proxy.operations if entry["operation"] == "UploadPart"]
        assert parts and store.uploads(bucket) == []
    finally:
        end(number)


def test_what_a_person_has_set_goes_on_in_the_background(person, store, proxy, bucket):
    for name in ("one.bin", "two.bin"):
        person.file(name, os.urandom(20 * MEBIBYTE))
    held = proxy.hold("request", operation="UploadPart", times=99)
    browser = person.open("--limit-rate", "900M", f"s3://{bucket}", columns=120)
    browser.wait_for("is empty")
    upload(browser, "one.bin", "two.bin")
    held.wait()
    browser.press("t")
    browser.wait_focus("transfers")
    browser.press("G")
    browser.wait_for(re.compile(r"▸. two\.bin"))
    browser.press("p")
    browser.wait_for(re.compile(r"two\.bin +paused"))
    limit(browser, "800M")
    browser.wait_for("at most 800 MiB/s")
    browser.press("q")
    browser.wait_for("go on in the background")
    browser.press("b")
    assert browser.wait_exit() == 0
    found = re.search(rb"1 transfer goes on in the background as process (\d+)", browser.raw)
    assert found and b"1 paused transfer is kept" in browser.raw, browser.raw
    number = int(found.group(1))
    try:
        command = Path(f"/proc/{number}/cmdline").read_bytes().split(b"\0")
        assert command.count(b"--limit-rate") == 1
        assert command[command.index(b"--limit-rate") + 1] == b"%d" % (800 * MEBIBYTE)
        held.release()
        proxy.clear()
        wait_until(lambda: store.keys(bucket) == ["one.bin"], "the one that ran")
    finally:
        end(number)
    resumed = person.run("transfers", "resume")
    assert resumed.returncode == 0 and store.keys(bucket) == ["one.bin", "two.bin"], resumed.stderr


def test_q_stops_what_can_be_resumed(person, store, proxy, bucket):
    body = os.urandom(40 * MEBIBYTE)
    person.file("large.bin", body)
    held = proxy.hold("request", operation="UploadPart", skip=2, times=99)
    browser = person.browse(f"s3://{bucket}")
    upload(browser, "large.bin")
    held.wait()
    browser.press("q")
    browser.wait_for("go on in the background")
    browser.press("s")
    assert browser.wait_exit() == 0
    held.release()
    proxy.clear()
    assert store.keys(bucket) == [] and len(store.uploads(bucket)) == 1
    resumed = person.run("transfers", "resume")
    assert resumed.returncode == 0, resumed.stderr
    assert store.get(bucket, "large.bin") == body
