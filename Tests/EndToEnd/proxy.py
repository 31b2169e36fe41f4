"""An HTTP/1.1 proxy on loopback between `pail` and the server, which stops at named points.

A test asks for a `hold` before it starts the program; the first request that comes to that point
then stays there until the test releases it. Nothing sleeps: the test waits for the hold to be
reached, does what it wants to do just then, and lets go.

    with Proxy(store.endpoint) as proxy:
        hold = proxy.hold("answer", operation="PutObject")
        program = start(endpoint=proxy.endpoint)
        hold.wait()                 # the server has answered, the program does not know
        program.kill()
        hold.release()

The points, in the order in which a request passes them:

    connection   accepted; nothing has been read from it
    request      read whole from the program; the server knows nothing
    received     sent whole to the server; its answer has not been read
    answer       the answer has been read whole; the program has nothing of it
    delivered    the answer has been sent whole to the program
"""

import ipaddress
import json
import select
import socket
import struct
import threading
import time
from urllib.parse import parse_qsl, unquote_to_bytes, urlsplit

POINTS = ("connection", "request", "received", "answer", "delivered")
# Seconds after which a hold that nobody released lets go, so that a broken test ends.
PATIENCE = 60
HEAD_LIMIT = 1 << 20


class Hold:
    """One place where requests stop: `times` of them, after `skip` have passed."""

    def __init__(self, point, operation, key, skip, times):
        if point not in POINTS:
            raise ValueError(f"no point is called {point}")
        if point == "connection" and (operation or key):
            raise ValueError("a connection has no operation yet")
        self.point, self.operation, self.key, self.when = point, operation, key, None
        self.skip, self.times = skip, times
        self.request = None
        self._reached = threading.Event()
        self._released = threading.Event()
        self._dropped = False

    def wait(self, seconds=PATIENCE):
        """Returns what is known of the request that is held; fails if none came."""
        if not self._reached.wait(seconds):
            wanted = self.operation or "request"
            raise AssertionError(f"no {wanted} reached the point '{self.point}'")
        return self.request

    @property
    def is_reached(self):
        return self._reached.is_set()

    def release(self):
        """Lets the request go on, and whatever comes to this point later."""
        self._released.set()

    def drop(self):
        """Resets the connection to the program instead of going on. The server is left alone."""
        self._dropped = True
        self._released.set()

    def _stop(self, request):
        """Called by the connection's thread. Returns whether to go on."""
        self.request = request
        self._reached.set()
        self._released.wait(PATIENCE)
        return not self._dropped


class Fault:
    """Something done to requests without waiting: a delay, a reset, an answer of the proxy's own."""

    def __init__(
        self, point, operation, key, skip, times, delay=0.0, reset=False, answer=None, change=None,
        after=0, when=None,
    ):
        self.point, self.operation, self.key, self.when = point, operation, key, when
        self.skip, self.times = skip, times
        self.delay, self.reset, self.answer, self.change = delay, reset, answer, change
        self.after = after


class Answer:
    """What the server answered, as a test may change it before the program gets it."""

    def __init__(self, status, fields, body):
        self.status, self.fields, self.body = status, fields, body
        # The Content-Length to claim; the true one when None.
        self.length = None
        # Whether the connection is reset once the body has been sent.
        self.resets = False
        # The body begins with pieces of these many bytes, each with these seconds of silence after
        # it; the rest comes at once.
        self.paces = []

    @property
    def start(self):
        """Where in the object the body begins."""
        text = self.fields.get("content-range", "bytes 0-")
        return int(text.removeprefix("bytes ").split("-")[0])


class Sent:
    """The body of a request, as a test may change it before the server gets it."""

    start = 0

    def __init__(self, body):
        self.body = body


class Flips:
    """How many bodies held the byte that is flipped."""

    seen = 0


class Dropped(Exception):
    """The connection to the program is to be reset."""


class Closed(Exception):
    """One side has closed its connection."""


