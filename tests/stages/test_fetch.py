"""The init container: the model of the config in a folder, from wherever it lies, or one line why not."""

import json
from pathlib import Path

import pytest

from klearctl import checkpoints, records, storage
from klearctl.config.eval import EvalConfig
from klearctl.config.load import to_dict
from klearctl.config.rl import RLConfig
from klearctl.stages import fetch

FILES = {"config.json": b"{}", "model.safetensors": b"weights"}


def model(directory):
    """A folder that looks like a model."""
    directory.mkdir(parents=True)
    for name, data in FILES.items():
        (directory / name).write_bytes(data)
    return directory


def run(bucket, stage, config, tmp_path):
    """The exit code of the program, started as a pod starts it."""
    pod = {"run": "x", "stage": stage, "bucket": bucket, "config": to_dict(config), "layout": {}}
    (tmp_path / "config.json").write_text(json.dumps(pod))
    return fetch.main(["--config", str(tmp_path / "config.json"), "--to", str(tmp_path / "to")])


def fetched(tmp_path):
    return {path.name: path.read_bytes() for path in (tmp_path / "to").iterdir()}


@pytest.fixture
def trained(bucket, tmp_path):
    """A bucket with the run `old`, which has a model and a checkpoint of step 3."""
    directory = tmp_path / "old"
    model(directory / "model")
    prefix = f"{bucket}/runs/old"
    checkpoints.save(prefix, 3, directory)
    records.write_result(prefix, {"model": f"{prefix}/checkpoints/step-3/model"})
    return bucket


@pytest.mark.parametrize("address", ["run:old", "run:old@3", "{bucket}/runs/old/checkpoints/step-3/model"])
def test_a_model_in_the_bucket_is_fetched(address, trained, tmp_path):
    assert run(trained, "rl", RLConfig(model=address.format(bucket=trained)), tmp_path) == 0
    assert fetched(tmp_path) == FILES


def test_a_model_at_a_path_is_fetched(bucket, tmp_path):
    assert run(bucket, "rl", RLConfig(model=str(model(tmp_path / "mine"))), tmp_path) == 0
    assert fetched(tmp_path) == FILES


def test_eval_fetches_its_first_model(trained, tmp_path):
    assert run(trained, "eval", EvalConfig(models={"first": "run:old", "second": "run:none"}), tmp_path) == 0
    assert fetched(tmp_path) == FILES


def test_a_second_start_fetches_again(trained, tmp_path):
    codes = [run(trained, "rl", RLConfig(model="run:old"), tmp_path) for _ in range(2)]
    assert (codes, fetched(tmp_path)) == ([0, 0], FILES)


def test_a_folder_that_is_no_model_is_an_error_of_the_config(bucket, tmp_path, capsys):
    storage.write_bytes(f"{bucket}/some/readme.txt", b"")
    assert run(bucket, "rl", RLConfig(model=f"{bucket}/some"), tmp_path) == 2
    assert "holds no config.json" in capsys.readouterr().err


def test_a_config_of_another_stage_is_refused(bucket, tmp_path, capsys):
    from klearctl.config.sft import SFTConfig

    assert run(bucket, "sft", SFTConfig(), tmp_path) == 2
    assert "is a config of sft" in capsys.readouterr().err


def test_without_the_hub_the_error_says_so(bucket, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)  # as HF_HUB_OFFLINE=1 does at import
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    assert run(bucket, "rl", RLConfig(model="Qwen/Qwen3-8B-Base"), tmp_path) == 3
    assert capsys.readouterr().err.startswith("error: the model Qwen/Qwen3-8B-Base cannot be fetched")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("Qwen/Qwen3-8B-Base", True),
        ("s3://klear/model", False),
        ("run:sft-x", False),
        ("run:sft-x@3", False),
        ("/models/policy", False),
        ("./models/policy", False),
        ("a/b/c", False),
        (str(Path("klearctl/data")), False),  # a folder that lies here
    ],
)
def test_owner_and_name_are_a_hub_name_unless_such_a_folder_lies_here(address, expected, monkeypatch):
    monkeypatch.chdir(Path(fetch.__file__).parents[2])
    assert fetch.is_hub_name(address) is expected
