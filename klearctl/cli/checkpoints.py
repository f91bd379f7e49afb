"""klearctl checkpoints: what a run can go on from, checked against its checksums, or downloaded."""

import json
import time
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from klearctl.cli.options import backend_option, output_option, platform_of
from klearctl.cli.session import open_backend, open_bucket
from klearctl.errors import ConfigError
from klearctl.kube import lifecycle
from klearctl.kube.backend import Backend
from klearctl.run import run_prefix


@click.command()
@click.argument("name")
@click.option("--verify", is_flag=True, help="Read every file and compare it with its checksum; 1 if one differs.")
@click.option("--get", type=click.Path(file_okay=False, path_type=Path), help="Write the model into this folder.")
@click.option("--step", type=int, help="The checkpoint of this step [default: the newest].")
@backend_option
@output_option("table", "json", default="table")
def checkpoints(name: str, verify: bool, get: Path | None, step: int | None, backend: str | None, output: str) -> int:
    """List the committed checkpoints of the run NAME, of a recipe's run those of its stages; the newest last."""
    from klearctl import checkpoints as kept

    if verify and get is not None:
        raise click.UsageError("--get checks what it writes; --verify reads all and writes nothing")
    if step is not None and get is None:
        raise click.UsageError("--step says which one --get writes")
    platform = platform_of(backend=backend)
    standing = open_backend(platform)
    with open_bucket(platform) as bucket:
        runs = _runs(standing, name)
        found = [(run, item) for run in runs for item in kept.committed(run_prefix(bucket, run))]
        if not found:
            lifecycle.get(standing, name)  # a run of that name has none yet, or there is no such run
        if get is not None:
            chosen = [item for _, item in found if step is None or item.step == step]
            if not chosen:
                raise ConfigError(
                    f"{name} has no checkpoint{'' if step is None else f' of step {step}'}",
                    fix=f"klearctl checkpoints {name}",
                )
            _make(get)
            kept.fetch(chosen[-1], get, part="model")
            click.echo(f"the model of step {chosen[-1].step} written to {get}", err=True)
            return 0
        rows = [
            {"run": run, "step": item.step, "bytes": item.bytes, "time": item.time, "address": item.address}
            | ({"problems": kept.verify(item)} if verify else {})
            for run, item in found
        ]
    if output == "json":
        click.echo(json.dumps(rows, indent=2))
    else:
        _print(rows, verify=verify)
    return 1 if any(row.get("problems") for row in rows) else 0


def _runs(backend: Backend, name: str) -> list[str]:
    """The stages of a recipe's run; else that one, which may have been deleted and have left its checkpoints."""
    return lifecycle.parts(backend, name) if lifecycle.find(backend, name) else [name]


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        full = any(folder.iterdir())
    except OSError as error:
        raise ConfigError(f"{folder} cannot be made: {error.strerror}", fix="another folder with --get") from error
    if full:
        raise ConfigError(f"{folder} is not empty", fix="a new folder with --get")


def _print(rows: list[dict[str, object]], *, verify: bool) -> None:
    if not rows:
        click.echo("no checkpoint is committed", err=True)
        return
    head = ["RUN", "STEP", "MB", "AT", *(["FILES"] if verify else [])]
    table = Table(*head, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(float(str(row["time"]))))
        bad = row.get("problems")
        checked = [("whole" if not bad else "; ".join(map(str, bad)))] if verify and isinstance(bad, list) else []
        table.add_row(str(row["run"]), str(row["step"]), f"{float(str(row['bytes'])) / 1e6:.1f}", at, *checked)
    Console().print(table)
    click.echo(f"in {str(rows[-1]['address']).rpartition('/')[0]}")
