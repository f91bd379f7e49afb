"""A server that speaks vLLM's /inference/v1/generate over real HTTP, and says what a test tells it."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any

Say = Callable[[int, int], tuple[tuple[int, ...], str]]
"""From the number of a request and the place of a sample in it to the sample's tokens and its `finish_reason`."""


class Wire(ThreadingHTTPServer):
    """Answers until it is shut down, and keeps what it was asked."""

    daemon_threads = True

    def __init__(self, say: Say) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.say, self.numbers = say, count()
        self.asked: list[dict[str, Any]] = []
        self.address = f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    """One request of the client."""

    server: Wire

    def do_POST(self) -> None:
        """The samples that the body asks for."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(body)
        number = next(self.server.numbers)
        choices = [choice(place, *self.server.say(number, place)) for place in range(body["sampling_params"]["n"])]
        data = json.dumps({"choices": choices}).encode()
        self.send_response(200 if self.path == "/inference/v1/generate" else 404)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing on standard error."""


def choice(place: int, tokens: tuple[int, ...], finish: str) -> dict[str, Any]:
    """A sample as vLLM 0.32 writes it, every token at -0.5 nats."""
    return {
        "index": place,
        "token_ids": tokens,
        "logprobs": {"content": [{"token": f"token_id:{token}", "logprob": -0.5} for token in tokens]},
        "finish_reason": finish,
        "weight_versions": None,
    }


@contextmanager
def wire(say: Say) -> Iterator[Wire]:
    """A server that answers until the end of the block."""
    with Wire(say) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server
        server.shutdown()
