"""Accounts that may do only some things: each refusal is a plain sentence, and the rest works."""

import http.client
import http.server
import threading
import urllib.parse

import pytest
from servers import SeaweedFS

DENIED = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
NO_BUCKETS = b"<ListAllMyBucketsResult><Buckets></Buckets></ListAllMyBucketsResult>"


class Gate(http.server.BaseHTTPRequestHandler):
    """Before a store that lists its buckets to everybody: one that does not."""

    def relay(self):
        path, _, query = self.path.partition("?")
        if path == "/":
            return self.answer(*self.server.listing)
        prefix = urllib.parse.parse_qs(query).get("prefix", [""])[0]
        if "list-type" in query and not prefix.startswith(self.server.prefix):
            return self.answer(403, DENIED)
        length = int(self.headers["Content-Length"] or 0)
        store = http.client.HTTPConnection("127.0.0.1", self.server.store_port, timeout=30)
        store.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            store.putheader(name, value)
        store.endheaders(self.rfile.read(length))
        answer = store.getresponse()
        body = answer.read()
        self.answer(answer.status, body, answer.getheaders())
        store.close()

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = relay

    def answer(self, status, body, headers=()):
        self.send_response_only(status)
        dropped = {"connection", "transfer-encoding", "content-length"}
        for name, value in headers:
            if name.lower() not in dropped:
                self.send_header(name, value)
        length = dict((n.lower(), v) for n, v in headers).get("content-length", str(len(body)))
        self.send_header("Content-Length", length)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def gate(store, person):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Gate)
    server.store_port = int(store.endpoint.rsplit(":", 1)[1])
    server.listing, server.prefix = (403, DENIED), ""
    threading.Thread(target=server.serve_forever, daemon=True).start()
    person.write_env(endpoint=f"http://127.0.0.1:{server.server_port}")
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def other(person, store):
    """The second user of the store, who may use `otherbucket` and nothing else."""
    name = "otherbucket"
    if name not in store.buckets():
        store.s3.create_bucket(Bucket=name)
    text = (person.work / ".env").read_text()
    text = text.replace(store.access_key, SeaweedFS.other_access_key)
    person.write_env(text.replace(store.secret_key, SeaweedFS.other_secret_key))
    yield name
    store.drop(name)


def test_who_may_list_no_buckets_opens_one_by_its_name(person, store, bucket, gate):
    store.put(bucket, "a.txt", b"abc")
    refused = person.run("ls")
    assert refused.returncode == 1
    assert b"Access to the list of buckets was denied (AccessDenied)" in refused.stderr
    assert b"Open a bucket by its name" in refused.stderr
    assert b"a.txt" in person.run("ls", f"s3://{bucket}/").stdout
    doctor = person.run("doctor")
    assert doctor.returncode == 0 and b"opened by name" in doctor.stdout
    browser = person.open()
    browser.wait_for("No permission to")
    assert "No buckets yet" not in browser.text
    browser.press("Esc")
    browser.go(f"s3://{bucket}/")
    browser.wait_listed("a.txt")
    assert bucket in browser.text
    browser.press("q")
    browser.wait_exit()


def test_who_may_see_one_prefix_only_goes_there_and_comes_back_by_a_bookmark(
    person, store, bucket, gate
):
    store.put(bucket, "team/a.txt", b"abc")
    gate.prefix = "team/"
    refused = person.run("ls", f"s3://{bucket}/")
    assert refused.returncode == 1 and b"s3:ListBucket" in refused.stderr
    assert b"team/a.txt" in person.run("ls", f"s3://{bucket}/team/").stdout
    browser = person.browse()
    browser.wait_for("No permission to")
    browser.go(f"s3://{bucket}/")
    browser.wait_for("No permission to list this bucket")
    browser.go(f"s3://{bucket}/team/")
    browser.wait_listed("a.txt")
    browser.press("B")
    browser.wait_for("is bookmarked")
    kept = person.home / "state" / "pail" / "bookmarks.json"
    assert kept.stat().st_mode & 0o777 == 0o600
    browser.go(f"s3://{bucket}/")
    browser.wait_for("No permission to list this bucket")
    browser.press("b")
    browser.wait_for(f"▸ s3://{bucket}/team/")
    browser.press("Enter")
    browser.wait_listed("a.txt")
    browser.press("q")
    browser.wait_exit()


def test_an_account_without_buckets_looks_otherwise(person, gate):
    gate.listing = (200, NO_BUCKETS)
    done = person.run("ls")
    assert done.returncode == 0 and done.stdout == b""
    browser = person.open()
    browser.wait_for("No buckets yet")
    assert "permission" not in browser.text
    browser.press("q")
    browser.wait_exit()


def test_one_bucket_is_enough(person, store, bucket, other):
    person.file("a.txt", b"abc")
    assert person.run("put", "a.txt", f"s3://{other}/a.txt").returncode == 0
    assert b"a.txt" in person.run("ls", f"s3://{other}/").stdout
    assert bucket not in person.run("ls").stdout.decode()
    for command, permission in (
        (("ls", f"s3://{bucket}/"), b"s3:ListBucket"),
        (("put", "a.txt", f"s3://{bucket}/a.txt"), b"s3:PutObject"),
        (("get", f"s3://{bucket}/a.txt", "b.txt"), b""),
    ):
        done = person.run(*command)
        assert done.returncode == 1, command
        assert b"denied" in done.stderr and b"AccessDenied" in done.stderr, done.stderr
        assert permission in done.stderr, done.stderr
    assert store.keys(bucket) == []
    outcomes = [(row["action"], row["outcome"]) for row in person.changes()]
    assert outcomes == [("upload", "done"), ("upload", "failed")]


def test_keys_that_may_only_read_are_told_so(person, store, other):
    store.put(other, "a.txt", b"abc")
    text = (person.work / ".env").read_text()
    text = text.replace(SeaweedFS.other_access_key, SeaweedFS.reader_access_key)
    person.write_env(text.replace(SeaweedFS.other_secret_key, SeaweedFS.reader_secret_key))
    assert person.run("get", f"s3://{other}/a.txt", "-").stdout == b"abc"
    for command in (
        ("put", ".env", f"s3://{other}/b.txt"),
        ("rm", f"s3://{other}/a.txt"),
    ):
        done = person.run(*command)
        assert done.returncode == 1, command
        assert b"denied" in done.stderr, done.stderr
        assert b"or ask the bucket's owner for s3:" in done.stderr
    store.put(other, "b.txt", b"abc")
    done = person.run("rm", "-r", f"s3://{other}")
    assert done.returncode == 1 and done.stderr.count(b"(AccessDenied)") == 2
    assert done.stderr.count(b"ask the bucket's owner for s3:DeleteObject.") == 1
    store.s3.delete_object(Bucket=other, Key="b.txt")
    assert store.keys(other) == ["a.txt"]
    browser = person.browse(f"s3://{other}/")
    browser.select("a.txt")
    browser.press("D")
    browser.wait_for("Delete")
    browser.press("y")
    browser.wait_for("denied")
    browser.press("Esc", "Esc", "q")


def test_a_deletion_that_may_not_list_asks_for_the_right_to_list(person, gate, store, bucket):
    gate.prefix = "mine/"
    store.put(bucket, "other/k", b"1")
    for words, permission in ((["-r"], b"s3:ListBucket."), (["-r", "--dry-run"], b"s3:ListBucket.")):
        done = person.run("rm", *words, f"s3://{bucket}/other/")
        assert done.returncode == 1 and permission in done.stderr and b"DeleteObject" not in done.stderr
    assert store.keys(bucket) == ["other/k"]
