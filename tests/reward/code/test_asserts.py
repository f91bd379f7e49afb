"""Assertions: which are plain calls that can be compared outside, and which must run."""

import pytest

from klearctl.reward.code.asserts import Call, Check, case_of

ENTRY = "Solution().f"


@pytest.mark.parametrize(
    ("code", "args", "kwargs", "expected"),
    [
        ("assert candidate(1) == 2", [1], {}, 2),
        ("assert f(1) == 2", [1], {}, 2),  # by its own name
        ("assert Solution().f(1) == 2", [1], {}, 2),
        ("assert candidate(1) == 2, 'why'", [1], {}, 2),
        ("assert (candidate(-1, x=[2.5], y='a') == None)", [-1], {"x": [2.5], "y": "a"}, None),
        ("assert candidate((1,)) == {1}", [{"$tuple": [1]}], {}, {"$set": [1]}),
        ("assert candidate(b'a') == {1: 2}", [{"$bytes": "61"}], {}, {"$dict": [[1, 2]]}),
        ("assert candidate(1+2j) == 0", [{"$complex": [1.0, 2.0]}], {}, 0),
        ("assert candidate() == 1e999", [], {}, {"$float": "inf"}),
        ("assert candidate() == 1000000000000000000000", [], {}, {"$int": "0x3635c9adc5dea00000"}),
    ],
)  # fmt: skip
def test_a_call_that_equals_a_literal_is_compared_outside(code, args, kwargs, expected):
    assert case_of(code, ENTRY, "here") == Call(ENTRY, args, kwargs, expected)


@pytest.mark.parametrize(
    "code",
    [
        "assert candidate(1) != 2",
        "assert candidate(1) is True",
        "assert candidate(1)",
        "assert not candidate(1)",
        "assert 2 == candidate(1)",
        "assert candidate(1) == candidate(2)",
        "assert candidate(1) == 2 == 2",
        "assert candidate(1 + 1) == 2",
        "assert candidate(1) == -inf",
        "assert candidate(*[1]) == 2",
        "assert candidate(**{'x': 1}) == 2",
        "assert candidate(tree_node([1])) == 2",
        "assert g(1) == 2",  # of the program too, but not the entry
        "assert candidate.g(1) == 2",
        "assert Solution().g(1) == 2",
        "assert abs(candidate(1) - 2) < 1e-6",
        "x = 1\nassert candidate(1) == 2",
        "for x in range(3):\n    assert candidate(x) == x",
        "candidate(1)",  # raises or not
        "assert candidate(1) == " + "[" * 150 + "]" * 150,  # deeper than plain data is
    ],
)
def test_any_other_assertion_runs_as_it_stands(code):
    assert case_of(code, ENTRY, "here") == Check(code)


@pytest.mark.parametrize(
    "code",
    [
        *["assert True", "assert 1, 'This prints if this assert fails'", "", "# nothing", "pass", "'text'", "x = 1"],
        "import math",
        "def check(f):\n    assert f(1) == 2",  # which nothing calls
    ],
)
def test_what_asserts_nothing_is_no_test(code):
    assert case_of(code, ENTRY, "here") is None
