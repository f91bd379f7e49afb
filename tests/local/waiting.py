"""Wait for what the tests need to see, through the backend's own watch."""

from collections.abc import Callable
from typing import Any

from klearctl.local.backend import LocalBackend

LIMIT_S = 60.0  # of a machine that does much else


def until(backend: LocalBackend, kind: str, name: str, holds: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    """The object as soon as the condition holds for it."""
    seen = None
    for event, obj in backend.watch(kind, {}, LIMIT_S):
        if obj["metadata"]["name"] == name and event != "DELETED":
            seen = obj
            if holds(obj):
                return obj
    raise AssertionError(f"{kind} {name} did not come to it in {LIMIT_S} s: {seen and seen.get('status')}")


def ended(backend: LocalBackend, kind: str, name: str = "t") -> dict[str, Any]:
    """The workload once it is over for good."""
    return until(backend, kind, name, lambda obj: {"Complete", "Completed", "Failed"} & set(true_conditions(obj)))


def running(backend: LocalBackend, name: str = "t", pods: int = 1) -> list[dict[str, Any]]:
    """The pods of the run once so many of them are ready."""
    ready: dict[str, dict[str, Any]] = {}
    for event, pod in backend.watch("Pod", {"klear.dev/run": name}, LIMIT_S):
        ready.pop(pod["metadata"]["name"], None)
        if event != "DELETED" and "Ready" in true_conditions(pod):
            ready[pod["metadata"]["name"]] = pod
        if len(ready) == pods:
            return list(ready.values())
    raise AssertionError(f"{len(ready)} of {pods} pods of {name} were ready in {LIMIT_S} s")


def no_pods(backend: LocalBackend, name: str = "t") -> None:
    """Returns when the run has no pod that runs."""
    label = {"klear.dev/run": name}
    if not alive(backend.list("Pod", label)):
        return
    for _ in backend.watch("Pod", label, LIMIT_S):
        if not alive(backend.list("Pod", label)):
            return
    raise AssertionError(f"{alive(backend.list('Pod', label))} still run")


def alive(pods: list[dict[str, Any]]) -> list[str]:
    """The pods that have not ended."""
    return [pod["metadata"]["name"] for pod in pods if pod["status"]["phase"] not in ("Succeeded", "Failed")]


def gone(backend: LocalBackend, kind: str, label: tuple[str, str]) -> None:
    """Returns when there is no object of the kind with that label."""
    if not backend.list(kind, dict([label])):
        return
    for _ in backend.watch(kind, dict([label]), LIMIT_S):
        if not backend.list(kind, dict([label])):
            return
    raise AssertionError(f"{kind} with {label} are still there")


def printed(backend: LocalBackend, run: str = "t", **which: Any) -> list[str]:
    """The lines that the run printed until it was over."""
    return [line.text for line in backend.logs(run, follow=True, **which)]


def true_conditions(obj: dict[str, Any]) -> dict[str, str]:
    """The reasons of the conditions that are True, by type."""
    conditions = obj.get("status", {}).get("conditions", [])
    return {one["type"]: one.get("reason", "") for one in conditions if one["status"] == "True"}
