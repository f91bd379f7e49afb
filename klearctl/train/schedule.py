"""The learning rate of a step, from the settings and the step alone: nothing to save, nothing to resume."""

import math

from klearctl.config.common import OptimizerConfig


def learning_rate(optimizer: OptimizerConfig, step: int, total_steps: int) -> float:
    """For steps counted from 1: linear warm-up, then constant, linear to the end, or cosine to `min_lr_ratio`."""
    if step <= optimizer.warmup_steps:
        return optimizer.lr * step / optimizer.warmup_steps
    if optimizer.decay == "constant":
        return optimizer.lr
    left = max(0, total_steps - step) / max(1, total_steps - optimizer.warmup_steps)
    share = left if optimizer.decay == "linear" else (1 + math.cos(math.pi * (1 - left))) / 2
    return optimizer.lr * (optimizer.min_lr_ratio + (1 - optimizer.min_lr_ratio) * share)
