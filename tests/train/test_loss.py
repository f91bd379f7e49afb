import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from klearctl.train.loss import LossSums, gppo_loss, nll_loss, ppo_loss

CLIP = {"clip_low": 0.2, "clip_high": 0.28}
log_ratios = st.floats(-3, 3).filter(lambda x: all(abs(math.exp(x) - edge) > 1e-6 for edge in (0.8, 1.28)))
advantages = st.floats(-4, 4)


def gppo(logp, old, advantage, *, beta1=1.0, beta2=1.0, dual_clip=0.0, clip_high=0.28):
    return gppo_loss(
        logp, old, advantage, clip_low=0.2, clip_high=clip_high, beta1=beta1, beta2=beta2, dual_clip=dual_clip
    )


def ppo(logp, old, advantage, *, dual_clip=0.0):
    return ppo_loss(logp, old, advantage, **CLIP, dual_clip=dual_clip)


def loss_and_grad(loss, log_ratio, advantage, dtype=torch.float64, **settings):
    """Of one token with an old log-prob of -1."""
    old = torch.tensor([-1.0], dtype=dtype)
    logp = (old + log_ratio).requires_grad_()
    value, _ = loss(logp, old, torch.tensor([advantage], dtype=dtype), **settings)
    value.backward()
    return value.item(), logp.grad.item()


@pytest.mark.parametrize(
    ("ratio", "advantage", "factor"),
    [
        (1.1, +1.0, 1.1),  # inside: plain policy gradient
        (0.9, -1.0, 0.9),  # inside
        (2.0, +1.0, 1.28),  # too high and good: PPO would give 0
        (0.5, +1.0, 0.5),  # too low and good: never clipped
        (0.5, -1.0, 0.8),  # too low and bad: PPO would give 0
        (2.0, -1.0, 2.0),  # too high and bad: never clipped
        (12.0, -1.0, 12.0),  # far too high and bad: unbounded without dual clip
    ],
)
def test_gppo_gives_each_case_the_factor_of_the_paper(ratio, advantage, factor):
    _, grad = loss_and_grad(gppo, math.log(ratio), advantage)
    assert grad == pytest.approx(-factor * advantage)


@pytest.mark.parametrize(
    ("ratio", "advantage", "factor"),
    [
        (1.1, +1.0, 1.1),  # inside
        (2.0, +1.0, 0.0),  # too high and good
        (0.5, +1.0, 0.5),  # too low and good
        (0.5, -1.0, 0.0),  # too low and bad
        (2.0, -1.0, 2.0),  # too high and bad
    ],
)
def test_ppo_gives_clipped_tokens_no_gradient(ratio, advantage, factor):
    _, grad = loss_and_grad(ppo, math.log(ratio), advantage)
    assert grad == pytest.approx(-factor * advantage)


@pytest.mark.parametrize(
    ("ratio", "advantage", "factor"),
    [
        (0.5, -1.0, 0.25 * 0.8),  # low side: beta1
        (2.0, +1.0, 0.5 * 1.28),  # high side: beta2
        (1.1, +1.0, 1.1),  # inside: neither
    ],
)
def test_beta_scales_the_factor_of_its_side(ratio, advantage, factor):
    _, grad = loss_and_grad(gppo, math.log(ratio), advantage, beta1=0.25, beta2=0.5)
    assert grad == pytest.approx(-factor * advantage)


@given(log_ratio=log_ratios, advantage=advantages)
def test_the_gradient_is_the_bounded_ratio_times_the_advantage(log_ratio, advantage):
    ratio = math.exp(log_ratio)
    weight = min(ratio, 1.28) if advantage > 0 else max(ratio, 0.8)
    _, grad = loss_and_grad(gppo, log_ratio, advantage)
    assert grad == pytest.approx(-advantage * weight, rel=1e-12, abs=1e-12)


@given(log_ratio=log_ratios, advantage=advantages)
def test_the_forward_value_is_that_of_ppo_with_clip_higher(log_ratio, advantage):
    ratio = math.exp(log_ratio)
    objective = min(ratio * advantage, min(max(ratio, 0.8), 1.28) * advantage)
    values = [loss_and_grad(loss, log_ratio, advantage)[0] for loss in (gppo, ppo)]
    assert values == pytest.approx([-objective, -objective], rel=1e-12, abs=1e-12)


@given(log_ratio=log_ratios, advantage=advantages)
def test_beta_0_has_the_gradient_of_ppo(log_ratio, advantage):
    _, grad = loss_and_grad(gppo, log_ratio, advantage, beta1=0.0, beta2=0.0)
    assert grad == pytest.approx(loss_and_grad(ppo, log_ratio, advantage)[1], rel=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("log_ratio", [-110.0, +110.0])
@pytest.mark.parametrize("advantage", [-1.0, +1.0])
@pytest.mark.parametrize("loss", [gppo, ppo])
def test_a_ratio_that_under_or_overflows_is_no_nan(dtype, log_ratio, advantage, loss):
    assert all(map(math.isfinite, loss_and_grad(loss, log_ratio, advantage, dtype)))


@pytest.mark.parametrize("loss", [gppo, ppo])
@pytest.mark.parametrize(
    ("ratio", "value", "grad"),
    [
        (9.0, 9.0, 9.0),  # below the cap
        (20.0, 10.0, 0.0),  # above: a constant
    ],
)
def test_dual_clip_caps_the_loss_of_a_negative_advantage(loss, ratio, value, grad):
    assert loss_and_grad(loss, math.log(ratio), -1.0, dual_clip=10.0) == pytest.approx((value, grad))


def test_dual_clip_leaves_positive_advantages_alone():
    assert loss_and_grad(gppo, math.log(20.0), +1.0, dual_clip=10.0, clip_high=30.0)[1] == pytest.approx(-20.0)


def test_the_loss_is_a_sum_over_tokens():
    logp, old = torch.tensor([-1.0, -2.0, -3.0]), torch.tensor([-1.0, -2.0, -3.0])
    value, _ = gppo(logp, old, torch.tensor([1.0, -2.0, 4.0]))
    assert value.item() == pytest.approx(-3.0)  # -(1 - 2 + 4), every ratio 1


def test_statistics_count_the_clipped_tokens_of_each_side():
    ratio = torch.tensor([2.0, 0.5, 1.0, 2.0])
    _, sums = gppo(ratio.log(), torch.zeros(4), torch.tensor([1.0, -1.0, 1.0, -1.0]))
    assert (sums.clipped_low, sums.clipped_high, sums.tokens) == (1.0, 1.0, 4.0)


def test_means_divide_by_the_tokens():
    means = LossSums(tokens=4.0, clipped_low=1.0, clipped_high=2.0, ratio=6.0, kl=0.4).means()
    assert means == {"clip_low": 0.25, "clip_high": 0.5, "ratio": 1.5, "approx_kl": 0.1}


def test_means_of_no_tokens_are_0():
    assert set(LossSums(0.0, 0.0, 0.0, 0.0, 0.0).means().values()) == {0.0}


def test_nll_is_the_negated_sum_of_log_probs():
    assert nll_loss(torch.tensor([-1.0, -0.5])).item() == pytest.approx(1.5)
