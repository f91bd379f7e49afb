"""Settings: layers in the right order, unknown keys named, limits with the value in the message."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klearctl.config.curate import CurateConfig
from klearctl.config.load import from_dict, load, merge, parse_sets, read_toml, to_dict
from klearctl.config.rl import RLConfig
from klearctl.config.stages import config_type
from klearctl.errors import ConfigError
from klearctl.run import STAGES


@pytest.mark.parametrize("stage", STAGES)
def test_defaults_survive_json(stage):
    config = config_type(stage)()
    assert from_dict(config_type(stage), json.loads(json.dumps(to_dict(config)))) == config


def test_a_later_layer_wins_key_by_key():
    config = load(RLConfig, [{"loss": {"clip_low": 0.1, "clip_high": 0.3}}, {"loss": {"clip_high": 0.4}}])
    assert (config.loss.clip_low, config.loss.clip_high) == (0.1, 0.4)


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("a=1", 1),  # TOML
        ("a=1e-5", 1e-5),  # TOML
        ("a=true", True),  # TOML
        ('a="true"', "true"),  # TOML text
        ("a=[1, 2]", [1, 2]),  # TOML list
        ("a=s3://bucket/key", "s3://bucket/key"),  # no TOML: text
        ("a=run:sft-k3x9ab", "run:sft-k3x9ab"),  # no TOML: text
        ("a=x=y", "x=y"),  # only the first = counts
        ("a=", ""),  # empty text
        ("a=1\nb=2", "1\nb=2"),  # never two settings
    ],
)
def test_a_value_is_toml_else_text(word, value):
    assert parse_sets([word]) == {"a": value}


@pytest.mark.parametrize(
    ("sets", "message", "fix"),
    [
        (["loss.clip_hihg=1"], "loss.clip_hihg is not a setting", "did you mean loss.clip_high?"),
        (["loss.clip_high=much"], "loss.clip_high is 'much'", "loss.clip_high takes a number"),
        (["steps=0"], "steps is 0", "at least 1"),
        (["steps=1.5"], "steps is 1.5", "steps takes a whole number"),
        (["steps=true"], "steps is True", "steps takes a whole number"),
        (["loss=3"], "loss is 3", "loss takes a table"),
        (["loss.name=grpo"], "loss.name is 'grpo'", "one of gppo, ppo"),
        (["loss.dual_clip=0.5"], "loss.dual_clip is 0.5", "0 for off, or above 1"),
        (["optimizer.lr=-1"], "optimizer.lr is -1.0", "above 0"),
        (["rewards=hard"], "rewards is 'hard'", "one of soft, binary, klear"),
        (["loss.clip_high=nan"], "loss.clip_high is nan", "at least 0.0"),
        (
            ["max_response_tokens=40000"],
            "max_prompt_tokens and max_response_tokens are 44096 together, trainer.row_tokens is 36864",
            "trainer.row_tokens = 44096",
        ),
        (["trainer.zero_stage=0"], "trainer.zero_stage is 0 with bfloat16", 'zero_stage = 1, or dtype = "float32"'),
        (["optimizer.lr=nan"], "optimizer.lr is nan", "above 0"),
        (["steps"], "--set steps is not KEY=VALUE", "for example --set optimizer.lr=1e-5"),
        (["=3"], "--set =3 is not KEY=VALUE", "for example --set optimizer.lr=1e-5"),
    ],
)
def test_a_bad_setting_says_what_and_what_to_try(sets, message, fix):
    with pytest.raises(ConfigError) as caught:
        load(RLConfig, [parse_sets(sets)])
    assert (str(caught.value), caught.value.fix) == (message, fix)


def test_a_bad_setting_in_a_list_names_its_place():
    with pytest.raises(ConfigError, match=r"sources\[0\].adress is not a setting"):
        load(CurateConfig, [{"sources": [{"adress": "x"}]}])


def test_whole_numbers_are_taken_for_numbers():
    assert load(RLConfig, [{"temperature": 1}]).temperature == 1.0


def test_an_unreadable_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"absent.toml cannot be read: No such file"):
        read_toml(tmp_path / "absent.toml")


@pytest.mark.parametrize("content", [b"a = ", b"\xff\xfe", b"a = 1\na = 2"])
def test_a_file_that_is_no_toml_is_named(tmp_path, content):
    (tmp_path / "bad.toml").write_bytes(content)
    with pytest.raises(ConfigError, match=r"bad.toml is not TOML"):
        read_toml(tmp_path / "bad.toml")


# As settings are: a key is a value or a table, in every layer the same; a layer that mixes them up is refused.
_values = st.dictionaries(st.sampled_from(["x", "y"]), st.integers())
_tables = st.recursive(
    _values,
    lambda inner: st.builds(
        lambda values, below: values | below, _values, st.dictionaries(st.sampled_from(["t", "u"]), inner)
    ),
    max_leaves=8,
)


@given(_tables, _tables, _tables)
def test_merging_is_associative(low, middle, high):
    assert merge(merge(low, middle), high) == merge(low, merge(middle, high))


@given(_tables, _tables)
def test_every_value_of_the_upper_layer_is_in_the_merge(low, high):
    assert merge(merge(low, high), high) == merge(low, high)
