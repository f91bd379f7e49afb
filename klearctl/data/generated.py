"""Problems from reasoning_gym: a task's name and a seed in, problems with numeric answers out.

Only its generators are used. Several of its scorers `eval` what they are given, so none is ever called:
answers are compared by our own reward.
"""

import hashlib
from collections.abc import Iterator

from klearctl.config.curate import SourceConfig
from klearctl.data.candidate import Candidate, candidate
from klearctl.errors import ConfigError


def generate(source: SourceConfig, *, seed: str) -> Iterator[Candidate]:
    """The problems of a generated task; equal seeds and settings give equal problems.

    Raises:
        ConfigError: the task refuses its settings.
    """
    import reasoning_gym  # 3 s: it imports matplotlib and sympy

    reserved = {"seed", "size"} & source.settings.keys()
    if reserved:
        raise ConfigError(f"{min(reserved)} is not a setting of {source.address}", fix="set `problems` and `seed`")
    try:
        items = reasoning_gym.create_dataset(source.task, size=source.problems, seed=_number(seed), **source.settings)
    except (AssertionError, TypeError, ValueError) as error:  # how its tasks refuse a setting
        raise ConfigError(f"{source.address} refuses its settings: {error}", fix="see the task's class") from error
    for item in items:
        yield candidate(source.address, source.task, item["question"], item["answer"])


def _number(seed: str) -> int:
    """The words as a number. Tasks seed item I with `seed + I`: near seeds would share nearly all their items."""
    return int.from_bytes(hashlib.sha256(seed.encode()).digest()[:4])
