"""Recipes: order, references to earlier stages, settings that reach the right stage."""

import pytest

from klearctl.config.recipe import load_recipe
from klearctl.errors import ConfigError


@pytest.fixture
def folder(tmp_path):
    """A recipe of three stages."""
    place = tmp_path / "trial"
    place.mkdir()
    (place / "recipe.toml").write_text('stages = ["curate", "sft", "rl"]\n')
    (place / "curate.toml").write_text("seed = 3\n")
    (place / "sft.toml").write_text('model = "new"\ndata = "stage:curate"\n')
    (place / "rl.toml").write_text('model = "stage:sft@2"\ndata = "stage:curate"\n')
    return place


def test_a_reference_becomes_the_run_of_that_stage(folder):
    config = load_recipe(folder).stage_config("rl", "trial-abcdef")
    assert (config.model, config.data) == ("run:trial-abcdef-sft@2", "run:trial-abcdef-curate")


def test_a_seed_reaches_every_stage(folder):
    recipe = load_recipe(folder, {"seed": 7})
    assert [recipe.settings[stage].seed for stage in recipe.stages] == [7, 7, 7]


def test_the_digest_follows_the_settings(folder):
    assert load_recipe(folder).digest != load_recipe(folder, {"rl": {"steps": 7}}).digest


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("recipe.toml", 'stages = ["curate", "stf"]', "stf is not a stage"),
        ("recipe.toml", "stages = []", "names the stages"),
        ("recipe.toml", 'stages = ["sft", "sft"]', "names the stages"),
        ("recipe.toml", 'stage = ["sft"]', "stage is not a setting of"),
        ("recipe.toml", 'stages = ["sft", "curate", "rl"]', "sft uses stage:curate, which is no earlier stage"),
        ("sft.toml", 'data = "stage:eval"', "sft uses stage:eval, which is no earlier stage"),
        ("sft.toml", "epoch = 2", "sft.epoch is not a setting"),
    ],
)
def test_a_bad_recipe_is_refused(folder, file, text, message):
    (folder / file).write_text(text)
    with pytest.raises(ConfigError, match=message):
        load_recipe(folder)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ({"eval": {"samples": 1}}, "the recipe has no settings eval"),
        ({"steps": 1}, "steps is not a setting of a recipe"),
        ({"rl": {"stps": 1}}, "rl.stps is not a setting"),
    ],
)
def test_a_setting_for_no_stage_is_refused(folder, layer, message):
    with pytest.raises(ConfigError, match=message):
        load_recipe(folder, layer)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        load_recipe(tmp_path / "absent")


def test_paths_in_a_recipe_are_those_of_its_folder(folder):
    (folder / "mine.parquet").write_bytes(b"")
    (folder / "rl.toml").write_text('model = "run:x"\ndata = "mine.parquet"')
    assert load_recipe(folder).settings["rl"].data == str(folder / "mine.parquet")
