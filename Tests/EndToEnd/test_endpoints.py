"""Redirects, regions and addressing, against stand-ins that note what comes to them."""

import datetime
import http.server
import threading

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest


class StandIn(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append((self.path, dict(self.headers)))
        answer = self.server.answers.pop(0)
        status, headers, body = answer(self) if callable(answer) else answer
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_PUT = do_HEAD = do_DELETE = do_POST = do_GET

    def log_message(self, *_):
        pass


@pytest.fixture
def stand_in():
    servers = []

    def make(*answers):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), StandIn)
        server.asked, server.answers = [], list(answers)
        server.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return server

    yield make
    for server in servers:
        server.shutdown()
        server.server_close()


EMPTY = b"<ListBucketResult><Name>box</Name><IsTruncated>false</IsTruncated></ListBucketResult>"
KEYS = {"AWS_ACCESS_KEY_ID": "AKIAREDIRECTED", "AWS_SECRET_ACCESS_KEY": "secret"}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_takes_the_signature_nowhere(person, stand_in, status):
    (person.work / ".env").unlink()
    thief = stand_in((200, {}, EMPTY), (200, {}, EMPTY))
    body = f"<Error><Code>TemporaryRedirect</Code><Endpoint>{thief.url[7:]}</Endpoint></Error>"
    location = {
        "Location": f"{thief.url}/box?list-type=2",
        "x-amz-bucket-region": f"{thief.url[7:]}/",
    }
    honest = stand_in(*[(status, location, body.encode())] * 6)
    done = person.run("ls", "s3://box", "--endpoint-url", honest.url, env=KEYS)
    assert done.returncode == 1
    assert thief.asked == []
    assert 1 <= len(honest.asked) <= 2


def test_the_region_of_a_bucket_is_learnt_and_the_request_signed_for_it(person, stand_in):
    (person.work / ".env").unlink()
    region = {"x-amz-bucket-region": "eu-west-9"}
    server = stand_in((301, region, b""), (200, {}, EMPTY))
    done = person.run("ls", "s3://box", "--endpoint-url", server.url, env=KEYS)
    assert done.returncode == 0, done.stderr
    first, second = (headers["Authorization"] for _, headers in server.asked)
    assert "/us-east-1/s3/" in first and "/eu-west-9/s3/" in second


def test_a_bucket_of_another_region_is_listed_and_opened(person, stand_in):
    (person.work / ".env").unlink()
    buckets = (
        b"<ListAllMyBucketsResult><Buckets><Bucket><Name>far</Name>"
        b"<BucketRegion>ap-south-9</BucketRegion></Bucket></Buckets></ListAllMyBucketsResult>"
    )

    def answer(request):
        is_list = request.path.split("?")[0] == "/"
        return 200, {}, buckets if is_list else EMPTY

    server = stand_in(*[answer] * 20)
    browser = person.open(env={**KEYS, "AWS_ENDPOINT_URL": server.url})
    browser.wait_for("far")
    browser.press("Enter")
    browser.wait_for("This bucket is empty")
    path, headers = next(asked for asked in server.asked if asked[0].startswith("/far"))
    assert "/ap-south-9/s3/" in headers["Authorization"]


def test_a_gateway_may_have_a_path(person, stand_in):
    """Signed as botocore signs it, from what arrived."""
    (person.work / ".env").unlink()
    server = stand_in((200, {}, EMPTY))
    url = f"{server.url}/storage/v1/s3/"
    done = person.run("ls", "s3://box/a b/", "--endpoint-url", url, env=KEYS)
    assert done.returncode == 0, done.stderr
    ((path, headers),) = server.asked
    assert path.startswith("/storage/v1/s3/box?")
    request = botocore.awsrequest.AWSRequest("GET", f"{server.url}{path}", headers)
    request.context["timestamp"] = headers["x-amz-date"]
    signed = headers["Authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
    for name in list(request.headers):
        if name.lower() not in signed:
            del request.headers[name]
    keys = botocore.credentials.Credentials(*KEYS.values())
    signer = botocore.auth.S3SigV4Auth(keys, "s3", "us-east-1")
    text = signer.string_to_sign(request, signer.canonical_request(request))
    assert headers["Authorization"].endswith(f"Signature={signer.signature(text, request)}")


SKEWED = b"<Error><Code>RequestTimeTooSkewed</Code></Error>"


def dates(server):
    return [headers["x-amz-date"] for _, headers in server.asked]


def test_a_clock_that_is_off_is_corrected_by_the_servers_and_told_once(person, stand_in):
    (person.work / ".env").unlink()
    ahead = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=2)).strftime(
        "%a, %d %b %Y %H:%M:%S GMT"
    )
    more = EMPTY.replace(
        b"<IsTruncated>false</IsTruncated>",
        b"<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>",
    )
    answers = [(403, {"Date": ahead}, SKEWED), (200, {}, more), (200, {}, EMPTY)]
    server = stand_in(*answers)
    done = person.run("ls", "-r", "s3://box", "--endpoint-url", server.url, env=KEYS)
    assert done.returncode == 0, done.stderr
    assert done.stderr.decode().count("clock is 1") == 1, done.stderr
    assert b"requests are dated by the server's" in done.stderr
    first, *later = dates(server)
    assert len(later) == 2 and all(date > first for date in later)
    # The browser says it as well, and goes on.
    buckets = b"<ListAllMyBucketsResult><Buckets></Buckets></ListAllMyBucketsResult>"

    def answer(request):
        if request.headers["x-amz-date"] < later[0]:
            return 403, {"Date": ahead}, SKEWED
        return 200, {}, buckets if request.path.split("?")[0] == "/" else EMPTY

    server = stand_in(*[answer] * 20)
    browser = person.browse("s3://box/", env={**KEYS, "AWS_ENDPOINT_URL": server.url})
    browser.wait_for("minutes behind that of 127.0.0.1")


def test_a_bucket_is_named_in_the_host_where_that_is_asked_for(person, stand_in):
    (person.work / ".env").unlink()
    # `localhost` is a name; an address takes no label before it.
    for style, host, path in (("virtual", "box.localhost", "/"), ("path", "localhost", "/box")):
        server = stand_in((200, {}, EMPTY))
        url = f"http://localhost:{server.server_port}"
        done = person.run(
            "ls", "s3://box", "--endpoint-url", url, "--addressing-style", style, env=KEYS
        )
        assert done.returncode == 0, done.stderr
        asked, headers = server.asked[0]
        assert headers["Host"] == f"{host}:{server.server_port}"
        assert asked.split("?")[0] == path
    wrong = person.run("ls", "--addressing-style", "sideways")
    assert wrong.returncode == 64
