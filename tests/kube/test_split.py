"""The split of GPUs over nodes and roles."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klearctl.errors import ConfigError
from klearctl.kube.split import divide
from klearctl.run import STAGES


@pytest.mark.parametrize(
    ("gpus", "trainer", "rollout", "sandboxes"),
    [
        (0, (1, 0), (1, 0), 0),  # CPU: one of each
        (2, (1, 1), (1, 1), 1),  # one node
        (4, (1, 1), (1, 3), 1),  # one node
        (8, (1, 2), (1, 6), 1),  # one node, a quarter trains
        (16, (1, 8), (1, 8), 1),  # a quarter of two nodes is less than one: one
        (32, (1, 8), (3, 8), 3),
        (64, (2, 8), (6, 8), 6),  # the paper-sized run of DESIGN
        (256, (8, 8), (24, 8), 24),
    ],
)
def test_rl_gives_its_trainer_a_quarter(gpus, trainer, rollout, sandboxes):
    split = divide("rl", gpus, per_node=8)
    found = [(part.pods, part.gpus) for part in (split.trainer, split.rollout)]
    assert (*found, split.sandboxes) == (trainer, rollout, sandboxes)


@pytest.mark.parametrize(("gpus", "pods", "each"), [(0, 1, 0), (1, 1, 1), (5, 1, 5), (8, 1, 8), (16, 2, 8)])
def test_sft_gives_its_trainer_all(gpus, pods, each):
    trainer = divide("sft", gpus, per_node=8).trainer
    assert (trainer.pods, trainer.gpus) == (pods, each)


def test_eval_has_a_pod_for_each_server():
    assert [divide("eval", gpus, per_node=8, servers=2).rollout.pods for gpus in (0, 1, 12)] == [2, 1, 12]


@pytest.mark.parametrize(
    ("stage", "gpus", "fix"),
    [
        ("rl", 1, "--gpus 2, or --gpus 0 for CPU"),
        ("rl", 12, "--gpus 8 or --gpus 16"),
        ("sft", 12, "--gpus 8 or --gpus 16"),
        ("rl", -1, "0 for CPU, or the number of GPUs"),
    ],
)
def test_a_number_that_cannot_be_split_names_what_can(stage, gpus, fix):
    with pytest.raises(ConfigError) as caught:
        divide(stage, gpus, per_node=8)
    assert caught.value.fix == fix


@given(st.sampled_from(STAGES), st.integers(0, 4096), st.integers(1, 16))
def test_every_gpu_is_used_once_and_no_pod_is_larger_than_a_node(stage, gpus, per_node):
    try:
        split = divide(stage, gpus, per_node=per_node)
    except ConfigError:
        return
    parts = [split.trainer, split.rollout]
    used = sum(part.pods * part.gpus for part in parts)
    assert used == (0 if stage == "curate" else gpus) and max(part.gpus for part in parts) <= per_node
