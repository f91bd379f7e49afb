"""Rows of published data sets: all of them load, with all their tests; the exact counts stand here."""

import gzip
import json
from collections import Counter

import pytest

from klearctl.reward.code import tests
from klearctl.reward.code.asserts import Check
from klearctl.reward.code.dialects import problem
from klearctl.reward.code.malformed import Malformed

pytestmark = pytest.mark.filterwarnings("ignore:invalid escape sequence")  # in programs of MBPP

SETS = {
    "HumanEval.jsonl.gz": 164,
    "ock_mbpp.jsonl": 974,
    "LeetCodeDataset-v0.3.1-test.jsonl.gz": 228,
    "rllm_leetcode_train.json": 1889,
    "rllm_code_contests_test.json": 165,
}


def rows(shared, name):
    data = (shared / "data" / name).read_bytes()
    text = (gzip.decompress(data) if name.endswith("gz") else data).decode()
    return json.loads(text) if name.endswith("json") else [json.loads(line) for line in text.splitlines()]


@pytest.fixture(scope="module")
def known(klear_shared):
    """The rows of each set, their problems and their tests as they are run."""
    found = {}
    for name in SETS:
        told = rows(klear_shared, name)
        problems = [problem(row) for row in told]
        found[name] = told, problems, [tests.read(each.tests) for each in problems]
    return found


def test_every_row_becomes_a_problem(known):
    assert {name: len(problems) for name, (_, problems, _) in known.items()} == SETS


# What HumanEval asserts beside its tests: 48 times `assert True` and the like, in 36 problems, which are no tests.
# In LeetCodeDataset one assert is one test; its `input_output` holds up to 119 more a row that its authors left out.
@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("HumanEval.jsonl.gz", 1133),
        ("ock_mbpp.jsonl", 2922),  # 3 each
        ("LeetCodeDataset-v0.3.1-test.jsonl.gz", 23_234),
        ("rllm_leetcode_train.json", 4750),
        ("rllm_code_contests_test.json", 1837),
    ],
)
def test_every_test_is_there(known, name, count):
    assert sum(map(len, known[name][2])) == count


# LeetCodeDataset: -inf in 4, inf and tree_node in one each. rLLM: tree_node and list_node in 75, of which 46 compare by
# is_same_list or is_same_tree. MBPP: classes of the program in 5, an int() around the call and a sum on the right.
@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("HumanEval.jsonl.gz", 21),
        ("ock_mbpp.jsonl", 7),
        ("LeetCodeDataset-v0.3.1-test.jsonl.gz", 6),
        ("rllm_leetcode_train.json", 121),
    ],
)
def test_so_many_problems_assert_more_than_a_call_equals_a_literal(known, name, count):
    assert sum(any(isinstance(case, Check) for case in each.cases) for each in known[name][2]) == count


def test_the_asserts_of_leetcode_stay_as_they_are_written(known):
    told, problems, _ = known["LeetCodeDataset-v0.3.1-test.jsonl.gz"]
    written = [[line.strip() for line in row["test"].splitlines()[1:] if line.strip()] for row in told]
    assert [each.tests["asserts"] for each in problems] == written


def test_helpers_of_a_prompt_serve_its_tests(known):
    setups = {each.id: each.tests["setup"] for each in known["HumanEval.jsonl.gz"][1]}
    assert "def poly" in setups["HumanEval/32"] and "def find_zero" not in setups["HumanEval/32"]


def test_inputs_and_outputs_of_code_contests_are_kept_to_the_letter(known):
    told, problems, _ = known["rllm_code_contests_test.json"]
    kept = [{"inputs": each.tests["inputs"], "outputs": each.tests["outputs"]} for each in problems]
    assert kept == [row["tests"] for row in told]


def test_a_statement_that_allows_an_error_gets_a_tolerance(known):
    rules = [each.rules for each in known["rllm_code_contests_test.json"][2]]
    assert Counter(each.tolerance for each in rules if each.compare == "float") == {1e-4: 1, 1e-6: 1}


def test_the_dates_of_leetcode_give_the_windows_of_livecodebench(known):
    dates = [each.about["estimated_date"] for each in known["LeetCodeDataset-v0.3.1-test.jsonl.gz"][1]]
    assert (len([d for d in dates if d < "2025-02-01"]), len([d for d in dates if d >= "2025-02-01"])) == (170, 58)


def test_tests_may_be_a_literal_of_python():
    told = {"problem": "p", "tests": "{'inputs': ['1\\n'], 'outputs': ['2\\n']}"}
    assert problem(told).tests == {"inputs": ["1\n"], "outputs": ["2\n"], "function": None}


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"prompt": "p"},
        {"problem": "p", "tests": "__import__('os').system('true')"},
        {"problem": "p", "tests": "(" * 10_000},
        {"problem": "p", "tests": 5},
        {"problem": "p", "solutions": "s", "tests": {}},
        {"problem": "p", "solutions": "s", "tests": {"functional": "def check("}},
        {"text": "t", "task_id": 1, "code": "def f(", "test_list": [], "test_setup_code": ""},
        {"text": "t", "task_id": 1, "code": None, "test_list": [], "test_setup_code": ""},
        {"task_id": 1, "prompt": "p", "canonical_solution": "s", "test": 5, "entry_point": "f"},
    ],
)
def test_another_row_is_malformed(row):
    with pytest.raises(Malformed):
        problem(row)
