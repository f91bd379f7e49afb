"""Checkpoints: only whole ones count, whatever happened to their writer."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from klearctl import checkpoints, records, storage
from klearctl.errors import ConfigError, RunFailed
from tests.storage.proxy import Proxy

OBJECTS = 5  # three files, the manifest, COMMIT


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small checkpoint as a trainer leaves it on its disk."""
    for name, text in (
        ("model/config.json", "{}"),
        ("model/model.safetensors", "weights"),
        ("state/rank-0", "moments"),
    ):
        (tmp_path / "made" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "made" / name).write_text(text)
    return tmp_path / "made"


@pytest.mark.parametrize("puts", range(OBJECTS + 1))
def test_a_writer_killed_after_any_object_leaves_only_whole_checkpoints_and_the_next_one_finishes(
    wire: Proxy, bucket: str, folder: Path, tmp_path: Path, puts: int
) -> None:
    checkpoints.save(bucket, 1, folder)
    _save_and_die(wire, bucket, folder, puts)
    after_kill = checkpoints.committed(bucket)
    checkpoints.fetch(after_kill[-1], tmp_path / "loaded")
    checkpoints.save(bucket, 2, folder)
    damage = [line for found in checkpoints.committed(bucket) for line in checkpoints.verify(found)]
    assert ([found.step for found in after_kill], _same(tmp_path / "loaded", folder), _steps(bucket), damage) == (
        [1, 2] if puts == OBJECTS else [1],
        True,
        [1, 2],
        [],
    )


def test_nothing_of_a_half_checkpoint_stays_in_the_whole_one(bucket: str, folder: Path) -> None:
    storage.write_bytes(f"{bucket}/checkpoints/step-2/state/rank-7", b"of a killed writer")
    checkpoints.save(bucket, 2, folder)
    (whole,) = checkpoints.committed(bucket)
    assert (checkpoints.verify(whole), storage.exists(f"{whole.address}/state/rank-7")) == ([], False)


def test_a_committed_step_stays_as_it_is(bucket: str, folder: Path) -> None:
    checkpoints.save(bucket, 1, folder)
    before = checkpoints.committed(bucket)
    (folder / "model" / "config.json").write_text('{"other": 1}')
    checkpoints.save(bucket, 1, folder)
    assert checkpoints.committed(bucket) == before


def test_files_go_first_then_the_manifest_then_commit(wire: Proxy, bucket: str, folder: Path) -> None:
    checkpoints.save(bucket, 3, folder)
    puts = [line.partition("?")[0].rpartition("/")[2] for line in wire.requests if line.startswith("PUT ")]
    assert (puts[3:], sorted(puts[:3])) == (["manifest.json", "COMMIT"], ["config.json", "model.safetensors", "rank-0"])


def test_one_listing_tells_all_committed_steps(wire: Proxy, bucket: str, folder: Path) -> None:
    for step in (2, 10, 1):
        checkpoints.save(bucket, step, folder)
    wire.requests.clear()
    assert (_steps(bucket), len(wire.requests)) == ([1, 2, 10], 1)


def test_a_run_without_checkpoints_has_no_latest(bucket: str) -> None:
    assert checkpoints.latest(bucket) is None


def test_fetch_of_the_model_leaves_the_state_where_it_is(bucket: str, folder: Path, tmp_path: Path) -> None:
    checkpoints.save(bucket, 1, folder)
    checkpoints.fetch(checkpoints.committed(bucket)[0], tmp_path / "got", part="model")
    assert sorted(path.name for path in (tmp_path / "got").rglob("*")) == ["config.json", "model.safetensors"]


DAMAGE = {
    "state/rank-0": (b"", "state/rank-0 has 0 bytes instead of 7"),
    "model/model.safetensors": (b"Weights", "model/model.safetensors has changed: its SHA-256 differs"),
    "model/config.json": (None, "model/config.json is missing"),
}


def test_verify_names_each_file_that_is_short_changed_or_missing(bucket: str, folder: Path) -> None:
    damaged = _damaged(bucket, folder)
    assert sorted(checkpoints.verify(damaged)) == sorted(text for _, text in DAMAGE.values())


