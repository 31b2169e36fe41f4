"""Transfers outlive the terminal: it is lost or stops reading, and they go on."""

import os
import re
import signal

from test_transfers import MEBIBYTE, upload


def wait_end(program):
    """Waits for the end of a program whose terminal is gone; gives its exit status."""
    return program.process.wait(timeout=60)


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
    assert "039.bin" in put.text

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
