"""avg@n and pass@k: by hand, against every way to draw k samples, and as rules."""

from fractions import Fraction
from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klearctl.benchmarks.scores import average, pass_at, standard_error

problem = st.lists(st.sampled_from([0.0, 1.0]), min_size=1, max_size=7)


@st.composite
def equal_lengths(draw):
    """Problems with the same number of samples each."""
    samples = draw(st.integers(1, 7))
    return draw(st.lists(st.lists(st.sampled_from([0.0, 1.0]), min_size=samples, max_size=samples), min_size=1))


def by_brute_force(samples, k):
    """The share of all ways to take k of the samples that hold one that passes."""
    taken = list(combinations(samples, k))
    return Fraction(sum(1.0 in some for some in taken), len(taken))


@pytest.mark.parametrize(
    ("rewards", "expected"),
    [
        ([[1.0, 0.0, 0.0, 1.0]], 0.5),
        ([[1.0, 1.0], [0.0, 0.0]], 0.5),
        ([[1.0], [0.0, 0.0, 0.0]], 0.5),  # every problem weighs the same, however many samples it has
        ([[0.0]], 0.0),
        ([[1.0], [1.0], [0.0]], 2 / 3),
    ],
)
def test_the_average_is_over_problems_of_their_samples(rewards, expected):
    assert average(rewards) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("rewards", "expected"),
    [
        ([[1.0, 0.0]], 0.0),  # one problem tells nothing of how problems differ
        ([[1.0], [0.0]], 0.5),  # means 1 and 0 around 0.5: variance 0.5, over 2 problems 0.25
        ([[1.0, 0.0], [0.0, 1.0]], 0.0),  # samples differ, problems do not
        ([[1.0, 1.0], [1.0, 0.0], [0.0, 0.0]], 0.5 / 3**0.5),  # means 1, 0.5, 0: variance 0.25, over 3 problems
        ([[1.0] * 4, [0.0] * 4, [0.0] * 4, [0.0] * 4], 0.25),  # around 0.25: variance 0.25, over 4 problems 1/16
    ],
)
def test_the_standard_error_is_that_of_the_problems_means(rewards, expected):
    assert standard_error(rewards) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("rewards", "k", "expected"),
    [
        ([[1.0, 0.0, 0.0, 0.0]], 2, 0.5),  # 6 pairs, 3 of them hold the one that passes
        ([[1.0, 1.0, 0.0, 0.0]], 2, 5 / 6),  # of 6 pairs only the two that fail
        ([[1.0, 0.0, 0.0, 0.0], [0.0] * 4], 4, 0.5),  # one problem surely, the other never
        ([[0.5, 0.5]], 2, 0.0),  # half a reward is no pass
    ],
)
def test_pass_at_k_by_hand(rewards, k, expected):
    assert pass_at(rewards, k) == pytest.approx(expected)


@given(problem, st.data())
def test_pass_at_k_counts_every_way_to_draw_k_samples(samples, data):
    k = data.draw(st.integers(1, len(samples)))
    assert pass_at([samples], k) == pytest.approx(float(by_brute_force(samples, k)), abs=1e-12)


@given(equal_lengths())
def test_pass_at_1_is_the_average(rewards):
    assert pass_at(rewards, 1) == pytest.approx(average(rewards))


@given(equal_lengths())
def test_more_samples_never_pass_less(rewards):
    curve = [pass_at(rewards, k) for k in range(1, len(rewards[0]) + 1)]
    assert all(more >= less - 1e-12 for less, more in pairwise(curve))


@given(equal_lengths())
def test_pass_at_all_samples_is_the_share_of_problems_that_pass_at_all(rewards):
    assert pass_at(rewards, len(rewards[0])) == pytest.approx(sum(map(any, rewards)) / len(rewards))


@given(equal_lengths(), st.randoms())
def test_the_order_of_samples_and_problems_does_not_matter(rewards, dice):
    shuffled = [dice.sample(samples, len(samples)) for samples in dice.sample(rewards, len(rewards))]
    scores = [(average(one), standard_error(one), pass_at(one, 1)) for one in (rewards, shuffled)]
    assert scores[0] == pytest.approx(scores[1])


def test_more_samples_than_there_are_cannot_be_drawn():
    with pytest.raises(ValueError, match="pass@3 of 2 samples"):
        pass_at([[1.0, 0.0]], 3)
