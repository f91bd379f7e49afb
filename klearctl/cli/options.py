"""Options that several commands share, and how their words become settings."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from klearctl.cli.main import as_called
from klearctl.config.load import Tree, absolute_paths, load, parse_sets, read_toml, texts
from klearctl.config.platform import PlatformConfig, load_platform, on_this_machine
from klearctl.config.stages import StageConfig, config_type
from klearctl.errors import ConfigError
from klearctl.run import Run, check_stage, new_name

Command = Callable[..., Any]

BACKENDS = ("local", "cluster")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(s|m|h|)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600}


class Duration(click.ParamType[float]):
    """Seconds, or a number with s, m or h."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        found = _DURATION.fullmatch(str(value))
        if not found:
            self.fail(f"{value} is no duration; for example 90s, 30m or 2h", param, ctx)
        return float(found[1]) * _SECONDS[found[2]]


def settings_options(command: Command) -> Command:
    """`-f FILE` and `--set KEY=VALUE`."""
    file = click.option(
        "-f", "--file", "files", multiple=True, type=click.Path(path_type=Path), help="TOML with settings."
    )
    word = click.option(
        "--set", "sets", multiple=True, metavar="KEY=VALUE", help="One setting; VALUE is TOML, else text."
    )
    return file(word(command))


def stage_options(command: Command) -> Command:
    """What makes a run of a stage, for submit and render alike."""
    options = [
        click.argument("stage"),
        click.option("--name", help="Name of the run [default: STAGE-XXXXXX]."),
        click.option("--gpus", default=0, show_default=True, metavar="N", help="GPUs; 0 is CPU."),
        click.option(
            "--workload",
            type=click.Choice(["jobset", "job"]),
            default="jobset",
            show_default=True,
            help="What sft and rl are rendered as.",
        ),
        click.option("-n", "--namespace", help="Namespace [default: that of klear.toml, or klear]."),
    ]
    wrapped = settings_options(command)
    for option in reversed(options):
        wrapped = option(wrapped)
    return wrapped


def backend_option(command: Command) -> Command:
    """`--backend`, of every command that works with runs."""
    return click.option(
        "--backend", type=click.Choice(BACKENDS), help="Where runs are [default: that of klear.toml, or local]."
    )(command)


def as_typed(words: str) -> str:
    """A command to type next, on the backend that this command was given."""
    context = click.get_current_context(silent=True)
    backend = context.params.get("backend") if context else None
    return as_called(f"klearctl {words} --backend {backend}" if backend else f"klearctl {words}")


def output_option(*choices: str, default: str) -> Callable[[Command], Command]:
    """`-o FORMAT`."""
    return click.option(
        "-o", "--output", type=click.Choice(choices), default=default, show_default=True, help="Format."
    )


def layers(files: tuple[Path, ...], sets: tuple[str, ...]) -> list[Tree]:
    """The trees of `-f` and `--set`, lowest first; paths are those of the working folder."""
    trees = [*(read_toml(file) for file in files), parse_sets(sets)]
    return [absolute_paths(tree, Path.cwd()) for tree in trees]


def stage_run(
    stage: str, name: str | None, files: tuple[Path, ...], sets: tuple[str, ...], platform: PlatformConfig
) -> tuple[Run, StageConfig]:
    """The run that the words ask for, and its settings.

    Raises:
        ConfigError: an unknown stage or key, a value beyond its limit, `stage:` outside a recipe.
    """
    known = check_stage(stage)
    found = layers(files, sets)
    for text in texts(found):
        if text.startswith("stage:"):
            raise ConfigError(f"{text} is known only in a recipe", fix="run:NAME, s3://... or a path")
    for tree in found:
        if stage in tree:
            raise ConfigError(
                f"{stage} is not a setting of {stage}: here keys carry no stage",
                fix=f"--set KEY=VALUE without {stage}.",
            )
    config = load(config_type(known), found)
    return Run(new_name(known) if name is None else name, known, platform.bucket), config


def platform_of(namespace: str | None = None, *, backend: str | None = None) -> PlatformConfig:
    """The platform of klear.toml as the command line changes it: as runs on that backend find it."""
    platform = load_platform()
    platform = replace(platform, namespace=namespace) if namespace else platform
    if (backend or platform.backend) == "local":
        return on_this_machine(platform)
    return replace(platform, backend="cluster")
