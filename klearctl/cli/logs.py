"""klearctl logs: what every rank wrote, also after the pods are gone."""

import click

from klearctl.cli.options import platform_of
from klearctl.cli.session import open_backend
from klearctl.kube import lifecycle
from klearctl.kube.backend import LogLine


@click.command()
@click.argument("name")
@click.option("-f", "--follow", is_flag=True, help="Go on until the run ends.")
@click.option("--role", help="Only pods of this role: trainer, rollout, curate, eval.")
@click.option("--rank", type=int, help="Only the pod with this index.")
def logs(name: str, follow: bool, role: str | None, rank: int | None) -> int:
    """Print the logs of the run NAME; of a recipe's run, those of all its stages."""
    backend = open_backend(None, platform_of())
    lifecycle.get(backend, name)
    stages = [item["metadata"]["name"] for item in lifecycle.stages(backend, name)]
    try:
        for run in (name, *stages):
            for line in backend.logs(run, role=role, rank=rank, follow=follow and run == name):
                click.echo(f"{_source(line)} {line.text}")
    except KeyboardInterrupt:
        return 130
    return 0


def _source(line: LogLine) -> str:
    return click.style(f"{line.role}-{line.rank}/{line.container}#{line.attempt}", fg="cyan")
