"""Which GPUs a container gets. Whether they work, only a machine that has some can show."""

import os
from pathlib import Path

import pytest

from klearctl.local.backend import LocalBackend
from klearctl.local.node.gpus import Gpus, devices, visible
from tests.local.manifests import container, job
from tests.local.waiting import LIMIT_S

A, B, C = (10 * os.getpid() + number for number in range(3))  # the claims hold for the machine: other tests may run


def test_containers_get_gpus_of_their_own() -> None:
    gpus = Gpus([A, B, C])
    taken = gpus.take("pod", {"a": 1, "b": 2})
    gpus.give_back("pod")
    assert taken == {"a": [A], "b": [B, C]}


def test_a_gpu_that_another_workload_holds_is_not_given_again() -> None:
    one, other = Gpus([A, B]), Gpus([A, B])
    taken = [one.take("x", {"a": 1}), other.take("y", {"a": 1}), other.take("z", {"a": 1})]
    one.give_back("x")
    taken.append(other.take("z", {"a": 1}))
    for uid in ("y", "z"):
        other.give_back(uid)
    assert taken == [{"a": [A]}, {"a": [B]}, None, {"a": [A]}]


@pytest.mark.parametrize(
    ("declared", "mine", "seen"),
    [
        (None, [4, 5], "4,5"),
        ("0", [4, 5], "4"),  # the container's first
        ("1,0", [4, 5], "5,4"),
        ("3", [7], "7"),  # its place in the pod, of a container that has one
    ],
)
def test_what_a_container_sees_lies_within_its_own_gpus(declared: str | None, mine: list[int], seen: str) -> None:
    assert visible(declared, mine) == seen


def test_gpus_are_counted_by_their_device_files(tmp_path: Path) -> None:
    for name in ("nvidia0", "nvidia11", "nvidiactl", "nvidia-uvm"):
        (tmp_path / name).touch()
    assert devices(tmp_path) == [0, 11]


def test_a_pod_waits_for_gpus_that_are_not_there(backend: LocalBackend) -> None:
    backend.apply([job(container("true", resources={"limits": {"nvidia.com/gpu": "99"}}))])
    status = next(pod["status"] for _, pod in backend.watch("Pod", {}, LIMIT_S) if "conditions" in pod["status"])
    assert (status["phase"], status["conditions"][0]["reason"]) == ("Pending", "Unschedulable")
