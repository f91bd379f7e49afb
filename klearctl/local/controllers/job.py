"""What the Job controller would do next. Pure: an Indexed Job and its pods in, a Plan out; no process, disk or clock.

A pod keeps the finalizer `batch.kubernetes.io/job-tracking` until the Job has counted it, as in Kubernetes.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass

from klearctl.local.controllers.counting import (
    count,
    finished_at,
    index_of,
    is_tracked,
    numbers,
    own_failures,
    parse_indexes,
    put,
    restarts,
)
from klearctl.local.controllers.failure import judge
from klearctl.local.objects import (
    Object,
    condition,
    is_ending,
    is_over,
    is_terminal,
    is_true,
    name_of,
    put_condition,
    seconds,
    stamp,
)

DEFAULT_BACKOFF_LIMIT = 6
REACHED = "Reached expected number of succeeded pods"
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
    """The next step of a Job whose spec is `defaulted`; once all is done, a Plan that changes nothing."""
    status = copy.deepcopy(job.get("status") or {})
    if is_terminal(job) or is_ending(job):
        return Plan(numbers(status, pods, created=0) if is_ending(job) else status)
    if is_true(job, "SuccessCriteriaMet"):
        return _finish(job, status, pods, now=now)
    counted = count(job, status, pods)
    why = _failure(job, status, pods, now=now)
    if why:
        return _fail(job, status, pods, why, now=now)
    if len(parse_indexes(status.get("completedIndexes", ""))) >= job["spec"]["completions"]:
        put_condition(status, "SuccessCriteriaMet", True, "CompletionsReached", REACHED, now=now)
        return Plan(numbers(status, pods, created=0), counted=counted)
    if job["spec"].get("suspend"):
        return _suspend(status, pods, counted, now=now)
    if is_true(job, "Suspended"):
        put_condition(status, "Suspended", False, "JobResumed", "Job resumed", now=now)
    status.setdefault("startTime", stamp(now))
    create, wake_at = missing(job, status, pods, now=now)
    wake_at = _earliest(wake_at, _deadline(job, status))
    return Plan(numbers(status, pods, created=len(create)), create=create, counted=counted, wake_at=wake_at)


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
    taken = {index_of(pod) for pod in pods if not is_over(pod) and (waits or not is_ending(pod))}
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
    if limit is not None and (status.get("failed", 0) > limit or restarts(job, pods) > max(0, limit - 1)):
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
    live = [pod for pod in pods if not is_over(pod)]
    running = [pod for pod in live if is_tracked(pod)]
    put(status, "failed", status.get("failed", 0) + len(running))
    put_condition(status, "FailureTarget", True, *why, now=now)
    if condition(job, "FailureTarget") and not live and not job["spec"].get("suspend"):
        status.setdefault("startTime", stamp(now))
        put_condition(status, "Failed", True, *why, now=now)
    counted = tuple(name_of(pod) for pod in pods if is_tracked(pod))
    end = tuple(name_of(pod) for pod in live if not is_ending(pod))
    return Plan(numbers(status, pods, created=0, ended=set(end)), end=end, counted=counted)


def _suspend(status: Object, pods: Sequence[Object], counted: tuple[str, ...], *, now: float) -> Plan:
    """End what runs without counting it: what it exits with completes or fails nothing."""
    put_condition(status, "Suspended", True, "JobSuspended", "Job suspended", now=now)
    status.pop("startTime", None)
    end = tuple(name_of(pod) for pod in pods if not is_over(pod) and not is_ending(pod))
    return Plan(numbers(status, pods, created=0, ended=set(end)), end=end, counted=counted + end)


def _finish(job: Object, status: Object, pods: Sequence[Object], *, now: float) -> Plan:
    """Complete comes when no pod is left running."""
    live = [pod for pod in pods if not is_over(pod)]
    end = tuple(name_of(pod) for pod in live if not is_ending(pod))
    if not live:
        met = condition(job, "SuccessCriteriaMet")
        assert met is not None
        put_condition(status, "Complete", True, met["reason"], met["message"], now=now)
        status["completionTime"] = stamp(now)
    return Plan(numbers(status, pods, created=0, ended=set(end)), end=end, counted=end)


def _ready_at(job: Object, pods: Sequence[Object], index: int) -> float:
    """When a pod may be made for the index: each failure in a row doubles the delay."""
    per_index = "backoffLimitPerIndex" in job["spec"]
    failed = [pod for pod in own_failures(pods) if not per_index or index_of(pod) == index]
    succeeded = [pod for pod in pods if pod["status"].get("phase") == "Succeeded"]
    since = max((finished_at(pod) for pod in succeeded), default=0.0) if not per_index else 0.0
    times = [finished_at(pod) for pod in failed if finished_at(pod) > since]
    if not times:
        return 0.0
    delay_s: float = min(FIRST_DELAY_S * 2 ** (len(times) - 1), LONGEST_DELAY_S)
    return max(times) + delay_s


def _deadline(job: Object, status: Object) -> float | None:
    limit = job["spec"].get("activeDeadlineSeconds")
    return None if limit is None or "startTime" not in status else seconds(status["startTime"]) + float(limit)


def _earliest(first: float | None, second: float | None) -> float | None:
    times = [moment for moment in (first, second) if moment is not None]
    return min(times) if times else None
