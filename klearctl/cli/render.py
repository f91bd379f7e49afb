"""klearctl render: the manifests of a stage, for a reader or a GitOps repository."""

from pathlib import Path

import click

from klearctl.cli.options import output_option, platform_of, stage_options, stage_run
from klearctl.errors import ConfigError
from klearctl.kube.dump import to_json, to_yaml
from klearctl.kube.render import render as render_objects


@click.command()
@stage_options
@output_option("yaml", "json", default="yaml")
@click.option(
    "--to", type=click.Path(file_okay=False, path_type=Path), help="Write one file for each object into this folder."
)
def render(
    stage: str,
    name: str | None,
    gpus: int,
    workload: str,
    namespace: str | None,
    files: tuple[Path, ...],
    sets: tuple[str, ...],
    output: str,
    to: Path | None,
) -> None:
    """Print the manifests of STAGE, as `submit` would send them. Needs no cluster."""
    platform = platform_of(namespace, backend="cluster")
    run, config = stage_run(stage, name, files, sets, platform)
    objects = render_objects(run, config, platform=platform, gpus=gpus, workload=workload)
    if to is None:
        click.echo(to_yaml(objects) if output == "yaml" else to_json(objects), nl=False)
        return
    try:
        to.mkdir(parents=True, exist_ok=True)
        for item in objects:
            file = to / f"{item['metadata']['name']}-{item['kind'].lower()}.{output}"
            file.write_text(to_yaml([item]) if output == "yaml" else to_json([item]))
            click.echo(file)
    except OSError as error:
        raise ConfigError(f"{to} cannot be written: {error.strerror}", fix="another folder with --to") from error
