"""Profiles of the shared AWS files, and what they name, against a real server."""

import http.server
import json
import os
import resource
import select
import signal
import subprocess
import threading

import pytest


@pytest.fixture
def files(person, store):
    """Writes the two files; without a `.env`, since its keys would come first."""
    (person.work / ".env").unlink()

    def write(config, credentials=""):
        folder = person.home / ".aws"
        folder.mkdir(exist_ok=True)
        (folder / "config").write_text(config)
        (folder / "credentials").write_text(credentials)

    return write


def document(store, **more):
    return {"AccessKeyId": store.access_key, "SecretAccessKey": store.secret_key, **more}


def lists(person, bucket, *options, env=None):
    done = person.run("ls", *options, env=env)
    assert done.returncode == 0, done.stderr
    return bucket in done.stdout.decode()


def test_keys_region_and_endpoint_of_a_profile_are_enough(person, store, bucket, files):
    files(
        f"[profile lab]\nregion = us-east-1\nservices = lab\n"
        f"[services lab]\ns3 =\n  endpoint_url = {store.endpoint}\n",
        f"[lab]\naws_access_key_id = {store.access_key}\n"
        f"aws_secret_access_key = {store.secret_key}\n",
    )
    assert lists(person, bucket, "--profile", "lab")
    assert lists(person, bucket, env={"AWS_PROFILE": "lab"})
    doctor = person.run("doctor", "--profile", "lab").stdout.decode()
    assert "profile lab" in doctor and store.access_key in doctor
    assert store.secret_key not in doctor


def test_a_program_gives_the_keys_and_the_history_has_them(person, store, bucket, files, tmp_path):
    calls = tmp_path / "calls"
    script = tmp_path / "keys of the lab"
    answer = json.dumps(document(store, Version=1, Expiration="2099-01-01T00:00:00Z"))
    script.write_text(f"#!/bin/sh\necho \"$1\" >> {calls}\necho '{answer}'\n")
    script.chmod(0o755)
    files(
        f"[default]\ncredential_process = '{script}' --hidden-word\n"
        f"endpoint_url = {store.endpoint}\n"
    )
    assert lists(person, bucket)
    assert calls.read_text().split() == ["--hidden-word"]
    (person.work / "a.txt").write_text("a")
    done = person.run("put", "a.txt", f"s3://{bucket}/a.txt")
    assert done.returncode == 0, done.stderr
    row = json.loads(person.run("history", "--json").stdout.splitlines()[0])
    assert row["accessKeyID"] == store.access_key

    script.write_text(f"#!/bin/sh\necho {store.secret_key}\necho {store.secret_key} >&2\nexit 3\n")
    failed = person.run("ls")
    assert failed.returncode == 1
    assert b"status 3" in failed.stderr
    for word in (store.secret_key.encode(), b"--hidden-word"):
        assert word not in failed.stderr + failed.stdout


def test_a_program_gives_the_keys_whoever_started_pail_ignores_the_end_of_others(
    person, store, bucket, files
):
    answer = json.dumps(document(store, Version=1))
    files(f"[default]\ncredential_process = echo '{answer}'\nendpoint_url = {store.endpoint}\n")
    done = subprocess.run(
        [person.binary, "ls"], capture_output=True, env=person.env, cwd=person.work, timeout=60,
        preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN),
    )
    assert done.returncode == 0 and bucket in done.stdout.decode(), done.stderr


