"""Presigned URLs from the dialog: they work without keys, whole and copied."""

import re
import subprocess
import time
import urllib.error
import urllib.request

import pytest


def shown_url(browser):
    """The URL as it stands on the screen, joined from its rows."""
    lines = browser.lines
    start = next(number for number, line in enumerate(lines) if line.startswith("http://"))
    url = ""
    for line in lines[start:]:
        url += line
        if len(line) < browser.width:
            return url
    return url


def open_share(browser):
    browser.press("s")
    browser.wait_for("Whoever has the URL")


def test_a_get_url_is_shown_whole_copied_and_works(person, store, bucket):
    store.put(bucket, "p/a b+c.txt", b"shared")
    browser = person.browse(f"s3://{bucket}/p/")
    browser.wait_selected("a b+c.txt")
    open_share(browser)
    browser.press("Enter")
    browser.wait_for("Presigned URL")
    url = shown_url(browser)
    with urllib.request.urlopen(url) as answer:
        assert answer.read() == b"shared"
    assert "X-Amz-Expires=3600" in url
    assert "Expires" in browser.text
    browser.press("y")
    browser.wait_until(lambda: browser.clipboard() == [url], "the URL in the clipboard")
    message = browser.wait_for(re.compile("OSC 52|terminal")).group()
    assert message
    browser.press("c")
    browser.wait_until(lambda: len(browser.clipboard()) == 2, "the command in the clipboard")
    done = subprocess.run(["bash", "-c", browser.clipboard()[1]], cwd=person.work)
    assert done.returncode == 0
    assert (person.work / "a b+c.txt").read_bytes() == b"shared"
    (row,) = person.changes()
    assert (row["action"], row["key"], row["outcome"]) == ("presign", b"p/a b+c.txt", "done")
    assert "GET" in row["detail"].upper() and "3600" in row["detail"]
    assert "Signature" not in str(row)


def test_a_put_url_lets_others_upload(person, store, bucket):
    browser = person.browse(f"s3://{bucket}")
    store.put(bucket, "seed", b"1")
    browser.press("r")
    browser.wait_selected("seed")
    open_share(browser)
    browser.press("Right")
    browser.wait_for("PUT: upload")
    browser.press("Enter")
    browser.wait_for("Presigned URL, PUT")
    url = shown_url(browser)
    request = urllib.request.Request(url, data=b"by somebody", method="PUT")
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 200
    assert store.get(bucket, "seed") == b"by somebody"


def test_the_expiry_is_chosen_or_given_in_seconds(person, store, bucket):
    store.put(bucket, "a", b"1")
    browser = person.browse(f"s3://{bucket}")
    browser.wait_selected("a")
    open_share(browser)
    # From 1 h, which is the default, past 24 h and 7 d to the custom one.
    browser.press("Tab", "Right", "Right", "Right", "Tab")
    browser.type("1")
    browser.press("Enter")
    browser.wait_for("Presigned URL")
    url = shown_url(browser)
    assert "X-Amz-Expires=1&" in url

    def is_refused():
        try:
            urllib.request.urlopen(url).close()
        except urllib.error.HTTPError as error:
            return error.code in (400, 403)
        return False

    browser.wait_until(is_refused, "the URL expired", timeout=30)


def test_more_than_seven_days_is_refused(person, store, bucket):
    store.put(bucket, "a", b"1")
    browser = person.browse(f"s3://{bucket}")
    browser.wait_selected("a")
    open_share(browser)
    browser.press("Tab", "Right", "Right", "Right", "Tab")
    browser.type("604801")
    browser.wait_for("7 days")
    browser.press("Enter")
    browser.wait_quiet(0.3)
    assert "Presigned URL" not in browser.text
    assert not person.history_file.exists() or person.changes() == []


def test_inside_tmux_the_copy_is_wrapped_for_it(person, store, bucket):
    store.put(bucket, "a", b"1")
    browser = person.open(
        f"s3://{bucket}", env={"TMUX": "/run/none,1,0", "TERM": "tmux-256color"}
    )
    browser.wait_selected("a")
    browser.press("y", "k")
    browser.wait_until(lambda: b"\x1bPtmux;\x1b\x1b]52;" in browser.raw, "a wrapped OSC 52")
    browser.wait_for("tmux")


def test_uri_key_url_and_arn_are_copied(person, store, bucket):
    store.put(bucket, "p/a b.txt", b"1")
    browser = person.browse(f"s3://{bucket}/p/")
    browser.wait_selected("a b.txt")
    for count, key in enumerate("ukha", start=1):
        browser.press("y", key)
        browser.wait_until(lambda: len(browser.clipboard()) == count, "a copy")
    assert browser.clipboard() == [
        f"s3://{bucket}/p/a b.txt",
        "p/a b.txt",
        f"{store.endpoint}/{bucket}/p/a%20b.txt",
        f"arn:aws:s3:::{bucket}/p/a b.txt",
    ]


@pytest.mark.parametrize("ends_in", [600, None])
def test_a_url_ends_no_later_than_the_keys_or_it_is_said_that_nobody_knows(person, ends_in):
    (person.work / ".env").unlink()
    env = {
        "AWS_ACCESS_KEY_ID": "ASIATEMPORARY",
        "AWS_SECRET_ACCESS_KEY": "temporary",
        "AWS_SESSION_TOKEN": "token",
    }
    if ends_in is not None:
        end = time.gmtime(time.time() + ends_in)
        env["AWS_CREDENTIAL_EXPIRATION"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", end)
    place = ("s3://box/a.txt", "--expires", "1h", "--endpoint-url", "http://127.0.0.1:9")
    done = person.run("presign", *place, env=env)
    assert done.returncode == 0, done.stderr
    seconds = int(re.search(rb"X-Amz-Expires=([0-9]+)", done.stdout).group(1))
    if ends_in is None:
        assert seconds == 3600 and b"do not say when they end" in done.stderr
    else:
        assert 0 < seconds <= ends_in and b"the keys end at" in done.stderr
