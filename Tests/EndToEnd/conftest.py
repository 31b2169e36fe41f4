"""What every test in a real terminal starts from: the program, a server, and a life of its own.

A missing server or program fails a test; it never skips one. `make test` provides both.
"""

import os
import pwd
import secrets
import shutil
import sqlite3
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from browser import Browser
from proxy import Proxy
from terminal import Terminal

TIMEOUT = 120


def pytest_collection_modifyitems(items):
    for item in items:
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(TIMEOUT))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    report = yield
    if report.when == "call" and report.failed:
        for person in (value for value in item.funcargs.values() if isinstance(value, Person)):
            for number, terminal in enumerate(person.terminals):
                report.sections.append((f"screen {number + 1} at the end", terminal.picture()))
    return report


def required(name):
    value = os.environ.get(name)
    if not value:
        pytest.fail(f"{name} is not set: run the tests with make test", pytrace=False)
    return value


class Store:
    """SeaweedFS as the tests see it: never through Pail's own client."""

    def __init__(self):
        self.endpoint = required("PAIL_TEST_SEAWEED_ENDPOINT")
        self.access_key = required("PAIL_TEST_SEAWEED_ACCESS_KEY")
        self.secret_key = required("PAIL_TEST_SEAWEED_SECRET_KEY")
        self.s3 = client(self.endpoint, self.access_key, self.secret_key)

    def put(self, bucket, key, body=b"", **more):
        return self.s3.put_object(Bucket=bucket, Key=key, Body=body, **more)

    def get(self, bucket, key, **more):
        return self.s3.get_object(Bucket=bucket, Key=key, **more)["Body"].read()

    def keys(self, bucket, prefix=""):
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return [item["Key"] for page in pages for item in page.get("Contents", [])]

    def buckets(self):
        return [bucket["Name"] for bucket in self.s3.list_buckets()["Buckets"]]

    def versions(self, bucket):
        """(key, version ID, is a delete marker), of everything that is stored."""
        found = []
        for page in self.s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            found += [(v["Key"], v["VersionId"], False) for v in page.get("Versions", [])]
            found += [(v["Key"], v["VersionId"], True) for v in page.get("DeleteMarkers", [])]
        return found

    def uploads(self, bucket):
        """The upload IDs of the multipart uploads under way."""
        answer = self.s3.list_multipart_uploads(Bucket=bucket)
        return [upload["UploadId"] for upload in answer.get("Uploads", [])]

    def drop(self, bucket):
        """Removes a bucket with all that is in it; one that is gone is fine."""
        if bucket not in self.buckets():
            return
        for upload in self.s3.list_multipart_uploads(Bucket=bucket).get("Uploads", []):
            self.s3.abort_multipart_upload(
                Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"]
            )
        stored = [{"Key": key, "VersionId": version} for key, version, _ in self.versions(bucket)]
        # XML carries most keys; those with a control character go one by one.
        plain = [each for each in stored if each["Key"].isprintable()]
        for start in range(0, len(plain), 1000):
            batch = {"Objects": plain[start : start + 1000], "Quiet": True}
            self.s3.delete_objects(Bucket=bucket, Delete=batch)
        for each in stored:
            if not each["Key"].isprintable():
                self.s3.delete_object(Bucket=bucket, **each)
        for key in self.keys(bucket):
            self.s3.delete_object(Bucket=bucket, Key=key)
        self.s3.delete_bucket(Bucket=bucket)


def client(endpoint, access_key, secret_key):
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        region_name="us-east-1",
        config=Config(
            s3={"addressing_style": "path"},
            retries={"max_attempts": 4},
            connect_timeout=5,
            max_pool_connections=16,
        ),
    )


