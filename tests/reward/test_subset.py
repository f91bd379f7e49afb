"""Which tests count at a step: the same for all who ask, others at another step, all of them in the long run."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klearctl.reward.subset import subset

ROOT = Path(__file__).parents[2]
problems = st.text(st.characters(), max_size=30)
steps = st.integers(0, 10**6)


@pytest.mark.parametrize(
    ("problem", "step", "tests", "places"),
    [
        ("lcb-1", 0, 0, []),
        ("lcb-1", 0, 16, list(range(16))),  # no more than 16: all
        ("lcb-1", 0, 17, [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15, 16]),  # all but one
        ("lcb-1", 7, 40, [1, 2, 4, 5, 10, 12, 13, 17, 22, 24, 25, 26, 27, 31, 36, 37]),  # the 16 least of sha256sum
        ("lcb-1", 8, 40, [1, 4, 7, 9, 10, 18, 20, 21, 22, 25, 27, 30, 35, 37, 38, 39]),  # another step
        ("lcb-2", 7, 40, [1, 3, 4, 7, 12, 13, 14, 15, 16, 17, 19, 23, 25, 27, 29, 33]),  # another problem
        ("é\ud800", 7, 40, [4, 5, 6, 8, 10, 11, 15, 21, 22, 24, 25, 29, 33, 36, 38, 39]),  # no UTF-8
    ],
)
def test_the_choice_never_changes(problem, step, tests, places):
    assert subset(problem, step, tests) == places


@pytest.mark.parametrize("seed", ["0", "1"])
def test_the_hash_seed_of_a_process_changes_nothing(seed):
    code = "from klearctl.reward.subset import subset; print(subset('lcb-1', 7, 40))"
    env = os.environ | {"PYTHONHASHSEED": seed}
    said = subprocess.run([sys.executable, "-c", code], env=env, cwd=ROOT, capture_output=True, text=True).stdout
    assert said == f"{subset('lcb-1', 7, 40)}\n"


@given(problems, steps, st.integers(0, 300))
def test_at_most_16_different_tests_in_order(problem, step, tests):
    places = subset(problem, step, tests)
    assert len(places) == min(tests, 16) and places == sorted(set(places)) and set(places) <= set(range(tests))


@given(problems, steps)
def test_another_step_sees_other_tests(problem, step):
    assert len({tuple(subset(problem, later, 100)) for later in range(step, step + 5)}) == 5


def test_in_the_long_run_every_test_counts_alike():
    often = Counter(place for step in range(400) for place in subset("lcb-1", step, 64))
    assert (len(often), min(often.values()) > 60, max(often.values()) < 140) == (64, True, True)  # 100 each, +- 9
