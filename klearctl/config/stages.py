"""Which settings belong to which stage."""

from klearctl.config.curate import CurateConfig
from klearctl.config.eval import EvalConfig
from klearctl.config.rl import RLConfig
from klearctl.config.sft import SFTConfig
from klearctl.run import Stage

StageConfig = CurateConfig | SFTConfig | RLConfig | EvalConfig

_TYPES: dict[Stage, type[StageConfig]] = {
    "curate": CurateConfig,
    "sft": SFTConfig,
    "rl": RLConfig,
    "eval": EvalConfig,
}


def config_type(stage: Stage) -> type[StageConfig]:
    """The dataclass of the stage's settings."""
    return _TYPES[stage]
