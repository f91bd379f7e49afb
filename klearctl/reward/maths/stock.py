"""Workers of one kind, and the warm process that they are forked from: an item in, its verdict out.

A worker that is over the limit is killed, and the next one is forked at once. One that ends by itself is no fault of
the item until a fresh one has done so too.
"""

import contextlib
import threading
from collections import deque

from klearctl.reward.maths.lane import Died, Lane, Nursery, TooSlow
from klearctl.reward.verdict import Verdict

TRIES = 2


class Stock:
    """As many workers as there are items at once. Its processes start with the first item, or by `start`."""

    def __init__(self, means: str, *, memory: int) -> None:
        self._means, self._memory = means, memory
        self._idle: deque[Lane] = deque()
        self._lock = threading.Lock()  # of the nursery, and of the idle ones together
        self._nursery: Nursery | None = None
        self._closed = False

    def start(self, count: int) -> None:
        """So many workers, in the background."""
        with self._lock:
            self._idle.extend(self._fork() for _ in range(count))

    def verdict(self, gold: str, answer: str, *, limit_s: float) -> Verdict | None:
        """What a worker says; None where its means find nothing."""
        for _ in range(TRIES):
            with contextlib.suppress(Died):
                return self._once(gold, answer, limit_s)
        return Verdict.INFRASTRUCTURE_FAULT

    def close(self) -> None:
        """Ends all processes; what is still being judged becomes an infrastructure fault."""
        with self._lock:
            self._closed = True
            while self._idle:
                self._idle.pop().kill()
            if self._nursery:
                self._nursery.close()

    def _once(self, gold: str, answer: str, limit_s: float) -> Verdict | None:
        lane = self._lane()
        try:
            found = lane.verdict(gold, answer, limit_s=limit_s)
        except TooSlow:
            self._replace()
            return Verdict.TIME_LIMIT
        except BaseException:  # dead; or interrupted, and its answer may still come, to the next question
            lane.kill()
            raise
        if lane.spent:
            lane.kill()
            self._replace()
        else:
            self._idle.append(lane)
        return found

    def _lane(self) -> Lane:
        with self._lock:
            if self._nursery and not self._nursery.alive:
                while self._idle:  # they ended with it
                    self._idle.pop().kill()
            return self._idle.pop() if self._idle else self._fork()

    def _replace(self) -> None:
        """A fresh worker, in the background."""
        with self._lock, contextlib.suppress(Died):  # whoever needs one next makes it
            self._idle.appendleft(self._fork())

    def _fork(self) -> Lane:
        if self._closed:
            raise Died("closed")
        if self._nursery is None or not self._nursery.alive:
            if self._nursery:
                self._nursery.close()
            self._nursery = Nursery(self._means, memory=self._memory)
        return self._nursery.fork()
