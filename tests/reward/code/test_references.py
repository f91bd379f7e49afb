"""Reference solutions of published sets, through the real sandbox: accepted, but for those whose miss is explained.

Whole sets, but for LeetCodeDataset, whose tests take minutes: a part of it here, all of it in bench/references.py.
"""

import random

import pytest

from bench.references import MISSES, judged, misses, problems

pytestmark = pytest.mark.filterwarnings("ignore:invalid escape sequence")  # in programs of MBPP


@pytest.mark.parametrize(("name", "rows"), [("HumanEval", 164), ("MBPP", 974), ("rllm_leetcode", 1889)])
def test_all_reference_solutions_are_accepted_but_for_the_explained(klear_shared, strongest, name, rows):
    some = problems(name, klear_shared)
    found = misses(name, some, list(judged(strongest, some)))
    assert (len(some), set(found)) == (rows, set(MISSES.get(name, {}))), found


def test_reference_solutions_of_leetcode_are_accepted_with_all_their_tests(klear_shared, strongest):
    light = [each for each in problems("LeetCodeDataset", klear_shared) if len(str(each.tests)) < 10_000]
    some = random.Random(0).sample(light, 30)
    assert misses("LeetCodeDataset", some, list(judged(strongest, some))) == {}
