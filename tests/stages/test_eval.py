"""The eval stage against a real vLLM server: what it finds, in how many parts, and what a restart redoes."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from klearctl import records, storage
from klearctl.config.common import ServerConfig
from klearctl.config.eval import EvalConfig
from klearctl.config.load import to_dict
from klearctl.config.pod import Layout, PodConfig
from klearctl.data.table import Problem, write_problems
from klearctl.errors import ConfigError, RunFailed
from klearctl.stages.eval import evaluate, main

TREE = Path(__file__).parents[2]
PROBLEMS = [
    Problem(f"{a}+{b}", "small" if a + b < 4 else "large", f"{a} + {b} =", str(a + b))
    for a in range(5)
    for b in range(3)
]
SETTINGS: dict[str, Any] = {
    "samples": 8,
    "temperatures": (0.6, 0.0),  # cool enough that the tiny models say nothing but what they learned
    "pass_at": (1, 8),
    "max_response_tokens": 32,
    "metrics_interval_s": 60.0,
}


@pytest.fixture(scope="module")
def bucket(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bucket")
    write_problems(str(folder / "heldout.parquet"), PROBLEMS)
    write_problems(str(folder / "empty.parquet"), [])
    return folder


@pytest.fixture(scope="module")
def models(tiny_model, other_model):
    """Labels that no alphabet puts in this order; tiny says 0 to 3, other 4 to 7."""
    return {"tiny": str(tiny_model), "other": str(other_model)}


@pytest.fixture(scope="module")
def judge(bucket, models, vllm_server, tmp_path_factory):
    """Judges as one index of a run; the run's pod config."""

    def run(name, index=0, *, indexes=1, beside=vllm_server.address, **settings):
        pod = pod_config(bucket, name, indexes, **{"models": models} | settings)
        evaluate(pod, index, beside, tmp_path_factory.mktemp("models"))
        return pod

    return run


@pytest.fixture(scope="module")
def alone(judge):
    """The prefix of a run of one index."""
    return judge("alone").prefix


@pytest.fixture(scope="module")
def result(alone):
    return records.read_result(alone)


def pod_config(bucket, name, indexes=1, servers=(), **settings):
    config = EvalConfig(**SETTINGS | {"data": str(bucket / "heldout.parquet")} | settings)
    return PodConfig(name, "eval", str(bucket), config, Layout(indexes=indexes, servers=servers))


def test_each_model_is_judged_with_its_own_weights(result):
    by_task = {label: found["by_task"] for label, found in result["models"].items()}
    assert by_task["tiny"]["large"] == by_task["other"]["small"] == 0.0
    assert min(by_task["tiny"]["small"], by_task["other"]["large"]) > 0.1  # one guess in four is right


def test_the_models_stand_in_the_order_of_the_config(result):
    assert list(result["models"]) == ["tiny", "other"]


def test_all_problems_are_judged(result):
    assert result["problems"] == 15


def test_three_problems_of_all_tasks_are_shown_with_each_model_s_answer(result):
    shown = result["samples"]
    assert [(one["prompt"], one["answer"]) for one in shown] == [("0 + 0 =", "0"), ("0 + 1 =", "1"), ("2 + 2 =", "4")]
    assert {one["responses"]["tiny"]["text"][:-2] for one in shown} == {"<think>\n</think>\n\\boxed{"}
    assert {one["responses"]["other"]["text"][-2] for one in shown} <= set("4567")


def test_one_and_two_indexes_find_the_same(judge, result):
    pods = [judge("pair", index, indexes=2) for index in (1, 0)]
    assert records.read_result(pods[0].prefix) == result


def test_there_is_no_result_before_the_last_share(judge):
    pod = judge("half", 0, indexes=2)
    assert not storage.exists(f"{pod.prefix}/result.json")


def test_every_model_and_temperature_has_its_row(alone):
    rows = records.MetricsReader(alone).rows()
    assert [(row["step"], row["steps"], row["model"], row["temperature"]) for row in rows] == [
        (1, 4, "tiny", 0.6),
        (2, 4, "tiny", 0.0),
        (3, 4, "other", 0.6),
        (4, 4, "other", 0.0),
    ]


def test_a_row_s_reward_is_the_accuracy(alone, result):
    rewards = [row["reward"] for row in records.MetricsReader(alone).rows()]
    assert rewards == pytest.approx(
        [rate for one in result["models"].values() for rate in one["by_temperature"].values()]
    )


