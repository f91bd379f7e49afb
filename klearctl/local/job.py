"""What the Job controller would do next. Pure: an Indexed Job and its pods in, a Plan out; no process, no disk, no clock.

A pod keeps the finalizer `batch.kubernetes.io/job-tracking` until the Job has counted it, as in Kubernetes.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass

from klearctl.local.failure import judge
from klearctl.local.objects import (
    COMPLETION_INDEX,
    TRACKING,
    Object,
    condition,
    is_ending,
    is_terminal,
    is_true,
    labels_of,
    name_of,
    put_condition,
    seconds,
    stamp,
)

DEFAULT_BACKOFF_LIMIT = 6
FIRST_DELAY_S, LONGEST_DELAY_S = (10.0, 600.0)  # of a pod that replaces a failed one; the controller's numbers


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do for one Job now."""

    status: Object
    create: tuple[int, ...] = ()
    """Completion indexes that get a pod."""

    end: tuple[str, ...] = ()
    """Pods to end."""

    counted: tuple[str, ...] = ()
    """Pods that are in the status now, or never will be: they lose their finalizer."""

    wake_at: float | None = None
    """When to ask again even if nothing happened."""


def plan(job: Object, pods: Sequence[Object], *, now: float) -> Plan:
    """The next step of a Job whose spec is `defaulted`. Asked again after it was done, it ends in a Plan that changes nothing."""
    status = copy.deepcopy(job.get("status") or {})
    if is_terminal(job) or is_ending(job):
        return Plan(_numbers(status, pods, created=0) if is_ending(job) else status)
    if is_true(job, "SuccessCriteriaMet"):
        return _finish(job, status, pods, now=now)
    counted = _count(job, status, pods)
    why = _failure(job, status, pods, now=now)
    if why:
        return _fail(job, status, pods, why, now=now)
    if len(parse_indexes(status.get("completedIndexes", ""))) >= job["spec"]["completions"]:
        put_condition(
            status,
            "SuccessCriteriaMet",
            True,
            "CompletionsReached",
            "Reached expected number of succeeded pods",
            now=now,
        )
        return Plan(_numbers(status, pods, created=0), counted=counted)
    if job["spec"].get("suspend"):
        return _suspend(status, pods, counted, now=now)
    if is_true(job, "Suspended"):
        put_condition(status, "Suspended", False, "JobResumed", "Job resumed", now=now)
    status.setdefault("startTime", stamp(now))
    create, wake_at = missing(job, status, pods, now=now)
    wake_at = _earliest(wake_at, _deadline(job, status))
    return Plan(_numbers(status, pods, created=len(create)), create=create, counted=counted, wake_at=wake_at)


def defaulted(spec: Object) -> Object:
    """The spec of a Job with what the API server would add to it."""
    replace = "Failed" if "podFailurePolicy" in spec else "TerminatingOrFailed"
    limit = {} if "backoffLimitPerIndex" in spec else {"backoffLimit": DEFAULT_BACKOFF_LIMIT}
    base = {"parallelism": 1, "completions": spec.get("parallelism", 1), "completionMode": "Indexed", "suspend": False}
    return base | limit | {"podReplacementPolicy": replace} | spec


def missing(job: Object, status: Object, pods: Sequence[Object], *, now: float) -> tuple[tuple[int, ...], float | None]:
    """The completion indexes that need a pod now, and when the next one does."""
    spec = job["spec"]
    done = parse_indexes(status.get("completedIndexes", "")) | parse_indexes(status.get("failedIndexes", ""))
    waits = spec["podReplacementPolicy"] == "Failed"
    taken = {index_of(pod) for pod in pods if not _is_over(pod) and (waits or not is_ending(pod))}
    room = spec["parallelism"] - len(taken)
    create: list[int] = []
    wake_at = None
    for index in range(spec["completions"]):
        if index in done or index in taken or len(create) >= room:
            continue
        ready_at = _ready_at(job, pods, index)
        if ready_at <= now:
            create.append(index)
        else:
            wake_at = _earliest(wake_at, ready_at)
    return tuple(create), wake_at


def index_of(pod: Object) -> int:
    """Which completion of its Job the pod works on."""
    return int(labels_of(pod)[COMPLETION_INDEX])


