"""A fleet of vLLM servers: prompts as token ids in, sampled responses with their log-probs out.

A fault of a server is never a score: its requests go to another one, and the run ends when none is left.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from klearctl.errors import RunFailed
from klearctl.in_order import in_order
from klearctl.rollout.server import Server, ServerFault

IN_FLIGHT = 64  # requests to each server at once; each may be a whole group of samples
REQUEST_TIMEOUT_S = 3600.0  # a group of 32 k token responses takes many minutes on a full server
HEALTH_TIMEOUT_S = 5.0
POLL_S = 0.5


@dataclass(frozen=True, slots=True)
class Ask:
    """Some samples of one prompt."""

    prompt: tuple[int, ...]
    seed: int
    """Sample i is drawn with seed + i (see `seeds.seed_of`)."""

    samples: int = 1


@dataclass(frozen=True, slots=True)
class Sampled:
    """One response, its end-of-text token included."""

    tokens: tuple[int, ...]
    logprobs: tuple[float, ...]
    """Of each token, at the temperature of the sampling."""

    cut: bool
    """It reached the token limit before it ended."""


class Fleet:
    """All servers of a run; they hold the same weights."""

    def __init__(self, addresses: Sequence[str], *, stop_tokens: Sequence[int] = ()) -> None:
        """`stop_tokens` end a response beside the tokenizer's own end-of-text token."""
        self.servers = [Server(address) for address in addresses]
        self.version: str | None = None
        """Weights that the servers must answer with (see `weights`); None asks nothing of them."""
        self._stop_tokens = list(stop_tokens)
        self._lock = threading.Lock()
        self._busy = dict.fromkeys(self.servers, 0)

    def wait_ready(self, *, timeout_s: float) -> None:
        """Returns when every server serves.

        Raises:
            RunFailed: one does not in time; the message has its last fault.
        """
        deadline = time.monotonic() + timeout_s
        for server in self.servers:
            _wait_ready(server, deadline, timeout_s)

    def sample(
        self,
        asks: Sequence[Ask],
        *,
        temperature: float,
        max_tokens: int,
        then: Callable[[int, list[Sampled]], None] = lambda place, sampled: None,
    ) -> list[list[Sampled]]:
        """The samples of each ask, in its order. Top-p is 1; a temperature of 0 takes the likeliest token.

        `then` is told of each ask, by its place, once its samples are there; from several threads, in any order.

        Raises:
            RunFailed: no server is left, or a request is refused.
        """
        alive = set(self.servers)

        def answer(numbered: tuple[int, Ask]) -> list[Sampled]:
            place, ask = numbered
            found = self._answer(ask, alive, temperature, max_tokens)
            then(place, found)
            return found

        at_once = max(1, min(len(asks), IN_FLIGHT * len(self.servers)))
        return list(in_order(answer, enumerate(asks), at_once=at_once, ahead=len(asks) + at_once))

    def _answer(self, ask: Ask, alive: set[Server], temperature: float, max_tokens: int) -> list[Sampled]:
        fault: ServerFault | None = None
        while server := self._take(alive):
            try:
                return self._ask(server, ask, temperature, max_tokens)
            except ServerFault as found:
                fault = found
                with self._lock:
                    alive.discard(server)
            finally:
                with self._lock:
                    self._busy[server] -= 1
        raise RunFailed(
            f"no rollout server is left{f'; the last fault: {fault}' if fault else ''}",
            fix="look into the servers' logs: klearctl logs RUN --role rollout",
        )

    def _take(self, alive: set[Server]) -> Server | None:
        """The alive server with the fewest requests."""
        with self._lock:
            server = min((one for one in self.servers if one in alive), key=self._busy.__getitem__, default=None)
            if server:
                self._busy[server] += 1
            return server

    def _ask(self, server: Server, ask: Ask, temperature: float, max_tokens: int) -> list[Sampled]:
        params = {
            "n": ask.samples,
            "seed": ask.seed,
            "temperature": temperature,
            "top_p": 1.0,
            "max_tokens": max_tokens,
            "logprobs": 0,  # of the sampled token alone
            "stop_token_ids": self._stop_tokens,
            "detokenize": False,
        }
        body = {"model": "policy", "token_ids": ask.prompt, "sampling_params": params}
        choices = server.post("inference/v1/generate", body, timeout_s=REQUEST_TIMEOUT_S)["choices"]
        return [self._sampled(server, choice) for choice in sorted(choices, key=lambda choice: choice["index"])]

    def _sampled(self, server: Server, choice: dict[str, Any]) -> Sampled:
        versions = {span["version"] for span in choice["weight_versions"] or ()}
        if self.version is not None and versions - {self.version}:
            raise ServerFault(f"{server} has weights {sorted(versions)}, not {self.version}: it was restarted")
        return Sampled(
            tokens=tuple(choice["token_ids"]),
            logprobs=tuple(token["logprob"] for token in choice["logprobs"]["content"]),
            cut=choice["finish_reason"] == "length",
        )


def _wait_ready(server: Server, deadline: float, timeout_s: float) -> None:
    pause = threading.Event()
    while True:
        try:
            return server.get("health", timeout_s=HEALTH_TIMEOUT_S)
        except ServerFault as fault:
            if time.monotonic() > deadline:
                raise RunFailed(
                    f"a server is not ready after {timeout_s:.0f} s: {fault}",
                    fix="raise server.ready_timeout_s, or look into its log: klearctl logs RUN",
                ) from fault
        pause.wait(POLL_S)
