"""klearctl cancel, resume, delete: a run, or a recipe's run with its stages."""

from collections.abc import Iterator, Sequence

import click

from klearctl.cli.options import as_typed, backend_option, platform_of
from klearctl.cli.session import open_backend, open_bucket, uninterrupted
from klearctl.config.recipe import stage_run
from klearctl.errors import ConfigError
from klearctl.kube import lifecycle
from klearctl.kube.backend import Backend
from klearctl.kube.labels import STAGE
from klearctl.kube.recipe import STAGE_WORD
from klearctl.run import STAGES, run_prefix

CANCEL_LIMIT_S = 660.0  # a trainer's grace, and a minute


@click.command()
@click.argument("name")
@backend_option
def cancel(name: str, backend: str | None) -> None:
    """Stop the run NAME; a trainer writes a checkpoint first. `resume` goes on from it."""
    chosen = open_backend(platform_of(backend=backend))
    stopped = 0
    for run in _members(chosen, name):
        if lifecycle.cancel(chosen, run):
            lifecycle.wait_ended(chosen, run, timeout_s=CANCEL_LIMIT_S)
            click.echo(f"{run} cancelled")
            stopped += 1
    if not stopped:
        click.echo(f"{name} has nothing to cancel: it is {lifecycle.state(chosen, name)}")
    else:
        click.echo(f"  {as_typed(f'resume {name}')}", err=True)


@click.command()
@click.argument("name")
@backend_option
def resume(name: str, backend: str | None) -> None:
    """Let the run NAME go on from its last committed step, after cancelled, lost or failed."""
    platform = platform_of(backend=backend)
    chosen = open_backend(platform)
    with open_bucket(platform):
        before = lifecycle.state(chosen, name)
        with uninterrupted():  # a failed run is taken away and made anew
            resumed = lifecycle.resume(chosen, name)
        if resumed:
            click.echo(f"{name} was {before} and goes on")
        else:
            click.echo(f"{name} is {before}; there is nothing to resume")


@click.command()
@click.argument("name")
@click.option("--data", is_flag=True, help="Remove what it keeps in the bucket too: data, checkpoints, metrics.")
@backend_option
def delete(name: str, data: bool, backend: str | None) -> None:
    """Remove the objects of the ended run NAME; its bucket folder stays unless `--data` is said."""
    platform = platform_of(backend=backend)
    chosen = open_backend(platform)
    members = list(_members(chosen, name)) if lifecycle.find(chosen, name) or not data else []
    for run in members:
        lifecycle.check_ended(chosen, run)
    for run in reversed(members):  # a recipe's own run last: by its name what is left is found again
        lifecycle.delete(chosen, run)
        click.echo(f"{run} deleted")
    if data:
        with open_bucket(platform) as bucket:
            _remove_data(bucket, members or _left_behind(chosen, bucket, name))


def _remove_data(bucket: str, runs: Sequence[str]) -> None:
    from klearctl import storage

    for run in runs:
        storage.delete(run_prefix(bucket, run))
        click.echo(f"{run_prefix(bucket, run)} removed")


def _left_behind(backend: Backend, bucket: str, name: str) -> list[str]:
    """Of a run whose objects are gone, and of its stages if it was a recipe's: those that keep something in the bucket.

    Raises:
        ConfigError: there are none.
    """
    from klearctl import storage

    runs = [name, *(stage_run(name, stage) for stage in STAGES)]
    found = [run for run in runs if not lifecycle.find(backend, run) and storage.names(run_prefix(bucket, run))]
    if not found:
        raise ConfigError(
            f"there is no run {name}, and nothing of it in {bucket}", fix="klearctl status lists the runs"
        )
    return found


def _members(backend: Backend, name: str) -> Iterator[str]:
    """The run, and if it is a recipe's, then its stages: looked for once it starts no more of them."""
    workload = lifecycle.get(backend, name)
    yield name
    if workload["metadata"]["labels"].get(STAGE) == STAGE_WORD:
        yield from [item["metadata"]["name"] for item in lifecycle.stages(backend, name)]