class Person:
    """Somebody with a home, a working folder with a `.env`, and a terminal."""

    def __init__(self, folder, store):
        self.binary = required("PAIL_TEST_BINARY")
        self.store = store
        self.home = folder / "home"
        self.work = folder / "work"
        self.downloads = folder / "downloads"
        for each in (self.home, self.work, self.downloads):
            each.mkdir(mode=0o700)
        self.history_file = self.home / "state" / "pail" / "history.sqlite"
        self.terminals = []
        self.env = {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.home),
            "XDG_STATE_HOME": str(self.home / "state"),
            "XDG_CONFIG_HOME": str(self.home / "config"),
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        self.write_env()

    @property
    def login(self):
        return pwd.getpwuid(os.getuid()).pw_name

    def write_env(self, text=None, endpoint=None):
        """The `.env` of the working folder; by default one that opens the test's server."""
        if text is None:
            text = (
                f"AWS_STORAGE_REGION= 'us-east-1'\n"
                f"AWS_ACCESS_KEY_ID= '{self.store.access_key}'\n"
                f"AWS_SECRET_ACCESS_KEY= '{self.store.secret_key}'\n"
                f"AWS_ENDPOINT_URL= '{endpoint or self.store.endpoint}'\n"
                f"PATH_TO_SAVE_FILE= '{self.downloads}'\n"
            )
        path = self.work / ".env"
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
        path.write_text(text)
        return path

    def open(self, *arguments, rows=30, columns=100, env=None, cwd=None):
        """Runs `pail` in a terminal, which the end of the test closes."""
        terminal = Browser(
            [self.binary, *arguments],
            env={**self.env, **(env or {})},
            cwd=cwd or self.work,
            rows=rows,
            columns=columns,
        )
        self.terminals.append(terminal)
        return terminal

    def browse(self, place=None, **options):
        """Opens the browser, at a place such as `s3://bucket/prefix/`, and waits for its panes."""
        browser = self.open(*([place] if place else []), **options)
        browser.wait_for("Buckets")
        if place:
            browser.wait_until(
                lambda: place.rstrip("/")[-15:] in browser.header, f"{place} in the header"
            )
            browser.wait_until(lambda: "oading…" not in browser.text, "the first page")
        return browser

    def shell(self, rows=30, columns=100):
        """An interactive shell in which `pail` can be started, suspended and resumed."""
        folder = str(Path(self.binary).parent)
        terminal = Terminal(
            ["bash", "--norc", "--noprofile", "-i"],
            env={**self.env, "PATH": f"{folder}:{self.env['PATH']}", "PS1": "ready> "},
            cwd=self.work,
            rows=rows,
            columns=columns,
        )
        self.terminals.append(terminal)
        terminal.wait_for("ready>")
        return terminal

    def run(self, *arguments, input=b"", env=None, timeout=60):
        """Runs `pail` without a terminal: status, and both outputs as bytes."""
        return subprocess.run(
            [self.binary, *map(str, arguments)],
            input=input,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**self.env, **(env or {})},
            cwd=self.work,
            timeout=timeout,
        )

    def history(self, query):
        """Rows of the history, read with SQLite itself and never written."""
        connection = sqlite3.connect(f"file:{self.history_file}?mode=ro", uri=True)
        connection.row_factory = sqlite3.Row
        try:
            return [dict(row) for row in connection.execute(query)]
        finally:
            connection.close()

    def changes(self):
        """The changes, oldest first, each with its outcome: NULL while there is none."""
        return self.history(
            "SELECT changes.*, outcomes.outcome, outcomes.etag, outcomes.errorCode,"
            " outcomes.finishedAt FROM changes"
            " LEFT JOIN outcomes ON outcomes.change = changes.id ORDER BY changes.id"
        )

    def file(self, name, body):
        path = self.work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
        return path


@pytest.fixture(scope="session")
def store():
    return Store()


@pytest.fixture
def person(tmp_path, store):
    someone = Person(tmp_path, store)
    yield someone
    for terminal in someone.terminals:
        terminal.close()


@pytest.fixture
def bound_by_permissions(person):
    """`pail` as a program that may read and write no more than the permissions of files say, also as root."""
    if os.geteuid() == 0:
        program = person.home / "pail"
        program.write_text(
            "#!/bin/sh\nexec setpriv --bounding-set -dac_override,-dac_read_search"
            f' {person.binary} "$@"\n'
        )
        program.chmod(0o755)
        person.binary = str(program)


@pytest.fixture
def new_bucket(store):
    """Makes buckets with names of their own, and removes them with their contents."""
    made = []

    def make(label="box", versioned=False, create=True):
        name = f"{label}-{secrets.token_hex(4)}"
        made.append(name)
        if create:
            store.s3.create_bucket(Bucket=name)
        if versioned:
            store.s3.put_bucket_versioning(
                Bucket=name, VersioningConfiguration={"Status": "Enabled"}
            )
        return name

    yield make
    for name in made:
        store.drop(name)


@pytest.fixture
def bucket(new_bucket):
    return new_bucket()


class Many:
    """A bucket with 5,000 objects under one prefix; no test changes it."""

    def __init__(self, bucket, keys):
        self.bucket, self.keys = bucket, keys


@pytest.fixture(scope="session")
def many(store):
    bucket = f"many-{secrets.token_hex(4)}"
    store.s3.create_bucket(Bucket=bucket)
    keys = [f"requests/{number:05}.log" for number in range(5000)]
    with ThreadPoolExecutor(8) as pool:
        for _ in pool.map(lambda key: store.put(bucket, key, b"x" * 40), keys):
            pass
    yield Many(bucket, keys)
    store.drop(bucket)


@pytest.fixture(scope="session")
def root():
    """The top folder of the repository."""
    return Path(__file__).resolve().parents[2]


class Moto:
    """moto, which takes keys that SeaweedFS refuses."""

    def __init__(self, bucket):
        self.endpoint = required("PAIL_TEST_MOTO_ENDPOINT")
        self.s3 = client(self.endpoint, "any", "key")
        self.bucket = bucket
        self.s3.create_bucket(Bucket=bucket)


@pytest.fixture
def moto():
    # The later the name the earlier in a list, so that it is on a screen that shows all buckets. Those
    # of earlier tests stay: moto cannot list every key that it takes.
    countdown = -time.time_ns() // 10_000_000 % 2**32
    return Moto(f"box-{countdown:08x}{secrets.token_hex(1)}")


@pytest.fixture
def library(tmp_path):
    """What syscalls.c is, to be loaded before the program's own libraries."""
    built = tmp_path / "syscalls.so"
    compiler = shutil.which("cc") or shutil.which("clang")
    source = Path(__file__).with_name("syscalls.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", built, source, "-ldl"], check=True)
    return built


@pytest.fixture
def proxy(store, person):
    """A proxy before SeaweedFS, which the person's settings lead to."""
    with Proxy(store.endpoint) as between:
        person.write_env(endpoint=between.endpoint)
        yield between
