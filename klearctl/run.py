"""A run: one stage started once, with a name. Where its things lie and what it may be called."""

import re
import secrets
from dataclasses import dataclass
from typing import Literal

from klearctl.errors import ConfigError

Stage = Literal["curate", "sft", "rl", "eval"]
STAGES: tuple[Stage, ...] = ("curate", "sft", "rl", "eval")

NAME_LIMIT = 40  # a pod's name adds ROLE-JOB-INDEX-XXXXX to it and may hold 63 characters
_NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")  # RFC 1035 label, as a Service's name must be
_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"  # without 0, 1, l and o, which are misread


@dataclass(frozen=True, slots=True)
class Run:
    """One stage, started once, under a name that is unique in its bucket and namespace."""

    name: str
    stage: Stage
    bucket: str
    """`s3://BUCKET`, or `s3://BUCKET/PREFIX`."""

    recipe: str = ""
    """The recipe run that it is a stage of."""

    def __post_init__(self) -> None:
        check_name(self.name)

    @property
    def prefix(self) -> str:
        """Where everything of the run lies."""
        return run_prefix(self.bucket, self.name)


def run_prefix(bucket: str, name: str) -> str:
    """The address under which the run of that name keeps everything."""
    return f"{bucket.rstrip('/')}/runs/{name}"


def check_name(name: str) -> str:
    """The name itself, if Kubernetes would take it for a Service and its pods.

    Raises:
        ConfigError: longer than 40 characters, or not an RFC 1035 label.
    """
    if len(name) > NAME_LIMIT:
        raise ConfigError(
            f"the name {name} has {len(name)} characters",
            fix=f"use at most {NAME_LIMIT}",
        )
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"{name!r} cannot be the name of a run",
            fix="use small letters, digits and dashes, a letter first, for example sft-trial-2",
        )
    return name


def check_stage(word: str) -> Stage:
    """The word as a stage.

    Raises:
        ConfigError: there is no such stage.
    """
    for stage in STAGES:
        if word == stage:
            return stage
    raise ConfigError(f"{word} is not a stage", fix=f"one of {', '.join(STAGES)}")


def new_name(base: str) -> str:
    """BASE-XXXXXX with six random letters or digits."""
    return f"{base}-{''.join(secrets.choice(_LETTERS) for _ in range(6))}"
