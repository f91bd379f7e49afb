"""Seeds of samples: room for each of a request's samples, and another one for whatever it is for."""

from hypothesis import given
from hypothesis import strategies as st

from klearctl.rollout.seeds import seed_of

ROOM = 2**16
parts = st.lists(st.integers() | st.text(), min_size=1, max_size=4)


@given(parts)
def test_it_and_the_seeds_after_it_fit_vllm(parts):
    assert 0 <= seed_of(*parts) <= 2**63 - ROOM


@given(parts)
def test_the_seeds_after_it_are_nobody_else_s(parts):
    assert seed_of(*parts) % ROOM == 0


@given(parts, parts)
def test_other_parts_give_another_seed(first, second):
    assert (seed_of(*first) == seed_of(*second)) is (first == second)


def test_parts_are_told_from_each_other():
    assert len({seed_of("a", "b"), seed_of("ab"), seed_of("b", "a"), seed_of(1), seed_of("1")}) == 5


def test_it_is_the_same_in_every_process_and_version():
    assert seed_of(0, "eval", "1.0", "sum-1") == 910630689695203328
