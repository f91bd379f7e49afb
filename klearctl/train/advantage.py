"""Rewards of groups in, advantages out: how much better a rollout is than its group."""

import torch
from torch import Tensor

EPSILON = 1e-6  # keeps a group of nearly equal rewards finite


def group_advantages(rewards_PG: Tensor) -> tuple[Tensor, Tensor]:
    """(R - mean) / sigma in each group, and which groups to keep (Klear-Reasoner Eq. 4).

    Sigma is the biased one, as the paper has it. A group whose rewards are all equal says nothing about its
    rollouts: it is not kept, and its advantages are 0.
    """
    rewards_PG = rewards_PG.double()
    keep_P = (rewards_PG != rewards_PG[:, :1]).any(dim=1)
    centred_PG = rewards_PG - rewards_PG.mean(dim=1, keepdim=True)
    sigma_P1 = centred_PG.square().mean(dim=1, keepdim=True).sqrt()
    advantages_PG = centred_PG / (sigma_P1 + EPSILON)
    return torch.where(keep_P[:, None], advantages_PG, 0.0).float(), keep_P
