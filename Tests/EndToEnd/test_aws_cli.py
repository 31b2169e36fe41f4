"""The catalogue of profile files: Pail beside botocore, the library by which the AWS CLI finds
credentials, regions and endpoints.

Both are let loose on the same files. A stand-in on loopback plays the Security Token Service and the
store, and notes who asked for which role, and with which keys, session and region the store was
asked in the end. Both have to do the same, or both have to give up before they ask the store.
"""

import hashlib
import http.server
import json
import os
import re
import shutil
import subprocess
import threading
import urllib.parse
from pathlib import Path

import botocore.exceptions
import botocore.httpsession
import botocore.session
import pytest

CATALOGUE = Path(__file__).resolve().parents[1] / "S3Tests" / "profiles"
# The AWS CLI refuses a whole file for one bad line, and for a byte order mark. Pail names the line
# and reads the others.
REFUSED_BY_AWS = {"damaged", "windows"}
# Single sign-on has stand-ins and tests of its own.
ELSEWHERE = {"sso"}
FOLDERS = sorted(each.name for each in CATALOGUE.iterdir() if each.name not in ELSEWHERE)
# What can tell what the AWS CLI makes of a profile: its library, and the command itself where this
# system has it in a version that does (Debian has, and `make test` installs it there).
ORACLES = ["botocore"] + (["aws"] if shutil.which("aws", path="/usr/bin") else [])
SETTING = re.compile(r" (region|endpoint|ca_bundle)$")


class StandIn(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        length = int(self.headers["Content-Length"])
        asked = dict(urllib.parse.parse_qsl(self.rfile.read(length).decode()))
        action = asked.pop("Action")
        asked.pop("Version")
        # Each makes up a name of its own where none is given.
        if re.fullmatch(r"(pail|botocore-session)-\d+", asked["RoleSessionName"]):
            del asked["RoleSessionName"]
        note = (action, self.signer(), sorted(asked.items()))
        self.server.notes.append(note)
        # What is lent tells what was asked for, so that mixed up chains cannot look alike.
        number = hashlib.sha256(json.dumps(note).encode()).hexdigest()[:16].upper()
        lent = (
            f"<AccessKeyId>ASIA{number}</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"
            f"<SessionToken>token-{number}</SessionToken>"
            f"<Expiration>2099-01-01T00:00:00Z</Expiration>"
        )
        self.answer(
            f"<{action}Response xmlns='https://sts.amazonaws.com/doc/2011-06-15/'><{action}Result>"
            f"<Credentials>{lent}</Credentials></{action}Result></{action}Response>"
        )

    def do_GET(self):
        self.server.notes.append(
            ("s3", self.signer(), self.headers["x-amz-security-token"])
        )
        self.answer(
            "<ListAllMyBucketsResult><Buckets></Buckets></ListAllMyBucketsResult>"
        )

    def signer(self):
        """Access key and region of the signature; nothing for an unsigned request."""
        found = re.search(
            r"Credential=([^/]+)/\d+/([^/]+)/", self.headers["Authorization"] or ""
        )
        return found.groups() if found else None

    def answer(self, text):
        self.send_response(200)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def stand_in():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), StandIn)
    server.url = f"http://127.0.0.1:{server.server_port}"
    server.notes = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def printed_key(words):
    """The access key that the program of ``copy`` prints when it is given these words."""
    return "ASIA" + hashlib.sha256(json.dumps(words).encode()).hexdigest()[:16].upper()