class Proxy:
    """Forwards to `upstream`, a loopback endpoint such as `http://127.0.0.1:8333`."""

    def __init__(self, upstream, port=0):
        place = urlsplit(upstream)
        if not ipaddress.ip_address(place.hostname).is_loopback:
            raise ValueError("only a server on loopback may be behind the proxy")
        self.upstream = (place.hostname, place.port)
        self._lock = threading.Condition()
        self._rules = []
        self._log = []
        self._is_closing = False
        self._connections = set()
        self._listener = socket.create_server(("127.0.0.1", port), backlog=128)
        self.endpoint = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        with self._lock:
            self._is_closing = True
            rules, connections = list(self._rules), list(self._connections)
        for rule in rules:
            if isinstance(rule, Hold):
                rule.release()
        try:
            # A thread in accept does not notice that its socket is closed.
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # closed before
        self._listener.close()
        for connection in connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    # What a test asks for. `operation` is S3's name for the request, `key` the whole key as bytes.

    def hold(self, point, operation=None, key=None, skip=0, times=1):
        return self._add(Hold(point, operation, key, skip, times))

    def delay(self, seconds, operation=None, key=None, point="request", skip=0, times=0):
        """`times=0`: every one."""
        return self._add(Fault(point, operation, key, skip, times, delay=seconds))

    def reset(self, point, operation=None, key=None, skip=0, times=1):
        """At `received` and later the server does the work, and the program is never told."""
        return self._add(Fault(point, operation, key, skip, times, reset=True))

    def refuse(
        self, status, code, operation=None, key=None, skip=0, times=1, headers=(), when=None,
        message="refused by the test",
    ):
        """Answers with an error of S3's form, without asking the server. `when` is asked about the
        entry of a request in the log."""
        body = (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f"<Error><Code>{code}</Code><Message>{message}</Message>"
            "<RequestId>0123456789ABCDEF</RequestId></Error>"
        ).encode()
        lines = [f"HTTP/1.1 {status} Refused", "Content-Type: application/xml"]
        lines += [f"{name}: {value}" for name, value in headers]
        lines += [f"Content-Length: {len(body)}"]
        head = "\r\n".join(lines).encode() + b"\r\n\r\n"
        answer = (status, head, body)
        return self._add(Fault("request", operation, key, skip, times, answer=answer, when=when))

    def page(self, operation, times=0):
        """Answers with the page of a portal, without asking the server."""
        body = b"<html>sign in</html>"
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(body)
        return self._add(Fault("request", operation, None, 0, times, answer=(200, head, body)))

    def change(self, change, operation=None, key=None, skip=0, times=1):
        """Has `change` alter the `Answer` of the server before the program gets it."""
        return self._add(Fault("answer", operation, key, skip, times, change=change))

    def change_sent(self, change, operation=None, key=None, skip=0, times=1, when=None):
        """Has `change` alter what was `Sent` before the server gets it; of the same length. `when` is
        asked about the entry of a request in the log."""
        return self._add(Fault("request", operation, key, skip, times, change=change, when=when))

    def cut(self, after, operation=None, key=None, skip=0, times=1):
        """Resets the connection when `after` bytes of the body of a request have come."""
        return self._add(Fault("body", operation, key, skip, times, after=after))

    def flip_sent(self, offset, operation, times=1, when=None):
        """Flips one bit of the byte at `offset` of the first `times` bodies of such requests that
        have it; `times=0`: of every one. Returns what counts them."""
        flips = Flips()
        self.change_sent(self._flipping(flips, offset, times), operation, times=0, when=when)
        return flips

    def flip(self, offset, key=None, times=1):
        """Flips one bit of the byte at `offset` of an object, in the first `times` answers to
        GetObject that hold it; `times=0`: in every one. Returns what counts them."""
        flips = Flips()
        flip = self._flipping(flips, offset, times)

        def change(answer):
            if answer.status in (200, 206):
                flip(answer)

        self.change(change, operation="GetObject", key=key, times=0)
        return flips

    def _flipping(self, flips, offset, times):
        def flip(body):
            place = offset - body.start
            if not 0 <= place < len(body.body):
                return
            with self._lock:
                flips.seen += 1
                if times and flips.seen > times:
                    return
            changed = bytearray(body.body)
            changed[place] ^= 1
            body.body = bytes(changed)

        return flip

    def clear(self):
        """Lets go of everything that is held, and forgets what was asked for. Where a hold was dropped,
        `settle` comes first: a request that is still being read would not meet it any more."""
        with self._lock:
            rules, self._rules = self._rules, []
        for rule in rules:
            if isinstance(rule, Hold):
                rule.release()

    # What a test can see.

    @property
    def operations(self):
        """One entry per request so far: operation, method, key, fields, sizes, status, points."""
        with self._lock:
            return json.loads(json.dumps(self._log))

    def names(self):
        return [entry["operation"] for entry in self.operations]

    def settle(self, seconds=PATIENCE):
        """Waits, once the program has ended, until nothing of it is on the way to the server."""
        with self._lock:
            if not self._lock.wait_for(lambda: not self._connections, seconds):
                raise AssertionError("a connection is still open")

    # The inside.

    def _add(self, rule):
        rule.seen = 0
        with self._lock:
            self._rules.append(rule)
        return rule

    def _take(self, point, entry):
        """The rules for this request at this point, each counted once."""
        taken = []
        with self._lock:
            for rule in self._rules:
                if rule.point != point:
                    continue
                if rule.operation not in (None, entry.get("operation")):
                    continue
                if rule.key is not None and rule.key != unquote_to_bytes(entry.get("key", "")):
                    continue
                if rule.when is not None and not rule.when(entry):
                    continue
                rule.seen += 1
                if rule.seen > rule.skip and (
                    rule.times == 0 or rule.seen <= rule.skip + rule.times
                ):
                    taken.append(rule)
        return taken

    def _pass(self, point, entry, given=None):
        """Returns an answer of the proxy's own, if there is to be one. `given` is the server's, for
        those who change it."""
        answer = None
        with self._lock:
            entry["points"].append(point)
        for rule in self._take(point, entry):
            if isinstance(rule, Hold):
                if not rule._stop(dict(entry)):
                    raise Dropped
                continue
            time.sleep(rule.delay)
            if rule.reset:
                raise Dropped
            if rule.change and given is not None:
                rule.change(given)
            answer = rule.answer or answer
        return answer

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._connections.add(connection)
        try:
            self._pass("connection", {"points": []})
            reader = Reader(connection)
            while True:
                self._forward(connection, reader, reader.head())
        except Dropped:
            # Zero seconds to linger: the other side sees a reset.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except (Closed, OSError):
            pass
        finally:
            connection.close()
            with self._lock:
                self._connections.discard(connection)
                self._lock.notify_all()

    def _forward(self, connection, reader, head):
        entry = described(head)
        with self._lock:
            self._log.append(entry)
        if head.fields.get("expect", "").lower() == "100-continue":
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        for rule in self._take("body", entry):
            reader.skip(rule.after)
            raise Dropped
        try:
            sent = Sent(reader.body(head))
        except (Closed, OSError):
            # What had come when the program gave it up.
            entry["cut"] = len(reader.buffer)
            raise
        entry["sent"] = len(sent.body)
        own = self._pass("request", entry, sent)
        body = sent.body
        if own:
            entry["status"], answer_head, answer_body = own
            connection.sendall(answer_head + (b"" if head.method == "HEAD" else answer_body))
            self._pass("delivered", entry)
            return
        with socket.create_connection(self.upstream) as server:
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            server.sendall(head.without("expect", "connection") + body)
            self._pass("received", entry)
            answers = Reader(server)
            answer = answers.head()
            while 100 <= answer.status < 200:
                answer = answers.head()
            answer_body = answers.body(answer, to=head)
        entry["status"], entry["answered"] = answer.status, len(answer_body)
        given = Answer(answer.status, dict(answer.fields), answer_body)
        self._pass("answer", entry, given)
        answer.alter(given.status, given.fields)
        if answer.is_empty(head):
            # To HEAD, Content-Length is what the object has, not what follows.
            connection.sendall(answer.without("connection", "transfer-encoding"))
        else:
            # The framing is Content-Length, whatever it was: the body is whole by now.
            length = len(given.body) if given.length is None else given.length
            fields = answer.without(
                "connection",
                "transfer-encoding",
                "content-length",
                more=b"Content-Length: %d\r\n" % length,
            )
            connection.sendall(fields)
            sent = 0
            for count, silence in given.paces:
                connection.sendall(given.body[sent : sent + count])
                sent += count
                wait_or_close(connection, silence)
            connection.sendall(given.body[sent:])
            if given.resets:
                raise Dropped
            if length > len(given.body):
                # What was promised never comes.
                raise Closed
        self._pass("delivered", entry)


