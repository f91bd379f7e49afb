"""SIGKILL of an rl run's trainer at ten moments: `python -m bench.killed [--seed 0] [--markdown docs/killed.md]`.

A small rl run on the local backend, by the user's own commands, in a home of its own. Before each kill the trainer is
frozen and looked at again, so that the moment is the one that the table names; the last two come at a random time.
Three failures restart the whole group by the manifest's rules, at the fourth the run has failed, and `klearctl resume`
lets it go on. Prints what was committed before and after each kill, and exits 1 where a promise broke: a committed step
is lost, the group does not restart, a row of metrics is lost, changed or doubled, or the run does not finish.
Takes a quarter of an hour on two cores: each attempt waits for a new vLLM server.
"""

import argparse
import json
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from bench.commands import klearctl, metrics, sets, submit
from bench.moments import Attempt, until
from bench.promises import Kill, broken
from klearctl.cli.session import open_backend, open_bucket
from klearctl.config.load import merge, read_toml
from klearctl.config.platform import load_platform
from klearctl.kube import lifecycle
from klearctl.kube.backend import Backend
from klearctl.kube.jobset import MAX_RESTARTS
from klearctl.kube.status import ENDED
from klearctl.run import run_prefix

RECIPE = Path(__file__).parents[1] / "workflows/smoke"
RUN, STEPS, LATEST_S = "killed-rl", 60, 60.0
SETTINGS: dict[str, dict[str, Any]] = {
    "curate": {},
    "sft": {"data": "run:killed-curate", "steps": 200},
    "rl": {
        "model": "run:killed-sft",
        "data": "run:killed-curate",
        "steps": STEPS,
        "prompts_per_step": 16,
        "optimizer": {"lr": 2e-5},  # so small a batch of so young a model is not to be learned much from
        "trainer": {"checkpoint_every": 2, "cpu_processes": 1, "metrics_interval_s": 0.2},
    },
}
"""What differs from the recipe."""

Condition = Callable[[Attempt], bool]
Moment = tuple[str, list[Condition]]
"""A name, and what must be seen one after another; the trainer is killed while the last of it holds."""

MOMENTS: list[Moment] = [
    ("sampling", [Attempt.has_committed, Attempt.is_sampling]),
    ("start of its first process", [partial(Attempt.has_run_for, seconds=0.0)]),
    ("update", [Attempt.has_committed, Attempt.is_sampling, Attempt.is_updating]),
    ("waits for its servers", [Attempt.is_claimed]),
    ("first push of weights", [Attempt.is_pushing]),
    ("push of weights between steps", [Attempt.has_committed, Attempt.is_sampling, Attempt.is_pushing]),
    ("upload of a checkpoint", [Attempt.has_committed, Attempt.is_uploading]),
    ("rows written, not committed", [Attempt.has_committed, Attempt.is_ahead]),
]


