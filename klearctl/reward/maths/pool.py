"""Several workers: a known answer and what was boxed in, Judged out; from any thread, and under asyncio.

Only what is not certain at a glance goes to a worker. A worker that is over the limit is killed and its item alone is
lost to the limit; the next one is forked at once from a warm process. One that ends by itself is no fault of the item
until a fresh one has done so too.
"""

import asyncio
import contextlib
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import Self

from klearctl.reward.maths.lane import Died, Lane, Nursery, TooSlow
from klearctl.reward.maths.verdict import at_a_glance
from klearctl.reward.response import last_boxed, spoken
from klearctl.reward.verdict import Judged, Verdict

LIMIT_S = 10.0
MEMORY = 2 << 30  # bytes of address space of one worker
TRIES = 2


class Workers:
    """So many verdicts at once, each within its limit. A context manager: leaving it ends the processes."""

    def __init__(self, count: int = 2, limit_s: float = LIMIT_S, *, memory: int = MEMORY) -> None:
        self._limit_s, self._memory = limit_s, memory
        self._turns = threading.BoundedSemaphore(count)
        self._idle: deque[Lane] = deque()
        self._lock = threading.Lock()  # of the nursery and of the idle ones
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="maths")
        self._nursery: Nursery | None = Nursery(memory=memory)
        for _ in range(count):
            self._idle.append(self._nursery.fork())

    def judge(self, gold: str, answer: str | None) -> Judged:
        """The verdict on what was boxed; None where nothing was."""
        seen = at_a_glance(gold, answer)
        if seen is not None or answer is None:
            return judged(seen or Verdict.NO_ANSWER)
        with self._turns:
            return judged(self._verdict(gold, answer))

    def judge_response(self, gold: str, response: str, *, must_think: bool) -> Judged:
        """The verdict on a whole response: on its last box after its thought."""
        return self.judge(gold, boxed(response, must_think=must_think))

    async def judging(self, gold: str, answer: str | None) -> Judged:
        """`judge`, for asyncio. Given up, it still runs to its limit, in a thread of its own."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self.judge, gold, answer)

    async def judging_response(self, gold: str, response: str, *, must_think: bool) -> Judged:
        """`judge_response`, for asyncio."""
        return await self.judging(gold, boxed(response, must_think=must_think))

    def close(self) -> None:
        """Ends all processes; what is still being judged becomes an infrastructure fault."""
        with self._lock:
            nursery, self._nursery = self._nursery, None
            if nursery:
                nursery.close()
            while self._idle:
                self._idle.pop().kill()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _verdict(self, gold: str, answer: str) -> Verdict:
        for _ in range(TRIES):
            try:
                lane = self._lane()
            except Died:
                continue
            try:
                found = lane.verdict(gold, answer, limit_s=self._limit_s)
            except TooSlow:
                self._replace()
                return Verdict.TIME_LIMIT
            except Died:
                lane.kill()
                continue
            except BaseException:  # interrupted: its answer may still come, to the next question
                lane.kill()
                raise
            self._idle.append(lane)
            return found
        return Verdict.INFRASTRUCTURE_FAULT

    def _lane(self) -> Lane:
        with self._lock:
            return self._idle.pop() if self._idle else self._fork()

    def _replace(self) -> None:
        """A fresh worker, in the background."""
        with self._lock, contextlib.suppress(Died):  # whoever needs one next makes it
            self._idle.appendleft(self._fork())

    def _fork(self) -> Lane:
        if self._nursery is None:
            raise Died("closed")
        if not self._nursery.alive:
            self._nursery.close()
            self._nursery = Nursery(memory=self._memory)
        return self._nursery.fork()


def boxed(response: str, *, must_think: bool) -> str | None:
    """What the response's last box holds; None where it says nothing or boxes nothing."""
    said = spoken(response, must_think=must_think)
    return None if said is None else last_boxed(said)


def judged(verdict: Verdict) -> Judged:
    """A verdict on the one test that mathematics has."""
    return Judged(verdict, passed=int(verdict == Verdict.ACCEPTED), tests=1, detail=_DETAIL.get(verdict, ""))


_DETAIL = {
    Verdict.WRONG_ANSWER: "the box does not hold the known answer",
    Verdict.NO_ANSWER: "no closed box with something in it stands after the thought",
    Verdict.UNPARSABLE_GOLD: "the known answer cannot be read",
    Verdict.TIME_LIMIT: "not decided within the limit",
    Verdict.MEMORY_LIMIT: "not decided within the memory of a worker",
    Verdict.INFRASTRUCTURE_FAULT: "two workers ended while they judged it",
}
