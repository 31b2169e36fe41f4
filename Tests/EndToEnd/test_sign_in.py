"""Single sign-on, second factors and unsigned requests, with stand-ins on loopback for what
Amazon runs; each checks what it is asked."""

import hashlib
import http.server
import json
import threading
import time

import botocore.session
import botocore.utils
import pytest


class Portal(http.server.BaseHTTPRequestHandler):
    """IAM Identity Center: renews a token, and lends credentials to whoever has a good one."""

    def do_POST(self):
        length = int(self.headers["Content-Length"])
        asked = json.loads(self.rfile.read(length))
        right = {
            "grantType": "refresh_token",
            "clientId": "client-id",
            "clientSecret": "client+Secret/0001",
            "refreshToken": "refresh+Token/0001",
        }
        if self.path != "/token" or asked != right:
            return self.answer(400, {"error": "invalid_grant"})
        self.server.good = "access+Token/0002"
        self.answer(
            200,
            {
                "accessToken": self.server.good,
                "expiresIn": 3600,
                "refreshToken": "refresh+Token/0002",
            },
        )

    def do_GET(self):
        if self.headers["x-amz-sso_bearer_token"] != self.server.good:
            return self.answer(401, {"message": "Session token not found or invalid"})
        assert self.path == "/federation/credentials?role_name=reader&account_id=111122223333"
        assert self.headers["Authorization"] is None
        self.answer(
            200,
            {
                "roleCredentials": {
                    "accessKeyId": self.server.store.access_key,
                    "secretAccessKey": self.server.store.secret_key,
                    "sessionToken": self.server.session_token,
                    "expiration": int((time.time() + 3600) * 1000),
                }
            },
        )

    def answer(self, status, document):
        self.server.asked.append(self.path.split("?")[0])
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def portal(store):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Portal)
    server.store, server.asked, server.good = store, [], "access+Token/0001"
    server.session_token = "session+Token/0001"
    server.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def stamp(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


def sign_in(person, ends_in, session="company"):
    """What `aws sso login` leaves behind."""
    folder = person.home / ".aws" / "sso" / "cache"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / (hashlib.sha1(session.encode()).hexdigest() + ".json")
    path.write_text(
        json.dumps(
            {
                "startUrl": "https://company.example/start",
                "region": "eu-west-1",
                "accessToken": "access+Token/0001",
                "expiresAt": stamp(ends_in),
                "clientId": "client-id",
                "clientSecret": "client+Secret/0001",
                "registrationExpiresAt": stamp(90 * 86400),
                "refreshToken": "refresh+Token/0001",
            }
        )
    )
    path.chmod(0o600)
    return path


@pytest.fixture
def company(person, portal, moto):
    """A profile that signs in with the portal, and moto as its store: it takes any session."""
    (person.work / ".env").unlink()
    folder = person.home / ".aws"
    folder.mkdir()
    (folder / "config").write_text(
        f"[profile company]\nsso_session = company\nsso_account_id = 111122223333\n"
        f"sso_role_name = reader\nregion = us-east-1\nservices = lab\n"
        f"[sso-session company]\nsso_start_url = https://company.example/start\n"
        f"sso_region = eu-west-1\nsso_registration_scopes = sso:account:access\n"
        f"[services lab]\ns3 =\n  endpoint_url = {moto.endpoint}\n"
        f"sso =\n  endpoint_url = {portal.url}\nsso_oidc =\n  endpoint_url = {portal.url}\n"
    )
    person.env["AWS_PROFILE"] = "company"
    return portal


def test_who_has_signed_in_needs_nothing_more(person, company, moto):
    sign_in(person, ends_in=8 * 3600)
    done = person.run("ls")
    assert done.returncode == 0, done.stderr
    assert moto.bucket in done.stdout.decode()
    assert company.asked == ["/federation/credentials"]


def test_a_token_is_renewed_and_the_aws_cli_finds_the_new_one(person, company, moto):
    path = sign_in(person, ends_in=60)
    done = person.run("ls")
    assert done.returncode == 0, done.stderr
    assert company.asked == ["/token", "/federation/credentials"]
    kept = json.loads(path.read_text())
    assert kept["accessToken"] == "access+Token/0002"
    assert kept["refreshToken"] == "refresh+Token/0002"
    assert kept["clientSecret"] == "client+Secret/0001"
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("signed_in", ["never", "long ago", "and out"])
def test_the_command_to_sign_in_is_said(person, company, signed_in):
    company.good = "no token at all"
    if signed_in != "never":
        path = sign_in(person, ends_in=-60 if signed_in == "long ago" else 8 * 3600)
        path.write_text(path.read_text().replace("refresh+Token/0001", "refresh+Token/0009"))
    done = person.run("ls")
    assert done.returncode == 1
    assert b"aws sso login --profile company" in done.stderr
    for secret in (b"access+Token", b"refresh+Token", b"client+Secret"):
        assert secret not in done.stderr + done.stdout


def test_doctor_says_who_one_is_where_the_server_can_tell(person, moto):
    (person.work / ".env").unlink()
    keys = {"AWS_ACCESS_KEY_ID": "AKIAANY", "AWS_SECRET_ACCESS_KEY": "any"}
    done = person.run("doctor", "--endpoint-url", moto.endpoint, env=keys)
    assert done.returncode == 0, done.stderr
    assert b"arn:aws:sts::123456789012:" in done.stdout


def test_without_keys_requests_go_out_unsigned(person, moto):
    (person.work / ".env").unlink()
    refused = person.run("ls", "--endpoint-url", moto.endpoint)
    assert refused.returncode == 1 and b"No access key" in refused.stderr
    done = person.run("ls", "--no-sign-request", "--endpoint-url", moto.endpoint)
    assert done.returncode == 0, done.stderr
    assert moto.bucket in done.stdout.decode()


def careful(person, moto, more=""):
    """A role that wants a code, as the profile `careful`."""
    (person.work / ".env").unlink()
    folder = person.home / ".aws"
    folder.mkdir()
    (folder / "config").write_text(
        f"[profile careful]\nrole_arn = arn:aws:iam::123456789012:role/careful\n"
        f"source_profile = source\nmfa_serial = arn:aws:iam::123456789012:mfa/ana\n"
        f"region = us-east-1\nendpoint_url = {moto.endpoint}\n{more}"
        f"[profile source]\naws_access_key_id = AKIASOURCE\naws_secret_access_key = source\n"
    )
    return folder


def test_a_second_factor_is_asked_for_once(person, moto):
    folder = careful(person, moto)
    person.env["AWS_PROFILE"] = "careful"
    alone = person.run("ls")
    assert alone.returncode == 1 and b"mfa/ana" in alone.stderr and b"terminal" in alone.stderr
    terminal = person.open("ls", columns=140)
    terminal.wait_for("The code of arn:aws:iam::123456789012:mfa/ana")
    terminal.type("123456")
    terminal.press("Enter")
    terminal.wait_for(moto.bucket)
    terminal.wait_exit()
    # The code is good only once, so what it brought serves the next command as well.
    again = person.run("ls")
    assert again.returncode == 0, again.stderr
    for path in (folder / "cli" / "cache").iterdir():
        assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "more", ["", "external_id = ext/7\nrole_session_name = ana@bü\nduration_seconds = 7200\n"]
)
def test_what_a_code_brought_serves_the_aws_cli_and_the_other_way_round(
    person, moto, monkeypatch, more
):
    folder = careful(person, moto, more)
    cache = folder / "cli" / "cache"
    for name, value in {"HOME": person.home, "AWS_CONFIG_FILE": folder / "config"}.items():
        monkeypatch.setenv(name, str(value))
    codes = []

    def exported():
        """By the library of the AWS CLI, with the cache that the AWS CLI gives it."""
        session = botocore.session.Session(profile="careful")
        provider = session.get_component("credential_provider").get_provider("assume-role")
        provider.cache = botocore.utils.JSONFileCache(str(cache))
        provider._prompter = lambda _: codes.append("123456") or codes[-1]
        return session.get_credentials().get_frozen_credentials().access_key

    terminal = person.open("ls", "--profile", "careful", columns=140)
    terminal.wait_for("The code of")
    terminal.type("123456")
    terminal.press("Enter")
    terminal.wait_for(moto.bucket)
    terminal.wait_exit()
    (kept,) = cache.iterdir()
    assert exported() == json.loads(kept.read_text())["Credentials"]["AccessKeyId"]
    assert codes == []
    kept.unlink()
    theirs = exported()
    assert codes == ["123456"] and theirs.startswith("ASIA")
    done = person.run("ls", "--profile", "careful", "--debug")
    assert done.returncode == 0, done.stderr
    assert moto.bucket in done.stdout.decode()


def test_the_older_form_of_a_profile_signs_in_as_well(person, company, moto):
    config = person.home / ".aws" / "config"
    text = config.read_text().replace(
        "sso_session = company\n",
        "sso_start_url = https://company.example/start\nsso_region = eu-west-1\n",
        1,
    )
    config.write_text(text)
    never = person.run("ls")
    assert never.returncode == 1 and b"aws sso login --profile company" in never.stderr
    sign_in(person, ends_in=600, session="https://company.example/start")
    done = person.run("ls")
    assert done.returncode == 0, done.stderr
    # Its token cannot be renewed, also where it ends soon.
    assert company.asked == ["/federation/credentials"]
