"""The state of a run and the reason for it: the workload and its pods in, one row out. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from klearctl.kube.labels import ROLE, RUN, STAGE

State = Literal["pending", "running", "restarting", "succeeded", "failed", "cancelled", "lost"]
ENDED: tuple[State, ...] = ("succeeded", "failed", "cancelled", "lost")
_SERVED = ("rl", "eval")
LOST = "klear.dev/Lost"


@dataclass(frozen=True, kw_only=True, slots=True)
class Status:
    """A run as a person asks about it."""

    name: str
    stage: str
    state: State
    why: str
    step: int | None = None
    steps: int | None = None
    attempt: int | None = None
    checkpoint: int | None = None
    """Newest committed step: where a resume goes on."""

    loss: float | None = None
    reward: float | None = None
    active: int = 0
    """Pods that have not ended."""


def read_status(
    workload: Mapping[str, Any],
    pods: Iterable[Mapping[str, Any]],
    *,
    rows: list[dict[str, Any]] = [],  # noqa: B006 (only read)
    checkpoint: int | None = None,
) -> Status:
    """The status of a JobSet or a Job, from the object, its pods and its metrics."""
    own = list(pods)
    state, why = read_state(workload, own)
    labels, last = workload["metadata"].get("labels", {}), rows[-1] if rows else {}
    if state == "running" and not rows and labels.get(STAGE) in _SERVED:
        why = why or "before its first step: a vLLM server takes a minute or more to start"
    return Status(
        name=labels.get(RUN, workload["metadata"]["name"]),
        stage=labels.get(STAGE, ""),
        state=state,
        why=why,
        step=last.get("step"),
        steps=last.get("steps"),
        attempt=last.get("attempt"),
        checkpoint=checkpoint,
        loss=_newest(rows, "loss"),
        reward=_newest(rows, "reward"),
        active=sum(not has_ended(pod) for pod in own),
    )


def read_state(workload: Mapping[str, Any], pods: Sequence[Mapping[str, Any]]) -> tuple[State, str]:
    """The state, and why it is that one."""
    conditions = {item["type"]: item for item in workload.get("status", {}).get("conditions", ())}
    if lost := _true(conditions, LOST):
        return "lost", lost.get("message", "")
    if _true(conditions, "Completed", "Complete"):
        return "succeeded", ""
    if failed := _true(conditions, "Failed"):
        return "failed", _blame(pods) or failed.get("message", "")
    living = [pod for pod in pods if not has_ended(pod)]
    if workload["spec"].get("suspend"):
        return "cancelled", f"{len(living)} pods are still ending" if living else ""
    if restarting := _true(conditions, "RestartingJobSet"):
        return "restarting", _blame(pods) or restarting.get("message", "")
    if pods and not living:
        return "running", "its pods have ended"  # what that means for the run is yet to be said
    if living and all(_phase(pod) == "Running" for pod in living):
        return "running", ""
    return "pending", _wait_reason(living)


def is_at_rest(workload: Mapping[str, Any]) -> bool:
    """Whether its controller makes no further pods: it has ended, is lost, or has seen that it is suspended."""
    conditions = {item["type"]: item for item in workload.get("status", {}).get("conditions", ())}
    return _true(conditions, LOST, "Completed", "Complete", "Failed", "Suspended") is not None


def _true(conditions: Mapping[str, Any], *kinds: str) -> Mapping[str, Any] | None:
    return next((conditions[kind] for kind in kinds if conditions.get(kind, {}).get("status") == "True"), None)


def _phase(pod: Mapping[str, Any]) -> str:
    return str(pod.get("status", {}).get("phase", "Pending"))


def has_ended(pod: Mapping[str, Any]) -> bool:
    """Whether nothing of the pod runs any more."""
    return _phase(pod) in ("Succeeded", "Failed")


def _containers(pod: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    status = pod.get("status", {})
    return [*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())]


def _blame(pods: Iterable[Mapping[str, Any]]) -> str:
    """The container that failed first, its code and the end of what it wrote."""
    failures = []
    for pod in pods:
        for container in _containers(pod):
            ended = container.get("state", {}).get("terminated")
            if ended and ended.get("exitCode"):
                failures.append((ended.get("finishedAt", ""), pod, container["name"], ended))
    if not failures:
        return next((f"{_short(pod)}: {message}" for pod in pods if (message := _pod_message(pod))), "")
    _, pod, name, ended = min(failures, key=lambda failure: failure[0])
    said = _last_words(ended.get("message", ""))
    return f"{_short(pod)}: {name} exited with {ended['exitCode']}" + (f": {said}" if said else "")


def _pod_message(pod: Mapping[str, Any]) -> str:
    return str(pod.get("status", {}).get("message", ""))


def _short(pod: Mapping[str, Any]) -> str:
    labels = pod["metadata"].get("labels", {})
    role, index = labels.get(ROLE, ""), labels.get("batch.kubernetes.io/job-completion-index", "0")
    return f"{role}-{index}" if role else str(pod["metadata"]["name"])


def _last_words(message: str) -> str:
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    return (errors or lines or [""])[-1][:200]


def _wait_reason(pods: Sequence[Mapping[str, Any]]) -> str:
    if not pods:
        return "its pods are not made yet"
    for pod in pods:
        for container in _containers(pod):
            waiting = container.get("state", {}).get("waiting", {})
            if waiting.get("reason") not in (None, "", "ContainerCreating", "PodInitializing"):
                return f"{_short(pod)}: {waiting['reason']} {waiting.get('message', '')}".strip()
        if message := _pod_message(pod):
            return f"{_short(pod)}: {message}"
        for condition in pod.get("status", {}).get("conditions", ()):
            if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
                return f"{_short(pod)}: {condition.get('message', '')}"
    return "its pods are starting"


def _newest(rows: list[dict[str, Any]], key: str) -> float | None:
    return next((row[key] for row in reversed(rows) if row.get(key) is not None), None)
