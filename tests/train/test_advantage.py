import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from klearctl.train.advantage import group_advantages

groups = st.integers(2, 6).flatmap(
    lambda size: st.lists(st.lists(st.sampled_from([0.0, 0.25, 1.0]), min_size=size, max_size=size), min_size=1)
)


def test_one_right_of_four_is_worth_the_root_of_three():
    advantages, _ = group_advantages(torch.tensor([[1.0, 0.0, 0.0, 0.0]]))  # mean 1/4, biased sigma sqrt(3)/4
    assert advantages[0].tolist() == pytest.approx([1.7320, -0.57735, -0.57735, -0.57735], abs=1e-4)


def test_a_group_of_equal_rewards_is_dropped():
    _, keep = group_advantages(torch.tensor([[1.0, 1.0], [0.0, 1.0], [0.0, 0.0]]))
    assert keep.tolist() == [False, True, False]


@given(rewards=groups)
def test_advantages_of_a_kept_group_have_mean_0_and_variance_1(rewards):
    advantages, keep = group_advantages(torch.tensor(rewards))
    kept = advantages[keep].double()
    moments = torch.stack([kept.mean(1), kept.square().mean(1) - 1])
    assert moments.abs().max().item() < 1e-4 if keep.any() else not advantages.any()


@given(rewards=groups, scale=st.floats(0.5, 2), shift=st.floats(-1, 1))
def test_advantages_do_not_depend_on_scale_and_shift_of_the_rewards(rewards, scale, shift):
    base = torch.tensor(rewards, dtype=torch.float64)
    advantages, _ = group_advantages(base)
    moved, _ = group_advantages(torch.where(group_advantages(base)[1][:, None], base * scale + shift, base))
    assert torch.allclose(advantages, moved, atol=1e-4)
