"""Small manifests for the tests of the local backend: a shell line for each role."""

import copy
from typing import Any

Object = dict[str, Any]

FOREVER = "exec sleep 1000"
PATIENT = {"terminationGracePeriodSeconds": 60}  # to end by itself, on a machine that does much else


def container(line: str, name: str = "main", **fields: Any) -> Object:
    """A container that runs a shell line."""
    return {"name": name, "image": "none", "command": ["sh", "-c", line], **fields}


def job_spec(*containers: Object, pods: int = 1, pod: Object | None = None, role: str = "", **fields: Any) -> Object:
    """The spec of an Indexed Job whose pods do not come back unless `fields` say so."""
    labels = {"klear.dev/run": "t", "klear.dev/stage": "sft"} | ({"klear.dev/role": role} if role else {})
    grace = {"restartPolicy": "Never", "terminationGracePeriodSeconds": 1}
    template = {"metadata": {"labels": labels}, "spec": grace | {"containers": list(containers)} | (pod or {})}
    base = {"completionMode": "Indexed", "completions": pods, "parallelism": pods, "backoffLimit": 0}
    return base | fields | {"template": template}


def job(*containers: Object, name: str = "t", **fields: Any) -> Object:
    """An Indexed Job that no JobSet owns."""
    meta = {"name": name, "labels": {"klear.dev/run": name, "klear.dev/stage": "curate"}}
    spec = job_spec(*containers, **fields)
    spec["template"]["metadata"]["labels"]["klear.dev/run"] = name
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": spec}


def jobset(roles: dict[str, Object], name: str = "t", **fields: Any) -> Object:
    """A JobSet with a replicated job for each role, given as the spec of its Job."""
    meta = {"name": name, "labels": {"klear.dev/run": name, "klear.dev/stage": "rl"}}
    jobs = []
    for role, spec in roles.items():
        own = copy.deepcopy(spec)
        own["template"]["metadata"]["labels"] |= {"klear.dev/run": name, "klear.dev/role": role}
        jobs.append({"name": role, "replicas": 1, "template": {"spec": own}})
    spec = {"network": {"enableDNSHostnames": True}, "replicatedJobs": jobs} | fields
    return {"apiVersion": "jobset.x-k8s.io/v1alpha2", "kind": "JobSet", "metadata": meta, "spec": spec}


def config_map(name: str, **data: str) -> Object:
    """A ConfigMap; a double underscore in a key stands for a dot."""
    texts = {key.replace("__", "."): text for key, text in data.items()}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "labels": {"klear.dev/run": "t"}},
        "data": texts,
    }


def secret(name: str, **data: str) -> Object:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data}
