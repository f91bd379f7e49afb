"""The teacher: right work by the rules of arithmetic, mistakes by the seed, and nothing for what it cannot solve."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klearctl.data.candidate import candidate
from klearctl.data.teacher import from_solution, running_totals, signed_terms
from klearctl.reward.response import last_boxed

digits = st.integers(-9, 9)
sums = st.lists(st.tuples(st.sampled_from("+-"), digits), min_size=2, max_size=5)


def problem(prompt, answer, **more):
    return candidate("here", "chain_sum", prompt, answer, **more)


def as_problem(terms):
    """The sum as reasoning_gym writes it: the first term without an operator."""
    words = [str(terms[0][1])] + [f"{operator} {term}" for operator, term in terms[1:]]
    answer = terms[0][1] + sum(term if operator == "+" else -term for operator, term in terms[1:])
    return problem(f"State the final answer: {' '.join(words)} =", str(answer))


def test_a_lesson_shows_every_running_total():
    lesson = running_totals(problem("What is 4 + 3 - 2 =", "5"), seed=0, wrong=0.0)
    assert lesson.response == "<think>\n4+3=7\n7-2=5\n</think>\n\\boxed{5}"


def test_a_mistake_carries_through_to_the_answer():
    lesson = running_totals(problem("4 + 3 - 2 =", "5"), seed=1, wrong=1.0)
    first, second = lesson.response.split("\n")[1:3]
    total = int(first.partition("=")[2])
    assert second.startswith(f"{total}-2=") and lesson.response.endswith(f"\\boxed{{{second.partition('=')[2]}}}")


@given(sums)
def test_a_careful_teacher_is_always_right(terms):
    one = as_problem(terms)
    assert last_boxed(running_totals(one, seed=0, wrong=0.0).response) == one.problem.answer


@given(sums, st.integers(0, 99))
def test_a_careless_teacher_is_always_wrong(terms, seed):
    one = as_problem(terms)
    assert last_boxed(running_totals(one, seed=seed, wrong=1.0).response) != one.problem.answer


@given(sums)
def test_only_one_step_of_a_wrong_lesson_is_wrong(terms):
    lines = running_totals(as_problem(terms), seed=3, wrong=1.0).response.split("\n")[1:-2]
    assert sum(sum(signed_terms(line)) != int(line.partition("=")[2]) for line in lines) == 1


def test_the_share_of_wrong_lessons_is_about_as_asked():
    every = [problem(f"{a} + {b} - {c} =", str(a + b - c)) for a in range(10) for b in range(10) for c in range(10)]
    right = [last_boxed(running_totals(one, seed=0, wrong=0.3).response) == one.problem.answer for one in every]
    assert sum(right) / len(right) == pytest.approx(0.7, abs=0.045)  # three standard errors


def test_the_mistakes_follow_the_seed():
    every = [problem(f"{a} + {b} - 1 =", str(a + b - 1)) for a in range(10) for b in range(10)]
    first, again, other = ([running_totals(one, seed=seed, wrong=0.5) for one in every] for seed in (1, 1, 2))
    assert first == again and first != other


@pytest.mark.parametrize(
    ("prompt", "terms"),
    [
        ("State the final answer: 4 + 3 - 2 =", [4, 3, -2]),
        ("-1 - -6 + +2 =", [-1, 6, 2]),  # signs of their own
        ("x = 4. Then 5 - 3 = ?", [5, -3]),  # the last equation
        ("12-7=", [12, -7]),  # no spaces
        ("12 =", []),  # no sum
        ("4 + 3", []),  # no question
        ("4 + 3 * 2 =", []),  # no sum at its end
        ("", []),
    ],
)
def test_terms_carry_their_signs(prompt, terms):
    assert signed_terms(prompt) == terms


@pytest.mark.parametrize(
    ("prompt", "answer"),
    [
        ("How many legs has a spider?", "8"),  # no sum
        ("2 * 4 + 3 =", "11"),  # a sum only in part: its terms do not give the answer
        ("1.5 + 3 =", "4.5"),  # no whole numbers
    ],
)
def test_what_is_no_sum_gets_no_lesson(prompt, answer):
    assert running_totals(problem(prompt, answer), seed=0, wrong=0.0) is None


def test_a_solution_of_the_source_becomes_the_thought():
    lesson = from_solution(problem("6 * 3?", "18", solution="Three sixes."))
    assert lesson.response == "<think>\nThree sixes.\n</think>\n\\boxed{18}"


def test_without_a_solution_there_is_no_lesson():
    assert from_solution(problem("6 * 3?", "18")) is None
