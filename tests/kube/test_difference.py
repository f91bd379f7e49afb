"""What differs between a run and another under its name."""

import json

import pytest

from klearctl import __version__
from klearctl.config.eval import EvalConfig
from klearctl.config.load import load, parse_sets
from klearctl.config.platform import PlatformConfig
from klearctl.config.recipe import load_recipe
from klearctl.config.rl import RLConfig
from klearctl.kube.difference import differences, shortened
from klearctl.kube.labels import VERSION
from klearctl.kube.recipe import render_recipe
from klearctl.kube.render import render
from klearctl.run import Run


def rendered(*sets, gpus=0):
    """The objects of one rl run."""
    return render(
        Run("rl-x", "rl", "s3://klear"), load(RLConfig, [parse_sets(sets)]), platform=PlatformConfig(), gpus=gpus
    )


def lines(old, new):
    """All differences between what stands and what would be sent."""
    standing = {(item["kind"], item["metadata"]["name"]): item for item in old}
    return [line for item in new for line in differences(standing.get((item["kind"], item["metadata"]["name"])), item)]


def test_the_same_config_has_no_difference():
    assert lines(rendered(), rendered()) == []


def test_a_setting_is_named_with_both_values():
    assert lines(rendered(), rendered("loss.clip_high=0.3")) == ["loss.clip_high: 0.28 -> 0.3"]


def test_what_a_server_filled_in_is_no_difference():
    standing = rendered()
    standing[-1]["spec"]["startupPolicy"] = {"startupPolicyOrder": "AnyOrder"}
    assert lines(standing, rendered()) == []


def test_a_run_of_an_older_version_is_the_same_run():
    label = f'"{VERSION}": "%s"'
    old = json.loads(json.dumps(rendered()).replace(label % __version__, label % "0.0.9"))
    assert old != rendered() and lines(old, rendered()) == []


@pytest.mark.parametrize("gpus", [2, 8, 64])
def test_another_size_is_a_difference(gpus):
    assert lines(rendered(), rendered(gpus=gpus)) != []


def test_a_setting_that_is_gone_is_a_difference():
    old, new = (
        render(Run("e", "eval", "s3://klear"), EvalConfig(models=models), platform=PlatformConfig(), gpus=0)
        for models in ({"a": "run:x", "b": "run:y"}, {"a": "run:x"})
    )
    assert lines(old, new) == ['models.b: "run:y" -> nothing']


def test_a_recipe_is_compared_setting_by_setting(tmp_path):
    (folder := tmp_path / "pair").mkdir()
    (folder / "recipe.toml").write_text('stages = ["sft"]')
    (folder / "sft.toml").write_text("steps = 5")
    old, new = (
        render_recipe("r", load_recipe(folder, {"seed": seed}), platform=PlatformConfig(), gpus=0, env={})
        for seed in (0, 1)
    )
    assert lines(old, new) == ["sft.seed: 0 -> 1"]


def test_of_another_size_a_person_reads_the_gpus_alone():
    assert shortened(lines(rendered(), rendered(gpus=8))) == "gpus: 0 -> 8"


def test_a_person_reads_ten_settings_and_how_many_more():
    assert shortened([f"a{place}: 0 -> 1" for place in range(12)]).split("; ")[8:] == [
        "a8: 0 -> 1",
        "a9: 0 -> 1",
        "and 2 more",
    ]


def test_where_no_setting_differs_a_person_reads_what_does():
    assert shortened(["spec.suspend: true -> false"]) == "spec.suspend: true -> false"
