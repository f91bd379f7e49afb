"""The code judge: a response and the tests of its problem in, a verdict out.

A row's verdict is that of its first failing test, in the order of the tests. A test that runs out of time does so
perhaps because the machine is busy, so it runs once more with nothing beside it before that counts, and if others keep
the machine busy even then, once with more patience. When one has been late for good the others count at once, and
after two late ones the rest is not run.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Protocol

from klearctl.reward.code.asserts import Check
from klearctl.reward.code.called import Called
from klearctl.reward.code.candidate import Candidate
from klearctl.reward.code.checked import Checked
from klearctl.reward.code.malformed import Malformed
from klearctl.reward.code.outcome import Outcome, trimmed
from klearctl.reward.code.scripts import Scripts
from klearctl.reward.code.tests import Case, Script, Tests, read
from klearctl.reward.response import last_code, spoken
from klearctl.reward.sandbox.limits import Limits, SandboxFault
from klearctl.reward.sandbox.pool import Sandbox
from klearctl.reward.verdict import Judged, Verdict

LONGEST_SOURCE = 1 << 20  # bytes
MOST_LATE = 2  # tests of a row that may run out of time
PATIENCE = 3  # times the limit on the clock
OUTPUT_BYTES = 1 << 20  # that a test may write; more where more than half of it is expected


class Session(Protocol):
    """A program that has tests run on it."""

    over: bool
    """No further test can run in this one."""

    def run(self, case: Case) -> Outcome:
        """The outcome of one test."""


class CodeJudge:
    """Judges responses in a sandbox. Blocks; any number of threads may ask."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def judge(
        self, response: str, tests: Mapping[str, Any], *, subset: Sequence[int] | None = None, must_think: bool = False
    ) -> Judged:
        """The verdict on the last block of Python in the response, by all tests or by those at the given places."""
        try:
            known = read(tests)
            places = list(range(len(known))) if subset is None else _places(subset, len(known))
        except Malformed as error:
            return Judged(Verdict.BAD_ROW, detail=str(error))
        if not places:
            return Judged(Verdict.VACUOUS, detail="there is no test")
        code = last_code(spoken(response, must_think=must_think) or "")
        if code is None:
            return Judged(Verdict.NO_CODE, 0, len(places), "no block of Python follows the thought")
        return self.run(code, known, places)

    def run(self, code: str, tests: Tests, places: Sequence[int]) -> Judged:
        """The verdict on a program, by the tests at these places."""
        wrong = _not_a_source(code)
        if wrong:
            return Judged(Verdict.COMPILE_ERROR, 0, len(places), wrong)
        source = code.encode()
        try:
            outcomes = self._outcomes(source, tests, places)
        except SandboxFault:
            try:
                outcomes = self._outcomes(source, tests, places)  # the sandbox has a new server
            except SandboxFault as fault:
                return Judged(Verdict.INFRASTRUCTURE_FAULT, 0, len(places), trimmed(str(fault)))
        return _judged(outcomes, places)

    def _outcomes(self, source: bytes, tests: Tests, places: Sequence[int]) -> list[Outcome]:
        cases = [tests.cases[place] for place in places]
        done: list[Outcome] = []
        late = 0
        while len(done) < len(cases):
            with self._session(source, tests, _limits(tests), alone=False) as session:
                while len(done) < len(cases) and not session.over:
                    done.append(session.run(cases[len(done)]))
            if done[-1].verdict is Verdict.TIME_LIMIT and not late:
                done[-1] = self._again(source, tests, cases[len(done) - 1])
            late += done[-1].verdict is Verdict.TIME_LIMIT
            if done[-1].final or late == MOST_LATE:
                done += [done[-1]] * (len(cases) - len(done))
        return done

    def _again(self, source: bytes, tests: Tests, case: Case) -> Outcome:
        """The outcome of one test with nothing of ours beside it."""
        limits = _limits(tests)
        with self._session(source, tests, limits, alone=True) as session:
            outcome = session.run(case)
        if not outcome.starved:
            return outcome
        patient = replace(limits, wall_s=PATIENCE * limits.clock_s())
        with self._session(source, tests, patient, alone=True) as session:
            return session.run(case)

    @contextmanager
    def _session(self, source: bytes, tests: Tests, limits: Limits, *, alone: bool) -> Iterator[Session]:
        if isinstance(tests.cases[0], Script):
            yield Scripts(self._sandbox, source, tests.rules, limits, alone=alone)
        elif any(isinstance(case, Check) for case in tests.cases):
            setup = tests.setup.encode("utf-8", "surrogatepass")
            with self._sandbox.pair(source, setup, limits, alone=alone) as (program, checks):
                yield Checked(Candidate(program, limits), checks, tests, limits)
        else:
            with self._sandbox.program("calls", source, limits, alone=alone) as program:
                yield Called(Candidate(program, limits), tests.rules)


def _places(subset: Sequence[int], tests: int) -> list[int]:
    for place in subset:
        if not 0 <= place < tests:
            raise Malformed(f"there is no test at {place}: there are {tests}")
    return list(subset)


def _not_a_source(code: str) -> str:
    if len(code) > LONGEST_SOURCE or len(code.encode("utf-8", "surrogatepass")) > LONGEST_SOURCE:
        return f"more than {LONGEST_SOURCE} bytes of source"
    if "\0" in code:
        return "a null byte in the source"
    if any("\ud800" <= each <= "\udfff" for each in code):
        return "half a surrogate pair in the source"
    return ""


def _limits(tests: Tests) -> Limits:
    output_bytes = max(OUTPUT_BYTES, 2 * tests.longest)
    return Limits(cpu_s=tests.rules.timeout, memory_mb=tests.rules.memory_mb, output_bytes=output_bytes)


def _judged(outcomes: Sequence[Outcome], places: Sequence[int]) -> Judged:
    passed = sum(outcome.verdict is Verdict.ACCEPTED for outcome in outcomes)
    for place, outcome in zip(places, outcomes, strict=True):
        if outcome.verdict is not Verdict.ACCEPTED:
            return Judged(outcome.verdict, passed, len(outcomes), f"test {place + 1}: {outcome.message}")
    return Judged(Verdict.ACCEPTED, passed, len(outcomes))
