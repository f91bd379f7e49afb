"""All sandbox servers of a run: a submission in, its one verdict out.

It goes to the server with the fewest of ours. Where that one is full it waits as long as it is told to; where it
breaks, another gets the submission: judging changes nothing, so it may be done again. A fault of ours becomes the
verdict `infrastructure_fault` only when no server has done better for a whole deadline, and is never a score.
"""

import json
import math
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from klearctl.errors import RunFailed
from klearctl.reward.code.remote import MOST_BYTES, Server, ServerFault, ServerFull
from klearctl.reward.verdict import Judged, Verdict

PATIENCE_S = 600.0  # a pod that crashes again and again is started every five minutes
FIRST_REST_S, LONGEST_REST_S = 0.25, 15.0  # of a server after a fault; doubled by each that follows
POLL_S = 0.5


@dataclass(slots=True)
class Seat:
    """What the fleet knows of one server."""

    server: Server
    busy: int = 0
    """Submissions of ours that are there."""

    asked: int = 0
    faults: int = 0
    """Since its last answer."""

    rests_until: float = 0.0
    freed: int = 0
    """Places of ours that came free while it rests because it is full."""

    def is_open(self, now: float) -> bool:
        """Whether it may be asked; after a fault by one at a time."""
        return (self.rests_until <= now or self.freed > 0) and not (self.faults and self.busy)


class Fleet:
    """The servers, from the trainer's side. Any number of threads may ask."""

    def __init__(self, addresses: Sequence[str], token: str, *, patience_s: float = PATIENCE_S) -> None:
        self._seats = [Seat(Server(address, token)) for address in addresses]
        self._patience_s = patience_s
        self._changed = threading.Condition()
        self._down_since = math.inf
        """Since when every server has a fault."""
        self._last_fault = "no server was asked"

    def wait_ready(self, *, timeout_s: float) -> str:
        """The isolation of the first server that is ready; the others may still start.

        Raises:
            RunFailed: none is in time; the message has the last fault.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            for seat in self._seats:
                try:
                    return seat.server.isolation()
                except ServerFault as found:
                    fault = found
            if time.monotonic() > deadline:
                raise RunFailed(
                    f"no sandbox server is ready after {timeout_s:.0f} s: {fault}",
                    fix="look into their logs: klearctl logs RUN --role sandbox",
                )
            threading.Event().wait(POLL_S)

    def judge(
        self, response: str, tests: Mapping[str, Any], *, subset: Sequence[int] | None = None, must_think: bool = False
    ) -> Judged:
        """The verdict on a response; what `CodeJudge.judge` gives in this process.

        Raises:
            RunFailed: a server refuses the request itself.
        """
        words = {"response": response, "tests": tests, "subset": subset, "must_think": must_think}
        body = json.dumps(words).encode()
        if len(body) > MOST_BYTES:
            return Judged(Verdict.BAD_ROW, detail=f"{len(body)} bytes are more than a sandbox takes")
        until = math.inf
        while seat := self._take(until):
            try:
                judged = seat.server.judge(body)
            except ServerFull as full:
                self._let_rest(seat, full.retry_s)
                until += full.retry_s  # a server that is full is no fault
            except ServerFault as fault:
                self._blame(seat, fault)
                until = min(until, time.monotonic() + self._patience_s)
            except BaseException:
                self._give_back(seat)
                raise
            else:
                self._give_back(seat)
                return judged
        return Judged(Verdict.INFRASTRUCTURE_FAULT, detail=f"no sandbox server is left; the last: {self._last_fault}")

    def _take(self, until: float) -> Seat | None:
        """The server to ask now, waited for; None when it is too late."""
        with self._changed:
            while True:
                now = time.monotonic()
                gives_up_at = min(until, self._down_since + self._patience_s)
                if now >= gives_up_at:
                    return None
                free = [seat for seat in self._seats if seat.is_open(now)]
                if free:
                    chosen = min(free, key=lambda seat: (seat.busy, seat.asked))
                    chosen.busy += 1
                    chosen.asked += 1
                    chosen.freed -= chosen.rests_until > now
                    return chosen
                wake_at = [seat.rests_until for seat in self._seats if seat.rests_until > now]
                wait_s = min([*wake_at, gives_up_at]) - now
                self._changed.wait(None if wait_s == math.inf else wait_s)

    def _give_back(self, seat: Seat) -> None:
        """After an answer: there may be a place for one more of ours."""
        with self._changed:
            self._is_well(seat)
            seat.freed += seat.rests_until > time.monotonic()
            self._changed.notify()

    def _let_rest(self, seat: Seat, retry_s: float) -> None:
        """After it said that it is full."""
        with self._changed:
            self._is_well(seat)
            seat.freed, seat.rests_until = 0, time.monotonic() + retry_s

    def _is_well(self, seat: Seat) -> None:
        seat.busy -= 1
        self._down_since = math.inf
        if seat.faults:
            seat.faults, seat.rests_until = 0, 0.0
            self._changed.notify_all()

    def _blame(self, seat: Seat, fault: ServerFault) -> None:
        with self._changed:
            now = time.monotonic()
            seat.busy -= 1
            seat.freed = 0
            if not seat.faults or seat.rests_until <= now:  # those that broke together are one fault
                seat.faults += 1
                seat.rests_until = now + min(LONGEST_REST_S, FIRST_REST_S * 2 ** (seat.faults - 1))
            self._last_fault = str(fault)
            if all(one.faults for one in self._seats):
                self._down_since = min(self._down_since, now)
            self._changed.notify_all()
