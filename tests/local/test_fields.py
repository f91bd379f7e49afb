"""What the local backend takes, and what it refuses by the full path of the field."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from klearctl.errors import ConfigError
from klearctl.local.fields import check
from tests.local.manifests import config_map, container, job, job_spec, jobset

POD = "spec.template.spec"


def put(obj: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy of the object with the value at the path."""
    obj = copy.deepcopy(obj)
    place: Any = obj
    *steps, last = path.replace("[", ".[").split(".")
    for step in steps:
        place = place[int(step[1:-1])] if step.startswith("[") else place.setdefault(step, {})
    place[last] = value
    return obj


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (f"{POD}.containers[0].livenessProbe", {}),
        (f"{POD}.containers[0].lifecycle", {}),
        (f"{POD}.containers[0].envFrom", []),
        (f"{POD}.shareProcessNamespace", True),
        (f"{POD}.hostNetwork", True),
        (f"{POD}.activeDeadlineSeconds", 5),
        (f"{POD}.restartPolicy", "Always"),
        (f"{POD}.volumes", [{"name": "v", "hostPath": {"path": "/"}}]),
        (f"{POD}.volumes", [{"name": "v", "persistentVolumeClaim": {"claimName": "c"}}]),
        ("spec.successPolicy", {}),
        ("spec.completionMode", "NonIndexed"),
        ("spec.managedBy", "other"),
        ("metadata.finalizers", ["x"]),
    ],
)
def test_a_field_of_a_job_that_is_not_honoured_is_named(path: str, value: Any) -> None:
    with pytest.raises(ConfigError, match="does not honour " + path.replace("[", r"\[").replace("]", r"\]")):
        check(put(job(container("true")), path, value))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("spec.startupPolicy.startupPolicyOrder", "InOrder"),
        ("spec.coordinator", {"replicatedJob": "trainer"}),
        ("spec.replicatedJobs[0].dependsOn", []),
        ("spec.failurePolicy.restartStrategy", "InPlaceRestart"),
        ("spec.failurePolicy.rules", [{"action": "RestartJob"}]),
        ("spec.replicatedJobs[0].template.spec.template.spec.containers[0].stdin", True),
    ],
)
def test_a_field_of_a_job_set_that_is_not_honoured_is_named(path: str, value: Any) -> None:
    with pytest.raises(ConfigError, match="does not honour spec"):
        check(put(jobset({"trainer": job_spec(container("true"))}), path, value))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (f"{POD}.containers[0].resources", {"limits": {"nvidia.com/gpu": "8"}}),
        (f"{POD}.containers[0].securityContext", {"readOnlyRootFilesystem": True}),
        (f"{POD}.nodeSelector", {"pool": "gpu"}),
        (f"{POD}.volumes", [{"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "8Gi"}}]),
        ("spec.ttlSecondsAfterFinished", 60),
    ],
)
def test_what_means_nothing_to_a_process_is_taken(path: str, value: Any) -> None:
    check(put(job(container("true")), path, value))


@pytest.mark.parametrize(
    ("obj", "message"),
    [
        ({"kind": "Deployment", "metadata": {"name": "d"}}, "does not know the kind Deployment"),
        ({"kind": "ConfigMap", "metadata": {"name": "../x"}}, r"cannot be '\.\./x'"),
        (job(container("true", name="a/b")), r"containers\[0\]\.name cannot be 'a/b'"),
        (config_map("c", **{"../x": ""}), r"a key of data cannot be '\.\./x'"),
        (put(job(container("true")), POD, {"containers": [container("true")]}), "restartPolicy is missing"),
        (put(job(container("true")), "metadata.labels", {"klear.dev/run": "../x"}), r"cannot be '\.\./x'"),
        (job({"name": "main", "image": "x"}), r"containers\[0\]\.command is missing"),
        (job(container("true", volumeMounts=[{"name": "gone", "mountPath": "/x"}])), "no volume gone"),
    ],
)
def test_what_cannot_run_is_refused_before_it_starts(obj: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check(obj)


@pytest.mark.parametrize("name", ["curate-0", "sft-0", "sft-16", "rl-0", "eval-0", "eval-8", "recipe-0"])
def test_every_field_that_is_rendered_is_honoured(name: str) -> None:
    for obj in rendered(name):
        check(obj)


@pytest.mark.parametrize("name", ["rl-8", "rl-64"])
def test_sandboxes_that_must_be_kept_off_the_network_are_refused_with_what_to_do_instead(name: str) -> None:
    (policy,) = [obj for obj in rendered(name) if obj["metadata"]["name"] == "rl-golden-sandbox"]
    with pytest.raises(ConfigError, match="does not honour the NetworkPolicy rl-golden-sandbox") as refused:
        check(policy)
    assert "--set sandbox.replicas=0" in refused.value.fix


def rendered(name: str) -> list[dict[str, Any]]:
    """The objects of a golden file."""
    return list(yaml.safe_load_all((Path(__file__).parents[1] / f"golden/{name}.yaml").read_text()))
