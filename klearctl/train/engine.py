"""One optimizer step at a time on DeepSpeed: samples and a loss in, a better model out. Serves sft and rl alike."""

import math
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import deepspeed
import numpy as np
import torch
from torch import Tensor

from klearctl.config.common import OptimizerConfig
from klearctl.errors import ConfigError, RunFailed
from klearctl.train import ranks, state, zero
from klearctl.train.packing import Row, Sample, lay_out, pack
from klearctl.train.policy import load_policy
from klearctl.train.schedule import learning_rate

LossOf = Callable[[int, Tensor], Tensor]
"""From the place of a sample and the log-probs of its response to its loss, summed over tokens."""

NOTHING = Sample((0,), (0,))  # keeps a rank with fewer rows in step with the others; it weighs 0


class Engine:
    """A model in training. Every method is called by all ranks, each with its own samples."""

    def __init__(
        self,
        model_dir: Path,
        *,
        optimizer: OptimizerConfig,
        total_steps: int,
        zero_stage: int,
        dtype: str,
        row_tokens: int,
        seed: int,
        temperature: float,
    ) -> None:
        """From a Hugging Face directory. `total_steps` are optimizer steps, which a decay ends after."""
        if dtype == "bfloat16" and zero_stage == 0:
            raise ConfigError(
                "trainer.zero_stage is 0 with trainer.dtype bfloat16",
                fix="trainer.zero_stage = 1",
            )
        self.rank, self.world_size, self.device = (
            ranks.rank(),
            ranks.world_size(),
            ranks.device(),
        )
        self.model_dir, self.dtype, self.zero_stage = (
            model_dir,
            getattr(torch, dtype),
            zero_stage,
        )
        self.row_tokens = row_tokens
        self.updates = 0
        """Optimizer steps made so far."""
        self._settings, self._total_steps = optimizer, total_steps
        zero.quiet()
        _seed(seed)
        gpu = self.device.type == "cuda"
        policy = load_policy(model_dir, dtype=self.dtype, temperature=temperature, gpu=gpu)
        self.names = {name.removeprefix("model."): parameter for name, parameter in policy.named_parameters()}
        self._deepspeed = zero.wrap(policy, optimizer, zero_stage=zero_stage, dtype=dtype)
        self._make_moments()

    def logprobs(self, samples: Sequence[Sample]) -> list[Tensor]:
        """Log-probs of each sample's response tokens, without gradient."""
        found: list[Tensor | None] = [None] * len(samples)
        with torch.no_grad():
            for places in self._rows(samples):
                row = self._lay_out(samples, places)
                parts = self._deepspeed(row).split(row.lengths)
                for place, logp_T in zip(places, parts, strict=False):
                    found[place] = logp_T
        return [logp_T for logp_T in found if logp_T is not None]

    def step(self, samples: Sequence[Sample], loss_of: LossOf, tokens: int) -> dict[str, float]:
        """One optimizer step on the loss of all ranks' samples, divided by `tokens`, the count over all ranks."""
        rows = self._rows(samples)
        summed = torch.zeros((), device=self.device)
        for number, places in enumerate(rows, start=1):
            self._deepspeed.set_gradient_accumulation_boundary(number == len(rows))
            loss = self._row_loss(samples, places, loss_of)
            # DeepSpeed averages gradients over the ranks
            self._deepspeed.backward(loss * (self.world_size / tokens), scale_wrt_gas=False)
            summed += loss.detach()
        rate = learning_rate(self._settings, self.updates + 1, self._total_steps)
        norm = self._update(rate)
        loss_mean = ranks.total([summed.item()])[0] / tokens
        if not math.isfinite(norm + loss_mean):
            raise RunFailed(
                f"optimizer step {self.updates} has loss {loss_mean} and gradient norm {norm}",
                fix="lower optimizer.lr, then resume from the last checkpoint",
            )
        return {"loss": loss_mean, "grad_norm": norm, "lr": rate}

    def parameters(self) -> Iterator[tuple[str, Tensor]]:
        """Whole tensors by their Hugging Face names, in the same order on all ranks; each is valid until the next."""
        for name, parameter in self.names.items():
            with deepspeed.zero.GatheredParameters([parameter], enabled=self.zero_stage == 3):
                yield name, parameter.detach()

    def save(self, directory: Path, extra: dict[str, Any]) -> None:
        """Write `model/` and `state/`, rank 0 alone; the same files whatever the number of ranks."""
        state.save(directory, self, self._deepspeed, extra)

    def load(self, directory: Path) -> dict[str, Any]:
        """Go on from `state/`, in an engine made from `directory/model`, on any number of ranks; its `extra`."""
        return state.load(directory, self, self._deepspeed)

    def _rows(self, samples: Sequence[Sample]) -> list[list[int]]:
        """Every rank has the same number of rows, as a row of ZeRO is a meeting of all ranks."""
        rows = pack(samples, self.row_tokens)
        return rows + [[]] * (max(1, int(ranks.largest(len(rows)))) - len(rows))

    def _lay_out(self, samples: Sequence[Sample], places: list[int]) -> Row:
        return lay_out([samples[place] for place in places] or [NOTHING], self.device)

    def _row_loss(self, samples: Sequence[Sample], places: list[int], loss_of: LossOf) -> Tensor:
        row = self._lay_out(samples, places)
        logp_T: Tensor = self._deepspeed(row)
        if not places:
            return logp_T.sum() * 0.0
        parts = logp_T.split(row.lengths)
        return torch.stack([loss_of(place, part_T) for place, part_T in zip(places, parts, strict=True)]).sum()

    def _update(self, rate: float) -> float:
        for group in self._deepspeed.optimizer.param_groups:
            group["lr"] = rate
        norm = self._plain_norm() if self.zero_stage == 0 else None
        self._deepspeed.step()
        self.updates += 1
        return float(self._deepspeed.get_global_grad_norm() if norm is None else norm)

    def _plain_norm(self) -> Tensor:
        return torch.nn.utils.get_total_norm(
            [parameter.grad for parameter in self.names.values() if parameter.grad is not None]
        )

    def _make_moments(self) -> None:
        """A step at rate 0 on nothing: DeepSpeed makes AdamW's moments at the first step, and a resume fills them."""
        self._deepspeed.set_gradient_accumulation_boundary(True)
        self._deepspeed.backward(self._row_loss([], [], _no_loss), scale_wrt_gas=False)
        self._update(0.0)
        self.updates = 0
        state.set_adam_step(self._deepspeed, 0)


def _no_loss(place: int, logp_T: Tensor) -> Tensor:
    raise AssertionError("a row of nothing has no samples")


def _seed(seed: int) -> None:
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)
