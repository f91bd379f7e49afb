"""A row of any kind: which judge gets what of it, and what is said of a row that has no known form."""

from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klearctl.reward.code.judge import CodeJudge
from klearctl.reward.judge import judge
from klearctl.reward.maths.pool import Workers
from klearctl.reward.sandbox.pool import Sandbox
from klearctl.reward.verdict import Verdict

pytestmark = pytest.mark.timeout(300)
DOUBLE = "<think>twice</think>\n```python\nprint(2 * int(input()))\n```"
ADD = "```python\ndef add(a, b):\n    return a + b\n```"
STDIN = {"inputs": ["3\n", "5\n"], "outputs": ["6\n", "10\n"], "function": None}
CALL = {"function": "add", "inputs": [[1, 2]], "outputs": [3]}
ASSERTS = {"asserts": ["assert add(1, 2) == 3", "assert add(1, 2) != 4"], "setup": "", "entry_point": "add"}

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
rows = st.dictionaries(
    st.sampled_from(["kind", "answer", "response", "tests"]), st.sampled_from(["math", "code"]) | values
)


@pytest.fixture(scope="module")
def judged():
    """Judges a row by the real judges."""
    with Workers(count=1) as workers, Sandbox(lanes=1) as sandbox:
        code = CodeJudge(sandbox)
        maths = partial(workers.judge_response, must_think=False)
        yield lambda row: judge(row, maths=maths, code=code.judge)


@pytest.mark.parametrize(
    ("row", "verdict", "passed", "tests"),
    [
        ({"kind": "math", "answer": "1/2", "response": r"<think>a</think>\boxed{0.5}"}, "accepted", 1, 1),
        ({"kind": "math", "answer": "7", "response": r"\boxed{8}"}, "wrong_answer", 0, 1),
        ({"kind": "math", "answer": 7, "response": r"\boxed{7}"}, "accepted", 1, 1),  # a number is a text too
        ({"kind": "math", "answer": "7", "response": "seven"}, "no_answer", 0, 1),
        ({"kind": "math", "answer": "7", "response": r"<think>\boxed{7}"}, "no_answer", 0, 1),  # cut while thinking
        ({"kind": "code", "tests": STDIN, "response": DOUBLE}, "accepted", 2, 2),
        ({"kind": "code", "tests": STDIN, "response": DOUBLE.replace("2 *", "3 +")}, "wrong_answer", 1, 2),
        ({"kind": "code", "tests": CALL, "response": ADD}, "accepted", 1, 1),
        ({"kind": "code", "tests": ASSERTS, "response": ADD}, "accepted", 2, 2),
        ({"kind": "code", "tests": CALL, "response": "no idea"}, "no_code", 0, 1),
        ({"kind": "code", "tests": CALL, "response": f"<think>{ADD}"}, "no_code", 0, 1),  # cut while thinking
        ({"kind": "code", "tests": CALL, "response": ADD.replace(":", "")}, "compile_error", 0, 1),
        ({"kind": "code", "tests": {"inputs": [], "outputs": []}, "response": ADD}, "vacuous", 0, 0),
        ({"kind": "code", "tests": CALL, "response": ADD, "id": "p1"}, "accepted", 1, 1),  # more fields do no harm
    ],
)
def test_a_row_of_any_kind_has_its_verdict(judged, row, verdict, passed, tests):
    found = judged(row)
    assert (found.verdict, found.passed, found.tests) == (verdict, passed, tests)


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (None, "a row is an object, not null"),
        (["math"], "a row is an object, not a list"),
        ("math", "a row is an object, not text"),
        (3, "a row is an object, not a number"),
        (True, "a row is an object, not true or false"),
        ({}, "the row has no kind: math or code"),
        ({"kind": None}, "kind is math or code, not null"),
        ({"kind": "maths"}, "kind is math or code, not 'maths'"),
        ({"kind": ["math"]}, "kind is math or code, not a list"),
        ({"kind": "x" * 1000}, f"kind is math or code, not '{'x' * 40}'"),
        ({"kind": "math", "answer": "7"}, "the row has no response"),
        ({"kind": "math", "answer": "7", "response": None}, "response is text, not null"),
        ({"kind": "math", "answer": "7", "response": [r"\boxed{7}"]}, "response is text, not a list"),
        ({"kind": "math", "response": "7"}, "the row has no answer"),
        ({"kind": "math", "answer": {}, "response": "7"}, "answer is text, not an object"),
        ({"kind": "math", "answer": True, "response": "7"}, "answer is text, not true or false"),
        ({"kind": "code", "response": ADD}, "the row has no tests"),
        ({"kind": "code", "response": ADD, "tests": "assert add(1, 2) == 3"}, "tests is text, not an object"),
        ({"kind": "code", "response": ADD, "tests": None}, "tests is null, not an object"),
        ({"kind": "code", "response": ADD, "tests": CALL | {"outputs": []}}, "tests has 1 inputs and 0 outputs"),
    ],
)
def test_a_bad_row_says_why(judged, row, why):
    found = judged(row)
    assert (found.verdict, found.detail) == (Verdict.BAD_ROW, why)


@settings(deadline=None)  # the judges are processes
@given(values | rows)
def test_no_row_makes_it_raise_or_pay(judged, row):
    assert judged(row).verdict is not Verdict.ACCEPTED
