"""A server on loopback that answers as a function of the test says, for what no real server does."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, unquote, urlsplit


class Answer:
    """`cut` ends the connection after that many bytes of the body."""

    def __init__(self, status=200, body=b"", headers=None, cut=None):
        self.status, self.body, self.headers, self.cut = status, body, headers or {}, cut


class Scripted:
    """Calls `answer(method, path, query, headers)`, of which `path` and `query` are decoded."""

    def __init__(self, answer):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def _handle(self):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                place = urlsplit(self.path)
                query = dict(parse_qsl(place.query, keep_blank_values=True))
                given = answer(self.command, unquote(place.path), query, self.headers)
                self.send_response(given.status)
                for name, value in given.headers.items():
                    self.send_header(name, value)
                if "Content-Length" not in given.headers:
                    self.send_header("Content-Length", str(len(given.body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(given.body if given.cut is None else given.body[: given.cut])
                if given.cut is not None:
                    self.close_connection = True

            do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _handle

            def log_message(self, *_):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            # More connections than the usual five may come at once.
            request_queue_size = 512

        self._server = Server(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
