"""The tests of a problem: which forms they have, what they are taken for, and what is said of what has none."""

import pytest

from klearctl.reward.code.asserts import Call, Check
from klearctl.reward.code.malformed import Malformed
from klearctl.reward.code.tests import Compare, Rules, Script, read


@pytest.mark.parametrize(
    ("told", "cases"),
    [
        ({"inputs": ["1\n"], "outputs": ["2\n"], "function": None}, [Script("1\n", "2\n")]),
        ({"inputs": ["1\n"], "outputs": ["2\n"]}, [Script("1\n", "2\n")]),  # nothing said is null
        ({"function": "f", "inputs": [[1, "a"]], "outputs": [2]}, [Call("f", [1, "a"], {}, 2, json=True)]),
        ({"function": "f", "inputs": [{"x": 1}], "outputs": [[2]]}, [Call("f", [], {"x": 1}, [2], json=True)]),
        (  # LiveCodeBench: one JSON value a line
            {"function": "Solution().f", "inputs": ["[1, 2]\n\"a\""], "outputs": [None]},
            [Call("Solution().f", [[1, 2], "a"], {}, None, json=True)],
        ),
        (  # no end of a line in JSON
            {"function": "f", "inputs": ['"\u2028"\n'], "outputs": [1]},
            [Call("f", ["\u2028"], {}, 1, json=True)],
        ),
        (  # keys that look like our tags are keys
            {"function": "f", "inputs": [{"x": {"$set": 1}}], "outputs": [1]},
            [Call("f", [], {"x": {"$dict": [["$set", 1]]}}, 1, json=True)],
        ),
        ({"asserts": ["assert f(1) == 2"], "entry_point": "f"}, [Call("f", [1], {}, 2)]),
        ({"asserts": ["assert f(1) > 2"], "setup": "a = 1", "entry_point": "f"}, [Check("assert f(1) > 2")]),
        ({"asserts": ["assert True", "assert f(1) == 2"], "entry_point": "f"}, [Call("f", [1], {}, 2)]),  # no test
        ({"inputs": [], "outputs": []}, []),
        ({"asserts": []}, []),
        ({}, []),
    ],
)  # fmt: skip
def test_each_form_is_read(told, cases):
    assert list(read(told).cases) == cases


def test_rules_are_read_and_have_defaults():
    told = {"timeout": 2, "memory_mb": 256, "compare": "unordered", "tolerance": 0.5}
    assert (read(told).rules, read({}).rules) == (Rules(2.0, 256, Compare.UNORDERED, 0.5), Rules(10.0, 1024))


def test_a_tolerance_says_that_numbers_are_compared():
    assert read({"tolerance": 1e-4}).rules.compare is Compare.FLOAT


@pytest.mark.parametrize(
    ("told", "says"),
    [
        (None, "tests is null"),
        ([], "tests is a list"),
        ({"input": []}, "tests.input is unknown"),
        ({"inputs": "1", "outputs": ["1"]}, "tests.inputs is text"),
        ({"inputs": ["1"]}, "1 inputs and 0 outputs"),
        ({"inputs": [1], "outputs": ["1"]}, "tests.inputs[0] is a int"),
        ({"inputs": ["1"], "outputs": [None]}, "tests.outputs[0] is null"),
        ({"function": "f()", "inputs": [], "outputs": []}, "tests.function is 'f()'"),
        ({"function": "os.system", "inputs": [], "outputs": []}, "tests.function is 'os.system'"),
        ({"function": 1, "inputs": [], "outputs": []}, "tests.function is 1"),
        ({"function": "f", "inputs": [5], "outputs": [1]}, "tests.inputs[0] is a int"),
        ({"function": "f", "inputs": ["1 2"], "outputs": [1]}, "tests.inputs[0] is text"),
        ({"function": "f", "inputs": [[1]], "outputs": [1], "asserts": []}, "tests.inputs has no meaning"),
        ({"inputs": [], "outputs": [], "setup": "x = 1"}, "tests.setup has no meaning"),
        ({"asserts": "assert f(1)", "entry_point": "f"}, "tests.asserts is text"),
        ({"asserts": ["assert f("], "entry_point": "f"}, "tests.asserts[0] is no Python"),
        ({"asserts": ["assert f(1)", 7], "entry_point": "f"}, "tests.asserts[1] is a int"),
        ({"asserts": ["assert f(1)\0"], "entry_point": "f"}, "tests.asserts[0] is no Python"),
        ({"asserts": ["assert f(" + "(" * 5000], "entry_point": "f"}, "tests.asserts[0] is no Python"),
        ({"asserts": ["assert f(1)"]}, "tests.entry_point is None"),
        ({"asserts": [], "setup": "x ="}, "tests.setup is no Python"),
        ({"asserts": [], "setup": 5}, "tests.setup is a int"),
        ({"timeout": 0}, "tests.timeout is 0"),
        ({"timeout": float("nan")}, "tests.timeout is nan"),
        ({"timeout": True}, "tests.timeout is True"),
        ({"timeout": "10"}, "tests.timeout is '10'"),
        ({"memory_mb": 1.5}, "tests.memory_mb is 1.5"),
        ({"memory_mb": -1}, "tests.memory_mb is -1"),
        ({"memory_mb": 10**400}, "tests.memory_mb is 1000"),
        ({"memory_mb": float("inf")}, "tests.memory_mb is inf"),
        ({"tolerance": 10**400}, "tests.tolerance is 1000"),
        ({"compare": "fuzzy"}, "tests.compare is 'fuzzy'"),
        ({"compare": 1}, "tests.compare is 1"),
        ({"tolerance": -1e-6}, "tests.tolerance is -1e-06"),
    ],
)
def test_what_is_malformed_is_named(told, says):
    with pytest.raises(Malformed) as error:
        read(told)
    assert says in str(error.value)


def test_an_expected_value_deeper_than_any_answer_is_malformed():
    nested: list = []
    for _ in range(150):
        nested = [nested]
    with pytest.raises(Malformed):
        read({"function": "f", "inputs": [[]], "outputs": [nested]})
