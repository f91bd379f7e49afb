"""Small programming problems: their tests are what a right solution returns; lessons are right or wrong by the seed."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klearctl.config.curate import SourceConfig
from klearctl.data.functions import INPUTS, Operation, generate, operations_of, problem, source_code
from klearctl.data.teacher import written_function
from klearctl.errors import ConfigError

operations = st.lists(st.builds(Operation, st.sampled_from("+-*"), st.integers(1, 9)), min_size=1, max_size=4)


def outputs(code):
    """What the code of ours returns for the inputs of the tests."""
    names: dict[str, Any] = {}
    exec(code, names)
    return [names["f"](value) for value in INPUTS]


def source(**settings):
    return SourceConfig(address="klear:functions", problems=50, settings=settings)


def code_of(lesson):
    return lesson.response.partition("```python\n")[2].removesuffix("```")


def test_a_problem_names_what_to_do_and_how_it_is_tested():
    one = problem([Operation("+", 3), Operation("*", 2)]).problem
    assert (one.prompt, one.answer) == (
        "Write f(x): add 3, then multiply by 2.",
        "def f(x):\n    return (x+3)*2\n",
    )
    assert json.loads(one.tests)["outputs"][:3] == [6, 8, 10]  # of 0, 1, 2


@given(operations)
def test_the_solution_passes_the_tests(found):
    assert outputs(source_code(found)) == json.loads(problem(found).problem.tests)["outputs"]


@given(operations)
def test_the_text_says_all(found):
    assert operations_of(problem(found).problem.prompt) == found


@pytest.mark.parametrize("prompt", ["", "Write f(x): .", "Write f(x): add x.", "Write f(x): divide by 2.", "1 + 1 ="])
def test_other_texts_ask_for_no_function(prompt):
    assert operations_of(prompt) == []


@given(operations, st.integers(0, 99))
def test_a_careful_teacher_is_right_and_a_careless_one_is_wrong(found, seed):
    one = problem(found)
    right, wrong = (written_function(one, seed=seed, wrong=share) for share in (0.0, 1.0))
    assert outputs(code_of(right)) == outputs(source_code(found)) != outputs(code_of(wrong))


def test_a_lesson_shows_every_step():
    lesson = written_function(problem([Operation("*", 4), Operation("-", 1)]), seed=0, wrong=0.0)
    assert lesson.response == "<think>\nx*4\n(x*4)-1\n</think>\n```python\ndef f(x):\n    return (x*4)-1\n```"


def test_equal_seeds_give_equal_problems():
    first, again, other = (list(generate(source(), seed=seed)) for seed in ("0", "0", "1"))
    assert first == again != other


@pytest.mark.parametrize(
    ("settings", "words"),
    [({"min_steps": 4}, "4 to 3 steps"), ({"max_steps": 1.5}, "2 to 1.5 steps"), ({"terms": 2}, "terms is not a")],
)
def test_other_settings_are_refused(settings, words):
    with pytest.raises(ConfigError, match=words):
        list(generate(source(**settings), seed="0"))
