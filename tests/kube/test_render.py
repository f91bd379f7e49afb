"""Manifests: golden files, strict schemas, and the rules that schemas do not know.

After a wanted change: UPDATE_GOLDEN=1 make test, then read the diff.
"""

import os
from pathlib import Path

import jsonschema
import kubernetes_validate
import pytest
import yaml

from klearctl.config.load import load, parse_sets
from klearctl.config.platform import PlatformConfig, PoolConfig, PoolsConfig
from klearctl.config.stages import config_type
from klearctl.errors import ConfigError
from klearctl.kube.dump import to_yaml
from klearctl.kube.render import render, store_port
from klearctl.run import STAGES, Run

GOLDEN = Path(__file__).parents[1] / "golden"
CASES = [
    ("curate", 0),
    ("sft", 0),
    ("sft", 16),
    ("rl", 0),
    ("rl", 8),
    ("rl", 64),
    ("eval", 0),
    ("eval", 8),
]
SIZES = [(stage, gpus) for stage in STAGES for gpus in (0, 2, 8, 16, 64)]


def objects(stage, gpus, *, platform=None, sets=()):
    """The objects of a run with the documented defaults."""
    config = load(config_type(stage), [parse_sets(sets)])
    return render(Run(f"{stage}-golden", stage, "s3://klear"), config, platform=platform or PlatformConfig(), gpus=gpus)


def pod_templates(found):
    """Every pod template of a run."""
    spec = found[-1]["spec"]
    jobs = [job["template"]["spec"] for job in spec.get("replicatedJobs", ())] or [spec]
    return [job["template"] for job in jobs]


@pytest.mark.parametrize(("stage", "gpus"), CASES)
def test_the_manifests_are_those_of_the_golden_file(stage, gpus):
    file = GOLDEN / f"{stage}-{gpus}.yaml"
    text = to_yaml(objects(stage, gpus))
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(text)
    assert text == file.read_text()


@pytest.mark.parametrize(("stage", "gpus"), SIZES)
def test_core_kinds_are_strictly_valid(stage, gpus):
    for item in objects(stage, gpus):
        if item["kind"] != "JobSet":
            kubernetes_validate.validate(item, "1.36", strict=True)


@pytest.mark.parametrize(("stage", "gpus"), SIZES)
def test_pod_templates_are_strictly_valid(stage, gpus):
    for template in pod_templates(objects(stage, gpus)):
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "x", **template["metadata"]},
            "spec": template["spec"],
        }
        kubernetes_validate.validate(pod, "1.36", strict=True)


def closed(schema):
    """The schema with unknown keys refused, as the API server does under strict field validation."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: closed(value) for key, value in schema.items()}
    open_ended = schema.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in schema
    return inner | (
        {"additionalProperties": False} if isinstance(schema.get("properties"), dict) and not open_ended else {}
    )


@pytest.fixture(scope="module")
def job_set_definition(klear_shared):
    """What the JobSet's definition lets through, made once: it is a large one."""
    definition = yaml.load((klear_shared / "kube/crds/jobset.x-k8s.io_jobsets.yaml").read_text(), yaml.CSafeLoader)
    schema = closed(definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"])
    schema["properties"]["metadata"] = {"type": "object"}
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    return kind(schema)


@pytest.mark.parametrize(("stage", "gpus"), [case for case in SIZES if case[0] in ("sft", "rl")])
def test_a_job_set_is_strictly_what_its_definition_says(stage, gpus, job_set_definition):
    job_set_definition.validate(objects(stage, gpus)[-1])


@pytest.mark.parametrize(("stage", "gpus"), SIZES)
def test_no_pod_asks_for_more_than_a_node(stage, gpus):
    pools = PlatformConfig().pools
    for template in pod_templates(objects(stage, gpus)):
        asked = [container["resources"]["requests"] for container in running_together(template["spec"])]
        pool = pools.gpu if any("nvidia.com/gpu" in request for request in asked) else pools.cpu
        total = [
            sum(int(request.get(key, "0").removesuffix("Gi")) for request in asked)
            for key in ("nvidia.com/gpu", "cpu", "memory")
        ]
        assert all(have <= most for have, most in zip(total, (pool.gpus, pool.cpus, pool.memory_gb), strict=True))


def running_together(spec):
    """The containers that run at the same time: the main ones and the sidecars."""
    return spec["containers"] + [
        item for item in spec.get("initContainers", ()) if item.get("restartPolicy") == "Always"
    ]


@pytest.mark.parametrize(("stage", "gpus"), SIZES)
def test_names_of_pods_fit(stage, gpus):
    longest = "a" * 40
    run = Run(longest, stage, "s3://klear")
    found = render(run, config_type(stage)(), platform=PlatformConfig(), gpus=gpus)[-1]
    roles = [job["name"] for job in found["spec"].get("replicatedJobs", ())]
    assert max([len(f"{longest}-{role}-0-99-xxxxx") for role in roles] or [len(f"{longest}-99-xxxxx")]) <= 63


@pytest.mark.parametrize(("stage", "gpus"), SIZES)
def test_exit_codes_in_rules_name_a_container_of_the_pod_and_are_sorted(stage, gpus):
    spec = objects(stage, gpus)[-1]["spec"]
    jobs = [job["template"]["spec"] for job in spec.get("replicatedJobs", ())] or [spec]
    for job in jobs:
        pod = job["template"]["spec"]
        names = [container["name"] for container in pod["containers"] + pod.get("initContainers", [])]
        for rule in job.get("podFailurePolicy", {}).get("rules", ()):
            codes = rule.get("onExitCodes", {"containerName": names[0], "values": []})
            assert codes["containerName"] in names and codes["values"] == sorted(codes["values"])
            assert pod["restartPolicy"] == "Never" and job["podReplacementPolicy"] == "Failed"


def test_manifests_hold_no_credentials():
    text = "".join(to_yaml(objects(stage, gpus)) for stage, gpus in SIZES)
    assert "secretKeyRef" in text and "kind: Secret" not in text


def test_a_queue_suspends_the_workload_and_labels_it():
    found = objects("rl", 64, platform=PlatformConfig(queue="research"))[-1]
    assert (found["spec"]["suspend"], found["metadata"]["labels"]["kueue.x-k8s.io/queue-name"]) == (True, "research")


def test_a_pool_places_its_pods():
    pool = PoolConfig(gpus=8, node_selector={"pool": "h100"}, tolerations=({"key": "gpu", "operator": "Exists"},))
    template = pod_templates(objects("sft", 8, platform=PlatformConfig(pools=PoolsConfig(gpu=pool))))[0]["spec"]
    assert (template["nodeSelector"], template["tolerations"]) == (
        {"pool": "h100"},
        [{"key": "gpu", "operator": "Exists"}],
    )


def test_no_sandbox_is_rendered_when_none_is_wanted():
    jobs = objects("rl", 64, sets=["sandbox.replicas=0"])[-1]["spec"]["replicatedJobs"]
    assert [job["name"] for job in jobs] == ["trainer", "rollout"]


def test_sft_as_a_plain_job_is_refused():
    with pytest.raises(ConfigError, match="sft as a job is not built yet"):
        render(Run("x", "sft", "s3://k"), config_type("sft")(), platform=PlatformConfig(), gpus=8, workload="job")


def test_ports_of_two_runs_differ():
    assert len({store_port(f"rl-{number}") for number in range(50)}) == 50
