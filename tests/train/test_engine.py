"""The engine on one and two ranks. Four processes run every scenario once; the tests look at what they left."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.fixtures.ports import free_port
from tests.train.scenario import CASES

SCENARIO = Path(__file__).with_name("scenario.py")
EVERY_CASE = [(f"{stage}-{dtype}-{world}", world) for world, cases in CASES.items() for stage, dtype in cases]
TOLERANCE = {"float32": 1e-4, "bfloat16": 2e-2}


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    """The folder after the scenarios, and their JSON by name."""
    folder = tmp_path_factory.mktemp("engine")
    for part in ("straight", "resume"):
        _on_ranks(1, part, folder)
        _on_ranks(2, part, folder)
    return folder, {file.stem: json.loads(file.read_text()) for file in folder.glob("*.json")}


def _on_ranks(world, part, folder):
    common = {"WORLD_SIZE": str(world), "MASTER_ADDR": "127.0.0.1", "OMP_NUM_THREADS": "1"}
    common["MASTER_PORT"] = str(free_port())
    tree = str(SCENARIO.parents[2])
    started = [
        subprocess.Popen(
            [sys.executable, str(SCENARIO), part, str(folder)],
            env={**os.environ, **common, "PYTHONPATH": tree, "RANK": str(rank), "LOCAL_RANK": str(rank)},
        )
        for rank in range(world)
    ]
    assert [process.wait(timeout=300) for process in started] == [0] * world


def _difference(first, second):
    first, second = load_file(first), load_file(second)
    assert first.keys() == second.keys()
    return max((first[name].float() - second[name].float()).abs().max().item() for name in first)


@pytest.mark.parametrize(("name", "world"), EVERY_CASE)
def test_a_resumed_run_ends_with_the_very_same_weights(runs, name, world):
    folder, _ = runs
    assert _difference(folder / f"{name}-straight.safetensors", folder / f"{name}-resumed-{world}.safetensors") == 0.0


@pytest.mark.parametrize(("name", "world"), EVERY_CASE)
def test_a_resumed_run_reports_the_very_same_steps(runs, name, world):
    _, found = runs
    assert found[f"resume-{world}"][name]["rows"] == found[f"straight-{world}"][name][3:]


@pytest.mark.parametrize("name", ["0-float32-2", "2-float32-2", "3-float32-2", "3-bfloat16-2"])
def test_a_run_goes_on_closely_with_fewer_ranks(runs, name):
    folder, _ = runs
    difference = _difference(folder / f"{name}-straight.safetensors", folder / f"{name}-resumed-1.safetensors")
    assert difference < TOLERANCE[name.split("-")[1]]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("0-float32-1", "1-float32-1"),
        ("0-float32-1", "2-float32-1"),
        ("0-float32-1", "3-float32-1"),
        ("0-float32-1", "0-float32-2"),  # a rank more
        ("0-float32-1", "2-float32-2"),
        ("0-float32-1", "3-float32-2"),
    ],
)
def test_every_stage_and_number_of_ranks_makes_the_same_updates(runs, one, other):
    folder, _ = runs
    difference = _difference(folder / f"{one}-straight.safetensors", folder / f"{other}-straight.safetensors")
    assert difference < TOLERANCE["float32"]


def test_every_stage_reports_the_same_gradient_norm(runs):
    _, found = runs
    norms = [found["straight-1"][f"{stage}-float32-1"][0]["grad_norm"] for stage in range(4)]
    assert norms == pytest.approx([norms[0]] * 4, rel=1e-5)


@pytest.mark.parametrize("world", [1, 2])
@pytest.mark.parametrize("variant", ["wide", "recomputed"])
def test_micro_batches_and_recomputed_activations_change_no_update(runs, world, variant):
    folder, _ = runs
    difference = _difference(folder / f"{variant}-{world}.safetensors", folder / "3-float32-1-straight.safetensors")
    assert difference < TOLERANCE["float32"]


def test_a_packed_sample_has_the_log_probs_of_a_row_of_its_own(runs):
    _, found = runs
    assert found["straight-1"]["logprobs"] < 1e-5


@pytest.mark.parametrize(("name", "world"), EVERY_CASE)
def test_the_extra_comes_back(runs, name, world):
    _, found = runs
    assert found[f"resume-{world}"][name]["extra"] == {"cursor": [3, None]}


@pytest.mark.parametrize(("name", "world"), EVERY_CASE)
def test_a_checkpoint_holds_no_pickle(runs, name, world):
    folder, _ = runs
    kinds = {file.suffix for file in (folder / name).rglob("*") if file.is_file()}
    assert kinds <= {".safetensors", ".json", ".jinja"}


@pytest.mark.parametrize("name", ["0-float32-1", "0-float32-2", "3-float32-2", "3-bfloat16-2"])
def test_transformers_loads_the_model_of_a_checkpoint(runs, name):
    from transformers import AutoModelForCausalLM

    folder, _ = runs
    model = AutoModelForCausalLM.from_pretrained(folder / name / "model", dtype="auto")
    saved = load_file(folder / f"{name}-half.safetensors")
    assert all(torch.equal(tensor, saved[key]) for key, tensor in model.state_dict().items())


def test_a_checkpoint_brings_its_tokenizer(runs):
    from transformers import AutoTokenizer

    folder, _ = runs
    tokenizers = [AutoTokenizer.from_pretrained(folder / name) for name in ("tiny", "3-float32-2/model")]
    texts = [one.apply_chat_template([{"role": "user", "content": "1 + 2 ="}]) for one in tokenizers]
    assert texts[0] == texts[1]


def test_all_ranks_get_the_value_of_rank_0(runs):
    _, found = runs
    assert found["straight-2"]["shared"] == {"from": 0}


def test_a_flag_on_one_rank_is_seen_by_all(runs):
    _, found = runs
    assert (found["straight-1"]["any"], found["straight-2"]["any"]) == (False, True)
