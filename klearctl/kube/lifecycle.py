"""What can be done with a run, through a backend's verbs alone: submit, find, cancel, resume, delete."""

import time
from collections.abc import Iterable

from klearctl.errors import BackendError, ConfigError
from klearctl.kube.backend import Backend, Manifest
from klearctl.kube.difference import differences, shortened
from klearctl.kube.labels import RECIPE, RUN
from klearctl.kube.sandbox import own_secrets
from klearctl.kube.status import ENDED, State, has_ended, is_at_rest, read_state

WORKLOADS = ("JobSet", "Job")
_BESIDE = ("ConfigMap", "NetworkPolicy")  # what is rendered for a run beside its workload
_GLANCE_S = 1.0  # how long to wait for a change before looking again: one before the watch is not seen by it
_SERVER_SET = ("uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "finalizers")


def submit(backend: Backend, objects: list[Manifest]) -> str:
    """Starts the run, `created`; or leaves the same run alone, `unchanged`. Its Secret is made before it, if absent.

    Raises:
        ConfigError: a run of that name has other settings; the message holds the difference.
    """
    name = objects[-1]["metadata"]["name"]
    if find(backend, name) is None:
        _start(backend, objects)
        return "created"
    changed = changes(backend, objects)
    if changed:
        raise ConfigError(
            f"the run {name} exists with other settings: {shortened(changed)}",
            fix=f"another --name, or klearctl delete {name} first",
        )
    return "unchanged"


def changes(backend: Backend, objects: list[Manifest]) -> list[str]:
    """What a run that is there differs in from these objects, one line each."""
    return [line for item in objects for line in differences(backend.get(item["kind"], item["metadata"]["name"]), item)]


def find(backend: Backend, name: str) -> Manifest | None:
    """The workload of the run, or None."""
    return next((found for kind in WORKLOADS if (found := backend.get(kind, name))), None)


def get(backend: Backend, name: str) -> Manifest:
    """The workload of the run.

    Raises:
        ConfigError: there is no such run.
    """
    found = find(backend, name)
    if found is None:
        raise ConfigError(f"there is no run {name}", fix="klearctl status lists the runs")
    return found


def stages(backend: Backend, recipe_run: str) -> list[Manifest]:
    """The workloads of a recipe's run that have been started for its stages, in the order of their start."""
    found = [item for kind in WORKLOADS for item in backend.list(kind, {RECIPE: recipe_run})]
    return in_order(item for item in found if item["metadata"]["name"] != recipe_run)


def parts(backend: Backend, name: str) -> list[str]:
    """The runs that keep something: those of the stages of a recipe's run, else the run itself.

    Raises:
        ConfigError: there is no such run.
    """
    get(backend, name)
    return [item["metadata"]["name"] for item in stages(backend, name)] or [name]


def in_order(workloads: Iterable[Manifest]) -> list[Manifest]:
    """Workloads, the newest last."""
    return sorted(workloads, key=lambda item: (item["metadata"].get("creationTimestamp", ""), item["metadata"]["name"]))


def pods(backend: Backend, name: str) -> list[Manifest]:
    """The pods of the run."""
    return backend.list("Pod", {RUN: name})


def state(backend: Backend, name: str) -> State:
    """The state of the run."""
    return read_state(get(backend, name), pods(backend, name))[0]


def cancel(backend: Backend, name: str) -> bool:
    """Suspends the run: its pods end, a trainer after a checkpoint. False if it had ended before.

    Raises:
        ConfigError: there is no such run.
    """
    workload = get(backend, name)
    if read_state(workload, pods(backend, name))[0] in ENDED:
        return False
    backend.patch(workload["kind"], name, {"spec": {"suspend": True}})
    return True


def resume(backend: Backend, name: str) -> bool:
    """Lets the run go on from its last committed step after cancelled, lost or failed. False if it has no need.

    A workload that has failed never starts again, so it is made anew under the same name; what the run
    keeps in its bucket stays.

    Raises:
        ConfigError: there is no such run.
    """
    workload = get(backend, name)
    now = read_state(workload, pods(backend, name))[0]
    if now == "cancelled":
        backend.patch(workload["kind"], name, {"spec": {"suspend": False}})
    elif now in ("failed", "lost"):
        beside = [item for kind in _BESIDE for item in backend.list(kind, {RUN: name})]
        backend.delete(workload["kind"], name)
        _start(backend, [_anew(item) for item in (*beside, workload)])
    return now in ("cancelled", "failed", "lost")


def delete(backend: Backend, name: str) -> None:
    """Removes the objects of the run.

    Raises:
        ConfigError: there is no such run, or it has not ended.
    """
    check_ended(backend, name)
    backend.delete(get(backend, name)["kind"], name)
    backend.drop_logs(name)


def check_ended(backend: Backend, name: str) -> None:
    """Raises ConfigError where the run has not ended, or there is none."""
    if state(backend, name) not in ENDED:
        raise ConfigError(f"the run {name} has not ended", fix=f"klearctl cancel {name} first")


def wait_ended(backend: Backend, name: str, *, timeout_s: float) -> None:
    """Returns when the suspended run is at rest: whoever runs it has seen the word, and no pod is left running.

    Raises:
        BackendError: they did not end in time.
    """
    kind, end = get(backend, name)["kind"], time.monotonic() + timeout_s
    for _, workload in backend.watch(kind, {RUN: name}, timeout_s):
        if is_at_rest(workload):
            break
    while any(not has_ended(pod) for pod in pods(backend, name)):
        left = end - time.monotonic()
        if left <= 0:
            raise BackendError(f"pods of {name} have not ended after {timeout_s:.0f} s", fix=f"klearctl status {name}")
        for change, _ in backend.watch("Pod", {RUN: name}, min(left, _GLANCE_S)):
            if change != "ADDED":  # those that were there before
                break


def _start(backend: Backend, objects: list[Manifest]) -> None:
    missing = [item for item in own_secrets(objects) if backend.get("Secret", item["metadata"]["name"]) is None]
    backend.apply([*missing, *objects])


def _anew(item: Manifest) -> Manifest:
    """The object as it was sent: without what the server set and without its status."""
    meta = {key: value for key, value in item["metadata"].items() if key not in _SERVER_SET}
    fresh = {key: value for key, value in item.items() if key != "status"} | {"metadata": meta}
    if "spec" in fresh:
        fresh["spec"] = {key: value for key, value in fresh["spec"].items() if key != "suspend"}
    return fresh