def wait_or_close(connection, seconds):
    """Waits, and ends when the program closes its side meanwhile."""
    readable, _, _ = select.select([connection], [], [], seconds)
    if readable and not connection.recv(1, socket.MSG_PEEK):
        raise Closed


class Head:
    """The first line and the fields of a request or an answer."""

    def __init__(self, raw):
        self.lines = raw.split(b"\r\n")
        first = self.lines[0].decode("latin-1").split(" ", 2)
        self.is_answer = first[0].startswith("HTTP/")
        self.status = int(first[1]) if self.is_answer else 0
        self.method, self.target = ("", "") if self.is_answer else (first[0], first[1])
        self.fields = {}
        for line in self.lines[1:]:
            name, _, value = line.partition(b":")
            self.fields[name.decode("latin-1").lower()] = value.strip().decode("latin-1")

    def alter(self, status, fields):
        """Takes another status and other values; a field that is missing in `fields` goes."""
        if status != self.status:
            self.status = status
            self.lines[0] = b"HTTP/1.1 %d Altered" % status
        changed = {
            name for name in self.fields if fields.get(name) != self.fields[name]
        } | (fields.keys() - self.fields.keys())
        if not changed:
            return
        kept = [
            line
            for line in self.lines[1:]
            if line.partition(b":")[0].decode("latin-1").lower() not in changed
        ]
        kept += [f"{name}: {fields[name]}".encode("latin-1") for name in changed if name in fields]
        self.lines[1:] = kept
        self.fields = dict(fields)

    def without(self, *names, more=b""):
        """As bytes, without these fields."""
        kept = [
            line
            for line in self.lines[1:]
            if line.partition(b":")[0].decode("latin-1").lower() not in names
        ]
        # One request per connection to the server: its end is seen, and no connection is stale.
        if not self.is_answer:
            kept.append(b"Connection: close")
        return b"\r\n".join([self.lines[0], *kept]) + b"\r\n" + more + b"\r\n"

    def is_empty(self, request):
        return request.method == "HEAD" or self.status in (204, 304)