def parse_indexes(text: str) -> set[int]:
    """`0,2-4` as {0, 2, 3, 4}."""
    found: set[int] = set()
    for part in text.split(",") if text else []:
        first, _, last = part.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return found


def format_indexes(indexes: set[int]) -> str:
    """{0, 2, 3, 4} as `0,2-4`; two in a row stay apart, as the controller writes them."""
    parts: list[str] = []
    left = sorted(indexes)
    while left:
        first = left[0]
        length = next((n for n, index in enumerate(left) if index != first + n), len(left))
        run, left = left[:length], left[length:]
        parts += [f"{run[0]}-{run[-1]}"] if length > 2 else [str(index) for index in run]
    return ",".join(parts)


def _count(job: Object, status: Object, pods: Sequence[Object]) -> tuple[str, ...]:
    """Put the pods that have ended into the status. Returns the pods that are counted now."""
    ended = [pod for pod in pods if _is_over(pod) and _is_tracked(pod)]
    completed = parse_indexes(status.get("completedIndexes", ""))
    completed |= {index_of(pod) for pod in ended if pod["status"]["phase"] == "Succeeded"}
    failures = [pod for pod in ended if pod["status"]["phase"] == "Failed" and judge(job, pod).action != "Ignore"]
    _put(status, "completedIndexes", format_indexes(completed))
    _put(status, "succeeded", len(completed))
    _put(status, "failed", status.get("failed", 0) + len(failures))
    if "backoffLimitPerIndex" in job["spec"]:
        status["failedIndexes"] = format_indexes(_failed_indexes(job, pods) - completed)
    return tuple(name_of(pod) for pod in ended)


def _failure(job: Object, status: Object, pods: Sequence[Object], *, now: float) -> tuple[str, str] | None:
    """Reason and message, if the Job has failed."""
    target = condition(job, "FailureTarget")
    if target:
        return target["reason"], target["message"]
    verdicts = [judge(job, pod) for pod in pods if pod["status"].get("phase") == "Failed"]
    for verdict in verdicts:
        if verdict.action == "FailJob":
            return "PodFailurePolicy", verdict.message
    spec = job["spec"]
    limit = spec.get("backoffLimit")
    if limit is not None and (status.get("failed", 0) > limit or _restarts(job, pods) > max(0, limit - 1)):
        return "BackoffLimitExceeded", "Job has reached the specified backoff limit"
    deadline = _deadline(job, status)
    if deadline is not None and now >= deadline and not spec.get("suspend"):
        return "DeadlineExceeded", "Job was active longer than specified deadline"
    failed = len(parse_indexes(status.get("failedIndexes", "")))
    if failed > spec.get("maxFailedIndexes", spec["completions"]):
        return ("MaxFailedIndexesExceeded", "Job has exceeded the specified maximal number of failed indexes")
    if failed and failed + status.get("succeeded", 0) >= spec["completions"]:
        return "FailedIndexes", "Job has failed indexes"
    return None


def _fail(job: Object, status: Object, pods: Sequence[Object], why: tuple[str, str], *, now: float) -> Plan:
    """End what runs; all that was not counted before counts as failed. Failed comes when every pod has ended."""
    live = [pod for pod in pods if not _is_over(pod)]
    running = [pod for pod in live if _is_tracked(pod)]
    _put(status, "failed", status.get("failed", 0) + len(running))
    put_condition(status, "FailureTarget", True, *why, now=now)
    if condition(job, "FailureTarget") and not live and not job["spec"].get("suspend"):
        status.setdefault("startTime", stamp(now))
        put_condition(status, "Failed", True, *why, now=now)
    counted = tuple(name_of(pod) for pod in pods if _is_tracked(pod))
    end = tuple(name_of(pod) for pod in live if not is_ending(pod))
    return Plan(_numbers(status, pods, created=0, ended=set(end)), end=end, counted=counted)


def _suspend(status: Object, pods: Sequence[Object], counted: tuple[str, ...], *, now: float) -> Plan:
    """End what runs without counting it: what it exits with completes or fails nothing."""
    put_condition(status, "Suspended", True, "JobSuspended", "Job suspended", now=now)
    status.pop("startTime", None)
    end = tuple(name_of(pod) for pod in pods if not _is_over(pod) and not is_ending(pod))
    return Plan(_numbers(status, pods, created=0, ended=set(end)), end=end, counted=counted + end)


