"""config.json, the one file a pod program is started with: the run, its settings and where its pods are."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from klearctl.config.load import from_dict
from klearctl.config.stages import StageConfig, config_type
from klearctl.errors import ConfigError
from klearctl.run import Stage, check_stage, run_prefix

C = TypeVar("C", bound=StageConfig)


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """Where the pods of the run are. Host names, which the local backend turns into addresses."""

    gpus: int = 0
    """GPUs of the run; 0 is CPU."""

    servers: tuple[str, ...] = ()
    """Base addresses of the vLLM servers, such as `http://rl-x-rollout-0-0.rl-x:8000`."""

    sandboxes: tuple[str, ...] = ()
    """Base addresses of the sandbox servers; without any the trainer runs code itself."""

    weights_host: str = ""
    """Host of trainer rank 0, which the servers meet for a push of weights."""

    weights_port: int = 0
    """Port of that meeting."""

    indexes: int = 1
    """Completions of an Indexed Job."""


@dataclass(frozen=True, slots=True)
class PodConfig(Generic[C]):
    """What a pod program knows."""

    run: str
    stage: Stage
    bucket: str
    config: C
    layout: Layout

    @property
    def prefix(self) -> str:
        """The run's address."""
        return run_prefix(self.bucket, self.run)


def read(path: Path, kind: type[C]) -> PodConfig[C]:
    """The pod's config, of the stage that the program is.

    Raises:
        ConfigError: the file cannot be read, or belongs to another stage.
    """
    try:
        raw = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{path} cannot be read: {error}",
            fix="pass the run's config.json with --config",
        ) from error
    stage = check_stage(raw["stage"])
    if config_type(stage) is not kind:
        raise ConfigError(
            f"{path} is a config of {stage}",
            fix=f"start klearctl.stages.{stage} with it",
        )
    return PodConfig(
        run=raw["run"],
        stage=stage,
        bucket=raw["bucket"],
        config=from_dict(kind, raw["config"]),
        layout=from_dict(Layout, raw["layout"]),
    )
