"""klearctl metrics: the numbers of a run, step by step."""

import json

import click
from rich.console import Console
from rich.table import Table

from klearctl.cli.gauge import Gauge
from klearctl.cli.options import backend_option, output_option, platform_of
from klearctl.cli.session import open_backend, open_bucket
from klearctl.kube import lifecycle

_COLUMNS = ("stage", "step", "steps", "attempt", "loss", "reward", "tokens_per_s")


@click.command()
@click.argument("name")
@backend_option
@output_option("table", "json", default="table")
def metrics(name: str, backend: str | None, output: str) -> None:
    """Print the metrics of the run NAME, of a recipe's run those of its stages; `-o json` prints all columns."""
    platform = platform_of(backend=backend)
    chosen = open_backend(platform)
    runs = lifecycle.parts(chosen, name)
    with open_bucket(platform) as bucket:
        gauge = Gauge(chosen, bucket)
        rows = [row for run in runs for row in gauge.rows(run)]
    if output == "json":
        click.echo(json.dumps(rows, indent=2))
        return
    table = Table(*(column.upper() for column in _COLUMNS), box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*(_cell(row.get(column)) for column in _COLUMNS))
    Console().print(table)


def _cell(value: object) -> str:
    return "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
