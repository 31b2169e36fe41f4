"""A server on loopback that keeps nothing: uploads vanish, and every object is made of zeros.

For what depends on the amount of bytes alone. What it answers is S3 as far as a transfer needs it.
"""

import re
import socket
import threading

PIECE = 1 << 20


class Sink:
    """Every object is there with `size` bytes for GET; for HEAD it is there when `exists`."""

    def __init__(self, size, exists=True):
        self.size, self.exists = size, exists
        self.received = 0
        self._lock = threading.Lock()
        self._connections = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.endpoint = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self._connections.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        piece = bytearray(PIECE)
        rest = b""
        try:
            with connection:
                while True:
                    while b"\r\n\r\n" not in rest:
                        data = connection.recv(65536)
                        if not data:
                            return
                        rest += data
                    head, _, rest = rest.partition(b"\r\n\r\n")
                    rest = self._answer(connection, head.decode("latin-1"), rest, piece)
        except OSError:
            return
        finally:
            with self._lock:
                self._connections.discard(connection)

    def _answer(self, connection, head, rest, piece):
        """Takes the body, answers, and gives what was read beyond the body."""
        fields = {
            name.lower(): value.strip()
            for name, _, value in (line.partition(":") for line in head.split("\r\n")[1:])
        }
        method, target, _ = head.split(" ", 2)
        length = int(fields.get("content-length", 0))
        if fields.get("expect", "").lower() == "100-continue":
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        taken, rest = min(len(rest), length), rest[length:]
        while taken < length:
            count = connection.recv_into(piece, min(PIECE, length - taken))
            if count == 0:
                raise OSError("the client went away")
            taken += count
        with self._lock:
            self.received += length if method == "PUT" else 0
        if method == "HEAD" and not self.exists:
            self._send(connection, "404 Not Found", length=0)
        elif method == "HEAD":
            self._send(connection, "200 OK", length=self.size)
        elif method == "GET":
            self._send_range(connection, fields.get("range"), piece)
        elif method == "POST" and "uploads" in target:
            self._send(connection, "200 OK", "<UploadId>sink</UploadId>", "Initiate")
        elif method == "POST":
            self._send(connection, "200 OK", "<ETag>&quot;sink-1&quot;</ETag>", "Complete")
        elif method == "DELETE":
            self._send(connection, "204 No Content", length=0)
        else:
            self._send(connection, "200 OK", length=0)
        return rest

    def _send(self, connection, status, inside=None, result=None, length=None, more=""):
        body = b""
        if inside is not None:
            name = f"{result}MultipartUploadResult"
            namespace = "http://s3.amazonaws.com/doc/2006-03-01/"
            body = f'<{name} xmlns="{namespace}">{inside}</{name}>'.encode()
            length = len(body)
        head = (
            f"HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{more}"
            'ETag: "sink"\r\nLast-Modified: Sun, 01 Nov 2026 00:00:00 GMT\r\n\r\n'
        )
        connection.sendall(head.encode() + body)

    def _send_range(self, connection, wanted, piece):
        first, last = 0, self.size - 1
        more, status = "", "200 OK"
        if wanted:
            first, last = map(int, re.fullmatch(r"bytes=(\d+)-(\d+)", wanted).groups())
            last = min(last, self.size - 1)
            status = "206 Partial Content"
            more = f"Content-Range: bytes {first}-{last}/{self.size}\r\n"
        left = last - first + 1
        self._send(connection, status, length=left, more=more)
        zeros = memoryview(bytes(PIECE))
        while left > 0:
            connection.sendall(zeros[: min(left, PIECE)])
            left -= min(left, PIECE)
