"""From a batch of rollouts to a better model: old log-probs, mini-batches, GPPO and NLL, optimizer steps.

Called by all ranks with the same batch; each works on its share.
"""

import random
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from klearctl.config.rl import LossConfig, RLConfig
from klearctl.errors import RunFailed
from klearctl.stages.rl_batch import Rollout
from klearctl.train import ranks
from klearctl.train.loss import LossSums, gppo_loss, nll_loss, ppo_loss
from klearctl.train.packing import Sample

if TYPE_CHECKING:
    from torch import Tensor

    from klearctl.train.engine import Engine

PolicyLoss = Callable[["Tensor", "Tensor", "Tensor"], tuple["Tensor", LossSums]]
"""From log-probs, old log-probs and advantages of some tokens to their summed loss and its statistics."""


def update(engine: "Engine", rollouts: list[Rollout], config: RLConfig, *, step: int) -> dict[str, float]:
    """Several optimizer steps on the batch; its part of the row of metrics.

    Raises:
        RunFailed: the servers' log-probs are too far from the trainer's.
    """
    import torch

    parts = divide(len(rollouts), config.updates_per_batch, seed=f"{config.seed}/rl/{step}")
    mine = sorted(place for part in parts for place in part[engine.rank :: engine.world_size])
    old = dict(zip(mine, engine.logprobs([sample_of(rollouts[place]) for place in mine]), strict=True))
    gap = logprob_gap(old, rollouts)
    if not gap.largest <= config.logprob_gap_limit:
        raise RunFailed(
            f"after the push for step {step} a server's log-probs of a rollout differ from the trainer's by"
            f" {gap.largest:.3g} nats a token, logprob_gap_limit is {config.logprob_gap_limit:g}",
            fix="look for a server with other weights or another precision",
        )
    sums = torch.zeros(len(LossSums._fields), dtype=torch.float64)
    rows = [one_update(engine, rollouts, part, old, config.loss, sums) for part in parts]
    return {
        "logprob_gap": gap.mean,
        "logprob_gap_largest": gap.largest,
        "updates": len(rows),
        "loss": sum(row["loss"] for row in rows) / len(rows),
        "grad_norm": sum(row["grad_norm"] for row in rows) / len(rows),
        "lr": rows[-1]["lr"],
        **LossSums(*ranks.total(sums.tolist())).means(),
    }


def divide(samples: int, updates: int, *, seed: str) -> list[list[int]]:
    """The places of the samples in that many mini-batches, shuffled; fewer where there are fewer samples."""
    order = random.Random(seed).sample(range(samples), samples)
    count = min(updates, samples)
    return [order[samples * part // count : samples * (part + 1) // count] for part in range(count)]


class Gap(NamedTuple):
    """Distance between the trainer's log-probs and the servers', in nats a token."""

    mean: float
    """Over the tokens of all rollouts."""

    largest: float
    """Of one rollout, over its tokens: one server with other weights among many shows here."""


def logprob_gap(old: "dict[int, Tensor]", rollouts: list[Rollout]) -> Gap:
    """The gap over the rollouts of all ranks."""
    import torch

    distance = tokens = worst = 0.0
    for place, logp_T in old.items():
        theirs_T = torch.tensor(rollouts[place].server_logprobs, device=logp_T.device)
        own = (logp_T - theirs_T).abs().sum().item()
        distance, tokens = distance + own, tokens + len(logp_T)
        own /= len(logp_T)
        worst = own if not own <= worst else worst  # NaN is the worst of all
    distance, tokens = ranks.total([distance, tokens])
    return Gap(distance / tokens, ranks.largest(worst))


def one_update(
    engine: "Engine",
    rollouts: list[Rollout],
    part: list[int],
    old: "dict[int, Tensor]",
    config: LossConfig,
    sums: "Tensor",
) -> dict[str, float]:
    """One optimizer step on the mini-batch; its statistics are added to `sums`.

    The loss is the token mean of GPPO plus alpha times the token mean of the NLL over the correct rollouts
    (Klear-Reasoner Eq. 13, 14). The engine divides by all tokens, so the NLL is scaled up from the correct ones.
    """
    import torch

    places = part[engine.rank :: engine.world_size]
    tokens = sum(len(rollouts[place].response) for place in part)
    correct = sum(len(rollouts[place].response) for place in part if rollouts[place].reward == 1.0)
    policy_loss = loss_function(config)

    def loss_of(number: int, logp_T: "Tensor") -> "Tensor":
        rollout = rollouts[places[number]]
        advantage_T = torch.full_like(logp_T, rollout.advantage)
        loss, found = policy_loss(logp_T, old[places[number]], advantage_T)
        sums.add_(torch.tensor(found, dtype=torch.float64))
        loss = config.policy_weight * loss
        if rollout.reward == 1.0:
            loss = loss + config.nll_weight * tokens / correct * nll_loss(logp_T)
        return loss

    return engine.step([sample_of(rollouts[place]) for place in places], loss_of, tokens)


def loss_function(config: LossConfig) -> PolicyLoss:
    """The policy loss that the settings name."""
    if config.name == "ppo":
        return partial(ppo_loss, clip_low=config.clip_low, clip_high=config.clip_high, dual_clip=config.dual_clip)
    return partial(
        gppo_loss,
        clip_low=config.clip_low,
        clip_high=config.clip_high,
        beta1=config.beta1,
        beta2=config.beta2,
        dual_clip=config.dual_clip,
    )


def sample_of(rollout: Rollout) -> Sample:
    """The rollout as the engine takes it."""
    return Sample(rollout.prompt, rollout.response)
