"""Several workers: a known answer and what was boxed in, Judged out; from any thread, and under asyncio.

Only what is not certain at a glance goes to a worker; only what a strict reading cannot decide goes on to one that has
math-verify. Each item has a wall limit. An item that is over it loses its worker, and no other item does.
"""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Self

from klearctl.reward.maths.stock import Stock
from klearctl.reward.maths.verdict import at_a_glance
from klearctl.reward.response import last_boxed, spoken
from klearctl.reward.verdict import Judged, Verdict

LIMIT_S = 10.0
MEMORY = 2 << 30  # bytes of address space of one worker


class Workers:
    """So many verdicts at once, each within its limit. A context manager: leaving it ends the processes."""

    def __init__(self, count: int = 2, limit_s: float = LIMIT_S, *, memory: int = MEMORY) -> None:
        self._limit_s = limit_s
        self._turns = threading.BoundedSemaphore(count)
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="maths")
        self._strict, self._second = Stock("strict", memory=memory), Stock("second", memory=memory)
        self._strict.start(count)

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
        self._strict.close()
        self._second.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _verdict(self, gold: str, answer: str) -> Verdict:
        start = time.monotonic()
        found = self._strict.verdict(gold, answer, limit_s=self._limit_s)
        if found is None:
            left = max(self._limit_s - (time.monotonic() - start), self._limit_s / 2)
            found = self._second.verdict(gold, answer, limit_s=left)
        return found or Verdict.INFRASTRUCTURE_FAULT


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
