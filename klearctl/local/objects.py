"""Kubernetes objects as plain dicts: their times, labels, owners and conditions, as the controllers write them."""

import time
from calendar import timegm
from collections.abc import Mapping
from typing import Any

Object = dict[str, Any]
Objects = list[Object]

RUN = "klear.dev/run"
ROLE = "klear.dev/role"
LOST = "klear.dev/Lost"
ATTEMPT = "klear.dev/attempt"
RANK = "klear.dev/rank"
BLOCK = "klear.dev/addresses"
COMPLETION_INDEX = "batch.kubernetes.io/job-completion-index"
JOBSET = "jobset.sigs.k8s.io/"
TRACKING = "batch.kubernetes.io/job-tracking"
WORKLOADS = ("JobSet", "Job")


def stamp(now: float) -> str:
    """A moment as the API server writes it, in whole seconds of UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))


def seconds(text: str) -> float:
    """What `stamp` wrote, in seconds since the epoch."""
    return float(timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ")))


def name_of(obj: Object) -> str:
    """metadata.name."""
    return str(obj["metadata"]["name"])


def labels_of(obj: Object) -> dict[str, str]:
    """metadata.labels, empty if there are none."""
    return obj["metadata"].get("labels") or {}


def matches(obj: Object, selector: Mapping[str, str]) -> bool:
    """Whether the object has every label of the selector."""
    labels = labels_of(obj)
    return all(labels.get(key) == value for key, value in selector.items())


def owners_of(obj: Object) -> list[str]:
    """The uids of those that own the object."""
    return [owner["uid"] for owner in obj["metadata"].get("ownerReferences") or []]


def owned_by(owner: Object) -> list[Object]:
    """The ownerReferences of a child that its controller makes."""
    return [
        {
            "apiVersion": owner["apiVersion"],
            "kind": owner["kind"],
            "name": name_of(owner),
            "uid": owner["metadata"]["uid"],
            "controller": True,
            "blockOwnerDeletion": True,
        }
    ]


def run_of(obj: Object) -> str:
    """The run that the object belongs to: by its label, else the name of its workload."""
    labels = labels_of(obj)
    keys = (RUN, f"{JOBSET}jobset-name", "batch.kubernetes.io/job-name")
    return next((labels[key] for key in keys if key in labels), name_of(obj))


def role_of(pod: Object) -> str:
    """What the pod does in its run: its role, else its replicated job, else its Job."""
    labels = labels_of(pod)
    keys = (ROLE, f"{JOBSET}replicatedjob-name", "batch.kubernetes.io/job-name")
    return next((labels[key] for key in keys if key in labels), name_of(pod))


def is_workload(obj: Object) -> bool:
    """A JobSet, or a Job that no JobSet made: what has a supervisor."""
    return obj["kind"] in WORKLOADS and not owners_of(obj)


def is_ending(obj: Object) -> bool:
    """Whether somebody asked for its end."""
    return "deletionTimestamp" in obj["metadata"]


def condition(obj: Object, kind: str) -> Object | None:
    """The condition of that type, if the object has it."""
    conditions = (obj.get("status") or {}).get("conditions") or []
    return next((found for found in conditions if found["type"] == kind), None)


def is_true(obj: Object, kind: str) -> bool:
    """Whether the object has a condition of that type that is True."""
    found = condition(obj, kind)
    return found is not None and found["status"] == "True"


def is_over(pod: Object) -> bool:
    """Whether the pod has ended."""
    return pod["status"].get("phase") in ("Succeeded", "Failed")


def put_condition(status: Object, kind: str, value: bool, reason: str, message: str, *, now: float) -> None:
    """Set a condition in `status`, in its place or at the end.

    As in Kubernetes, the time of transition moves only when the value does.
    """
    conditions: list[Object] = status.setdefault("conditions", [])
    texts = {key: text for key, text in (("reason", reason), ("message", message)) if text}
    new = {"type": kind, "status": str(value), **texts, "lastTransitionTime": stamp(now)}
    for place, old in enumerate(conditions):
        if old["type"] == kind:
            if old["status"] == new["status"]:
                new["lastTransitionTime"] = old["lastTransitionTime"]
            conditions[place] = new
            return
    conditions.append(new)


def is_terminal(workload: Object) -> bool:
    """Whether a Job or JobSet has ended for good."""
    return any(is_true(workload, kind) for kind in ("Complete", "Completed", "Failed"))


def merge(old: Any, patch: Any) -> Any:
    """JSON merge patch (RFC 7386): null removes, everything else replaces, objects are merged."""
    if not isinstance(patch, dict):
        return patch
    result = dict(old) if isinstance(old, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge(result.get(key), value)
    return result
