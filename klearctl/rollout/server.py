"""One vLLM server over HTTP: a route and JSON in, JSON out, and every fault under the server's name."""

from collections.abc import Mapping
from typing import Any

import requests

from klearctl.errors import RunFailed

CONNECT_TIMEOUT_S = 10.0


class ServerFault(Exception):
    """The server is away, broke, or took too long: another one may do better."""


class Server:
    """A vLLM server at its base address. Every call has a deadline, and a connection of its own."""

    def __init__(self, address: str) -> None:
        self.address = address.rstrip("/")

    def __str__(self) -> str:
        return self.address

    def get(self, route: str, *, timeout_s: float) -> None:
        """Asks a route that answers with nothing but its status.

        Raises:
            ServerFault: it did not answer 200 in time.
        """
        self._call("GET", route, None, timeout_s)

    def post(self, route: str, body: Mapping[str, Any] | None = None, *, timeout_s: float) -> Any:
        """The JSON that the route answers.

        Raises:
            ServerFault: it did not answer in time, or answered that it is broken.
            RunFailed: it refuses the request itself, as every other server would.
        """
        return self._call("POST", route, body, timeout_s).json()

    def _call(self, method: str, route: str, body: Mapping[str, Any] | None, timeout_s: float) -> requests.Response:
        where = f"{self.address}/{route}"
        try:
            answer = requests.request(method, where, json=body, timeout=(CONNECT_TIMEOUT_S, timeout_s))
        except requests.RequestException as error:
            raise ServerFault(f"{where}: {error}") from error
        if 400 <= answer.status_code < 500:
            raise RunFailed(
                f"{where} refuses a request: {answer.text[:400]}",
                fix="compare its tokens with server.max_model_len, or look into the server's log: klearctl logs RUN",
            )
        if answer.status_code != requests.codes.ok:
            raise ServerFault(f"{where} answers {answer.status_code}: {answer.text[:400]}")
        return answer
