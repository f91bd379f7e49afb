"""klearctl run: a recipe, from its first unfinished stage to a table."""

import json
from pathlib import Path

import click

from klearctl.cli.follow import detachable, follow, follow_run, line
from klearctl.cli.gauge import Gauge
from klearctl.cli.options import (
    Duration,
    as_typed,
    backend_option,
    layers,
    output_option,
    platform_of,
    settings_options,
)
from klearctl.cli.screen import Line
from klearctl.cli.session import check_gpus, home, open_backend, open_bucket, uninterrupted
from klearctl.config.platform import PlatformConfig
from klearctl.config.recipe import Recipe, load_recipe, stage_run
from klearctl.errors import ConfigError
from klearctl.kube import lifecycle
from klearctl.kube.backend import Backend, Manifest
from klearctl.kube.labels import STAGE
from klearctl.kube.recipe import STAGE_WORD, drivers, read_recipe, render_recipe
from klearctl.kube.render import render
from klearctl.kube.status import ENDED
from klearctl.run import Run, check_name, new_name


@click.command()
@click.argument("recipe", type=click.Path(path_type=Path))
@settings_options
@click.option("--name", help="Name of the recipe's run [default: RECIPE-XXXXXX].")
@click.option("--gpus", default=0, show_default=True, metavar="N", help="GPUs of each stage; 0 is CPU.")
@backend_option
@click.option("--timeout", type=Duration(), help="Give up waiting after this long (exit code 4); the run goes on.")
@output_option("table", "json", default="table")
def run(
    recipe: Path,
    files: tuple[Path, ...],
    sets: tuple[str, ...],
    name: str | None,
    gpus: int,
    backend: str | None,
    timeout: float | None,
    output: str,
) -> int:
    """Run the RECIPE folder: its stages one after another, on from where the newest unfinished run of it stands.

    Settings carry their stage: --set rl.steps=10; `seed` alone reaches every stage.
    """
    platform = platform_of(backend=backend)
    loaded = load_recipe(recipe, *layers(files, sets))
    check_stages(loaded, platform, name=f"{loaded.name}-000000" if name is None else name, gpus=gpus)
    check_gpus(platform, gpus)
    chosen = open_backend(platform)
    with open_bucket(platform) as bucket:
        started = start(chosen, loaded, platform, name=name, gpus=gpus)
        with detachable(chosen, started):
            code = follow_any(chosen, started, bucket, timeout_s=timeout)
        if code != 0:
            return code
        from klearctl.cli.report import evaluation, print_report, summary

        result = evaluation(started, loaded, bucket)
        if output == "json":
            click.echo(json.dumps(summary(started, loaded, result)))
        else:
            again = f"run {recipe} --name {started}"
            print_report(started, loaded, bucket, result, place=home(), again=again)
    return 0


def check_stages(recipe: Recipe, platform: PlatformConfig, *, name: str, gpus: int) -> None:
    """Raises ConfigError where a stage of the run could not be submitted: so many GPUs, a name that is too long."""
    for stage in recipe.stages:
        run = Run(stage_run(check_name(name), stage), stage, platform.bucket, recipe=name)
        render(run, recipe.stage_config(stage, name), platform=platform, gpus=gpus)


def start(backend: Backend, recipe: Recipe, platform: PlatformConfig, *, name: str | None, gpus: int) -> str:
    """Goes on with the newest unfinished run of the recipe and config, else starts one; its name comes back.

    Raises:
        ConfigError: a run of that name is of another recipe or config.
    """
    if name is None:
        known = unfinished(backend, recipe, platform, gpus=gpus)
    else:
        known = name if lifecycle.find(backend, name) else None
    if known is None:
        fresh = name or new_name(recipe.name)
        for other in _active(backend, recipe):
            click.echo(
                f"{other} of this recipe is under way with other settings: {as_typed(f'cancel {other}')}", err=True
            )
        with detachable(backend, fresh):
            lifecycle.submit(backend, objects(fresh, recipe, platform, gpus=gpus))
        click.echo(f"recipe run {fresh} created", err=True)
        return fresh
    lifecycle.submit(backend, objects(known, recipe, platform, gpus=gpus))  # refuses another config under this name
    now = lifecycle.state(backend, known)
    if now == "succeeded":
        click.echo(f"{known} has succeeded before", err=True)
        return known
    click.echo(f"{known} was {now}; going on with {_place(backend, known, platform.bucket)}", err=True)
    with detachable(backend, known), uninterrupted():
        lifecycle.resume(backend, known)
    return known


def unfinished(backend: Backend, recipe: Recipe, platform: PlatformConfig, *, gpus: int) -> str | None:
    """The newest run of the recipe that has not succeeded and was asked for in the same way."""
    for driver in drivers(backend, recipe):
        name = driver["metadata"]["name"]
        asked = objects(name, recipe, platform, gpus=gpus)
        if lifecycle.state(backend, name) != "succeeded" and not lifecycle.changes(backend, asked):
            return str(name)
    return None


def _active(backend: Backend, recipe: Recipe) -> list[str]:
    """The runs of the recipe that have not ended."""
    names = [str(driver["metadata"]["name"]) for driver in drivers(backend, recipe)]
    return [name for name in names if lifecycle.state(backend, name) not in ENDED]


def objects(name: str, recipe: Recipe, platform: PlatformConfig, *, gpus: int) -> list[Manifest]:
    """A run of the recipe as objects of this machine."""
    return render_recipe(name, recipe, platform=platform, gpus=gpus, env={"KLEAR_HOME": str(home())})


def _place(backend: Backend, name: str, bucket: str) -> str:
    """Where the run stands: the stage that was started last, and its newest checkpoint."""
    stages = Gauge(backend, bucket).stages(name)
    if not stages:
        return "its first stage"
    last = stages[-1]
    return last.stage if last.checkpoint is None else f"{last.stage} from step {last.checkpoint}"


def follow_any(backend: Backend, name: str, bucket: str, *, timeout_s: float | None) -> int:
    """Follows a run, or a recipe's run with its stages."""
    workload = lifecycle.get(backend, name)
    if workload["metadata"]["labels"][STAGE] != STAGE_WORD:
        return follow_run(backend, name, bucket, timeout_s=timeout_s)
    config = backend.get("ConfigMap", f"{name}-config")
    if config is None:
        raise ConfigError(f"{name} has lost its recipe", fix=f"klearctl delete {name}")
    stages = read_recipe(config["data"]["recipe.json"])[1].stages
    gauge = Gauge(backend, bucket)

    def look() -> list[Line]:
        known = {status.stage: status for status in gauge.stages_progress(name)}
        return [line(gauge, stage, known.get(stage)) for stage in stages]

    return follow(backend, name, look, timeout_s=timeout_s)
