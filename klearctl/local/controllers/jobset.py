"""What the JobSet controller would do next. Pure: a JobSet and its Jobs in, a Plan out; no process, disk or clock."""

import copy
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from klearctl.local.controllers.children import child_jobs
from klearctl.local.objects import (
    JOBSET,
    Object,
    condition,
    is_ending,
    is_terminal,
    is_true,
    labels_of,
    name_of,
    put_condition,
)

ATTEMPT_LABEL = f"{JOBSET}restart-attempt"
REPLICATED_JOB = f"{JOBSET}replicatedjob-name"


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do for one JobSet now."""

    status: Object
    create: tuple[Object, ...] = ()
    """Jobs to make."""

    delete: tuple[str, ...] = ()
    """Jobs to end, pods first."""

    suspend: tuple[str, ...] = ()
    """Jobs whose spec.suspend becomes true."""

    resume: tuple[str, ...] = ()
    """Jobs whose spec.suspend becomes false."""


def plan(jobset: Object, jobs: Sequence[Object], *, now: float) -> Plan:
    """The next step of a JobSet; once all is done, a Plan that changes nothing."""
    status = copy.deepcopy(jobset.get("status") or {})
    status.setdefault("restarts", 0)
    current = [job for job in jobs if labels_of(job)[ATTEMPT_LABEL] == str(status["restarts"])]
    status["replicatedJobsStatus"] = _counts(jobset, current)
    if is_terminal(jobset):
        return Plan(status, delete=_not_ending(job for job in current if not is_terminal(job)))
    old = [job for job in jobs if job not in current]
    failed = [job for job in current if is_true(job, "Failed")]
    if failed:
        _apply_failure_policy(jobset, status, failed, now=now)
        return Plan(status, delete=_not_ending(old))
    if _has_succeeded(jobset, current):
        _end(status, "Completed", "AllJobsCompleted", "jobset completed successfully", now=now)
        return Plan(status, delete=_not_ending(old))
    create = tuple(_missing(jobset, jobs, old, attempt=status["restarts"]))
    if not create and not old and _all_ready(jobset, status) and is_true(jobset, "RestartingJobSet"):
        put_condition(status, "RestartingJobSet", False, "JobsReady", "all jobs are ready", now=now)
    suspended = bool(jobset["spec"].get("suspend"))
    if suspended:
        put_condition(status, "Suspended", True, "SuspendedJobs", "jobset is suspended", now=now)
    elif condition(jobset, "Suspended"):
        put_condition(status, "Suspended", False, "ResumeJobs", "jobset is resumed", now=now)
    differ = tuple(name_of(job) for job in current if not is_terminal(job) and job["spec"]["suspend"] != suspended)
    return Plan(
        status,
        create=create,
        delete=_not_ending(old),
        suspend=differ if suspended else (),
        resume=() if suspended else differ,
    )


def _missing(jobset: Object, jobs: Sequence[Object], old: Sequence[Object], *, attempt: int) -> Iterator[Object]:
    """Jobs that are not there. BlockingRecreate makes them together, after the last old one is gone."""
    strategy = (jobset["spec"].get("failurePolicy") or {}).get("restartStrategy", "Recreate")
    if old and strategy == "BlockingRecreate":
        return
    taken = {name_of(job) for job in jobs}
    for job in child_jobs(jobset, attempt=attempt):
        if name_of(job) not in taken:
            yield job


def _apply_failure_policy(jobset: Object, status: Object, failed: Sequence[Object], *, now: float) -> None:
    policy = jobset["spec"].get("failurePolicy")
    in_order = sorted(failed, key=_failed_at)
    if policy is None:
        message = f"jobset failed due to one or more job failures {_first(in_order[0])}"
        _end(status, "Failed", "FailedJobs", message, now=now)
        return
    action, reason, job = _rule(policy, in_order)
    message = f"applying {action} failure policy action {_first(job)}"
    if action == "FailJobSet":
        _end(status, "Failed", "FailJobSetFailurePolicyAction", message, now=now)
        return
    if action == "RestartJobSet":
        if status.get("restartsCountTowardsMax", 0) >= policy.get("maxRestarts", 0):
            message = f"jobset failed due to reaching max number of restarts {_first(job)}"
            _end(status, "Failed", "ReachedMaxRestarts", message, now=now)
            return
        status["restartsCountTowardsMax"] = status.get("restartsCountTowardsMax", 0) + 1
    status["restarts"] += 1
    put_condition(status, "RestartingJobSet", True, reason, message, now=now)


def _rule(policy: Object, failed: Sequence[Object]) -> tuple[str, str, Object]:
    """Action, reason of the condition, and the first failed Job that the first matching rule matches."""
    for index, rule in enumerate(policy.get("rules") or []):
        for job in failed:
            if _matches(rule, job):
                return (rule["action"], f"FailurePolicy_{rule.get('name') or f'failurePolicyRule{index}'}", job)
    return "RestartJobSet", "DefaultFailurePolicy", failed[0]


def _matches(rule: Object, job: Object) -> bool:
    why = condition(job, "Failed")
    assert why is not None
    targets, reasons = rule.get("targetReplicatedJobs"), rule.get("onJobFailureReasons")
    patterns = rule.get("onJobFailureMessagePatterns")
    return (
        (not targets or labels_of(job)[REPLICATED_JOB] in targets)
        and (not reasons or why["reason"] in reasons)
        and (not patterns or any(re.search(pattern, why["message"]) for pattern in patterns))
    )


def _has_succeeded(jobset: Object, current: Sequence[Object]) -> bool:
    policy = jobset["spec"].get("successPolicy") or {}
    targets = policy.get("targetReplicatedJobs") or [entry["name"] for entry in jobset["spec"]["replicatedJobs"]]
    done = [job for job in current if is_true(job, "Complete") and labels_of(job)[REPLICATED_JOB] in targets]
    if policy.get("operator", "All") == "Any":
        return bool(done)
    replicated = jobset["spec"]["replicatedJobs"]
    wanted: int = sum(entry.get("replicas", 1) for entry in replicated if entry["name"] in targets)
    return len(done) == wanted


def _end(status: Object, kind: str, reason: str, message: str, *, now: float) -> None:
    """The JobSet is over: `kind` is Completed or Failed."""
    status["terminalState"] = kind
    if any(found["type"] == "RestartingJobSet" for found in status.get("conditions", [])):
        text = message if kind == "Completed" else "jobset failed"
        put_condition(status, "RestartingJobSet", False, f"JobSet{kind}", text, now=now)
    put_condition(status, kind, True, reason, message, now=now)


def _counts(jobset: Object, current: Sequence[Object]) -> list[Object]:
    """replicatedJobsStatus: how many Jobs of this attempt are in which state; names descend."""
    names = sorted((entry["name"] for entry in jobset["spec"]["replicatedJobs"]), reverse=True)
    return [_count(name, [job for job in current if labels_of(job)[REPLICATED_JOB] == name]) for name in names]


def _count(name: str, jobs: Sequence[Object]) -> Object:
    running = [job for job in jobs if not is_terminal(job)]
    return {
        "name": name,
        "ready": sum(_is_ready(job) for job in running),
        "succeeded": sum(is_true(job, "Complete") for job in jobs),
        "failed": sum(is_true(job, "Failed") for job in jobs),
        "active": sum((job.get("status") or {}).get("active", 0) > 0 for job in running),
        "suspended": sum(bool(job["spec"]["suspend"]) for job in running),
    }


def _is_ready(job: Object) -> bool:
    status = job.get("status") or {}
    pods = min(job["spec"]["parallelism"], job["spec"]["completions"])
    return bool(status.get("succeeded", 0) + status.get("ready", 0) >= pods)


def _all_ready(jobset: Object, status: Object) -> bool:
    wanted = {entry["name"]: entry.get("replicas", 1) for entry in jobset["spec"]["replicatedJobs"]}
    return all(row["ready"] + row["succeeded"] == wanted[row["name"]] for row in status["replicatedJobsStatus"])


def _not_ending(jobs: Iterator[Object] | Sequence[Object]) -> tuple[str, ...]:
    return tuple(name_of(job) for job in jobs if not is_ending(job))


def _failed_at(job: Object) -> str:
    why = condition(job, "Failed")
    assert why is not None
    return str(why["lastTransitionTime"])


def _first(job: Object) -> str:
    return f"(first failed job: {name_of(job)})"