@pytest.mark.parametrize("command", ["ls", "put a.txt s3://box/", None])
def test_a_program_that_gives_no_keys_ends_with_pail(person, store, files, command):
    numbers = person.home / "numbers"
    os.mkfifo(numbers)
    script = person.home / "keys"
    script.write_text(f"#!/bin/sh\nsleep 1000 &\necho $$ $! > {numbers}\nwait\n")
    script.chmod(0o755)
    files(f"[default]\ncredential_process = {script}\nendpoint_url = {store.endpoint}\n")
    person.file("a.txt", b"a")
    if command:
        process = subprocess.Popen(
            [person.binary, *command.split()], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=person.env, cwd=person.work,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
    else:
        process = person.open().process
    handles = [os.pidfd_open(int(number)) for number in numbers.read_text().split()]
    try:
        process.send_signal(signal.SIGINT if command else signal.SIGTERM)
        process.wait(timeout=30)
        for handle in handles:
            assert select.select([handle], [], [], 30)[0]
    finally:
        for handle in handles:
            if not select.select([handle], [], [], 0)[0]:
                signal.pidfd_send_signal(handle, signal.SIGKILL)
            os.close(handle)


def test_a_file_found_in_the_folder_cannot_name_the_files_with_programs(person, files, tmp_path):
    mark = tmp_path / "was-run"
    evil = tmp_path / "config"
    evil.write_text(f"[default]\ncredential_process = touch {mark}\n")
    person.write_env(f"AWS_CONFIG_FILE={evil}\n")
    done = person.run("ls")
    assert done.returncode == 1 and not mark.exists()
    assert b"AWS_CONFIG_FILE" in done.stderr
    # The same file, named by the user, counts.
    person.run("ls", "--env-file", person.work / ".env")
    assert mark.exists()


class Metadata(http.server.BaseHTTPRequestHandler):
    """What an instance answers, and only to those who hold its token."""

    def do_PUT(self):
        assert self.path == "/latest/api/token"
        self.answer(200, "proof")

    def do_GET(self):
        roles = "/latest/meta-data/iam/security-credentials/"
        if self.path == "/task":
            self.answer(200, json.dumps(self.server.document))
        elif self.headers["X-aws-ec2-metadata-token"] != "proof":
            self.answer(401, "")
        elif self.path == roles:
            self.answer(200, "role")
        elif self.path == roles + "role":
            self.answer(200, json.dumps(self.server.document))
        else:
            self.answer(404, "")

    def answer(self, status, text):
        self.server.asked.append(self.path)
        if self.server.busy:
            self.server.busy -= 1
            status, text = 503, ""
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def metadata(store):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Metadata)
    server.document = document(store, Expiration="2099-01-01T00:00:00Z")
    server.asked, server.busy = [], 0
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_an_instance_and_a_container_lend_their_keys(person, store, bucket, files, metadata):
    url = f"http://127.0.0.1:{metadata.server_port}"
    common = {"AWS_EC2_METADATA_DISABLED": ""}
    instance = {**common, "AWS_EC2_METADATA_SERVICE_ENDPOINT": url + "/"}
    assert lists(person, bucket, "--endpoint-url", store.endpoint, env=instance)
    assert len(metadata.asked) == 3
    # A proxy would answer about itself: it is passed by, and stops only what follows.
    done = person.run(
        "ls",
        "--endpoint-url",
        "http://store.invalid",
        env={**instance, "http_proxy": "http://127.0.0.1:9"},
    )
    assert done.returncode == 1 and len(metadata.asked) == 6

    container = {**common, "AWS_CONTAINER_CREDENTIALS_FULL_URI": url + "/task"}
    assert lists(person, bucket, "--endpoint-url", store.endpoint, env=container)
    assert metadata.asked[6:] == ["/task"]


def test_a_metadata_service_that_is_busy_at_first_is_waited_for(person, store, bucket, files, metadata):
    url = f"http://127.0.0.1:{metadata.server_port}"
    env = {"AWS_EC2_METADATA_DISABLED": "", "AWS_EC2_METADATA_SERVICE_ENDPOINT": url}
    metadata.busy = 2
    assert lists(person, bucket, "--endpoint-url", store.endpoint, env=env)
    assert len(metadata.asked) == 5


def test_where_nothing_has_keys_each_source_is_named_with_its_reason(person, files, metadata):
    files("[default]\nregion = eu-west-1\n")
    metadata.document = {}
    url = f"http://127.0.0.1:{metadata.server_port}"
    env = {"AWS_EC2_METADATA_DISABLED": "", "AWS_EC2_METADATA_SERVICE_ENDPOINT": url}
    done = person.run("ls", env=env)
    assert done.returncode == 1
    for words in (
        b"in the environment (not set)",
        b"./.env (there is none)",
        b"profile default in ~/.aws/credentials and ~/.aws/config (it says nothing of them)",
        b"a container endpoint",
        b"the instance metadata service (the answer has no AccessKeyId)",
    ):
        assert words in done.stderr


def test_more_files_may_be_open_here_than_in_a_program_that_gives_the_keys(
    person, store, bucket, files, tmp_path
):
    limits = tmp_path / "limits"
    script = tmp_path / "keys"
    answer = json.dumps(document(store, Version=1))
    # The limit comes to it right after its start.
    script.write_text(
        "#!/bin/sh\n"
        "tries=0\n"
        'until [ "$(ulimit -Sn)" = 300 ] || [ $tries = 2000 ]; do tries=$((tries + 1)); done\n'
        f"ulimit -Sn > {limits}\n"
        f"ulimit -Hn >> {limits}\n"
        f"grep 'open files' /proc/$PPID/limits >> {limits}\n"
        f"echo '{answer}'\n"
    )
    script.chmod(0o755)
    files(f"[default]\ncredential_process = {script}\nendpoint_url = {store.endpoint}\n")
    done = subprocess.run(
        [person.binary, "ls"], capture_output=True, env=person.env, cwd=person.work, timeout=60,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (300, 700)),
    )
    assert done.returncode == 0 and bucket in done.stdout.decode(), done.stderr
    assert limits.read_text().split() == ["300", "700", "Max", "open", "files", "700", "700", "files"]
