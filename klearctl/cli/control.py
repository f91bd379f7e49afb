"""klearctl cancel, resume, delete: a run, or a recipe's run with its stages."""

from collections.abc import Iterator

import click

from klearctl.cli.options import platform_of
from klearctl.cli.session import open_backend, open_bucket
from klearctl.kube import lifecycle
from klearctl.kube.backend import Backend
from klearctl.kube.labels import STAGE
from klearctl.kube.recipe import STAGE_WORD

CANCEL_LIMIT_S = 660.0  # a trainer's grace, and a minute


@click.command()
@click.argument("name")
def cancel(name: str) -> None:
    """Stop the run NAME; a trainer writes a checkpoint first. `resume` goes on from it."""
    backend = open_backend(None, platform_of())
    stopped = 0
    for run in _members(backend, name):
        if lifecycle.cancel(backend, run):
            lifecycle.wait_ended(backend, run, timeout_s=CANCEL_LIMIT_S)
            click.echo(f"{run} cancelled")
            stopped += 1
    if not stopped:
        click.echo(f"{name} has nothing to cancel: it is {lifecycle.state(backend, name)}")
    else:
        click.echo(f"  klearctl resume {name}", err=True)


@click.command()
@click.argument("name")
def resume(name: str) -> None:
    """Let the run NAME go on from its last committed step, after cancelled, lost or failed."""
    platform = platform_of()
    backend = open_backend(None, platform)
    with open_bucket(platform):
        before = lifecycle.state(backend, name)
        if lifecycle.resume(backend, name):
            click.echo(f"{name} was {before} and goes on")
        else:
            click.echo(f"{name} is {before}; there is nothing to resume")


@click.command()
@click.argument("name")
@click.option("--data", is_flag=True, help="Remove what it keeps in the bucket too: data, checkpoints, metrics.")
def delete(name: str, data: bool) -> None:
    """Remove the objects of the ended run NAME; its bucket folder stays unless `--data` is said."""
    platform = platform_of()
    backend = open_backend(None, platform)
    members = list(_members(backend, name))
    for run in members:
        lifecycle.delete(backend, run)
        click.echo(f"{run} deleted")
    if data:
        from klearctl import storage
        from klearctl.run import run_prefix

        with open_bucket(platform) as bucket:
            for run in members:
                storage.delete(run_prefix(bucket, run))
                click.echo(f"{run_prefix(bucket, run)} removed")


def _members(backend: Backend, name: str) -> Iterator[str]:
    """The run, and if it is a recipe's, then its stages: looked for once it starts no more of them."""
    workload = lifecycle.get(backend, name)
    yield name
    if workload["metadata"]["labels"].get(STAGE) == STAGE_WORD:
        yield from [item["metadata"]["name"] for item in lifecycle.stages(backend, name)]
