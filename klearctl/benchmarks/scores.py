"""avg@n and pass@k with their errors: the rewards of each problem's samples in, a fraction out. Pure."""

import math
from collections.abc import Sequence

Rewards = Sequence[Sequence[float]]
"""For each problem the rewards of its samples; a sample passes with 1.0."""


def average(rewards: Rewards) -> float:
    """avg@n: the mean over problems of the mean over their samples."""
    return sum(map(_mean, rewards)) / len(rewards)


def standard_error(rewards: Rewards) -> float:
    """Of `average`, clustered by problem, as samples of one problem are no independent draws; 0.0 for one problem."""
    problems = len(rewards)
    if problems < 2:
        return 0.0
    centre = average(rewards)
    squares = sum((_mean(samples) - centre) ** 2 for samples in rewards)
    return math.sqrt(squares / (problems - 1) / problems)


def pass_at(rewards: Rewards, k: int) -> float:
    """pass@k: the mean over problems of the chance that k of their samples hold one that passes (Chen et al., 2021)."""
    return sum(_any_of(len(one), sum(reward == 1.0 for reward in one), k) for one in rewards) / len(rewards)


def _any_of(samples: int, passing: int, k: int) -> float:
    """1 - C(n - c, k) / C(n, k): of all ways to draw k of n samples without putting back, those with a passing one."""
    if k > samples:
        raise ValueError(f"pass@{k} of {samples} samples")
    return 1.0 - math.comb(samples - passing, k) / math.comb(samples, k)


def _mean(samples: Sequence[float]) -> float:
    return sum(samples) / len(samples)
