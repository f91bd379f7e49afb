"""klearctl logs: what every rank wrote, also after the pods are gone."""

from collections.abc import Iterator

import click

from klearctl.cli.options import backend_option, platform_of
from klearctl.cli.session import open_backend
from klearctl.errors import ConfigError
from klearctl.kube import lifecycle
from klearctl.kube.backend import Backend, LogLine
from klearctl.kube.labels import STAGE
from klearctl.kube.recipe import STAGE_WORD

ROLES = ("trainer", "rollout", "sandbox", "curate", "eval", STAGE_WORD)


@click.command()
@click.argument("name")
@click.option("-f", "--follow", is_flag=True, help="Go on until the run ends.")
@click.option("--role", help=f"Only pods of this role: {', '.join(ROLES)}.")
@click.option("--rank", type=int, help="Only the pod with this index.")
@backend_option
def logs(name: str, follow: bool, role: str | None, rank: int | None, backend: str | None) -> int:
    """Print the logs of the run NAME; of a recipe's run, those of its stages too."""
    chosen = open_backend(platform_of(backend=backend))
    if role is not None and role not in ROLES:
        raise ConfigError(f"{role} is not a role", fix=f"one of {', '.join(ROLES)}")
    lines = _of_recipe if _is_recipe(chosen, name) else _of_run
    try:
        for line in lines(chosen, name, role, rank, follow):
            click.echo(f"{_source(line)} {_shown(line.text)}")
    except KeyboardInterrupt:
        return 130
    return 0


def _is_recipe(backend: Backend, name: str) -> bool:
    return lifecycle.get(backend, name)["metadata"]["labels"].get(STAGE) == STAGE_WORD


def _of_run(backend: Backend, name: str, role: str | None, rank: int | None, follow: bool) -> Iterator[LogLine]:
    return backend.logs(name, role=role, rank=rank, follow=follow)


def _of_recipe(backend: Backend, name: str, role: str | None, rank: int | None, follow: bool) -> Iterator[LogLine]:
    """The driver's lines, and a stage's after the first of them that names its run."""
    told: set[str] = set()
    for line in backend.logs(name, role=None, rank=None, follow=follow):
        if role in (None, line.role) and rank in (None, line.rank):
            yield line
        for run in _stages(backend, name) & set(line.text.split()) - told:
            told.add(run)
            yield from backend.logs(run, role=role, rank=rank, follow=follow)
    for run in _stages(backend, name) - told:  # started by a driver that had no time to say so
        yield from backend.logs(run, role=role, rank=rank, follow=follow)


def _stages(backend: Backend, name: str) -> set[str]:
    return {item["metadata"]["name"] for item in lifecycle.stages(backend, name)}


def _source(line: LogLine) -> str:
    return click.style(f"{line.role}-{line.rank}/{line.container}#{line.attempt}", fg="cyan")


def _shown(text: str) -> str:
    """What a terminal would leave of a line that was written over, as progress bars are."""
    return text.rpartition("\r")[2]
