"""Pods as objects: made from a Job's template, and their status made from what their containers do. Pure."""

import random
import string
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from klearctl.local.objects import COMPLETION_INDEX, JOBSET, TRACKING, Object, name_of, owned_by, put_condition, stamp

Phase = Literal["waiting", "running", "done"]
Kind = Literal["init", "sidecar", "main"]


@dataclass(slots=True)
class State:
    """What a container does now. Times are seconds since the epoch."""

    kind: Kind
    spec: Object = field(repr=False)
    phase: Phase = "waiting"
    exit_code: int = 0
    reason: str = ""
    message: str = ""
    started_at: float = 0.0
    finished_at: float = 0.0
    restarts: int = 0
    restart_at: float | None = None
    """When a container that ended is started again."""

    @property
    def name(self) -> str:
        return str(self.spec["name"])

    @property
    def is_over(self) -> bool:
        """Ended for good, as far as is known."""
        return self.phase == "done" and self.restart_at is None


def new_pod(job: Object, index: int, *, address: str, now: float) -> Object:
    """The pod of one completion of a Job, as the Job controller and the node would make it."""
    name = f"{name_of(job)}-{index}"
    template = job["spec"]["template"]
    meta = template.get("metadata") or {}
    uid = job["metadata"]["uid"]
    mine = {
        "batch.kubernetes.io/controller-uid": uid,
        "batch.kubernetes.io/job-name": name_of(job),
        "controller-uid": uid,
        "job-name": name_of(job),
        COMPLETION_INDEX: str(index),
    }
    in_set = {f"{JOBSET}priority": "0"} if any(key.startswith(JOBSET) for key in meta.get("labels") or {}) else {}
    index_env = {
        "name": "JOB_COMPLETION_INDEX",
        "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": f"metadata.labels['{COMPLETION_INDEX}']"}},
    }
    spec = template["spec"] | {"hostname": name, "nodeName": "localhost"}
    for group in ("initContainers", "containers"):
        if group in spec:
            spec[group] = [entry | {"env": [*(entry.get("env") or []), index_env]} for entry in spec[group]]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"{name}-{''.join(random.choices(string.ascii_lowercase + string.digits, k=5))}",
            "generateName": f"{name}-",
            "namespace": job["metadata"].get("namespace", "default"),
            "uid": str(uuid.uuid4()),
            "creationTimestamp": stamp(now),
            "labels": (meta.get("labels") or {}) | mine | in_set,
            "annotations": (meta.get("annotations") or {}) | {COMPLETION_INDEX: str(index)},
            "ownerReferences": owned_by(job),
            "finalizers": [TRACKING],
        },
        "spec": spec,
        "status": {"phase": "Pending", "hostIP": "127.0.0.1", "podIP": address, "podIPs": [{"ip": address}]},
    }


def new_states(pod: Object) -> list[State]:
    """Its containers in the order in which they start."""
    init = [
        State("sidecar" if spec.get("restartPolicy") == "Always" else "init", spec)
        for spec in pod["spec"].get("initContainers") or []
    ]
    return init + [State("main", spec) for spec in pod["spec"]["containers"]]


def to_start(states: list[State], *, now: float) -> list[State]:
    """The containers to start now: init containers one after another, then all others together."""
    wanted: list[State] = []
    for state in states:
        is_due = state.phase == "waiting" or (state.restart_at is not None and state.restart_at <= now)
        if state.kind == "main" or state.kind == "sidecar":
            if is_due:
                wanted.append(state)
            if state.kind == "sidecar" and state.phase == "waiting":
                return wanted  # the next one starts once this one has
        elif state.phase != "done" or state.exit_code:
            return [*wanted, state] if is_due else wanted
    return wanted


def may_restart(state: State, restart_policy: str) -> bool:
    """Whether a container that ended is started again in its pod."""
    return state.kind == "sidecar" or (restart_policy == "OnFailure" and state.exit_code != 0)


def restart_delay_s(restarts: int) -> float:
    """As a node does: at once, then after 10 s, 20 s, ... up to 5 minutes."""
    return 0.0 if restarts == 0 else min(10.0 * 2 ** (restarts - 1), 300.0)


def verdict(states: list[State]) -> str:
    """Succeeded or Failed once the containers that decide have ended; empty before."""
    if any(state.kind == "init" and state.is_over and state.exit_code for state in states):
        return "Failed"
    main = [state for state in states if state.kind == "main"]
    if not all(state.is_over for state in main):
        return ""
    return "Failed" if any(state.exit_code for state in main) else "Succeeded"


def status_of(pod: Object, states: list[State], *, phase: str, now: float) -> Object:
    """The pod's status in that phase."""
    status = {key: value for key, value in pod["status"].items() if key not in ("reason", "message")}
    status["conditions"] = [dict(known) for known in status.get("conditions", [])]
    status |= {"phase": phase, "startTime": status.get("startTime", stamp(now))}
    main = [state for state in states if state.kind == "main"]
    ready = phase == "Running" and all(state.phase == "running" for state in main)
    why = {"Succeeded": "PodCompleted", "Failed": "PodFailed"}.get(phase, "" if ready else "ContainersNotReady")
    initialized = all(state.phase == "done" and not state.exit_code for state in states if state.kind == "init")
    _put(status, "Initialized", initialized, now)
    _put(status, "Ready", ready, now, why)
    _put(status, "ContainersReady", ready, now, why)
    _put(status, "PodScheduled", True, now)
    status["containerStatuses"] = [_container(state) for state in main]
    init = [_container(state) for state in states if state.kind != "main"]
    return status | ({"initContainerStatuses": init} if init else {})


def fail(pod: Object, reason: str, message: str) -> Object:
    """The pod as one that the node refused to run."""
    return pod | {"status": pod["status"] | {"phase": "Failed", "reason": reason, "message": message}}


def unschedulable(pod: Object, message: str, *, now: float) -> Object:
    """The pod as one that waits for what the machine does not have free."""
    status = pod["status"] | {"conditions": [dict(known) for known in pod["status"].get("conditions", [])]}
    put_condition(status, "PodScheduled", False, "Unschedulable", message, now=now)
    return pod | {"status": status}


def _put(status: Object, kind: str, value: bool, now: float, reason: str = "") -> None:
    put_condition(status, kind, value, reason, "", now=now)


def _container(state: State) -> Object:
    status: Object = {
        "name": state.name,
        "image": state.spec.get("image", ""),
        "ready": state.phase == "running" or (state.kind == "init" and state.is_over and not state.exit_code),
        "started": state.phase == "running",
        "restartCount": state.restarts,
        "state": _state(state),
        "lastState": {},
    }
    if state.restarts and state.phase != "done":
        status["lastState"] = {"terminated": _terminated(state)}
    return status


def _state(state: State) -> Mapping[str, Object]:
    if state.phase == "running":
        return {"running": {"startedAt": stamp(state.started_at)}}
    if state.phase == "done" and state.restart_at is None:
        return {"terminated": _terminated(state)}
    if state.phase == "done":
        return {"waiting": {"reason": "CrashLoopBackOff", "message": f"ended with exit code {state.exit_code}"}}
    return {"waiting": {"reason": "ContainerCreating"}}


def _terminated(state: State) -> Object:
    times = {"startedAt": stamp(state.started_at), "finishedAt": stamp(state.finished_at)}
    text = {"message": state.message} if state.message else {}
    return {"exitCode": state.exit_code, "reason": state.reason, **text, **times}
