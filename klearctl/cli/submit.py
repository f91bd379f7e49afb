"""klearctl submit: starts one stage, and with `--wait` follows it to its end."""

from pathlib import Path

import click

from klearctl.cli.options import (
    Duration,
    as_typed,
    backend_option,
    output_option,
    platform_of,
    stage_options,
    stage_run,
)
from klearctl.cli.session import check_gpus, open_backend, open_bucket
from klearctl.kube.dump import to_json, to_yaml
from klearctl.kube.lifecycle import state
from klearctl.kube.lifecycle import submit as submit_objects
from klearctl.kube.render import render


@click.command()
@stage_options
@backend_option
@click.option("--wait", is_flag=True, help="Follow the run to its end; Ctrl-C leaves it running.")
@click.option("--timeout", type=Duration(), help="Give up waiting after this long, for example 30m (exit code 4).")
@click.option("--dry-run", is_flag=True, help="Print the manifests and send nothing.")
@output_option("yaml", "json", default="yaml")
def submit(
    stage: str,
    name: str | None,
    gpus: int,
    workload: str,
    namespace: str | None,
    files: tuple[Path, ...],
    sets: tuple[str, ...],
    backend: str | None,
    wait: bool,
    timeout: float | None,
    dry_run: bool,
    output: str,
) -> int:
    """Start STAGE (curate, sft, rl or eval) as a run."""
    if timeout is not None and not wait:
        raise click.UsageError("--timeout ends the waiting of --wait")
    platform = platform_of(namespace, backend=backend)
    run, config = stage_run(stage, name, files, sets, platform)
    objects = render(run, config, platform=platform, gpus=gpus, workload=workload)
    if dry_run:
        click.echo(to_yaml(objects) if output == "yaml" else to_json(objects), nl=False)
        return 0
    check_gpus(platform, gpus)
    chosen = open_backend(platform)
    with open_bucket(platform):
        from klearctl.cli.follow import detachable, follow_run

        with detachable(chosen, run.name):
            happened = submit_objects(chosen, objects)
            click.echo(f"{run.stage} run {run.name} {happened}", err=wait)
            now = state(chosen, run.name)
            if happened == "unchanged" and now in ("cancelled", "failed", "lost"):
                click.echo(f"it is {now}; to go on: {as_typed(f'resume {run.name}')}", err=True)
                return 1 if wait else 0
            if wait:
                return follow_run(chosen, run.name, platform.bucket, timeout_s=timeout)
            click.echo(f"  {as_typed(f'status {run.name}')}\n  {as_typed(f'logs {run.name} -f')}", err=True)
            return 0
