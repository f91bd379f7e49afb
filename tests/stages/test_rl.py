"""The rl stage as a pod runs it: its first process, a real vLLM server, a bucket that is a folder."""

import json
import os
import select
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import requests
from safetensors.torch import load_file

from klearctl import checkpoints, records
from klearctl.benchmarks.scores import average, standard_error
from klearctl.data.table import Problem, write_problems
from klearctl.rollout.chat import Chat
from klearctl.rollout.client import Fleet
from klearctl.rollout.seeds import seed_of
from klearctl.rollout.weights import push_files
from klearctl.stages.answers import Examiner
from klearctl.stages.rewards import rewards_for
from tests.fixtures.model import SUMS
from tests.fixtures.ports import free_port
from tests.stages.proxy import proxy
from tests.stages.test_rl_batch import no_code

TREE = Path(__file__).parents[2]
STEPS, EVERY, SAMPLES, LONGEST = 12, 4, 16, 24
PROBLEMS = [Problem(f"sum-{place}", "sum", text, "2") for place, text in enumerate(SUMS[:12])]  # one thing to learn
STUDENT_T = 2.2  # 95 % of the distribution with 11 degrees of freedom
SETTINGS: dict[str, Any] = {
    "steps": STEPS,
    "prompts_per_step": 6,
    "group_size": 8,
    "updates_per_batch": 2,
    "max_prompt_tokens": 60,
    "max_response_tokens": LONGEST,
    "optimizer": {"lr": 3e-3, "warmup_steps": 0, "weight_decay": 0.0},
    "trainer": {
        "zero_stage": 0,
        "dtype": "float32",
        "row_tokens": 96,
        "checkpoint_every": EVERY,
        "metrics_interval_s": 0.05,
    },
}


@pytest.fixture(scope="module")
def bucket(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bucket")
    write_problems(str(folder / "rl.parquet"), PROBLEMS)
    return folder


@pytest.fixture(scope="module")
def disturbed(bucket, vllm_server):
    """A run that was stopped, killed, then left alone: its prefix, the exit codes, what was committed after each, and
    the last step of which there were metrics then."""
    prefix, codes, seen, reached = str(bucket / "runs" / "disturbed"), [], [], []
    for step, number in ((1, signal.SIGTERM), (6, signal.SIGKILL), (STEPS, None)):
        with launched(bucket, "disturbed", vllm_server) as process:
            if number is not None:
                wait_for_sampling(prefix, step, vllm_server, process)
                process.send_signal(number)
            codes.append(process.wait(timeout=400))
        seen.append([found.step for found in checkpoints.committed(prefix)])
        reached.append(records.MetricsReader(prefix).rows()[-1]["step"])
    return prefix, codes, seen, reached


@pytest.fixture(scope="module")
def control(bucket, vllm_server):
    """The prefix of a run whose rewards and correct rollouts weigh nothing."""
    with launched(bucket, "control", vllm_server, loss={"policy_weight": 0.0, "nll_weight": 0.0}) as process:
        assert process.wait(timeout=400) == 0
    return str(bucket / "runs" / "control")


@contextmanager
def launched(bucket, name, server, *, servers=None, **settings):
    """The first process of a trainer's pod; it does not outlive the block."""
    config = bucket / f"{name}.json"
    tree = {**SETTINGS, "model": str(server.model), "data": str(bucket / "rl.parquet"), **settings}
    layout = {
        "gpus": 0,
        "servers": servers or [server.address],
        "weights_host": "127.0.0.1",
        "weights_port": free_port(),
    }
    config.write_text(json.dumps({"run": name, "stage": "rl", "bucket": str(bucket), "config": tree, "layout": layout}))
    env = {**os.environ, "PYTHONPATH": str(TREE), "TMPDIR": str(bucket), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen([sys.executable, "-m", "klearctl.stages.launch", "rl", "--config", str(config)], env=env)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def wait_for_sampling(prefix, step, server, process):
    """Until the step has its row and the push after it is over: half of a push would leave a server that only a new
    one can follow, as it does when the whole group starts anew."""
    reader = records.MetricsReader(prefix)
    wait_for(lambda: any(row["step"] >= step for row in reader.rows()), process)
    wait_for(lambda: is_paused(server), process)
    wait_for(lambda: not is_paused(server), process)


def wait_for(condition, process, limit_s=240):
    """Returns once the condition holds, while the process lives."""
    end = time.monotonic() + limit_s
    while not condition():
        assert process.poll() is None and time.monotonic() < end
        select.select([], [], [], 0.005)


def is_paused(server):
    """As it is from the start of a push to its end."""
    return requests.get(f"{server.address}/is_paused", timeout=60).json()["is_paused"]


def final(prefix):
    """The model of the last step."""
    return Path(prefix) / "checkpoints" / f"step-{STEPS}" / "model"


def rewards(server, model):
    """Of each problem's samples; the seeds know nothing of the model."""
    chat = Chat(model)
    fleet = Fleet([server.address], stop_tokens=chat.stop_tokens)
    push_files(fleet, sorted(model.glob("*.safetensors")), version="judged")
    seeds = [seed_of("judged", one.id) for one in PROBLEMS]
    with rewards_for(PROBLEMS, "binary", no_code) as judged:
        examiner = Examiner(chat, fleet, judged, max_tokens=LONGEST)
        return [group.rewards for group in examiner.ask(PROBLEMS, seeds, samples=SAMPLES, temperature=1.0)]


def gain(server, before, after):
    """The mean gain in reward from one model to another, and half its 95 % interval, clustered by problem."""
    pairs = zip(rewards(server, before), rewards(server, after), strict=True)
    gains = [[average([new]) - average([old])] for old, new in pairs]
    return average(gains), STUDENT_T * standard_error(gains)


def test_a_stop_is_85_a_kill_is_seen_and_the_run_comes_to_its_end(disturbed):
    assert disturbed[1] == [85, -signal.SIGKILL, 0]


def test_a_stop_is_a_stop_where_the_servers_go_first(bucket, vllm_server):
    prefix = str(bucket / "runs" / "cancelled")
    with (
        proxy(vllm_server.address) as way,
        launched(bucket, "cancelled", vllm_server, servers=[way.address]) as process,
    ):
        wait_for_sampling(prefix, 2, vllm_server, process)
        way.cut()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=2)  # it waits for a word of why
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=100) == 85
    rows = records.MetricsReader(prefix).rows()
    assert [found.step for found in checkpoints.committed(prefix)][-1] == rows[-1]["step"] >= 2


