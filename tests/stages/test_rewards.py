"""What responses are worth: by real workers and a real sandbox; and which problems rl and eval refuse at once."""

import json
import subprocess
import sys
from contextlib import contextmanager, nullcontext

import pytest

from klearctl.config.common import IsolationConfig
from klearctl.data.table import Problem, write_problems
from klearctl.errors import RunFailed
from klearctl.reward.code.fleet import Fleet
from klearctl.reward.subset import subset
from klearctl.stages.rewards import faults, rewards_for
from klearctl.stages.sandbox import code_judge_here

TRIPLE = {"function": "f", "inputs": [[n] for n in range(20)], "outputs": [3 * n for n in range(20)]}
SUM = Problem("sum", "sum", "3 + 4 =", "7")
CODE = Problem("triple", "code", "Write f(x): three times x.", "", tests=json.dumps(TRIPLE))
FIRST_FIVE = "<think>\n</think>\n```python\ndef f(x):\n    return 3 * x if x < 5 else 0\n```"
ALL = "<think>\n</think>\n```python\ndef f(x):\n    return 3 * x\n```"


@pytest.fixture
def data(tmp_path):
    """A table of two problems; the answer of the second is half a formula."""
    address = str(tmp_path / "problems.parquet")
    write_problems(address, [Problem("sum-1", "sum", "1 + 1 =", "2"), Problem("sum-2", "sum", "1 + 2 =", "\\frac{3")])
    return address


@pytest.mark.parametrize("stage", ["rl", "eval"])
def test_a_problem_that_cannot_be_judged_is_refused_by_its_name(stage, data, tmp_path):
    config = tmp_path / "config.json"
    pod = {"run": "x", "stage": stage, "bucket": str(tmp_path), "config": {"data": data}, "layout": {}}
    config.write_text(json.dumps(pod))
    command = [sys.executable, "-m", f"klearctl.stages.{stage}", "--config", str(config)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr.splitlines()) == (
        2,
        [
            r"error: no answer to sum-2 can be judged: the known answer cannot be read: '\\frac{3'",
            "  try: curate drops such problems",
        ],
    )


@contextmanager
def rewards(scheme, problems=(SUM, CODE)):
    """Rewards by that scheme, code in a sandbox of this process."""
    with rewards_for(problems, scheme, lambda: code_judge_here(IsolationConfig())) as found:
        yield lambda problem, text, *, cut=False, step=None: found.start(problem, text, cut=cut, step=step).result()


@pytest.fixture(scope="module")
def soft():
    with rewards("soft") as worth:
        yield worth


def test_each_problem_is_judged_by_its_own_kind(soft):
    box = "<think>\n</think>\n\\boxed{7}"
    assert [soft(SUM, box), soft(CODE, ALL), soft(SUM, ALL), soft(CODE, box)] == [1.0, 1.0, 0.0, 0.0]


def test_without_a_step_all_tests_count(soft):
    assert soft(CODE, FIRST_FIVE) == 5 / 20


def test_at_a_step_the_same_sixteen_tests_count_for_every_response(soft):
    passed = {step: [place for place in subset(CODE.id, step, 20) if place < 5] for step in (1, 2, 3, 4)}
    worth = {step: [soft(CODE, FIRST_FIVE, step=step) for _ in range(3)] for step in passed}
    assert worth == {step: [len(places) / 16] * 3 for step, places in passed.items()}
    assert len({len(places) for places in passed.values()}) > 1  # the steps differ


def test_a_response_that_was_cut_has_no_answer(soft):
    assert [soft(CODE, ALL, cut=True), soft(SUM, "<think></think>\\boxed{7}", cut=True)] == [0.0, 0.0]


def test_binary_rewards_count_whole_passes_alone():
    with rewards("binary") as worth:
        assert [worth(CODE, FIRST_FIVE), worth(CODE, ALL)] == [0.0, 1.0]


def test_klear_rewards_put_a_thought_that_was_cut_above_a_wrong_answer():
    with rewards("klear") as worth:
        found = [worth(CODE, FIRST_FIVE), worth(CODE, "<think> x", cut=True), worth(SUM, "<think></think>\\boxed{8}")]
    assert found == [2 * 5 / 20 - 1, -0.5, -1.0]


def test_code_without_a_thought_is_no_answer(soft):
    assert soft(CODE, ALL.removeprefix("<think>\n</think>\n")) == 0.0


def test_a_judge_that_cannot_be_reached_is_no_score(nobody):
    gone = Fleet([nobody], "token", patience_s=0.2)
    with (
        rewards_for([CODE], "soft", lambda: nullcontext(gone)) as found,
        pytest.raises(RunFailed, match="a response to triple cannot be judged"),
    ):
        found.start(CODE, ALL, cut=False, step=None).result()


def test_problems_of_maths_alone_start_no_judge_of_code():
    def code():
        raise AssertionError("not needed")

    with rewards_for([SUM], "soft", code) as found:
        assert found.start(SUM, "<think></think>\\boxed{7}", cut=False, step=1).result() == 1.0


def test_faults_are_told_of_each_problem_that_has_one():
    vacuous = Problem("v", "code", "?", "", tests=json.dumps({"asserts": [], "setup": "", "entry_point": "f"}))
    broken = Problem("b", "code", "?", "", tests="{")
    found = faults([SUM, vacuous, CODE, broken, Problem("empty", "sum", "?", " ")])
    assert [bool(fault) for fault in found] == [False, True, False, True, True]
