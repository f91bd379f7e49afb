"""Generated tasks: each has a number for an answer, and nothing a model writes is ever run by their package."""

import ast
import re
from pathlib import Path

import pytest

import klearctl
from klearctl.config.curate import NUMBER_TASKS, SourceConfig
from klearctl.data.generated import generate
from klearctl.errors import ConfigError
from klearctl.reward.verdict import Verdict

PACKAGE = Path(klearctl.__file__).parent
NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?(/[0-9]+)?")


def problems(task, count, *, seed="0"):
    source = SourceConfig(address=f"reasoning_gym:{task}", problems=count)
    return [one.problem for one in generate(source, seed=seed)]


@pytest.mark.parametrize("task", NUMBER_TASKS)
def test_every_answer_of_an_allowed_task_is_one_number(task):
    answers = [problem.answer for problem in problems(task, 50)]
    assert [answer for answer in answers if not NUMBER.fullmatch(answer)] == []


@pytest.mark.parametrize("task", NUMBER_TASKS)
def test_code_in_a_box_is_not_run(task, tmp_path, workers):
    mark = tmp_path / "ran"
    attack = f"<think></think>\\boxed{{__import__('os').system('touch {mark}')}}"
    verdicts = {
        workers.judge_response(problem.answer, attack, must_think=True).verdict for problem in problems(task, 3)
    }
    assert (verdicts, mark.exists()) == ({Verdict.WRONG_ANSWER}, False)


def test_no_scorer_of_the_package_is_named_in_our_code():
    named = [
        f"{path.name}:{node.lineno}"
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if "score_answer" in (getattr(node, "attr", ""), getattr(node, "id", ""), getattr(node, "value", ""))
    ]
    assert named == []


def test_only_one_file_imports_the_package():
    importing = [path.name for path in PACKAGE.rglob("*.py") if "import reasoning_gym" in path.read_text()]
    assert importing == ["generated.py"]


def test_equal_seeds_give_equal_problems():
    assert problems("chain_sum", 20, seed="7") == problems("chain_sum", 20, seed="7")


def test_neighbouring_seeds_share_hardly_any_problem():
    both = {problem.id for seed in ("1", "2") for problem in problems("chain_sum", 200, seed=seed)}
    assert len(both) > 390


@pytest.mark.parametrize("task", ["countdown", "n_queens", "binary_matrix", "chain_sums", ""])
def test_another_task_is_refused_with_the_allowed_ones(task):
    with pytest.raises(ConfigError) as caught:
        SourceConfig(address=f"reasoning_gym:{task}", problems=5)
    assert f"{task!r}" in str(caught.value) and "chain_sum" in caught.value.fix


@pytest.mark.parametrize(
    "settings",
    [
        {"min_terms": 5, "max_terms": 2},  # refused by the task
        {"terms": 3},  # unknown to the task
        {"min_terms": "three"},  # of another type
        {"seed": 3},  # ours to set
        {"size": 3},  # ours to set
    ],
)
def test_settings_that_a_task_refuses_are_an_error_of_the_config(settings):
    source = SourceConfig(address="reasoning_gym:chain_sum", problems=5, settings=settings)
    with pytest.raises(ConfigError):
        list(generate(source, seed="0"))


def test_a_generated_task_needs_a_number_of_problems():
    with pytest.raises(ConfigError):
        SourceConfig(address="reasoning_gym:chain_sum")
