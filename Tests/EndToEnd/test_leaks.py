"""Every secret of single sign-on, second factors, programs and proxies: in no log, history, error,
screen or process list. In each of these places a marker that must be there is looked for as well,
so that the search is known to look at the right thing."""

import datetime
import hashlib
import hmac
import json
import subprocess

import pytest
from test_secrets import forms
from test_sign_in import company, portal, sign_in  # noqa: F401  (fixtures)

SSO_SECRETS = [
    "access+Token/0001",
    "access+Token/0002",
    "refresh+Token/0001",
    "refresh+Token/0002",
    "client+Secret/0001",
    "session+Token/0001",
]
PROXY_PASSWORD = "proxy+Password/0003"


def signing_keys(secret, region="us-east-1"):
    """The keys derived from a secret for yesterday, today and tomorrow, raw."""
    found = []
    for days in (-1, 0, 1):
        now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)
        key = b"AWS4" + secret.encode()
        for part in (now.strftime("%Y%m%d"), region, "s3", "aws4_request"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
            found.append(key)
    return found


def needles(secrets):
    """(what it is, bytes) of every form in which each secret could be written."""
    for secret in secrets:
        yield from ((f"{secret[:6]}… {form}", text) for form, text in forms(secret).items())
        for key in signing_keys(secret):
            name = f"signing key of {secret[:6]}…"
            yield name, key
            yield name, key.hex().encode()
            yield name, key.hex().upper().encode()


def found(data, secrets):
    return [name for name, text in needles(secrets) if text in data]


def state_files(person):
    """What Pail wrote: everything but what the person or the AWS CLI put there."""
    for path in person.home.parent.rglob("*"):
        if path.is_file() and ".aws" not in path.parts and path.name != ".env":
            yield path


def process_list(pid):
    """What every user of the machine may see of a process."""
    shown = subprocess.run(
        ["ps", "-ww", "-o", "pid,args", "-p", str(pid)], stdout=subprocess.PIPE, check=True
    ).stdout
    with open(f"/proc/{pid}/cmdline", "rb") as file:
        return shown + file.read()


def test_a_fixture_that_leaks_is_caught(tmp_path):
    secret = SSO_SECRETS[0]
    for name, text in needles([secret]):
        assert found(b"before " + text + b" after", [secret]), name
    script = tmp_path / "leak"
    script.write_text("#!/bin/sh\necho ready\nread end\n")
    script.chmod(0o755)
    with subprocess.Popen(
        [script, "--token", secret], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as leaking:
        assert leaking.stdout.readline() == b"ready\n"
        assert found(process_list(leaking.pid), [secret])
        leaking.stdin.close()


def test_single_sign_on_leaves_no_secret_anywhere(
    person, company, moto, store, proxy, tmp_path  # noqa: F811
):
    (person.work / ".env").unlink()
    secrets = [*SSO_SECRETS, store.secret_key, PROXY_PASSWORD]
    # Requests to moto go past this proxy, but its password stands in the settings all the same.
    env = {
        "HTTPS_PROXY": f"http://ana:{PROXY_PASSWORD.replace('+', '%2B').replace('/', '%2F')}@127.0.0.1:9"
    }
    person.file("marker-file.txt", b"abc")
    log = tmp_path / "requests.log"
    place = f"s3://{moto.bucket}/marker-file.txt"
    commands = [
        ("put", "marker-file.txt", place),
        ("ls", f"s3://{moto.bucket}/"),
        ("stat", place),
        ("ls", "s3://marker-missing"),
        ("doctor",),
        ("history", "--json"),
        ("rm", place),
    ]
    for ends_in in (60, 8 * 3600, -60):
        company.good = "access+Token/0001" if ends_in > 60 else "none"
        sign_in(person, ends_in=ends_in)
        for command in commands:
            done = person.run(*command, "--log", log, "--debug", env=env)
            assert not found(done.stdout + done.stderr, secrets), command
            if command[-1] == "s3://marker-missing":
                assert b"marker-missing" in done.stderr
        assert not found(log.read_bytes(), secrets)
    assert b"marker-file.txt" in log.read_bytes()
    assert b"marker-file.txt" in person.history_file.read_bytes() or any(
        b"marker-file.txt" in path.read_bytes() for path in person.history_file.parent.glob("*")
    )
    for path in state_files(person):
        if path != person.work / "marker-file.txt":
            assert not found(path.read_bytes(), secrets), path
    # While a request is under way everybody can read how the program was called.
    sign_in(person, ends_in=8 * 3600)
    company.good = "access+Token/0001"
    hold = proxy.hold("request")
    running = subprocess.Popen(
        [person.binary, "ls", "s3://marker-bucket", "--endpoint-url", proxy.endpoint],
        env={**person.env, **env},
        cwd=person.work,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        hold.wait()
        shown = process_list(running.pid)
        assert b"marker-bucket" in shown
        assert not found(shown, secrets)
    finally:
        hold.release()
        output, errors = running.communicate(timeout=60)
    assert not found(output + errors, secrets)


def test_a_program_and_a_role_leave_no_secret_anywhere(person, moto, tmp_path):
    (person.work / ".env").unlink()
    secrets = ["program+Secret/0004", "external+Id/0005", "--word+of/0006"]
    folder = person.home / ".aws"
    folder.mkdir()
    program = tmp_path / "program"
    answer = {"Version": 1, "AccessKeyId": "AKIAMARKER", "SecretAccessKey": secrets[0]}
    program.write_text(f"#!/bin/sh\necho '{json.dumps(answer)}'\n")
    program.chmod(0o755)
    (folder / "config").write_text(
        f"[default]\nrole_arn = arn:aws:iam::123456789012:role/marker-role\n"
        f"source_profile = program\nexternal_id = {secrets[1]}\nregion = us-east-1\n"
        f"endpoint_url = {moto.endpoint}\nmfa_serial = arn:aws:iam::123456789012:mfa/ana\n"
        f"[profile program]\ncredential_process = {program} {secrets[2]}\n"
    )
    log = tmp_path / "requests.log"
    terminal = person.open("ls", "--log", str(log), "--debug", columns=160)
    terminal.wait_for("The code of")
    terminal.type("654321")
    terminal.press("Enter")
    terminal.wait_for(moto.bucket)
    terminal.wait_exit()
    assert not found(terminal.raw, secrets)
    kept = [json.loads(path.read_text()) for path in (folder / "cli" / "cache").iterdir()]
    for each in kept:
        secrets += [each["Credentials"][name] for name in ("SecretAccessKey", "SessionToken")]
    for command in (("doctor",), ("ls", "s3://marker-missing")):
        done = person.run(*command, "--log", log, "--debug")
        assert not found(done.stdout + done.stderr, secrets), command
    assert b"marker-role" in person.run("doctor", "--offline").stdout
    assert moto.endpoint.encode() in log.read_bytes()
    assert not found(log.read_bytes(), secrets)
    for path in state_files(person):
        if path != program:
            assert not found(path.read_bytes(), secrets), path
