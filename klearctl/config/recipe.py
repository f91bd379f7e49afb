"""A recipe: a folder of stage TOMLs and their order. Files in, checked settings out."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from klearctl.config.load import Tree, absolute_paths, from_dict, merge, read_toml, texts, to_dict
from klearctl.config.stages import StageConfig, config_type
from klearctl.errors import ConfigError
from klearctl.run import STAGES, Stage, check_name, check_stage

NAME_LIMIT = 26  # RECIPE-XXXXXX-curate is at most 40 characters
_STAGE = re.compile(r"stage:([a-z]+)(@\d+)?")


@dataclass(frozen=True, slots=True)
class Recipe:
    """The stages of a recipe, in order, with their settings."""

    name: str
    stages: tuple[Stage, ...]
    settings: dict[Stage, StageConfig]

    @property
    def digest(self) -> str:
        """The same for the same name and settings."""
        tree = {stage: to_dict(self.settings[stage]) for stage in self.stages}
        return hashlib.sha256(json.dumps([self.name, tree], sort_keys=True).encode()).hexdigest()

    def stage_config(self, stage: Stage, recipe_run: str) -> StageConfig:
        """The stage's settings, with `stage:NAME` turned into the run of that stage."""
        return from_dict(config_type(stage), _name_runs(to_dict(self.settings[stage]), recipe_run))


def stage_run(recipe_run: str, stage: Stage) -> str:
    """The name of the run that a recipe's run starts for a stage."""
    return f"{recipe_run}-{stage}"


def load_recipe(folder: Path, *layers: Tree) -> Recipe:
    """The recipe of a folder, under further layers keyed by stage; `seed` in a layer reaches every stage.

    Raises:
        ConfigError: a file cannot be read, a key or stage is unknown, or a stage uses a later one.
    """
    settled = folder.resolve()
    if not settled.is_dir() and (Path("workflows") / folder / "recipe.toml").is_file():
        raise ConfigError(f"{folder} is no folder", fix=f"workflows/{folder}")
    order = read_toml(settled / "recipe.toml")
    for key in order:
        if key != "stages":
            raise ConfigError(
                f"{key} is not a setting of {folder / 'recipe.toml'}", fix='it holds stages = ["curate", ...]'
            )
    stages = tuple(check_stage(str(word)) for word in order.get("stages", ()))
    if not stages or len(set(stages)) != len(stages):
        raise ConfigError(
            f"{folder / 'recipe.toml'} names the stages {list(stages)}", fix="name each stage once, at least one"
        )
    trees = {stage: absolute_paths(read_toml(settled / f"{stage}.toml"), settled) for stage in stages}
    for layer in layers:
        _apply(trees, layer)
    return check_recipe(settled.name, stages, trees)


def check_recipe(name: str, stages: tuple[Stage, ...], trees: Mapping[Stage, Tree]) -> Recipe:
    """A recipe from its plain trees, every key and every `stage:` looked at."""
    check_name(name)
    if len(name) > NAME_LIMIT:
        raise ConfigError(
            f"the recipe {name} has {len(name)} characters", fix=f"name its folder with at most {NAME_LIMIT}"
        )
    for place, stage in enumerate(stages):
        _check_order(trees[stage], stage, stages[:place])
    settings = {stage: from_dict(config_type(stage), trees[stage], prefix=f"{stage}.") for stage in stages}
    return Recipe(name, stages, settings)


def _apply(trees: dict[Stage, Tree], layer: Tree) -> None:
    for key, value in layer.items():
        if key == "seed":
            trees.update({stage: merge(tree, {"seed": value}) for stage, tree in trees.items()})
        elif key in trees and isinstance(value, Mapping):
            trees[check_stage(key)] = merge(trees[check_stage(key)], value)
        elif key in STAGES:
            raise ConfigError(f"the recipe has no settings {key}", fix=f"its stages are {', '.join(trees)}")
        else:
            raise ConfigError(
                f"{key} is not a setting of a recipe", fix=f"STAGE.KEY with one of {', '.join(trees)}, or seed"
            )


def _check_order(value: Any, stage: Stage, earlier: tuple[Stage, ...]) -> None:
    for text in texts(value):
        found = _STAGE.fullmatch(text)
        if text.startswith("stage:") and (not found or found[1] not in earlier):
            raise ConfigError(
                f"{stage} uses {text}, which is no earlier stage of the recipe",
                fix=f"one of {', '.join(f'stage:{name}' for name in earlier) or 'none: it is the first'}",
            )


def _name_runs(value: Any, recipe_run: str) -> Any:
    if isinstance(value, Mapping):
        return {key: _name_runs(item, recipe_run) for key, item in value.items()}
    if isinstance(value, list):
        return [_name_runs(item, recipe_run) for item in value]
    found = _STAGE.fullmatch(value) if isinstance(value, str) else None
    return f"run:{stage_run(recipe_run, check_stage(found[1]))}{found[2] or ''}" if found else value