def main() -> int:
    """Runs the bench; 0 if every promise held."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="draws the random times")
    parser.add_argument("--markdown", type=Path, help="write the table into this file")
    words = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="klear-killed-")
    os.environ["KLEAR_HOME"] = folder
    print(f"everything lies in {folder}", file=sys.stderr, flush=True)
    with open_bucket(load_platform()) as bucket:
        text, failed = bench(run_prefix(bucket, RUN), words.seed)
    print("\n".join([text, *failed]))
    if failed:
        return 1
    shutil.rmtree(folder, ignore_errors=True)  # its S3 server may still be ending
    if words.markdown:
        words.markdown.write_text(page(text))
    return 0


def bench(prefix: str, seed: int) -> tuple[str, list[str]]:
    """The table, and the promises that broke."""
    backend = open_backend(load_platform())
    try:
        submit("curate", "killed-curate", settings("curate"))
        submit("sft", "killed-sft", settings("sft"))
        klearctl("submit", "rl", "--name", RUN, *sets(settings("rl")))
        kills = [kill(backend, prefix, *moment) for moment in [*MOMENTS, *random_moments(seed)]]
        until(lambda: lifecycle.state(backend, RUN) in ENDED)
    finally:
        for run in json.loads(klearctl("status", "-o", "json")):  # what an error or Ctrl-C leaves
            klearctl("cancel", run["name"])
    return table(kills), list(broken(kills, RUN, prefix, steps=STEPS))


def settings(stage: str) -> dict[str, Any]:
    """Those of the recipe, and what differs."""
    return merge(read_toml(RECIPE / f"{stage}.toml"), SETTINGS[stage])


def random_moments(seed: int) -> list[Moment]:
    """Two random times after the start of a trainer."""
    dice = random.Random(seed)
    times = [dice.uniform(0.0, LATEST_S) for _ in range(2)]
    return [(f"{time_s:.1f} s after its start", [partial(Attempt.has_run_for, seconds=time_s)]) for time_s in times]


def kill(backend: Backend, prefix: str, name: str, conditions: list[Condition]) -> Kill:
    """Kills the trainer at that moment of its next attempt, and waits until the run goes on."""
    attempt = Attempt(backend, RUN, prefix)
    for condition in conditions[:-1]:
        until(partial(condition, attempt))
    until(lambda: is_frozen_while(conditions[-1], attempt))
    before = attempt.committed()
    rows = [row for row in metrics(RUN) if row["step"] <= max(before, default=-1)]
    pods = attempt.pods()
    restarts = lifecycle.get(backend, RUN)["status"]["restarts"]
    attempt.trainer.kill()
    how = until(lambda: went_on(backend, restarts))
    found = Kill(name, before, attempt.committed(), rows, pods, how)
    print(row_of(found), file=sys.stderr, flush=True)
    return found


def is_frozen_while(condition: Condition, attempt: Attempt) -> bool:
    """Whether the trainer now stands still at a moment at which the condition holds; else it goes on."""
    if not condition(attempt):
        return False
    attempt.trainer.suspend()
    until(lambda: attempt.trainer.status() == psutil.STATUS_STOPPED)
    if condition(attempt):
        return True
    attempt.trainer.resume()
    return False


def went_on(backend: Backend, restarts: int) -> str:
    """How the run goes on after a kill; empty until it does."""
    status = lifecycle.get(backend, RUN)["status"]
    if status.get("terminalState") == "Failed":
        klearctl("resume", RUN)
        return f"`klearctl resume` after restart {status['restartsCountTowardsMax']}"
    return f"restart {status['restartsCountTowardsMax']}" if status["restarts"] > restarts else ""


def table(kills: list[Kill]) -> str:
    """Markdown, a row for each kill."""
    head = (
        "| | the trainer was killed at | newest committed before | after | the run went on by |\n|---|---|---|---|---|"
    )
    return "\n".join([head, *(f"| {place} {row_of(found)}" for place, found in enumerate(kills, start=1))])


def row_of(found: Kill) -> str:
    """One kill as the table has it."""
    steps = [str(max(steps)) if steps else "none" for steps in (found.before, found.after)]
    return f"| {found.moment} | {' | '.join(steps)} | {found.went_on} |"


def page(text: str) -> str:
    """The table as a page of docs/."""
    return f"""# A trainer killed at ten moments

SIGKILL of the trainer of a small rl run ({STEPS} steps, a checkpoint every 2), on {time.strftime("%Y-%m-%d")} with
{os.cpu_count()} CPU cores and no GPU, by `python -m bench.killed`. Each time the whole group started anew, trainer and
vLLM server. The manifest allows {MAX_RESTARTS} restarts; at the next failure the run has failed, until someone says
`klearctl resume`, which starts the count anew.

{text}

At the end the run had finished, with one row of metrics for each step, those of committed steps as they were before the
kill, and all its checkpoints were whole.
"""


if __name__ == "__main__":
    sys.exit(main())
