"""What a JobSet makes: its Jobs and its Service, named and labelled as the JobSet controller does. Pure."""

import hashlib

from klearctl.local.controllers.job import defaulted
from klearctl.local.objects import JOBSET, Object, name_of, owned_by


def child_jobs(jobset: Object, *, attempt: int) -> list[Object]:
    """The Jobs of one attempt, as the controller makes them, in the order of the spec."""
    replicated = jobset["spec"]["replicatedJobs"]
    made: list[Object] = []
    for entry in replicated:
        for index in range(entry.get("replicas", 1)):
            made.append(_child(jobset, entry, index, place=len(made), attempt=attempt))
    return made


def service(jobset: Object) -> Object:
    """The headless Service that gives the pods their names in DNS."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": subdomain(jobset), "namespace": _namespace(jobset), "ownerReferences": owned_by(jobset)},
        "spec": {
            "clusterIP": "None",
            "selector": {f"{JOBSET}jobset-name": name_of(jobset)},
            "publishNotReadyAddresses": (jobset["spec"].get("network") or {}).get("publishNotReadyAddresses", True),
        },
    }


def subdomain(jobset: Object) -> str:
    """The part of a pod's DNS name after its host name; empty if the JobSet asks for none."""
    network = jobset["spec"].get("network") or {}
    return str(network.get("subdomain") or name_of(jobset)) if network.get("enableDNSHostnames", True) else ""


def _child(jobset: Object, entry: Object, index: int, *, place: int, attempt: int) -> Object:
    name = f"{name_of(jobset)}-{entry['name']}-{index}"
    total = sum(other.get("replicas", 1) for other in jobset["spec"]["replicatedJobs"])
    own = {
        "global-replicas": total,
        "group-name": entry.get("groupName", "default"),
        "group-replicas": total,
        "job-global-index": place,
        "job-group-index": place,
        "job-index": index,
        "job-key": hashlib.sha1(f"{_namespace(jobset)}/{name}".encode()).hexdigest(),
        "jobset-name": name_of(jobset),
        "jobset-uid": jobset["metadata"]["uid"],
        "replicatedjob-name": entry["name"],
        "replicatedjob-replicas": entry.get("replicas", 1),
        "restart-attempt": attempt,
    }
    labels = {JOBSET + key: str(value) for key, value in own.items()}
    job_meta = entry["template"].get("metadata") or {}
    pod = entry["template"]["spec"]["template"]
    pod_meta = pod.get("metadata") or {}
    pod_spec = {"restartPolicy": "OnFailure"} | pod["spec"]
    if subdomain(jobset):
        pod_spec["subdomain"] = subdomain(jobset)
    spec = defaulted(entry["template"]["spec"])
    spec["suspend"] = bool(jobset["spec"].get("suspend"))
    spec["template"] = {
        "metadata": {
            "labels": (pod_meta.get("labels") or {}) | labels,
            "annotations": (pod_meta.get("annotations") or {}) | labels,
        },
        "spec": pod_spec,
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": name,
            "namespace": _namespace(jobset),
            "labels": (job_meta.get("labels") or {}) | labels,
            "annotations": (job_meta.get("annotations") or {}) | labels,
            "ownerReferences": owned_by(jobset),
        },
        "spec": spec,
    }


def _namespace(obj: Object) -> str:
    return str(obj["metadata"].get("namespace", "default"))
