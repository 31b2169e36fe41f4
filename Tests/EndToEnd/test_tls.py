"""TLS with a private authority, and a proxy that is really in the way."""

import os
import subprocess
import urllib.parse

import pytest
from fronts import TinyProxy, TLSFront


@pytest.fixture(scope="module")
def front(store, tmp_path_factory):
    with TLSFront(tmp_path_factory.mktemp("nginx"), store.endpoint) as server:
        yield server


@pytest.fixture(scope="module")
def tinyproxy(tmp_path_factory):
    with TinyProxy(tmp_path_factory.mktemp("tinyproxy")) as server:
        yield server


@pytest.fixture
def profile(person, store):
    """A profile with keys, and no `.env`."""
    (person.work / ".env").unlink()
    folder = person.home / ".aws"
    folder.mkdir()

    def write(**settings):
        lines = "".join(f"{name} = {value}\n" for name, value in settings.items())
        (folder / "config").write_text(
            f"[default]\naws_access_key_id = {store.access_key}\n"
            f"aws_secret_access_key = {store.secret_key}\nregion = us-east-1\n{lines}"
        )

    write()
    return write


def test_an_authority_of_ones_own_is_named_in_each_of_the_ways(person, front, bucket, profile):
    url = front.url("good")
    ways = [
        (("--ca-bundle", front.authority), {}, {}),
        ((), {"AWS_CA_BUNDLE": str(front.authority)}, {}),
        ((), {}, {"ca_bundle": front.authority}),
    ]
    for arguments, env, settings in ways:
        profile(**settings)
        done = person.run("ls", "--endpoint-url", url, *arguments, env=env)
        assert done.returncode == 0, done.stderr
        assert bucket in done.stdout.decode()
    person.file("a.txt", b"abc" * 1000)
    options = ("--endpoint-url", url, "--ca-bundle", front.authority)
    assert person.run("put", "a.txt", f"s3://{bucket}/a.txt", *options).returncode == 0
    assert person.run("get", f"s3://{bucket}/a.txt", "b.txt", *options).returncode == 0
    assert (person.work / "b.txt").read_bytes() == b"abc" * 1000


@pytest.mark.parametrize(
    "site, reason, remedy",
    [
        ("expired", "certificate has expired", "clock"),
        ("misnamed", "certificate is for another name", "--endpoint-url"),
        ("unknown", "authority that is not known here", "--ca-bundle"),
        ("old", "only old versions of TLS", "TLS 1.2"),
    ],
)
def test_what_cannot_be_trusted_is_refused_with_host_reason_and_remedy(
    person, front, profile, site, reason, remedy
):
    done = person.run("ls", "--endpoint-url", front.url(site), "--ca-bundle", front.authority)
    assert done.returncode == 1
    text = done.stderr.decode()
    assert "localhost" in text and reason in text and remedy in text, text


def test_a_server_without_tls_is_named_as_that(person, store, profile):
    address = store.endpoint.removeprefix("http://")
    done = person.run("ls", "--endpoint-url", f"https://{address}")
    assert done.returncode == 1
    text = done.stderr.decode()
    assert "speaks plain HTTP" in text and "http://" in text and "--ca-bundle" not in text, text


def test_without_the_authority_nothing_is_sent(person, front, profile):
    done = person.run("ls", "--endpoint-url", front.url("good"))
    assert done.returncode == 1
    assert b"authority that is not known here" in done.stderr
    missing = person.run(
        "ls", "--endpoint-url", front.url("good"), "--ca-bundle", "nowhere.pem"
    )
    assert missing.returncode == 1 and b"nowhere.pem" in missing.stderr


