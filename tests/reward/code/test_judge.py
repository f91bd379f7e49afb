"""The code judge: what it takes for the program and the tests, and what it says of many tests."""

import pytest

from klearctl.reward.code.judge import CodeJudge
from klearctl.reward.verdict import Judged, Verdict

CALL = {"function": "f", "inputs": [[3]], "outputs": [4]}
METHOD = {**CALL, "function": "Solution().f"}
MANY = {"function": "f", "inputs": [[k] for k in range(6)], "outputs": list(range(6))}


def defines(body):
    return f"import os\ndef f(x):\n    {body}"


@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        ("class Solution:\n    def f(self, x): return x + 1", "accepted"),
        ("class Solution:\n    n = 0\n    def f(self, x):\n        self.n += 1\n        return x + self.n", "accepted"),
        ("class Solution:\n    def g(self, x): return x + 1", "runtime_error"),
        ("def f(x): return x + 1", "runtime_error"),
    ],
)
def test_a_method_is_called_on_a_new_object(judge, code, verdict):
    assert judge(code, {**METHOD, "inputs": [[3], [3]], "outputs": [4, 4]}).verdict == verdict


NO_CODE = Judged(Verdict.NO_CODE, 0, 1, "no block of Python follows the thought")
VACUOUS = Judged(Verdict.VACUOUS, 0, 0, "there is no test")


@pytest.mark.parametrize(
    ("response", "tests", "judged"),
    [
        ("no code", CALL, NO_CODE),
        ("<think>\n```python\ndef f(x): return 4\n```", CALL, NO_CODE),
        ("no code", {"inputs": [], "outputs": []}, VACUOUS),
        ("no code", {"asserts": ["assert True"], "entry_point": "f"}, VACUOUS),
        ("no code", {"inputs": 3}, Judged(Verdict.BAD_ROW, 0, 0, "tests.inputs is a int, not a list")),
    ],
)
def test_what_cannot_run_has_a_verdict_too(sandbox, response, tests, judged):
    assert CodeJudge(sandbox).judge(response, tests) == judged


def test_a_response_may_have_to_think(sandbox):
    told = "```python\ndef f(x): return 4\n```"
    verdicts = [CodeJudge(sandbox).judge(told, CALL, must_think=must).verdict for must in (False, True)]
    assert verdicts == ["accepted", "no_code"]


@pytest.mark.parametrize(
    ("body", "verdict", "passed", "detail"),
    [
        ("return x", "accepted", 6, ""),
        ("return x if x != 2 else -1", "wrong_answer", 5, "test 3: it returns -1, not 2"),
        ("return x if x < 4 else 1 / 0", "runtime_error", 4, "test 5: ZeroDivisionError: division by zero"),
        ("return os._exit(7) if x in (1, 3) else x", "runtime_error", 4, "test 2: it exits with 7 before it answers"),
        ("global n; n = globals().get('n', 0) + 1; return n - 1", "accepted", 6, ""),  # one process for all
    ],
)
def test_all_tests_run_and_the_first_failing_one_speaks(judge, body, verdict, passed, detail):
    assert judge(defines(body), MANY) == Judged(verdict, passed, 6, detail)


def test_after_two_late_tests_the_rest_does_not_run(judge):
    judged = judge(defines("\n    while x in (1, 3): pass\n    return x"), MANY | {"timeout": 0.3})
    assert (judged.verdict, judged.passed, judged.detail[:6]) == ("time_limit", 2, "test 2")


@pytest.mark.parametrize(
    ("subset", "judged"),
    [
        ([0, 2], Judged(Verdict.ACCEPTED, 2, 2)),
        ([1, 5], Judged(Verdict.WRONG_ANSWER, 1, 2, "test 6: it returns 0, not 5")),
        ([], VACUOUS),
        ([6], Judged(Verdict.BAD_ROW, 0, 0, "there is no test at 6: there are 6")),
        ([-1], Judged(Verdict.BAD_ROW, 0, 0, "there is no test at -1: there are 6")),
    ],
)
def test_a_subset_is_all_that_runs(judge, subset, judged):
    assert judge(defines("return x % 5"), MANY, subset=subset) == judged


@pytest.mark.parametrize(
    ("rules", "printed", "verdict"),
    [
        ({}, "0.5", "wrong_answer"),
        ({"compare": "float"}, "0.50000001 a", "accepted"),
        ({"compare": "float", "tolerance": 0.01}, "0.501 a", "accepted"),
        ({"compare": "float", "tolerance": 0.01}, "0.52 a", "wrong_answer"),
        ({"compare": "unordered"}, "0.5 a", "accepted"),
    ],
)
def test_rules_say_what_counts_as_equal(judge, rules, printed, verdict):
    assert judge(f"print({printed!r})", {"inputs": [""], "outputs": ["0.5 a\n"], **rules}).verdict == verdict


@pytest.mark.parametrize(
    ("rules", "returned", "verdict"),
    [
        ({}, "(2, 0.5)", "wrong_answer"),
        ({"compare": "unordered"}, "(2, 0.5)", "wrong_answer"),
        ({"compare": "unordered"}, "[2, 0.5]", "accepted"),
        ({"compare": "float"}, "(0.5000001, 2)", "accepted"),
    ],
)
def test_rules_hold_for_calls_too(judge, rules, returned, verdict):
    assert (
        judge(f"f = lambda: {returned}", {"function": "f", "inputs": [[]], "outputs": [[0.5, 2]], **rules}).verdict
        == verdict
    )
