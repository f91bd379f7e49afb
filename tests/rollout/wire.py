"""The wire to a server that is not well: an HTTP server that answers every request as the test says."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def wire(answer: Answer) -> Iterator[str]:
    """The address of a server that answers so, until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answer(self)

        do_GET = do_POST

        def log_message(self, *words):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def hang_up(request: BaseHTTPRequestHandler) -> None:
    """As a server that is killed while it works."""
    request.close_connection = True


def break_off(request: BaseHTTPRequestHandler) -> None:
    """As a server that is killed while it answers."""
    request.send_response(200)
    request.send_header("Content-Length", "1000")
    request.end_headers()
    request.wfile.write(b'{"choices": [')


def fail(request: BaseHTTPRequestHandler) -> None:
    """As a server whose engine has died."""
    _say(request, 500, b"EngineDeadError")


def refuse(request: BaseHTTPRequestHandler) -> None:
    """As a server that takes the request for a wrong one."""
    _say(request, 400, b"{}")


def be_well(request: BaseHTTPRequestHandler) -> None:
    """As a server that has done what it was told."""
    _say(request, 200, b"{}")


def _say(request: BaseHTTPRequestHandler, code: int, text: bytes) -> None:
    request.send_response(code)
    request.send_header("Content-Length", str(len(text)))
    request.end_headers()
    request.wfile.write(text)
