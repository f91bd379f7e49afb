"""Every setting explains itself."""

import pytest

from klearctl.config.explain import explain
from klearctl.errors import ConfigError
from klearctl.run import STAGES


@pytest.mark.parametrize("root", [*STAGES, "klear"])
def test_every_setting_has_a_text(root):
    assert [setting.key for setting in explain(root) if not setting.text.endswith((".", ")"))] == []


def test_one_key_gives_its_default_and_source():
    (setting,) = explain("rl.loss.clip_high")
    assert (setting.default, "epsilon_h" in setting.text) == (0.28, True)


def test_the_default_is_that_of_the_stage():
    (setting,) = explain("sft.optimizer.lr")
    assert setting.default == 8e-5


def test_every_stage_has_a_seed():
    assert all(explain(f"{stage}.seed") for stage in STAGES)


def test_an_unknown_key_gets_a_suggestion():
    with pytest.raises(ConfigError) as caught:
        explain("rl.loss.clip_hihg")
    assert caught.value.fix == "did you mean rl.loss.clip_high?"
