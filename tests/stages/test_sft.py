"""The sft stage as a pod runs it: its first process, real ranks, a bucket that is a folder."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from klearctl import checkpoints, records
from klearctl.config.sft import SFTConfig
from klearctl.data.table import Solved, write_solved
from klearctl.stages.sft import batch_of
from tests.fixtures.ports import free_port

TREE = Path(__file__).parents[2]
STEPS, EVERY = 150, 50  # far apart: a signal comes some steps after the one that it waits for
SETTINGS: dict[str, Any] = {
    "model": "new",
    "new": {
        "hidden_size": 32,
        "layers": 1,
        "heads": 2,
        "kv_heads": 1,
        "head_dim": 16,
        "intermediate_size": 64,
        "max_tokens": 128,
    },
    "steps": STEPS,
    "batch_samples": 4,
    "optimizer": {"lr": 1e-2, "warmup_steps": 5, "decay": "linear"},
    "trainer": {
        "zero_stage": 2,
        "dtype": "float32",
        "row_tokens": 64,
        "checkpoint_every": EVERY,
        "metrics_interval_s": 0.05,
    },
}
ROWS = [
    Solved(
        id=f"{a}+{b}",
        task="sum",
        prompt=f"{a} + {b} =",
        response=f"<think>\n{a}+{b}={a + b}\n</think>\n\\boxed{{{a + b}}}",
    )
    for a in range(5)
    for b in range(6)
]


@pytest.fixture(scope="module")
def bucket(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bucket")
    write_solved(str(folder / "sft.parquet"), ROWS)
    return folder


@pytest.fixture(scope="module")
def straight(bucket):
    """The prefix of a run that nothing disturbed."""
    assert launch(bucket, "straight").wait(timeout=300) == 0
    return str(bucket / "runs" / "straight")


@pytest.fixture(scope="module")
def disturbed(bucket):
    """The prefix of a run that was stopped after its first checkpoint, killed after its second, then left alone."""
    prefix = str(bucket / "runs" / "disturbed")
    codes = [
        end_after(launch(bucket, "disturbed"), prefix, EVERY + 2, signal.SIGTERM),
        end_after(launch(bucket, "disturbed"), prefix, 2 * EVERY + 2, signal.SIGKILL),
        launch(bucket, "disturbed").wait(timeout=300),
    ]
    assert codes == [85, -signal.SIGKILL, 0]
    return prefix


def launch(bucket, name, *, ranks=1, **settings):
    config = bucket / f"{name}.json"
    tree = {**SETTINGS, "data": str(bucket / "sft.parquet"), **settings}
    config.write_text(
        json.dumps({"run": name, "stage": "sft", "bucket": str(bucket), "config": tree, "layout": {"gpus": 0}})
    )
    env = {**os.environ, "PYTHONPATH": str(TREE), "TMPDIR": str(bucket), "OMP_NUM_THREADS": "1"}
    env |= {"PET_NPROC_PER_NODE": str(ranks), "PET_MASTER_PORT": str(free_port())}
    words = [sys.executable, "-m", "klearctl.stages.launch", "sft", "--config", str(config)]
    return subprocess.Popen(words, env=env)


def end_after(process, prefix, step, number):
    """Sends the signal once the step has its row of metrics; the exit code."""
    reader = records.MetricsReader(prefix)
    while not any(row["step"] >= step for row in reader.rows()):
        assert process.poll() is None
        threading.Event().wait(0.01)
    process.send_signal(number)
    return process.wait(timeout=300)


def weights(prefix):
    return load_file(Path(prefix) / "checkpoints" / f"step-{STEPS}" / "model" / "model.safetensors")


def test_it_commits_the_untrained_model_every_so_many_steps_and_the_last(straight):
    assert [found.step for found in checkpoints.committed(straight)] == [*range(0, STEPS + 1, EVERY)]


def test_its_result_is_the_model_of_the_last_step(straight):
    assert records.read_result(straight) == {"model": f"{straight}/checkpoints/step-{STEPS}/model"}


def test_it_learns(straight):
    rows = records.MetricsReader(straight).rows()
    assert rows[-1]["loss"] < rows[0]["loss"] / 2


def test_every_step_has_one_row_with_its_figures(straight):
    rows = records.MetricsReader(straight).rows()
    assert [row["step"] for row in rows] == list(range(1, STEPS + 1))
    assert all(row["steps"] == STEPS and row["reward"] is None and row["tokens_per_s"] > 0 for row in rows)


def test_a_run_that_was_stopped_and_killed_ends_with_the_very_same_weights(straight, disturbed):
    ours, theirs = weights(disturbed), weights(straight)
    assert all((ours[name] == theirs[name]).all() for name in theirs)


def test_a_run_that_was_stopped_and_killed_has_the_very_same_losses(straight, disturbed):
    curves = [[row["loss"] for row in records.MetricsReader(prefix).rows()] for prefix in (straight, disturbed)]
    assert curves[0] == curves[1]


def test_the_stop_left_a_checkpoint_between_the_regular_ones(disturbed):
    steps = [found.step for found in checkpoints.committed(disturbed)]
    assert [step for step in steps if step % EVERY == 0] == [*range(0, STEPS + 1, EVERY)]
    assert len(steps) == 5


def test_a_run_that_is_done_only_writes_its_result_again(bucket, disturbed):
    Path(disturbed, "result.json").unlink()
    assert launch(bucket, "disturbed").wait(timeout=300) == 0
    assert records.read_result(disturbed)["model"].endswith(f"step-{STEPS}/model")
    assert len(records.MetricsReader(disturbed).rows()) == STEPS


def test_two_ranks_stop_together(bucket):
    prefix = str(bucket / "runs" / "pair")
    code = end_after(launch(bucket, "pair", ranks=2), prefix, 2, signal.SIGTERM)
    committed = [found.step for found in checkpoints.committed(prefix)]
    assert code == 85
    assert committed[-1] == max(row["step"] for row in records.MetricsReader(prefix).rows())


def test_a_sample_that_fits_no_row_ends_the_run_for_good(bucket):
    trainer = {**SETTINGS["trainer"], "row_tokens": 24}
    assert launch(bucket, "long", trainer=trainer).wait(timeout=300) == 2


def test_each_epoch_sees_every_row_once_in_another_order():
    config = SFTConfig(batch_samples=7)  # 30 rows: batches of 7, 7, 7, 7 and 2
    epochs = [[row.id for step in range(first, first + 5) for row in batch_of(step, ROWS, config)] for first in (1, 6)]
    assert sorted(epochs[0]) == sorted(epochs[1]) == sorted(row.id for row in ROWS)
    assert epochs[0] != epochs[1]


def test_another_seed_gives_another_order():
    first, second = (batch_of(1, ROWS, SFTConfig(seed=seed, batch_samples=30)) for seed in (0, 1))
    assert first != second
