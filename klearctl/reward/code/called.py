"""Calls of a program: a test in, its outcome out. One process answers all tests of a row, as long as it lives."""

from klearctl.reward.code import compare
from klearctl.reward.code.asserts import Call
from klearctl.reward.code.candidate import Candidate, Over
from klearctl.reward.code.compare import Unreadable
from klearctl.reward.code.outcome import ACCEPTED, Outcome, raised, wrong
from klearctl.reward.code.tests import Case, Compare, Rules
from klearctl.reward.sandbox.inside.plain import Tree
from klearctl.reward.verdict import Verdict


class Called:
    """One process of the program."""

    over = False
    """It is gone: the next test needs another."""

    def __init__(self, candidate: Candidate, rules: Rules) -> None:
        self._candidate, self._rules = candidate, rules
        self._loaded = False

    def run(self, case: Case) -> Outcome:
        """Calls the program as the test says."""
        try:
            return self._load() or self._run(case)
        except Over as end:
            self.over = True
            return end.outcome

    def _load(self) -> Outcome | None:
        if self._loaded:
            return None
        self._loaded = True
        try:
            outcome = self._candidate.load()
        except Over as end:
            late = end.outcome.verdict is Verdict.TIME_LIMIT  # which another try may not be
            raise Over(Outcome(end.outcome.verdict, end.outcome.message, final=not late)) from None
        self.over = outcome is not None
        return outcome

    def _run(self, case: Case) -> Outcome:
        assert isinstance(case, Call)
        told = self._candidate.ask(
            {"do": "call", "of": case.of, "args": case.args, "kwargs": case.kwargs, "keep": False}
        )
        if "raised" in told:
            return raised(*told["raised"])
        return _judged(told.get("value"), case, self._rules)


def _judged(answer: Tree, case: Call, rules: Rules) -> Outcome:
    try:
        if _same(answer, case, rules):
            return ACCEPTED
    except (Unreadable, RecursionError) as error:
        raise Over(Outcome(Verdict.RUNTIME_ERROR, f"the answer is no plain data: {error}")) from None
    return wrong(f"it returns {compare.shown(answer)}, not {compare.shown(case.expected)}")


def _same(answer: Tree, case: Call, rules: Rules) -> bool:
    if rules.compare is Compare.FLOAT:
        return compare.close(answer, case.expected, rules.tolerance, as_json=case.json)
    if rules.compare is Compare.UNORDERED:
        return compare.same_unordered(answer, case.expected, as_json=case.json)
    return compare.same(answer, case.expected, as_json=case.json)
