"""The whole recipe, once, as `make demo` runs it; then what it must have left behind."""

import json
import math

import pytest

from klearctl import records
from klearctl.local.s3 import server as s3
from tests.e2e.klear import SMOKE, fresh, wait_for

pytestmark = pytest.mark.timeout(1500)


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    """A finished run of the smoke recipe: (the command line, what it printed at its end)."""
    with fresh(tmp_path_factory.mktemp("smoke")) as klear:
        done = klear.run("run", str(SMOKE), "--name", "smoke", "-o", "json", timeout=1400)
        assert done.returncode == 0, done.stderr + klear.run("logs", "smoke").stdout[-8000:]
        yield klear, json.loads(done.stdout)


def judged(klear):
    """What eval found of each model."""
    with s3.use(klear.home) as keys, pytest.MonkeyPatch.context() as patch:
        for name, value in keys.items():
            patch.setenv(name, value)
        return records.read_result("s3://klear/runs/smoke-eval")["models"]


def test_the_model_learns_in_every_stage(smoke):
    accuracy = smoke[1]["accuracy"]
    assert accuracy["untrained"] < accuracy["sft"] < accuracy["rl"]


def test_sft_leaves_room_for_rl(smoke):
    assert 0.3 <= smoke[1]["accuracy"]["sft"] <= 0.8


def test_rl_gains_ten_points(smoke):
    assert smoke[1]["accuracy"]["rl"] - smoke[1]["accuracy"]["sft"] >= 0.10


def test_both_rewards_are_learned_from(smoke):
    by_task = smoke[1]["accuracy_by_task"]
    assert set(by_task["rl"]) == {"chain_sum", "functions"}
    for task, after in by_task["rl"].items():
        assert by_task["untrained"][task] < by_task["sft"][task] < after


def test_the_accuracy_is_that_of_all_problems(smoke):
    for model, accuracy in smoke[1]["accuracy"].items():
        of_tasks = smoke[1]["accuracy_by_task"][model].values()
        assert min(of_tasks) <= accuracy <= max(of_tasks)


def test_at_least_256_problems_were_held_out(smoke):
    assert smoke[1]["problems"] >= 256


def test_the_runs_are_named_by_their_stage(smoke):
    assert smoke[1]["runs"] == {stage: f"smoke-{stage}" for stage in ("curate", "sft", "rl", "eval")}


def test_the_first_reward_of_rl_is_the_accuracy_of_sft(smoke):
    klear, _ = smoke
    first, sft = klear.metrics("smoke-rl")[0], judged(klear)["sft"]
    error = math.hypot(first["solved_stderr"], sft["stderr"])  # both clustered by problem
    assert (first["step"], abs(first["solved"] - sft["accuracy"]) <= 3 * error) == (0, True)


def test_every_step_has_one_row(smoke):
    rows = [row for row in smoke[0].metrics("smoke-rl") if row["step"]]
    assert [row["step"] for row in rows] == list(range(1, rows[-1]["steps"] + 1))


def test_server_and_trainer_agree_on_log_probs(smoke):
    gaps = [row["logprob_gap"] for row in smoke[0].metrics("smoke-rl") if row.get("logprob_gap") is not None]
    assert gaps and max(gaps) < 0.01


def test_status_says_succeeded(smoke):
    status = smoke[0].status("smoke-rl")
    assert (status["state"], status["step"], status["checkpoint"]) == ("succeeded", status["steps"], status["steps"])


def test_nothing_is_left_running(smoke):
    wait_for(lambda: smoke[0].processes() == {})


def test_the_servers_of_a_whole_recipe_start_twice(smoke):
    lines = smoke[0].run("logs", "smoke").stdout.splitlines()
    assert sum("Initializing a V1 LLM engine" in line for line in lines) == 2


def test_the_same_name_shows_the_same_result_again(smoke):
    klear = smoke[0]
    again = klear.run("run", str(SMOKE), "--name", "smoke", "-o", "json")
    assert json.loads(again.stdout) == smoke[1]


def test_the_checkpoint_loads_in_transformers(smoke, tmp_path):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    assert smoke[0].run("checkpoints", "smoke-rl", "--get", str(tmp_path)).returncode == 0
    model, tokenizer = AutoModelForCausalLM.from_pretrained(tmp_path), AutoTokenizer.from_pretrained(tmp_path)
    assert model.get_input_embeddings().num_embeddings >= len(tokenizer)


def test_a_recipes_run_has_the_metrics_and_checkpoints_of_its_stages(smoke):
    rows, kept = (json.loads(smoke[0].run(word, "smoke", "-o", "json").stdout) for word in ("metrics", "checkpoints"))
    assert {row["stage"] for row in rows} == {"curate", "sft", "rl", "eval"}
    assert {item["run"] for item in kept} == {"smoke-sft", "smoke-rl"}


def test_every_checkpoint_is_whole(smoke):
    done = smoke[0].run("checkpoints", "smoke-rl", "--verify", "-o", "json")
    assert (done.returncode, {tuple(item["problems"]) for item in json.loads(done.stdout)}) == (0, {()})


def test_logs_outlive_the_pods(smoke):
    text = smoke[0].run("logs", "smoke", "--role", "trainer").stdout
    assert "trainer-0/trainer" in text
