"""The secret key and the session token: in no output, file, history or process list."""

import base64
import re
import urllib.parse
from pathlib import Path

import pytest

TOKEN = "token+With/Special=Characters000000001"


def forms(secret):
    """The ways in which a secret, text or bytes, may be written: raw, percent-encoded, base64, hex."""
    raw = secret.encode() if isinstance(secret, str) else secret
    percent = urllib.parse.quote(raw, safe="")
    found = {
        "raw": raw,
        "percent": percent.encode(),
        "percent, small": re.sub("%..", lambda code: code.group().lower(), percent).encode(),
        "hex": raw.hex().encode(),
        "HEX": raw.hex().upper().encode(),
    }
    # base64 in each of the three alignments, without the ends that depend on what stands beside.
    for shift in range(3):
        text = base64.b64encode(b"\0" * shift + raw)
        found[f"base64-{shift}"] = text[4 if shift else 0 : -4]
    return found


def leaks(data, secrets):
    return [(name, form) for name in secrets for form, text in forms(name).items() if text in data]


def files_of(person):
    """Everything that is on disk, but for the settings that the person wrote."""
    for path in person.home.parent.rglob("*"):
        if path.is_file() and path.name != ".env":
            yield path


@pytest.mark.parametrize("form", list(forms("x")))
def test_the_search_for_leaks_finds_each_form(store, form):
    data = b"before " + forms(store.secret_key)[form] + b" after"
    assert form in [found for _, found in leaks(data, [store.secret_key])]


def test_no_command_writes_a_secret_anywhere(person, store, bucket):
    person.file("a.txt", b"abc")
    secrets = [store.secret_key]
    commands = [
        ("doctor",),
        ("doctor", "--json"),
        ("ls",),
        ("put", "a.txt", f"s3://{bucket}/a.txt"),
        ("get", f"s3://{bucket}/a.txt", "b.txt"),
        ("get", f"s3://{bucket}/missing", "c.txt"),
        ("ls", "s3://no-such-bucket-here"),
        ("presign", f"s3://{bucket}/a.txt"),
        ("history", "--format", "json"),
        ("rm", f"s3://{bucket}/a.txt"),
        ("nonsense",),
    ]
    for command in commands:
        done = person.run(*command)
        assert not leaks(done.stdout + done.stderr, secrets), command
    for path in files_of(person):
        assert not leaks(path.read_bytes(), secrets), path


def test_a_session_token_is_a_secret_too(person, store, bucket):
    env = {
        "AWS_ACCESS_KEY_ID": store.access_key,
        "AWS_SECRET_ACCESS_KEY": store.secret_key,
        "AWS_SESSION_TOKEN": TOKEN,
    }
    (person.work / ".env").unlink()
    for command in (("doctor",), ("ls",), ("ls", "s3://no-such-bucket-here"), ("rm", f"s3://{bucket}/x")):
        done = person.run(*command, "--endpoint-url", store.endpoint, env=env)
        assert not leaks(done.stdout + done.stderr, [TOKEN, store.secret_key]), command
    for path in files_of(person):
        assert not leaks(path.read_bytes(), [TOKEN, store.secret_key]), path


def test_state_is_private(person, bucket):
    person.file("a.txt", b"abc")
    assert person.run("put", "a.txt", f"s3://{bucket}/a.txt").returncode == 0
    state = person.history_file.parent
    for path in state.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path
    assert state.stat().st_mode & 0o777 == 0o700


def test_the_browser_shows_and_keeps_no_secret(person, store, bucket):
    store.put(bucket, "a.txt", b"abc")
    browser = person.browse(f"s3://{bucket}")
    command_line = Path(f"/proc/{browser.pid}/cmdline").read_bytes()
    assert command_line.startswith(person.binary.encode())
    assert not leaks(command_line, [store.secret_key])
    for keys in (("i",), ("H",), ("?",), ("E",)):
        browser.press(*keys)
        browser.wait_quiet(0.2)
        browser.press("Esc")
        browser.wait_quiet(0.1)
    browser.go("s3://no-such-bucket-here/")
    browser.wait_for("NoSuchBucket")
    browser.press("E")
    browser.wait_quiet(0.2)
    browser.press("Esc", "q")
    browser.wait_exit()
    text = re.sub(rb"\x1b\[[0-?]*[ -/]*[@-~]", b"", browser.raw)
    assert not leaks(browser.raw, [store.secret_key])
    assert not leaks(text, [store.secret_key])
    for path in files_of(person):
        assert not leaks(path.read_bytes(), [store.secret_key]), path