def test_fetch_refuses_a_damaged_checkpoint(bucket: str, folder: Path, tmp_path: Path) -> None:
    damaged = _damaged(bucket, folder)
    with pytest.raises(RunFailed, match=r"step-1 is damaged: .*config.json is missing"):
        checkpoints.fetch(damaged, tmp_path / "got")


def test_verify_says_that_the_manifest_is_missing(bucket: str, folder: Path) -> None:
    checkpoints.save(bucket, 1, folder)
    (found,) = checkpoints.committed(bucket)
    storage.delete(f"{found.address}/manifest.json")
    assert checkpoints.verify(found) == [f"{found.address}/manifest.json does not exist"]


@pytest.mark.parametrize("name", ["../../../etc/cron.d/x", "/etc/passwd"])
def test_a_manifest_cannot_name_files_outside_the_checkpoint(bucket: str, tmp_path: Path, name: str) -> None:
    address = f"{bucket}/checkpoints/step-1"
    storage.write_json(f"{address}/manifest.json", {"files": {name: {"bytes": 0, "sha256": ""}}})
    storage.write_bytes(f"{address}/COMMIT", b"")
    with pytest.raises(RunFailed, match="outside"):
        checkpoints.fetch(checkpoints.committed(bucket)[0], tmp_path)


def test_addresses_of_models_are_resolved(bucket: str, folder: Path) -> None:
    prefix = f"{bucket}/runs/one"
    checkpoints.save(prefix, 4, folder)
    records.write_result(prefix, {"model": f"{prefix}/checkpoints/step-4/model"})
    asked = ["run:one", "run:one@4", "s3://other/model", "/a/path"]
    made = f"{prefix}/checkpoints/step-4/model"
    assert [checkpoints.resolve_model(address, bucket) for address in asked] == [made, made, *asked[2:]]


def test_addresses_of_data_are_resolved(bucket: str) -> None:
    records.write_result(f"{bucket}/runs/one", {"data": {"sft": "s3://b/sft.parquet"}})
    asked = ["run:one", "reasoning_gym:x", "/a/path"]
    found = [checkpoints.resolve_data(address, bucket, "sft") for address in asked]
    assert found == ["s3://b/sft.parquet", *asked[1:]]


def test_a_run_that_is_not_done_has_no_model(bucket: str) -> None:
    with pytest.raises(storage.NotFound, match=r"runs/none/result.json does not exist"):
        checkpoints.resolve_model("run:none", bucket)


@pytest.mark.parametrize("step", ["5", "x", ""])
def test_a_step_that_is_not_committed_is_no_model(bucket: str, folder: Path, step: str) -> None:
    checkpoints.save(f"{bucket}/runs/one", 4, folder)
    with pytest.raises(storage.NotFound, match=f"run one has no checkpoint of step {step}"):
        checkpoints.resolve_model(f"run:one@{step}", bucket)


def test_a_run_that_made_data_made_no_model(bucket: str) -> None:
    records.write_result(f"{bucket}/runs/one", {"data": {}})
    with pytest.raises(ConfigError, match="run one made no model"):
        checkpoints.resolve_model("run:one", bucket)


def _save_and_die(wire: Proxy, prefix: str, folder: Path, puts: int) -> None:
    """A process that saves step 2, killed as soon as so many of its objects are stored."""
    code = (
        "import sys; from pathlib import Path; sys.stdin.read(); from klearctl import checkpoints\n"
        "checkpoints.save(sys.argv[1], 2, Path(sys.argv[2]))"
    )
    command = [sys.executable, "-c", code, prefix, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as writer:
        wire.puts_left, wire.victim = puts, writer
        writer.communicate(timeout=300)
    wire.victim = None


def _damaged(prefix: str, folder: Path) -> checkpoints.Checkpoint:
    checkpoints.save(prefix, 1, folder)
    (found,) = checkpoints.committed(prefix)
    for name, (data, _) in DAMAGE.items():
        if data is None:
            storage.delete(f"{found.address}/{name}")
        else:
            storage.write_bytes(f"{found.address}/{name}", data)
    return found


def _steps(prefix: str) -> list[int]:
    return [found.step for found in checkpoints.committed(prefix)]


def _same(one: Path, other: Path) -> bool:
    return shutil.which("diff") is not None and not subprocess.run(["diff", "-r", one, other]).returncode
