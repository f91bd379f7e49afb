"""What a run whose trainer was killed must have kept: what was seen of the kills, and its bucket in; the broken out."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from bench.commands import klearctl, metrics
from klearctl import checkpoints, storage
from klearctl.kube.jobset import MAX_RESTARTS

PODS = 2  # of each attempt: a trainer and a server


@dataclass(frozen=True, slots=True)
class Kill:
    """What was seen of one."""

    moment: str
    before: list[int]
    """Committed steps."""
    after: list[int]
    rows: list[dict[str, Any]]
    """Up to the newest committed step, as they were before."""
    pods: set[str]
    """The uids of the attempt's."""
    went_on: str
    """How."""


def broken(kills: list[Kill], run: str, prefix: str, *, steps: int) -> Iterator[str]:
    """A line for each promise that did not hold."""
    yield from broken_steps(kills, run, prefix, steps)
    yield from broken_rows(kills, run, prefix, steps)
    yield from broken_rules(kills)


def broken_steps(kills: list[Kill], run: str, prefix: str, steps: int) -> Iterator[str]:
    """Committed steps shrank, a checkpoint is damaged, or the run did not finish."""
    seen = [committed for found in kills for committed in (found.before, found.after)]
    seen.append([found.step for found in checkpoints.committed(prefix)])
    for before, after in pairwise(seen):
        if not set(before) <= set(after):
            yield f"committed steps shrank from {before} to {after}"
    for found in checkpoints.committed(prefix):
        yield from checkpoints.verify(found)
    status = json.loads(klearctl("status", run, "-o", "json"))
    if (status["state"], status["checkpoint"]) != ("succeeded", steps):
        yield f"the run did not finish: {status}"


def broken_rows(kills: list[Kill], run: str, prefix: str, steps: int) -> Iterator[str]:
    """Where a row of metrics is lost, doubled, or another than at a kill after its step was committed."""
    rows = metrics(run)
    if [row["step"] for row in rows] != list(range(steps + 1)):
        yield f"rows are lost or doubled: {[row['step'] for row in rows]}"
    for found in kills:
        if rows[: len(found.rows)] != found.rows:
            yield f"rows of committed steps changed after the kill at: {found.moment}"
    folder = storage.join(prefix, "metrics")
    parts = [storage.read_bytes(storage.join(folder, name)) for name in storage.names(folder)]
    written = [(row["attempt"], row["step"]) for part in parts for row in map(json.loads, part.splitlines())]
    if len(set(written)) != len(written):
        yield f"an attempt wrote a row twice: {written}"


def broken_rules(kills: list[Kill]) -> Iterator[str]:
    """Where the group did not restart as its manifest says: MAX_RESTARTS times, then it has failed."""
    for place, found in enumerate(kills):
        count = place % (MAX_RESTARTS + 1)
        rule = f"restart {count + 1}" if count < MAX_RESTARTS else f"`klearctl resume` after restart {MAX_RESTARTS}"
        if found.went_on != rule:
            yield f"kill {place + 1} was followed by {found.went_on} instead of {rule}"
    for found, following in pairwise(kills):
        if found.pods & following.pods or len(found.pods) != PODS:
            yield f"the group did not start anew after the kill at: {found.moment}"