@pytest.mark.parametrize("kept_in", ["a file", "a folder"])
def test_a_bundle_is_trusted_beside_what_the_system_trusts(
    person, front, bucket, profile, tmp_path, kept_in
):
    # This system trusts one authority, a stranger to the bundle.
    system = tmp_path / "certs"
    system.mkdir()
    stranger = front.folder / "stranger.pem"
    if kept_in == "a file":
        (system / "ca-certificates.crt").write_bytes(stranger.read_bytes())
    else:
        name = ["openssl", "x509", "-in", str(stranger), "-noout", "-subject_hash"]
        found = subprocess.run(name, stdout=subprocess.PIPE, check=True).stdout.decode().strip()
        (system / f"{found}.0").write_bytes(stranger.read_bytes())

    def run(site, *arguments):
        own = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]
        script = 'mount --bind "$0" /etc/ssl/certs && exec "$@"'
        return subprocess.run(
            [*own, "sh", "-c", script, str(system), person.binary, "ls"]
            + ["--endpoint-url", front.url(site), *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=person.env,
            cwd=person.work,
            timeout=60,
        )

    bundle = ("--ca-bundle", front.authority)
    for site, arguments in (("unknown", bundle), ("good", bundle), ("unknown", ())):
        done = run(site, *arguments)
        assert done.returncode == 0, (site, done.stderr)
        assert bucket in done.stdout.decode()
    refused = run("good")
    assert refused.returncode == 1 and b"authority that is not known here" in refused.stderr


def proxy_url(proxy, password=None):
    word = urllib.parse.quote(password or proxy.password, safe="")
    return f"http://{proxy.user}:{word}@127.0.0.1:{proxy.port}"


def test_requests_over_tls_go_through_the_proxy_as_a_tunnel(
    person, front, tinyproxy, bucket, profile
):
    before = len(tinyproxy.requests)
    env = {"HTTPS_PROXY": proxy_url(tinyproxy), "AWS_CA_BUNDLE": str(front.authority)}
    done = person.run("ls", "--endpoint-url", front.url("good"), env=env)
    assert done.returncode == 0, done.stderr
    assert bucket in done.stdout.decode()
    assert any("CONNECT localhost:" in line for line in tinyproxy.requests[before:])


def test_requests_without_tls_go_through_the_proxy_and_exceptions_past_it(
    person, store, tinyproxy, bucket, profile
):
    before = len(tinyproxy.requests)
    for variable in ("HTTP_PROXY", "http_proxy"):
        done = person.run(
            "ls", "--endpoint-url", store.endpoint, env={variable: proxy_url(tinyproxy)}
        )
        assert done.returncode == 0, done.stderr
        assert bucket in done.stdout.decode()
    assert len(tinyproxy.requests) >= before + 2
    used = len(tinyproxy.requests)
    # Nobody listens there: what does not pass it by cannot work.
    dead = {"HTTP_PROXY": "http://127.0.0.1:9", "NO_PROXY": "example.org,127.0.0.1"}
    assert person.run("ls", "--endpoint-url", store.endpoint, env=dead).returncode == 0
    assert len(tinyproxy.requests) == used


def test_a_proxy_that_refuses_is_told_and_its_password_is_not(
    person, front, store, tinyproxy, profile, tmp_path
):
    wrong = "wrong+P@ssword.0002"
    tunnel = (front.url("good"), "HTTPS_PROXY", proxy_url(tinyproxy, wrong))
    # Not percent-encoded, as it should be: libcurl would repeat it all to say so.
    raw = (front.url("good"), "HTTPS_PROXY", f"http://ana:{wrong}@127.0.0.1:{tinyproxy.port}")
    plain = (store.endpoint, "HTTP_PROXY", f"http://127.0.0.1:{tinyproxy.port}")
    for site, variable, proxy in (tunnel, raw, plain):
        env = {variable: proxy, "AWS_CA_BUNDLE": str(front.authority)}
        log = tmp_path / f"{variable}.log"
        done = person.run("ls", "--endpoint-url", site, "--log", log, "--debug", env=env)
        assert done.returncode == 1
        assert b"proxy" in done.stderr.lower() and variable.encode() in done.stderr
        doctor = person.run("doctor", "--offline", "--endpoint-url", site, env=env)
        assert f"127.0.0.1:{tinyproxy.port}".encode() in doctor.stdout
        everything = done.stdout + done.stderr + doctor.stdout + doctor.stderr + log.read_bytes()
        for form in (wrong, urllib.parse.quote(wrong, safe="")):
            assert form.encode() not in everything


@pytest.mark.parametrize("own", ["", "AWS_ACCESS_KEY_ID=own\nAWS_SECRET_ACCESS_KEY=own-secret\n"])
def test_a_file_found_in_the_folder_leads_no_other_keys_over_its_proxy(person, store, profile, own):
    person.write_env(own + "HTTP_PROXY=http://127.0.0.1:9\nAWS_CA_BUNDLE=nobody.pem\n")
    done = person.run("ls", "--profile", "default", "--endpoint-url", store.endpoint)
    assert done.returncode == 0, done.stderr
    for variable in (b"HTTP_PROXY", b"AWS_CA_BUNDLE"):
        assert variable in done.stderr