def test_a_second_start_judges_what_is_missing_and_nothing_else(judge):
    before = records.read_result((pod := judge("again")).prefix)
    shares = f"{pod.prefix}/shares/0-of-1"
    all_right = [
        row | {"rewards": {"0.6": [1.0] * 8, "0.0": [1.0]}} for row in storage.read_json(f"{shares}/tiny.json")
    ]
    storage.write_json(f"{shares}/tiny.json", all_right)
    storage.delete(f"{shares}/other.json")
    after = records.read_result(judge("again").prefix)
    assert after["models"]["tiny"]["accuracy"] == 1.0
    assert after["models"]["other"] == before["models"]["other"]


def test_where_nothing_is_missing_no_server_is_asked(judge, alone, result, nobody):
    Path(alone, "result.json").unlink()
    judge("alone", beside=nobody)
    assert records.read_result(alone) == result


def test_a_server_that_does_not_come_is_no_score(judge, bucket, nobody):
    with pytest.raises(RunFailed, match="a server is not ready"):
        judge("lost", beside=nobody, server=ServerConfig(ready_timeout_s=0.01))
    assert not Path(bucket, "runs", "lost", "shares").exists()


def test_only_so_many_problems_are_judged_as_are_asked_for(judge, models):
    pod = judge("few", problems=2, models={"tiny": models["tiny"]})
    assert records.read_result(pod.prefix)["problems"] == 2


def test_more_indexes_than_problems_find_the_same_as_one(judge, models):
    settings = {"problems": 2, "models": {"tiny": models["tiny"]}}
    pods = [judge("one-of-few", **settings)] + [judge("many", index, indexes=3, **settings) for index in range(3)]
    assert records.read_result(pods[0].prefix) == records.read_result(pods[-1].prefix)


def test_without_problems_the_config_is_wrong(judge, bucket):
    with pytest.raises(ConfigError, match="has no problems"):
        judge("empty", data=str(bucket / "empty.parquet"))


def test_a_model_without_safetensors_is_not_judged_by_the_weights_of_another(judge, models, tmp_path):
    bare = tmp_path / "bare"
    shutil.copytree(models["tiny"], bare, ignore=shutil.ignore_patterns("*.safetensors"))
    with pytest.raises(ConfigError, match=r"has no \.safetensors"):
        judge("bare", models={"tiny": models["tiny"], "bare": str(bare)})


@pytest.fixture
def pod(bucket, models, monkeypatch, vllm_server, tmp_path):
    """Runs the program as a pod of an Indexed Job does; its exit code."""

    def run(name, index, **settings):
        config = pod_config(bucket, name, 2, **{"models": models} | settings)
        words = [*program(config, tmp_path), "--server", vllm_server.address]
        monkeypatch.setenv("JOB_COMPLETION_INDEX", str(index))
        return main(words)

    before = signal.getsignal(signal.SIGTERM)
    yield run
    signal.signal(signal.SIGTERM, before)


def program(config, folder):
    """The words of the program, its config written."""
    tree = {"run": config.run, "stage": "eval", "bucket": config.bucket, "layout": to_dict(config.layout)}
    (folder / "config.json").write_text(json.dumps(tree | {"config": to_dict(config.config)}))
    return ["--config", str(folder / "config.json"), "--models", str(folder / "models")]


def test_a_pod_judges_the_share_of_its_index_on_the_server_beside_it(pod, bucket, result):
    assert [pod("pods", index) for index in (0, 1)] == [0, 0]
    assert records.read_result(str(bucket / "runs" / "pods")) == result


def test_a_pod_without_problems_is_not_started_again(pod, bucket, capsys):
    assert pod("none", 0, data=str(bucket / "empty.parquet")) == 2
    assert "has no problems" in capsys.readouterr().err


def test_a_pod_that_is_told_to_stop_says_85(bucket, models, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:  # a server that never answers
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        words = program(pod_config(bucket, "stopped", servers=(address,), models=models), tmp_path)
        process = subprocess.Popen(
            [sys.executable, "-m", "klearctl.stages.eval", *words], env=os.environ | {"PYTHONPATH": str(TREE)}
        )
        silent.settimeout(300.0)
        silent.accept()[0].close()
        process.send_signal(signal.SIGTERM)
        assert process.wait(300) == 85