def test_committed_steps_never_shrink(disturbed):
    _, _, seen, reached = disturbed
    assert all(set(before) <= set(after) for before, after in pairwise(seen)), seen
    assert (seen[0][-1], seen[-1][-1]) == (reached[0], STEPS), "the stop commits the step it finds"


def test_every_step_has_one_row_and_step_0_a_reward(disturbed):
    rows = records.MetricsReader(disturbed[0]).rows()
    assert [row["step"] for row in rows] == list(range(STEPS + 1))
    assert all(0.0 <= row["reward"] <= 1.0 and row["steps"] == STEPS for row in rows)


def test_no_attempt_writes_a_row_twice(disturbed):
    files = sorted(Path(disturbed[0], "metrics").iterdir())
    written = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    keys = [(row["attempt"], row["step"]) for row in written]
    assert len(set(keys)) == len(keys) > STEPS


def test_after_every_push_server_and_trainer_agree(disturbed):
    gaps = [row["logprob_gap"] for row in records.MetricsReader(disturbed[0]).rows() if row["step"]]
    assert max(gaps) < 1e-3


def test_its_result_is_the_model_of_the_last_step(disturbed):
    assert records.read_result(disturbed[0]) == {"model": str(final(disturbed[0]))}


def test_rewards_make_the_model_better(disturbed, vllm_server):
    mean, half = gain(vllm_server, vllm_server.model, final(disturbed[0]))
    assert mean - half > 0.1


def test_without_advantages_and_nll_the_interval_of_the_gain_holds_0(control, vllm_server):
    mean, half = gain(vllm_server, vllm_server.model, final(control))
    assert mean - half <= 0.0 <= mean + half


def test_without_advantages_and_nll_no_weight_moves(control, vllm_server):
    ours, theirs = (load_file(folder / "model.safetensors") for folder in (final(control), vllm_server.model))
    assert all((ours[name] == theirs[name]).all() for name in theirs)
