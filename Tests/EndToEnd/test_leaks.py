"""Every secret of single sign-on, second factors, programs, containers and proxies: in no log,
history, error, screen or process list. In each of these places a marker that must be there is looked
for as well, so that the search is known to look at the right thing."""

import datetime
import hashlib
import hmac
import json
import subprocess

from test_background import wait_until
from test_secrets import forms
from test_profiles import metadata  # noqa: F401  (a fixture)
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
PLACES = {"output", "log", "history", "other files", "process list"}


def signing_keys(secret, region="us-east-1"):
    """The keys derived from a secret for yesterday, today and tomorrow, each step of them."""
    for days in (-1, 0, 1):
        now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)
        for service in ("s3", "sts"):
            key = b"AWS4" + secret.encode()
            for part in (now.strftime("%Y%m%d"), region, service, "aws4_request"):
                key = hmac.new(key, part.encode(), hashlib.sha256).digest()
                yield key


def needles(secrets):
    """(what it is, bytes) of every form in which each secret could be written."""
    for secret in secrets:
        yield from ((f"{secret[:6]}… {form}", text) for form, text in forms(secret).items())
        for key in signing_keys(secret):
            for form, text in forms(key).items():
                yield f"signing key of {secret[:6]}… {form}", text


def found(data, secrets):
    return [name for name, text in needles(secrets) if text in data]


def places(person, output, log, shown):
    """All that Pail wrote or showed, by the place where somebody could look for it."""
    state = {path: path.read_bytes() for path in state_files(person) if path != log}
    history = {path for path in state if "history.sqlite" in path.name}
    return {
        "output": output,
        "log": log.read_bytes(),
        "history": b"\0".join(state[path] for path in history),
        "other files": b"\0".join(state[path] for path in state.keys() - history),
        "process list": shown,
    }


def where(found_places, secrets):
    return {place for place, data in found_places.items() if found(data, secrets)}


def check(found_places, secrets, marker=b"marker-"):
    for place in found_places.keys() - {"other files"}:
        assert marker in found_places[place], place
    assert where(found_places, secrets) == set()


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


CARELESS = '''#!/bin/sh
# What a careless program does with the secret that it is given.
echo "marker-output $1"
echo "marker-log $1" >>"$LOG"
mkdir -p "$XDG_STATE_HOME/pail"
echo "marker-history $1" >>"$XDG_STATE_HOME/pail/history.sqlite"
echo "marker-places $1" >"$XDG_STATE_HOME/pail/places.json"
read end
'''


def test_a_program_that_leaks_is_caught_in_each_place_and_in_each_form(person, tmp_path):
    secret = SSO_SECRETS[0]
    for name, text in needles([secret]):
        assert found(b"before " + text + b" after", [secret]), name
    script = tmp_path / "careless"
    script.write_text(CARELESS)
    script.chmod(0o755)
    log = tmp_path / "requests.log"
    running = subprocess.Popen(
        [script, secret, "marker-argument"],
        env={**person.env, "LOG": str(log)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    line = running.stdout.readline()
    wait_until(lambda: (person.home / "state/pail/places.json").exists(), "all of the files")
    shown = process_list(running.pid)
    running.communicate()
    everything = places(person, line, log, shown)
    assert where(everything, [secret]) == set(everything) == PLACES
    # And the search says nothing where nothing is.
    check({place: data.replace(secret.encode(), b"...") for place, data in everything.items()}, [secret])


def held_process(person, proxy, env, *arguments):
    """Runs `pail` until its first request is under way: what `ps` shows then, and its output."""
    hold = proxy.hold("request")
    running = subprocess.Popen(
        [person.binary, *arguments, "--endpoint-url", proxy.endpoint],
        env={**person.env, **env},
        cwd=person.work,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        hold.wait()
        shown = process_list(running.pid)
    finally:
        hold.release()
        output, _ = running.communicate(timeout=60)
    return shown, output


def run_all(person, commands, log, env):
    output = b""
    for command in commands:
        done = person.run(*command, "--log", log, "--debug", env=env)
        output += done.stdout + done.stderr
    return output


def commands_at(bucket):
    place = f"s3://{bucket}/marker-file.txt"
    return [
        ("put", "marker-file.txt", place),
        ("ls", f"s3://{bucket}/"),
        ("stat", place),
        ("ls", "s3://marker-missing"),
        ("doctor",),
        ("history", "--json"),
        ("rm", place),
    ]


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
    output = b""
    for ends_in in (60, 8 * 3600, -60):
        company.good = "access+Token/0001" if ends_in > 60 else "none"
        sign_in(person, ends_in=ends_in)
        output += run_all(person, commands_at(moto.bucket), log, env)
    # While a request is under way everybody can read how the program was called.
    sign_in(person, ends_in=8 * 3600)
    company.good = "access+Token/0001"
    shown, more = held_process(person, proxy, env, "ls", "s3://marker-bucket")
    assert company.asked.count("/token") >= 1
    check(places(person, output + more, log, shown), secrets)


def test_a_container_and_a_web_identity_leave_no_secret_anywhere(
    person, store, moto, metadata, proxy, tmp_path  # noqa: F811
):
    (person.work / ".env").unlink()
    secrets = ["container+Token/0007", "web+Identity.token/0008", "session+Token/0009"]
    secrets += [store.secret_key]
    metadata.document["Token"] = secrets[2]
    url = f"http://127.0.0.1:{metadata.server_port}/task"
    token = tmp_path / "token"
    token.write_text(secrets[1])
    container = {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": url,
        "AWS_CONTAINER_AUTHORIZATION_TOKEN": secrets[0],
    }
    identity = {
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(token),
        "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/marker-role",
        "AWS_ENDPOINT_URL_STS": moto.endpoint,
    }
    person.file("marker-file.txt", b"abc")
    log = tmp_path / "requests.log"
    output, shown = b"", b""
    for env in (container, identity):
        env = {**env, "AWS_REGION": "us-east-1"}
        commands = [
            (*command, *(() if command[0] == "history" else ("--endpoint-url", moto.endpoint)))
            for command in commands_at(moto.bucket)
        ]
        output += run_all(person, commands, log, env)
        args, more = held_process(person, proxy, env, "ls", "s3://marker-bucket")
        shown, output = shown + args, output + more
    assert b"marker-role" in output and metadata.asked.count("/task") >= 2
    token.unlink()
    check(places(person, output, log, shown), secrets)


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
