"""A wire to the S3 server that a test can watch, cut, or let kill the writer after a number of objects."""

import http.client
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

REFUSAL = b"<Error><Code>AccessDenied</Code><Message>cut</Message></Error>"


class Proxy(ThreadingHTTPServer):
    """Passes requests on, unchanged, to the server at `target`."""

    daemon_threads = True

    def __init__(self, target: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.target = target.removeprefix("http://")
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.requests: list[str] = []
        self.cut = False
        self.victim: subprocess.Popen[bytes] | None = None
        """The process to kill as soon as `puts_left` objects have been stored."""
        self.puts_left = 0
        self.one_put = threading.Lock()


class Handler(BaseHTTPRequestHandler):
    """One request of the client."""

    server: Proxy
    protocol_version = "HTTP/1.1"

    def handle_any(self) -> None:
        """Pass it on."""
        self.server.requests.append(f"{self.command} {self.path}")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.server.cut:
            self.answer(403, {"Content-Type": "application/xml"}, REFUSAL)
        elif self.command == "PUT" and self.server.victim:
            self.put_and_kill(body)
        else:
            self.forward(body)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_any

    def put_and_kill(self, body: bytes) -> None:
        """Store the object if one is still to be stored; kill the writer after the last, before it hears of it."""
        with self.server.one_put:
            if self.server.puts_left:
                self.server.puts_left -= 1
                self.forward(body, silent=not self.server.puts_left)
            victim = self.server.victim  # gone already, where another of its objects waited for this lock
            if victim and not self.server.puts_left:
                victim.kill()

    def forward(self, body: bytes, *, silent: bool = False) -> None:
        """Ask the server; tell the client what it says."""
        connection = http.client.HTTPConnection(self.server.target, timeout=30)
        headers = {name: value for name, value in self.headers.items() if name.lower() != "expect"}
        connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        response = connection.getresponse()
        data = response.read()
        connection.close()
        if not silent:
            self.answer(response.status, dict(response.getheaders()), data)

    def answer(self, status: int, headers: dict[str, str], data: bytes) -> None:
        """Send a response."""
        self.send_response_only(status)
        for name, value in headers.items():
            if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                self.send_header(name, value)
        length = headers.get("Content-Length", "0") if self.command == "HEAD" else str(len(data))
        self.send_header("Content-Length", length)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing on standard error."""


@contextmanager
def proxy_to(target: str) -> Iterator[Proxy]:
    """A proxy that answers until the end of the block."""
    with Proxy(target) as proxy:
        threading.Thread(target=proxy.serve_forever, args=(0.05,), daemon=True).start()
        yield proxy
        proxy.shutdown()