def _finish(job: Object, status: Object, pods: Sequence[Object], *, now: float) -> Plan:
    """Complete comes when no pod is left running."""
    live = [pod for pod in pods if not _is_over(pod)]
    end = tuple(name_of(pod) for pod in live if not is_ending(pod))
    if not live:
        met = condition(job, "SuccessCriteriaMet")
        assert met is not None
        put_condition(status, "Complete", True, met["reason"], met["message"], now=now)
        status["completionTime"] = stamp(now)
    return Plan(_numbers(status, pods, created=0, ended=set(end)), end=end, counted=end)


def _numbers(status: Object, pods: Sequence[Object], *, created: int, ended: set[str] | None = None) -> Object:
    live = [pod for pod in pods if not _is_over(pod)]
    ending = [pod for pod in live if is_ending(pod) or name_of(pod) in (ended or set())]
    running = [pod for pod in live if pod not in ending]
    _put(status, "active", len(running) + created)
    status["terminating"] = len(ending)
    status["ready"] = sum(is_true(pod, "Ready") for pod in running)
    status["uncountedTerminatedPods"] = {}
    return status


def _failed_indexes(job: Object, pods: Sequence[Object]) -> set[int]:
    limit = job["spec"]["backoffLimitPerIndex"]
    failed = _own_failures(pods)
    gone = {index_of(pod) for pod in failed if judge(job, pod).action == "FailIndex"}
    counting = [index_of(pod) for pod in failed if judge(job, pod).action != "Ignore"]
    return gone | {index for index in counting if counting.count(index) > limit}


def _ready_at(job: Object, pods: Sequence[Object], index: int) -> float:
    """When a pod may be made for the index: each failure in a row doubles the delay."""
    per_index = "backoffLimitPerIndex" in job["spec"]
    failed = [pod for pod in _own_failures(pods) if not per_index or index_of(pod) == index]
    succeeded = [pod for pod in pods if pod["status"].get("phase") == "Succeeded"]
    since = max((finished_at(pod) for pod in succeeded), default=0.0) if not per_index else 0.0
    times = [finished_at(pod) for pod in failed if finished_at(pod) > since]
    if not times:
        return 0.0
    delay_s: float = min(FIRST_DELAY_S * 2 ** (len(times) - 1), LONGEST_DELAY_S)
    return max(times) + delay_s


def finished_at(pod: Object) -> float:
    """When the last container of the pod ended."""
    states = [container["state"] for container in pod["status"].get("containerStatuses", [])]
    times = [seconds(state["terminated"]["finishedAt"]) for state in states if "terminated" in state]
    return max(times, default=seconds(pod["metadata"]["creationTimestamp"]))


def _restarts(job: Object, pods: Sequence[Object]) -> int:
    """Restarts of containers in their pods, which count where restartPolicy is OnFailure."""
    if job["spec"]["template"]["spec"].get("restartPolicy") != "OnFailure":
        return -1
    statuses = [
        container for pod in pods if not _is_over(pod) for container in pod["status"].get("containerStatuses", [])
    ]
    return sum(container["restartCount"] for container in statuses)


def _own_failures(pods: Sequence[Object]) -> list[Object]:
    """Pods that failed, not those that were ended by the controller."""
    return [pod for pod in pods if pod["status"].get("phase") == "Failed" and not is_ending(pod)]


def _is_over(pod: Object) -> bool:
    return pod["status"].get("phase") in ("Succeeded", "Failed")


def _is_tracked(pod: Object) -> bool:
    return TRACKING in (pod["metadata"].get("finalizers") or [])


def _deadline(job: Object, status: Object) -> float | None:
    limit = job["spec"].get("activeDeadlineSeconds")
    return None if limit is None or "startTime" not in status else seconds(status["startTime"]) + float(limit)


def _earliest(first: float | None, second: float | None) -> float | None:
    times = [moment for moment in (first, second) if moment is not None]
    return min(times) if times else None


def _put(status: Object, key: str, value: int | str) -> None:
    """Zero and empty are left out, as the API server does."""
    if value:
        status[key] = value
    else:
        status.pop(key, None)
