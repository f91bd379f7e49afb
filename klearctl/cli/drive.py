"""The program of a recipe's run: starts its stages, one after another, each when the one before has succeeded."""

import signal
import sys
from pathlib import Path

from klearctl.cli.main import complain
from klearctl.cli.session import open_backend, open_bucket
from klearctl.config.load import from_dict
from klearctl.config.platform import PlatformConfig
from klearctl.config.recipe import Recipe, stage_run
from klearctl.errors import KlearError, RunFailed
from klearctl.kube import lifecycle
from klearctl.kube.backend import Backend
from klearctl.kube.labels import RUN
from klearctl.kube.recipe import read_recipe
from klearctl.kube.render import render
from klearctl.kube.status import ENDED, State, read_state
from klearctl.run import Run, Stage

_WATCH_S = 3600.0  # a watch is opened anew after this long


def drive(file: Path) -> None:
    """Carries the recipe of that file to its end; where a stage is cancelled, the recipe is too.

    Raises:
        RunFailed: a stage did not succeed.
    """
    name, recipe, tree, gpus = read_recipe(file.read_text())
    platform = from_dict(PlatformConfig, tree)
    backend = open_backend(platform)
    with open_bucket(platform):
        for stage in recipe.stages:
            run = Run(stage_run(name, stage), stage, platform.bucket, recipe=name)
            start_stage(backend, run, recipe, stage, platform=platform, gpus=gpus)
            if wait_stage(backend, run) == "cancelled":
                lifecycle.cancel(backend, name)  # and with the recipe this program: SIGTERM is on its way
                signal.pause()


def start_stage(
    backend: Backend, run: Run, recipe: Recipe, stage: Stage, *, platform: PlatformConfig, gpus: int
) -> None:
    """Submits the stage, or resumes it where an earlier try ended before its end."""
    if lifecycle.find(backend, run.name):  # of this recipe's run and no other, perhaps by an older version of us
        happened = "resumed" if lifecycle.resume(backend, run.name) else "unchanged"
    else:
        config = recipe.stage_config(stage, run.recipe)
        happened = lifecycle.submit(backend, render(run, config, platform=platform, gpus=gpus))
    print(f"{stage} run {run.name} {happened}", flush=True)


def wait_stage(backend: Backend, run: Run) -> State:
    """Returns when the run has succeeded, or someone has cancelled it.

    Raises:
        RunFailed: it ended otherwise.
    """
    kind = lifecycle.get(backend, run.name)["kind"]
    while (now := lifecycle.state(backend, run.name)) not in ENDED:
        for _, workload in backend.watch(kind, {RUN: run.name}, _WATCH_S):
            if read_state(workload, [])[0] in ENDED:
                break
    print(f"{run.stage} run {run.name} {now}", flush=True)
    if now not in ("succeeded", "cancelled"):
        why = read_state(lifecycle.get(backend, run.name), lifecycle.pods(backend, run.name))[1]
        raise RunFailed(f"{run.stage} {now}: {why}", fix=f"klearctl logs {run.name}")
    return now


if __name__ == "__main__":
    try:
        drive(Path(sys.argv[1]))
    except KlearError as error:
        sys.exit(complain(str(error), error.fix, error.exit_code))
