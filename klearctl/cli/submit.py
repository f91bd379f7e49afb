"""klearctl submit: starts one stage, and with `--wait` follows it to its end."""

from dataclasses import replace
from pathlib import Path

import click

from klearctl.cli.options import Duration, output_option, platform_of, stage_options, stage_run
from klearctl.cli.session import BACKENDS, open_backend, open_bucket
from klearctl.kube.dump import to_json, to_yaml
from klearctl.kube.lifecycle import state
from klearctl.kube.lifecycle import submit as submit_objects
from klearctl.kube.render import render


@click.command()
@stage_options
@click.option("--backend", type=click.Choice(BACKENDS), help="Where it runs [default: that of klear.toml, or local].")
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
    platform = platform_of(namespace)
    if (backend or platform.backend) == "local":
        platform = replace(platform, queue="")  # nobody but Kueue would start a queued run
    run, config = stage_run(stage, name, files, sets, platform)
    objects = render(run, config, platform=platform, gpus=gpus, workload=workload)
    if dry_run:
        click.echo(to_yaml(objects) if output == "yaml" else to_json(objects), nl=False)
        return 0
    chosen = open_backend(backend, platform)
    with open_bucket(platform):
        happened = submit_objects(chosen, objects)
        click.echo(f"{run.stage} run {run.name} {happened}", err=wait)
        now = state(chosen, run.name)
        if happened == "unchanged" and now in ("cancelled", "failed", "lost"):
            click.echo(f"it is {now}; to go on: klearctl resume {run.name}", err=True)
            return 0
        if not wait:
            click.echo(f"  klearctl status {run.name}\n  klearctl logs {run.name} -f", err=True)
            return 0
        from klearctl.cli.follow import follow_run

        return follow_run(chosen, run.name, platform.bucket, timeout_s=timeout)
