"""What responses are worth in rl and eval: a problem and a response to it in, a number out, while others are judged.

A problem with tests is judged by running the response's code, any other by its boxed answer. Only the judges that the
problems need are started. A fault of ours is never a score: it ends the run.
"""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager

from klearctl.data.table import Problem
from klearctl.errors import ConfigError, RunFailed
from klearctl.reward.code.malformed import Malformed
from klearctl.reward.code.service import Judge
from klearctl.reward.code.tests import read
from klearctl.reward.maths.pool import Workers
from klearctl.reward.score import Rewards as Scheme
from klearctl.reward.score import score
from klearctl.reward.subset import subset
from klearctl.reward.verdict import Judged, Verdict

AT_ONCE = 64  # responses that are being judged; those that find no free worker, program or server wait there
PROBE = "0"  # any answer tells whether the known one can be read
MATHS_WORKERS = 8  # at most; one gives thousands of verdicts a second


class Rewards:
    """Gives responses their rewards, several at once."""

    def __init__(self, maths: Workers | None, code: Judge | None, scheme: Scheme, pool: ThreadPoolExecutor) -> None:
        self._maths, self._code, self._scheme, self._pool = maths, code, scheme, pool

    def start(self, problem: Problem, response: str, *, cut: bool, step: int | None) -> Future[float]:
        """The reward of the response, once it is judged. One that was cut has no answer.

        At a `step` a program faces at most 16 of its tests, the same as all other responses of that step; with None
        it faces all.

        Raises (from the future):
            RunFailed: it cannot be judged, by a fault of ours.
        """
        return self._pool.submit(self._worth, problem, response, cut, step)

    def _worth(self, problem: Problem, response: str, cut: bool, step: int | None) -> float:
        if cut and self._scheme != "klear":  # klear has a number of its own for a thought that never ends
            return 0.0
        judged = self._judged(problem, response, step)
        worth = score(judged, response, self._scheme)
        if worth is None:
            raise RunFailed(
                f"a response to {problem.id} cannot be judged: {judged.detail}",
                fix="look into the log of what judges: klearctl logs RUN",
            )
        return worth

    def _judged(self, problem: Problem, response: str, step: int | None) -> Judged:
        if not problem.tests:
            assert self._maths is not None
            return self._maths.judge_response(problem.answer, response, must_think=True)
        assert self._code is not None
        tests = json.loads(problem.tests)
        chosen = None if step is None else subset(problem.id, step, len(read(tests)))
        return self._code.judge(response, tests, subset=chosen, must_think=True)


@contextmanager
def rewards_for(
    problems: Sequence[Problem], scheme: Scheme, code: Callable[[], AbstractContextManager[Judge]]
) -> Iterator[Rewards]:
    """Rewards of responses to these problems; what judges is gone with the block. `code` starts the judge of code.

    Raises:
        ConfigError: code cannot be judged here.
        RunFailed: what judges code does not come.
    """
    with ExitStack() as stack:
        maths = None if all(one.tests for one in problems) else stack.enter_context(_workers())
        judge = stack.enter_context(code()) if any(one.tests for one in problems) else None
        pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="rewards")
        stack.callback(pool.shutdown, wait=False, cancel_futures=True)  # what is under way ends with its judge
        yield Rewards(maths, judge, scheme, pool)


def check_answers(problems: Sequence[Problem]) -> None:
    """Raises ConfigError where no response to a problem could ever earn a reward."""
    for problem, fault in zip(problems, faults(problems), strict=True):
        if fault:
            raise ConfigError(f"no answer to {problem.id} can be judged: {fault}", fix="curate drops such problems")


def faults(problems: Sequence[Problem]) -> list[str]:
    """For each problem why no response to it can be judged; empty where one can.

    Raises:
        RunFailed: what judges failed twice on one.
    """
    with _workers() as maths, ThreadPoolExecutor(MATHS_WORKERS) as pool:
        return list(pool.map(lambda one: _fault(one, maths), problems))


def _fault(problem: Problem, maths: Workers) -> str:
    if not problem.tests:
        judged = maths.judge(problem.answer, PROBE)
        if judged.verdict is Verdict.INFRASTRUCTURE_FAULT:
            raise RunFailed(f"the answer of {problem.id} cannot be read: {judged.detail}", fix="start the run again")
        readable = judged.verdict in (Verdict.ACCEPTED, Verdict.WRONG_ANSWER)
        return "" if readable else f"{judged.detail}: {problem.answer!r:.80}"
    try:
        return "" if len(read(json.loads(problem.tests))) else "there is no test"
    except (ValueError, Malformed) as error:
        return str(error)


def _workers() -> Workers:
    return Workers(min(MATHS_WORKERS, len(os.sched_getaffinity(0))))
