"""The table of an eval run: every problem's judgements in, each model's accuracies with their errors out. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from klearctl.benchmarks.scores import average, pass_at, standard_error
from klearctl.config.eval import EvalConfig


@dataclass(frozen=True, slots=True)
class Judged:
    """What one model made of one problem."""

    place: int
    """The problem's place in the data."""

    task: str
    rewards: dict[str, list[float]]
    """Of its samples at each temperature."""

    cut: int
    """Samples that reached the token limit."""

    text: str
    """Its first sample, for the problems that are shown; else empty."""


Judgements = Mapping[str, Sequence[Judged]]
"""Each model's judgements, one a problem, in the order of the data."""


def table(judgements: Judgements, config: EvalConfig) -> dict[str, Any]:
    """Accuracies of all models; the first temperature is the one that counts."""
    problems = len(next(iter(judgements.values())))
    return {"models": {label: _model(judged, config) for label, judged in judgements.items()}, "problems": problems}


def _model(judged: Sequence[Judged], config: EvalConfig) -> dict[str, Any]:
    keys = [key(temperature) for temperature in config.temperatures]
    counting = [one.rewards[keys[0]] for one in judged]
    tasks = sorted({one.task for one in judged})
    sampled = sum(len(rewards) for one in judged for rewards in one.rewards.values())
    return {
        "accuracy": average(counting),
        "stderr": standard_error(counting),
        "samples": len(counting[0]),
        "by_temperature": {name: average([one.rewards[name] for one in judged]) for name in keys},
        "pass_at": {str(k): pass_at(counting, k) for k in config.pass_at if k <= len(counting[0])},
        "by_task": {task: average([one.rewards[keys[0]] for one in judged if one.task == task]) for task in tasks},
        "truncated": sum(one.cut for one in judged) / sampled,
    }


def key(temperature: float) -> str:
    """A temperature as the table names it."""
    return str(float(temperature))
