"""One sandbox server over HTTP: a submission in, its verdict out; full, or a fault, under the server's name."""

import json
import socket
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from klearctl.errors import RunFailed
from klearctl.reward.verdict import Judged, Verdict

MOST_BYTES = 64 << 20  # of one submission
CONNECT_TIMEOUT_S = 5.0
ANSWER_TIMEOUT_S = 3600.0  # a full queue of programs that each take all their time
CONNECTIONS = 256  # that are kept; more are opened where more threads ask
# a machine that went without a word is noticed within half a minute
_NOTICE_DEATH = [
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 10),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 25_000),  # ms, of what was sent and not acknowledged
]


class ServerFault(Exception):
    """The server is away or broke, or did not know us: another one may do better."""


class ServerFull(Exception):
    """The server lives and has no place now."""

    def __init__(self, retry_s: float) -> None:
        super().__init__(f"full for {retry_s} s")
        self.retry_s = retry_s


class Server:
    """The server at a base address. Any number of threads may ask it."""

    def __init__(self, address: str, token: str) -> None:
        self.address = address.rstrip("/")
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy lies between the pods of a run
        self._session.headers["Authorization"] = f"Bearer {token}"
        self._session.mount("http://", _Adapter(pool_maxsize=CONNECTIONS))

    def __str__(self) -> str:
        return self.address

    def judge(self, body: bytes) -> Judged:
        """The verdict on a submission as the service takes it.

        Raises:
            ServerFull: come back later.
            ServerFault: it did not answer, or says that it failed.
            RunFailed: it refuses the request itself, as every other server would.
        """
        answer = self._call("POST", "judge", body)
        if answer.status_code == 429:
            raise ServerFull(_seconds(answer.headers.get("Retry-After", "")))
        if answer.status_code in (400, 411, 413):
            raise RunFailed(f"{self.address} refuses a submission: {answer.status_code} {answer.text[:400]}")
        raw = self._json(answer)
        try:
            return Judged(Verdict(raw["verdict"]), int(raw["passed"]), int(raw["tests"]), str(raw["detail"]))
        except (ValueError, KeyError, TypeError) as error:
            raise ServerFault(f"{self.address} answers no verdict: {answer.text[:400]}") from error

    def isolation(self) -> str:
        """What confines the programs there.

        Raises:
            ServerFault: it is not ready.
        """
        return str(self._json(self._call("GET", "health", None)))

    def _call(self, method: str, route: str, body: bytes | None) -> requests.Response:
        timeout = (CONNECT_TIMEOUT_S, ANSWER_TIMEOUT_S if body else CONNECT_TIMEOUT_S)
        where = f"{self.address}/{route}"
        try:
            return self._session.request(method, where, data=body, timeout=timeout, allow_redirects=False)
        except requests.RequestException as error:
            raise ServerFault(f"{where} does not answer: {error}") from error

    def _json(self, answer: requests.Response) -> Any:
        if answer.status_code != 200:
            raise ServerFault(f"{answer.url} answers {answer.status_code}: {answer.text[:400]}")
        try:
            return json.loads(answer.content)
        except ValueError as error:
            raise ServerFault(f"{answer.url} answers no JSON: {answer.text[:400]}") from error


class _Adapter(HTTPAdapter):
    """Connections with socket options of ours."""

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **options: Any) -> None:
        super().init_poolmanager(connections, maxsize, block, **options, socket_options=_NOTICE_DEATH)


def _seconds(retry_after: str) -> float:
    return float(retry_after) if retry_after.isdecimal() else 1.0
