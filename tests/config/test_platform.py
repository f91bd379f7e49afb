"""klear.toml: absent, present, wrong, and the sample that is shipped."""

from pathlib import Path

import pytest

from klearctl.config.platform import PlatformConfig, load_platform
from klearctl.errors import ConfigError

SAMPLE = Path(__file__).parents[2] / "klear.toml.sample"


def test_without_a_file_runs_are_local(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load_platform() == PlatformConfig(backend="local")


def test_the_shipped_sample_holds_the_defaults():
    assert load_platform(SAMPLE) == PlatformConfig()


def test_a_bucket_without_a_scheme_is_refused(tmp_path):
    (tmp_path / "klear.toml").write_text('bucket = "klear"\n')
    with pytest.raises(ConfigError, match="bucket is 'klear'"):
        load_platform(tmp_path / "klear.toml")
