"""The cursor: each pass sees each problem once, in an order of its own, wherever a run stopped in between."""

from hypothesis import given
from hypothesis import strategies as st

from klearctl.rollout.cursor import draw

problems = st.integers(1, 50)
counts = st.integers(0, 120)
seeds = st.integers(0, 2**31)


@given(problems, st.integers(0, 5), seeds)
def test_every_pass_sees_every_problem_once(problems, epoch, seed):
    assert sorted(draw(problems, epoch * problems, problems, seed=seed)) == list(range(problems))


@given(problems, counts, counts, counts, seeds)
def test_what_was_drawn_in_parts_is_what_is_drawn_at_once(problems, drawn, first, second, seed):
    parts = draw(problems, drawn, first, seed=seed) + draw(problems, drawn + first, second, seed=seed)
    assert draw(problems, drawn, first + second, seed=seed) == parts


@given(seeds)
def test_each_pass_has_another_order(seed):
    passes = [tuple(draw(50, epoch * 50, 50, seed=seed)) for epoch in range(3)]
    assert len(set(passes)) == 3


def test_another_seed_has_another_order():
    assert draw(50, 0, 50, seed=0) != draw(50, 0, 50, seed=1)
