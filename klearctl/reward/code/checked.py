"""Assertions that are no plain calls: a test in, its outcome out. They run where no model code is.

What they ask of the candidate is carried to its process; what it answers is carried back, as plain data.
"""

import json
import time
from typing import Any

from klearctl.reward.code.asserts import Check, names_of
from klearctl.reward.code.called import Called
from klearctl.reward.code.candidate import Candidate, Over
from klearctl.reward.code.compare import Unreadable, read
from klearctl.reward.code.outcome import ACCEPTED, Outcome, ended, raised, trimmed, wrong
from klearctl.reward.code.tests import Case, Tests
from klearctl.reward.sandbox.limits import Ended, Limits
from klearctl.reward.sandbox.program import Program
from klearctl.reward.verdict import Verdict

LEAST_S = 0.01  # seconds of the clock that are left to a process whose time is up
_LIMITS = (Verdict.TIME_LIMIT, Verdict.MEMORY_LIMIT)


class Checked(Called):
    """One process of the program, and one of its tests."""

    def __init__(self, candidate: Candidate, checks: Program, tests: Tests, limits: Limits) -> None:
        super().__init__(candidate, tests.rules)
        self._checks, self._names, self._limits = checks, names_of(tests.entry), limits
        self._number = 0
        self._code = ""
        self._answers: list[dict[str, Any]] = []

    def _load(self) -> Outcome | None:
        if self._loaded:
            return None
        outcome = super()._load() or self._execute({"do": "load", "names": self._names})
        if outcome is ACCEPTED:
            return None
        self.over = True
        return Outcome(outcome.verdict, outcome.message, final=True)

    def _run(self, case: Case) -> Outcome:
        if not isinstance(case, Check):
            return super()._run(case)
        return self._execute({"do": "check", "code": case.code})

    def _execute(self, request: dict[str, Any]) -> Outcome:
        """Runs code of the tests to its end, and answers what it asks meanwhile."""
        deadline = time.monotonic() + self._limits.clock_s()
        self._answers = []
        self._code = request.get("code", "")
        self._checks.send(json.dumps(request | {"n": self._number}).encode())
        while "ask" in (told := self._told(deadline)):
            self._answers.append(self._candidate.ask(told["ask"], wall_s=_left_s(deadline)))
            self._checks.send(json.dumps(self._answers[-1]).encode())
        self._number += 1
        return self._fault(*told["raised"]) if "raised" in told else ACCEPTED

    def _told(self, deadline: float) -> dict[str, Any]:
        frame = self._checks.receive(wall_s=_left_s(deadline))
        if isinstance(frame, Ended):
            end = ended(frame, self._limits)
            raise Over(end if end.verdict in _LIMITS else self._broken(f"does not get through: {end.message}"))
        try:
            told = read(frame)
        except Unreadable as error:  # an argument deeper than any answer may be
            raise Over(self._broken(f"asks what cannot be asked: {error}")) from None
        match told:
            case {"passed": True} | {"raised": [str(), str()]} | {"ask": {"do": "call" | "get" | "set"}}:
                return told
        raise Over(self._broken("writes to the channel itself"))

    def _fault(self, kind: str, message: str) -> Outcome:
        if kind == "AssertionError":
            return wrong(f"it fails: {self._code or 'the setup'}" + (f" ({message})" if message else ""))
        if self._answers and "raised" in self._answers[-1]:
            return raised(*self._answers[-1]["raised"])
        return self._broken(f"raises {kind}: {message}")

    def _broken(self, how: str) -> Outcome:
        """What a test comes to that does not get as far as to fail: it may be for what was answered."""
        verdict = Verdict.WRONG_ANSWER if self._answers else Verdict.BAD_ROW
        return Outcome(verdict, trimmed(f"{'the test' if self._code else 'the setup of the tests'} {how}"))


def _left_s(deadline: float) -> float:
    return max(LEAST_S, deadline - time.monotonic())
