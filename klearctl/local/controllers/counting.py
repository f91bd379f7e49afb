"""What the pods of a Job add up to: the counts of its status. Pure, but for the `status` that is filled in."""

from collections.abc import Sequence

from klearctl.local.controllers.failure import judge
from klearctl.local.objects import (
    COMPLETION_INDEX,
    TRACKING,
    Object,
    is_ending,
    is_over,
    is_true,
    labels_of,
    name_of,
    seconds,
)


def count(job: Object, status: Object, pods: Sequence[Object]) -> tuple[str, ...]:
    """Put the pods that have ended into the status. Returns the pods that are counted now."""
    ended = [pod for pod in pods if is_over(pod) and is_tracked(pod)]
    completed = parse_indexes(status.get("completedIndexes", ""))
    completed |= {index_of(pod) for pod in ended if pod["status"]["phase"] == "Succeeded"}
    failures = [pod for pod in ended if pod["status"]["phase"] == "Failed" and judge(job, pod).action != "Ignore"]
    put(status, "completedIndexes", format_indexes(completed))
    put(status, "succeeded", len(completed))
    put(status, "failed", status.get("failed", 0) + len(failures))
    if "backoffLimitPerIndex" in job["spec"]:
        status["failedIndexes"] = format_indexes(_failed_indexes(job, pods) - completed)
    return tuple(name_of(pod) for pod in ended)


def numbers(status: Object, pods: Sequence[Object], *, created: int, ended: set[str] | None = None) -> Object:
    """The status with its counts of running pods, after `created` more were made and the `ended` told to end."""
    live = [pod for pod in pods if not is_over(pod)]
    ending = [pod for pod in live if is_ending(pod) or name_of(pod) in (ended or set())]
    running = [pod for pod in live if pod not in ending]
    put(status, "active", len(running) + created)
    status["terminating"] = len(ending)
    status["ready"] = sum(is_true(pod, "Ready") for pod in running)
    status["uncountedTerminatedPods"] = {}
    return status


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


def _failed_indexes(job: Object, pods: Sequence[Object]) -> set[int]:
    limit = job["spec"]["backoffLimitPerIndex"]
    failed = own_failures(pods)
    gone = {index_of(pod) for pod in failed if judge(job, pod).action == "FailIndex"}
    counting = [index_of(pod) for pod in failed if judge(job, pod).action != "Ignore"]
    return gone | {index for index in counting if counting.count(index) > limit}


def restarts(job: Object, pods: Sequence[Object]) -> int:
    """Restarts of containers in their pods, which count where restartPolicy is OnFailure."""
    if job["spec"]["template"]["spec"].get("restartPolicy") != "OnFailure":
        return -1
    statuses = [
        container for pod in pods if not is_over(pod) for container in pod["status"].get("containerStatuses", [])
    ]
    return sum(container["restartCount"] for container in statuses)


def finished_at(pod: Object) -> float:
    """When the last container of the pod ended."""
    states = [container["state"] for container in pod["status"].get("containerStatuses", [])]
    times = [seconds(state["terminated"]["finishedAt"]) for state in states if "terminated" in state]
    return max(times, default=seconds(pod["metadata"]["creationTimestamp"]))


def own_failures(pods: Sequence[Object]) -> list[Object]:
    """Pods that failed, not those that were ended by the controller."""
    return [pod for pod in pods if pod["status"].get("phase") == "Failed" and not is_ending(pod)]


def is_tracked(pod: Object) -> bool:
    """Whether its Job has yet to count the pod."""
    return TRACKING in (pod["metadata"].get("finalizers") or [])


def put(status: Object, key: str, value: int | str) -> None:
    """Zero and empty are left out, as the API server does."""
    if value:
        status[key] = value
    else:
        status.pop(key, None)