def copy(name, folder):
    """The files, with the programs and the token that they name put into `folder`."""
    program = folder / "keys program"
    program.write_text(
        "#!/usr/bin/env python3\n"
        "import hashlib, json, sys\n"
        "number = hashlib.sha256(json.dumps(sys.argv[1:]).encode()).hexdigest()[:16].upper()\n"
        "print(json.dumps({'Version': 1, 'AccessKeyId': 'ASIA' + number,\n"
        "    'SecretAccessKey': 's', 'SessionToken': 't', 'Expiration': '2099-01-01T00:00:00Z'}))\n"
    )
    program.chmod(0o755)
    (folder / "token").write_text("web.identity.token")
    for file in ("config", "credentials"):
        text = b""
        if (CATALOGUE / name / file).exists():
            text = (CATALOGUE / name / file).read_bytes()
        text = text.replace(b'"/opt/my keys/get"', b"/bin/keys").replace(
            b"/bin/keys", f"'{program}'".encode()
        )
        text = text.replace(b"/run/token", str(folder / "token").encode())
        # Pail refuses a bundle that is not there, also where it needs none.
        text = text.replace(b"/etc/ssl/ana.pem", botocore.httpsession.where().encode())
        (folder / file).write_bytes(text)
    return {
        "AWS_CONFIG_FILE": str(folder / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(folder / "credentials"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def questions(name):
    """The names of the profiles that `resolves` answers for, and of those with a setting."""
    profiles, settings = {}, {}
    for line in (CATALOGUE / name / "resolves").read_text().splitlines():
        question, answer = line.split(": ", 1)
        if question in ("names", "bad lines"):
            continue
        if SETTING.search(question):
            settings[question] = answer
        else:
            profiles[question] = answer
    return profiles, settings


class AWS:
    """The command of this system, started once: it takes a second to start, and there are many
    profiles."""

    LOOP = """
import contextlib, io, json, os, sys
from awscli.clidriver import create_clidriver
own = dict(os.environ)
for line in sys.stdin:
    environment, profile = json.loads(line)
    # It notes there which profiles it has come from, and would see a circle.
    os.environ.clear()
    os.environ.update({**own, **environment})
    output, status = io.StringIO(), 1
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(io.StringIO()):
        try:
            status = create_clidriver().main(["configure", "export-credentials", "--profile", profile])
        except Exception:
            pass
    print(json.dumps("" if status else output.getvalue()), flush=True)
"""

    def __init__(self, env):
        python = Path("/usr/bin/aws").read_text().splitlines()[0].removeprefix("#!").split()
        self.process = subprocess.Popen(
            [*python, "-c", self.LOOP], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env
        )

    def ask(self, environment, profile):
        """What `aws configure export-credentials` prints; empty where it fails."""
        self.process.stdin.write(json.dumps([environment, profile]).encode() + b"\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=30)


@pytest.fixture(scope="module")
def aws():
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    driver = AWS(kept) if "aws" in ORACLES else None
    yield driver
    if driver:
        driver.close()


def exported(oracle, aws, env, profile):
    """(access key, secret key, session token) that the AWS CLI uses; None where it has none."""
    if oracle == "aws":
        found = json.loads(aws.ask(env, profile) or "null")
        keys = ("AccessKeyId", "SecretAccessKey", "SessionToken")
        return found and tuple(found.get(name) for name in keys)
    try:
        keys = botocore.session.Session(profile=profile).get_credentials()
        return tuple(keys.get_frozen_credentials())[:3] if keys else None
    except (botocore.exceptions.BotoCoreError, ValueError):
        return None


@pytest.mark.parametrize("oracle", ORACLES)
@pytest.mark.parametrize("name", FOLDERS)
def test_what_the_catalogue_says_is_what_the_aws_cli_exports(
    monkeypatch, tmp_path, aws, name, oracle
):
    env = copy(name, tmp_path)
    for variable, value in env.items():
        monkeypatch.setenv(variable, value)
    for profile, answer in questions(name)[0].items():
        kind, _, rest = answer.partition(" ")
        if name in REFUSED_BY_AWS:
            expected = None
        elif kind == "keys":
            expected = tuple((*rest.split(" "), None)[:3])
        elif kind == "process":
            expected = (printed_key(rest.split("|")[1:]), "s", "t")
        elif kind in ("nothing", "error"):
            expected = None
        else:
            continue  # a network is needed
        assert exported(oracle, aws, env, profile) == expected, f"profile {profile} of {name}"


def botocore_asks(stand_in, profile):
    stand_in.notes.clear()
    try:
        session = botocore.session.Session(profile=profile)
        client = session.create_client("s3", endpoint_url=stand_in.url)
        client.list_buckets()
    except (botocore.exceptions.BotoCoreError, ValueError):
        # The second is what an open quotation mark brings.
        pass
    return list(stand_in.notes)


def pail_asks(stand_in, person, profile, env):
    stand_in.notes.clear()
    done = person.run(
        "ls", "--profile", profile, "--endpoint-url", stand_in.url, env=env
    )
    asked = list(stand_in.notes)
    assert (done.returncode == 0) == any(note[0] == "s3" for note in asked), done.stderr
    assert b"secret-" not in done.stderr + done.stdout
    return asked


# Somebody who has no keys of a profile is helped by those of the environment; `--profile` is not.
KEYS = {
    "AWS_ACCESS_KEY_ID": "AKIAENVIRONMENT",
    "AWS_SECRET_ACCESS_KEY": "secret-environment",
}


@pytest.mark.parametrize("name", [each for each in FOLDERS if each not in REFUSED_BY_AWS])
def test_pail_asks_for_the_same_roles_with_the_same_keys(
    person, stand_in, monkeypatch, tmp_path, name
):
    (person.work / ".env").unlink()
    env = {**copy(name, tmp_path), "AWS_ENDPOINT_URL_STS": stand_in.url}
    profiles, settings = questions(name)
    compared = 0
    for profile, answer in profiles.items():
        # What only the container's host or the instance can tell, and what needs a person.
        if " container " in f" {answer}" or "instance metadata" in answer or "mfa=" in answer:
            continue
        more = dict(KEYS) if "AKIAENVIRONMENT" in answer else {}
        if f"{profile} region" not in settings:
            # botocore asks for no role without a region.
            more["AWS_DEFAULT_REGION"] = "eu-west-9"
        with monkeypatch.context() as patch:
            for variable, value in {**env, **more}.items():
                patch.setenv(variable, value)
            theirs = botocore_asks(stand_in, profile)
        ours = pail_asks(stand_in, person, profile, {**env, **more})
        assert ours == theirs, f"profile {profile} of {name}"
        compared += 1
    assert compared > 0


@pytest.mark.parametrize("name", [each for each in FOLDERS if each not in REFUSED_BY_AWS])
def test_pail_takes_the_same_regions_and_endpoints(person, monkeypatch, tmp_path, name):
    (person.work / ".env").unlink()
    env = copy(name, tmp_path)
    profiles, settings = questions(name)
    for question in settings:
        profile, setting = question.rsplit(" ", 1)
        with monkeypatch.context() as patch:
            for variable, value in {**env, **KEYS}.items():
                patch.setenv(variable, value)
            session = botocore.session.Session(profile=profile)
            theirs = {
                "region": session.get_config_variable("region"),
                "ca_bundle": session.get_config_variable("ca_bundle"),
                "endpoint": None,
            }
            if setting == "endpoint":
                try:
                    client = session.create_client("s3", region_name="eu-west-9")
                    url = client.meta.endpoint_url
                    theirs["endpoint"] = None if "amazonaws.com" in url else url
                except ValueError:
                    theirs["endpoint"] = "not usable"
        arguments = ("doctor", "--offline", "--json", "--profile", profile)
        shown = person.run(*arguments, env=env).stdout
        found = {
            row["setting"]: row
            for row in map(json.loads, shown.splitlines())
            if "setting" in row
        }
        name_of = {"region": "region", "ca_bundle": "CA bundle", "endpoint": "endpoint"}
        row = found[name_of[setting]]
        ours = None if row["from"] == "default" else row["value"]
        assert ours == theirs[setting], question


@pytest.mark.parametrize(
    "name, profile, shown",
    [("damaged", "again", b"eu-west-3"), ("windows", "two", b"eu-west-2")],
)
def test_what_the_aws_cli_refuses_is_read_as_far_as_it_goes(
    person, monkeypatch, tmp_path, name, profile, shown
):
    env = copy(name, tmp_path)
    (person.work / ".env").unlink()
    for variable, value in env.items():
        monkeypatch.setenv(variable, value)
    with pytest.raises(botocore.exceptions.ConfigParseError):
        botocore.session.Session(profile=profile).get_credentials()
    done = person.run("doctor", "--offline", "--profile", profile, env=env)
    assert shown in done.stdout
    assert (name == "damaged") == (b"config: lines 1, 4, 5, 6, 7" in done.stderr)