class Reader:
    """Takes heads and bodies out of a connection."""

    def __init__(self, connection):
        self.connection = connection
        self.buffer = bytearray()

    def _more(self):
        data = self.connection.recv(1 << 18)
        if not data:
            raise Closed
        self.buffer += data

    def _take(self, count):
        while len(self.buffer) < count:
            self._more()
        data = bytes(self.buffer[:count])
        del self.buffer[:count]
        return data

    def _line(self):
        while b"\r\n" not in self.buffer:
            self._more()
        return self._take(self.buffer.index(b"\r\n") + 2)[:-2]

    def head(self):
        while (end := self.buffer.find(b"\r\n\r\n")) < 0:
            if len(self.buffer) > HEAD_LIMIT:
                raise Closed
            self._more()
        return Head(self._take(end + 4)[:-4])

    def skip(self, count):
        self._take(count)

    def body(self, head, to=None):
        """Whole, without framing. `to` is the request when `head` is its answer."""
        if to is not None and head.is_empty(to):
            return b""
        if "chunked" in head.fields.get("transfer-encoding", "").lower():
            whole = bytearray()
            while size := int(self._line().split(b";")[0], 16):
                whole += self._take(size)
                self._line()
            while self._line():
                pass
            return bytes(whole)
        if "content-length" in head.fields:
            return self._take(int(head.fields["content-length"]))
        if not head.is_answer:
            return b""
        try:
            while True:
                self._more()
        except Closed:
            return self._take(len(self.buffer))


# What requests carry that a test may look at. The others may be secret.
KEPT_FIELDS = ("content-md5", "content-type", "range", "x-amz-expected-bucket-owner")


def described(head):
    """What is known of a request, without what it carries that is secret."""
    path, _, query = head.target.partition("?")
    # Names alone: a presigned URL carries its signature in the values.
    names = dict(parse_qsl(query, keep_blank_values=True))
    bucket, _, key = path.lstrip("/").partition("/")
    return {
        "operation": operation(head, bucket, key, names),
        "method": head.method,
        "path": path,
        "query": sorted(names),
        "names": sorted(head.fields),
        "bucket": bucket,
        "key": key,
        "fields": {name: head.fields[name] for name in KEPT_FIELDS if name in head.fields},
        "checksum": checksum_kind(head.fields),
        "part": int(names["partNumber"]) if names.get("partNumber", "").isdigit() else None,
        "sent": 0,
        "answered": 0,
        "status": None,
        "points": [],
    }


def checksum_kind(fields):
    """Such as `crc64nvme`: of the body, or of the parts that an upload is begun with."""
    named = [name for name in fields if name.startswith("x-amz-checksum-")]
    kinds = {name.removeprefix("x-amz-checksum-") for name in named} - {"algorithm", "type"}
    return fields.get("x-amz-checksum-algorithm", "").lower() or next(iter(sorted(kinds)), None)


OBJECT_OPERATIONS = {
    "GET": "GetObject",
    "HEAD": "HeadObject",
    "PUT": "PutObject",
    "DELETE": "DeleteObject",
}
UPLOAD_OPERATIONS = {
    "GET": "ListParts",
    "PUT": "UploadPart",
    "POST": "CompleteMultipartUpload",
    "DELETE": "AbortMultipartUpload",
}
BUCKET_OPERATIONS = {"HEAD": "HeadBucket", "PUT": "CreateBucket", "DELETE": "DeleteBucket"}


def operation(head, bucket, key, query):
    """The request's name in the S3 API Reference."""
    if not bucket:
        return "ListBuckets"
    if key:
        if "uploadId" in query:
            return UPLOAD_OPERATIONS.get(head.method, head.method)
        if "uploads" in query:
            return "CreateMultipartUpload"
        if head.method == "PUT" and "x-amz-copy-source" in head.fields:
            return "CopyObject"
        return OBJECT_OPERATIONS.get(head.method, head.method)
    if "delete" in query:
        return "DeleteObjects"
    if "uploads" in query:
        return "ListMultipartUploads"
    if "versions" in query:
        return "ListObjectVersions"
    for name in ("versioning", "location"):
        if name in query:
            return {"GET": "GetBucket", "PUT": "PutBucket"}[head.method] + name.capitalize()
    if head.method == "GET":
        return "ListObjectsV2" if query.get("list-type") == "2" else "ListObjects"
    return BUCKET_OPERATIONS.get(head.method, head.method)
