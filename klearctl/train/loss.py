"""Losses on flat response tokens: log-probs and advantages in, a sum over the tokens and its statistics out.

T counts the response tokens of any number of samples, one after another. The caller divides the sum by the
token count of all ranks, which is the paper's 1 / sum_j T_j.
"""

from typing import NamedTuple

import torch
from torch import Tensor

LARGEST_LOG_RATIO = 20.0  # exp(89) overflows float32; a token this far off policy keeps the weight exp(20)


class LossSums(NamedTuple):
    """Statistics summed over tokens, so that those of rows and ranks can be added."""

    tokens: float
    clipped_low: float
    clipped_high: float
    ratio: float
    kl: float

    def means(self) -> dict[str, float]:
        """Clip fractions, mean ratio and approximate KL(old || new), as they go into a row of metrics."""
        tokens = max(self.tokens, 1.0)
        return {
            "clip_low": self.clipped_low / tokens,
            "clip_high": self.clipped_high / tokens,
            "ratio": self.ratio / tokens,
            "approx_kl": self.kl / tokens,
        }


def gppo_loss(
    logp_T: Tensor,
    old_logp_T: Tensor,
    advantage_T: Tensor,
    *,
    clip_low: float,
    clip_high: float,
    beta1: float,
    beta2: float,
    dual_clip: float,
) -> tuple[Tensor, LossSums]:
    """Clip the value, keep the gradient (Klear-Reasoner Eq. 11; with beta1, beta2 Eq. 17).

    PPO gives a clipped token no gradient, GPPO a bounded one: F of Eq. 12 is beta2 (1 + clip_high) where the
    ratio is too high and the advantage positive, beta1 (1 - clip_low) where it is too low and the advantage
    negative, else the ratio. `dual_clip` above 0 caps the factor of a negative advantage, without gradient.
    """
    ratio_T, log_ratio_T = _ratio(logp_T, old_logp_T)
    low_T, high_T = _clipped(ratio_T, advantage_T, clip_low=clip_low, clip_high=clip_high)
    factor_T = torch.where(
        high_T,
        beta2 * (1 + clip_high),
        torch.where(low_T, beta1 * (1 - clip_low), ratio_T),
    )
    # 1, carrying the gradient of log p: the paper's r / sg(r) is NaN when r underflows
    one_T = torch.exp(_wide(logp_T) - _wide(logp_T).detach())
    factor_T, one_T = _dual(factor_T, one_T, advantage_T, dual_clip=dual_clip)
    return -(advantage_T * factor_T * one_T).sum(), _sums(ratio_T, log_ratio_T, low_T, high_T)


def ppo_loss(
    logp_T: Tensor,
    old_logp_T: Tensor,
    advantage_T: Tensor,
    *,
    clip_low: float,
    clip_high: float,
    dual_clip: float,
) -> tuple[Tensor, LossSums]:
    """PPO with clip-higher (Klear-Reasoner Eq. 7): a clipped token has its value, and no gradient."""
    ratio_T, log_ratio_T = _ratio(logp_T, old_logp_T)
    low_T, high_T = _clipped(ratio_T, advantage_T, clip_low=clip_low, clip_high=clip_high)
    factor_T = torch.where(high_T, 1 + clip_high, torch.where(low_T, 1 - clip_low, ratio_T))
    one_T = torch.exp(_wide(logp_T) - _wide(logp_T).detach())
    one_T = torch.where(low_T | high_T, one_T.detach(), one_T)
    factor_T, one_T = _dual(factor_T, one_T, advantage_T, dual_clip=dual_clip)
    return -(advantage_T * factor_T * one_T).sum(), _sums(ratio_T, log_ratio_T, low_T, high_T)


def nll_loss(logp_T: Tensor) -> Tensor:
    """Negative log-likelihood, summed (Klear-Reasoner Eq. 8; Eq. 14 on correct rollouts)."""
    return -_wide(logp_T).sum()


def _ratio(logp_T: Tensor, old_logp_T: Tensor) -> tuple[Tensor, Tensor]:
    log_ratio_T = (_wide(logp_T) - _wide(old_logp_T)).detach().clamp(max=LARGEST_LOG_RATIO)
    return torch.exp(log_ratio_T), log_ratio_T


def _clipped(ratio_T: Tensor, advantage_T: Tensor, *, clip_low: float, clip_high: float) -> tuple[Tensor, Tensor]:
    return (advantage_T < 0) & (ratio_T < 1 - clip_low), (advantage_T > 0) & (ratio_T > 1 + clip_high)


def _dual(factor_T: Tensor, one_T: Tensor, advantage_T: Tensor, *, dual_clip: float) -> tuple[Tensor, Tensor]:
    if not dual_clip:
        return factor_T, one_T
    capped_T = (advantage_T < 0) & (factor_T > dual_clip)
    return factor_T.clamp(max=dual_clip).where(capped_T, factor_T), one_T.detach().where(capped_T, one_T)


def _sums(ratio_T: Tensor, log_ratio_T: Tensor, low_T: Tensor, high_T: Tensor) -> LossSums:
    kl_T = ratio_T - 1 - log_ratio_T  # never negative, and its mean over old samples is the KL divergence
    sums = torch.stack([low_T.sum(), high_T.sum(), ratio_T.sum(), kl_T.sum()]).tolist()
    return LossSums(float(ratio_T.numel()), *sums)


def _wide(logp_T: Tensor) -> Tensor:
    """At least float32: a bfloat16 log-prob of -110 has steps of 0.5."""
    return logp_T if logp_T.dtype == torch.float64 else logp_T.float()
