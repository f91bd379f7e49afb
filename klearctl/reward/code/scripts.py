"""Programs that read stdin: a test in, its outcome out. Each test is a run of its own."""

from klearctl.reward.code import text
from klearctl.reward.code.outcome import ACCEPTED, Outcome, ended, raised, trimmed, wrong
from klearctl.reward.code.tests import Case, Compare, Rules, Script
from klearctl.reward.sandbox.inside.script import COMPILE_ERROR, MEMORY_ERROR
from klearctl.reward.sandbox.limits import Ended, How, Limits
from klearctl.reward.sandbox.pool import Sandbox
from klearctl.reward.verdict import Verdict


class Scripts:
    """The runs of one program."""

    over = False
    """No further test runs here: for programs that answer calls, which may end between two of them."""

    def __init__(self, sandbox: Sandbox, source: bytes, rules: Rules, limits: Limits, *, alone: bool) -> None:
        self._sandbox, self._source, self._rules, self._limits, self._alone = sandbox, source, rules, limits, alone

    def run(self, case: Case) -> Outcome:
        """Runs the program on the input of the test."""
        assert isinstance(case, Script)
        end = self._sandbox.script(
            self._source, case.stdin.encode("utf-8", "surrogatepass"), self._limits, alone=self._alone
        )
        outcome = self._outcome(end, case)
        self.over = outcome.final or outcome.verdict is Verdict.TIME_LIMIT
        return outcome

    def _outcome(self, end: Ended, case: Script) -> Outcome:
        if end.frames and end.frames[0].startswith(COMPILE_ERROR):
            told = end.frames[0].removeprefix(COMPILE_ERROR).decode("utf-8", "replace")
            return Outcome(Verdict.COMPILE_ERROR, trimmed(told), final=True)
        if end.how is not How.EXITED:
            return ended(end, self._limits)
        if end.code:
            return _failed(end)
        printed = end.stdout.decode("utf-8", "surrogateescape")
        if _same(printed, case.expected, self._rules):
            return ACCEPTED
        return wrong(f"it prints {text.shown(printed)}, not {text.shown(case.expected)}")


def _failed(end: Ended) -> Outcome:
    if MEMORY_ERROR in end.frames:
        return raised("MemoryError", "")
    last = end.stderr_tail.strip().rpartition("\n")[2]
    return Outcome(
        Verdict.RUNTIME_ERROR, trimmed(f"it exits with {end.code}: {last}" if last else f"it exits with {end.code}")
    )


def _same(printed: str, expected: str, rules: Rules) -> bool:
    if rules.compare is Compare.FLOAT:
        return text.close(printed, expected, rules.tolerance)
    if rules.compare is Compare.UNORDERED:
        return text.same_unordered(printed, expected)
    return text.same(printed, expected)
