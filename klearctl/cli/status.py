"""klearctl status: what runs, what waits and why, how far, what it would resume from."""

import dataclasses
import json

import click
import yaml
from rich.console import Console

from klearctl.cli.gauge import Gauge
from klearctl.cli.options import as_typed, backend_option, output_option, platform_of
from klearctl.cli.screen import details, listing
from klearctl.cli.session import open_backend, open_bucket
from klearctl.kube import lifecycle
from klearctl.kube.backend import Backend
from klearctl.kube.recipe import STAGE_WORD
from klearctl.kube.status import Status

_FIELDS = ("name", "stage", "state", "why", "step", "steps", "attempt", "checkpoint")


@click.command()
@click.argument("name", required=False)
@click.option("--watch", is_flag=True, help="Follow NAME until it ends.")
@backend_option
@output_option("table", "json", "yaml", default="table")
def status(name: str | None, watch: bool, backend: str | None, output: str) -> int:
    """Show every run, or the run NAME."""
    if watch and not name:
        raise click.UsageError("--watch needs the NAME of a run")
    platform = platform_of(backend=backend)
    known = open_backend(platform)
    if name:
        lifecycle.get(known, name)
    with open_bucket(platform) as bucket:
        gauge = Gauge(known, bucket)
        if name and watch:
            from klearctl.cli.run import follow_any

            return follow_any(known, name, bucket, timeout_s=None)
        found = _one(gauge, known, name) if name else gauge.all()
        if output != "table":
            click.echo(_machine(found[0] if name else found, output), nl=False)
        elif not found:
            click.echo("no runs; start one with klearctl run workflows/smoke", err=True)
        else:
            _table(found, bucket, one=bool(name))
    return 0


def _one(gauge: Gauge, backend: Backend, name: str) -> list[Status]:
    own = gauge.read(lifecycle.get(backend, name))
    return [own, *gauge.stages(name)] if own.stage == STAGE_WORD else [own]


def _table(found: list[Status], bucket: str, *, one: bool) -> None:
    console = Console()
    if one and len(found) == 1:
        console.print(details(found[0], bucket))
    else:
        console.print(listing(found))
    for lost in (row for row in found if row.state == "lost"):
        click.echo(f"{lost.name} is lost; to go on: {as_typed(f'resume {lost.name}')}", err=True)


def _machine(found: Status | list[Status], output: str) -> str:
    rows = [_row(item) for item in found] if isinstance(found, list) else _row(found)
    return json.dumps(rows, indent=2) + "\n" if output == "json" else yaml.safe_dump(rows, sort_keys=False)


def _row(status: Status) -> dict[str, object]:
    whole = dataclasses.asdict(status)
    return {field: whole[field] for field in _FIELDS}
