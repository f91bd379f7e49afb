"""One workload: its objects in memory, moved on step by step, everything that changes written through to the store.

Joins the pure controllers (`jobset`, `job`) to the node that runs the pods.
"""

import time
from collections.abc import Mapping

from klearctl.errors import ConfigError
from klearctl.local.controllers import children, job, jobset
from klearctl.local.node.kubelet import Node
from klearctl.local.objects import (
    ATTEMPT,
    JOBSET,
    LOST,
    RANK,
    Object,
    is_ending,
    is_over,
    is_terminal,
    is_true,
    labels_of,
    name_of,
    owners_of,
    put_condition,
    role_of,
    run_of,
    stamp,
)
from klearctl.local.pod import new_pod
from klearctl.local.store import Store

SUPERVISOR_DIED = "SupervisorDied"


class Workload:
    """A JobSet or a Job with all that it made."""

    def __init__(self, store: Store, kind: str, name: str) -> None:
        root = store.get(kind, name)
        if root is None:
            raise ConfigError(f"there is no {kind} {name}", fix="apply it")
        self._store = store
        self._pods: dict[str, Object] = {}
        self._jobs: dict[str, Object] = {}
        self.root = root
        self._adopt()

    def settle(self, node: Node, addresses: Mapping[str, str], ended: Mapping[int, int]) -> float | None:
        """Do what is due until nothing is. `ended` are exit codes by pid. Returns when something is due next."""
        self._read_root()
        while True:
            now = time.time()
            wake_at: list[float] = []
            changed = self.root["kind"] == "JobSet" and self._step_jobset(now)
            for name in list(self._jobs):
                changed |= self._step_job(self._jobs[name], addresses, wake_at, now)
            changed |= self._forget()
            for new in node.step(list(self._pods.values()), ended, now=now):
                self._pods[name_of(new)] = self._store.put(new)
                changed = True
            ended = {}
            if not changed:
                return min([*wake_at, *node.wake_times(now)], default=None)

    def is_settled(self) -> bool:
        """Whether nothing is left to do: ended, or suspended, and no pod runs any more."""
        live = not all(map(is_over, self._pods.values()))
        if live or any(is_ending(child) for child in self._jobs.values()):
            return False
        return is_ending(self.root) or is_settled(self.root)

    def _adopt(self) -> None:
        """Take what a supervisor before left. Pods that died with it are no failures of the run: they go."""
        uid = self.root["metadata"]["uid"]
        if self.root["kind"] == "JobSet":
            if self._store.get("Service", children.subdomain(self.root) or name_of(self.root)) is None:
                self._store.put(children.service(self.root))
            self._jobs = {name_of(child): child for child in self._store.find("Job", {}) if uid in owners_of(child)}
        else:
            self._jobs = {name_of(self.root): self.root}
        uids = {child["metadata"]["uid"] for child in self._jobs.values()}
        for pod in self._store.find("Pod", {}):
            if not uids & set(owners_of(pod)):
                continue
            if pod["status"].get("reason") == SUPERVISOR_DIED:
                self._store.remove("Pod", name_of(pod))
            else:
                self._pods[name_of(pod)] = pod
        if is_true(self.root, LOST):
            status = self.root["status"]
            put_condition(status, LOST, False, "SupervisorStarted", "a new supervisor took over", now=time.time())
            self.root = self._store.put(self.root | {"status": status})

    def _step_jobset(self, now: float) -> bool:
        if is_ending(self.root):
            asked = [self._end("Job", child, now) for child in list(self._jobs.values())]
            return any(asked)
        plan = jobset.plan(self.root, list(self._jobs.values()), now=now)
        changed = self._save_status(self.root, plan.status)
        for new in plan.create:
            self._jobs[name_of(new)] = self._store.put(new)
        for name in plan.suspend + plan.resume:
            spec = self._jobs[name]["spec"] | {"suspend": name in plan.suspend}
            self._jobs[name] = self._store.put(self._jobs[name] | {"spec": spec})
        for name in plan.delete:
            self._end("Job", self._jobs[name], now)
        return bool(changed or plan.create or plan.suspend or plan.resume or plan.delete)

    def _step_job(self, child: Object, addresses: Mapping[str, str], wake_at: list[float], now: float) -> bool:
        pods = self._pods_of(child)
        plan = job.plan(child | {"spec": job.defaulted(child["spec"])}, pods, now=now)
        wake_at += [] if plan.wake_at is None else [plan.wake_at]
        changed = False
        for name in plan.counted:
            changed |= self._untrack(self._pods[name])
        for name in [name_of(pod) for pod in pods] if is_ending(child) else plan.end:
            changed |= self._end("Pod", self._pods[name], now)
        for index in plan.create:
            self._create_pod(child, index, addresses, now)
        return bool(changed | self._save_status(child, plan.status) or plan.create)

    def _create_pod(self, child: Object, index: int, addresses: Mapping[str, str], now: float) -> None:
        pod = new_pod(child, index, address=addresses[f"{name_of(child)}-{index}"], now=now)
        replica = int(labels_of(pod).get(f"{JOBSET}job-index", "0"))
        rank = replica * job.defaulted(child["spec"])["completions"] + index
        attempt = self._store.count(f"{role_of(pod)}-{rank}", run_of(pod))
        pod["metadata"]["annotations"] |= {ATTEMPT: str(attempt), RANK: str(rank)}
        self._pods[name_of(pod)] = self._store.put(pod)

    def _end(self, kind: str, obj: Object, now: float) -> bool:
        """Ask for the end of a pod or a Job. False if that was done before."""
        if is_ending(obj):
            return False
        place = self._pods if kind == "Pod" else self._jobs
        place[name_of(obj)] = self._store.put(marked(obj, now))
        return True

    def _untrack(self, pod: Object) -> bool:
        if not pod["metadata"].get("finalizers"):
            return False
        meta = {key: value for key, value in pod["metadata"].items() if key != "finalizers"}
        self._pods[name_of(pod)] = self._store.put(pod | {"metadata": meta})
        return True

    def _forget(self) -> bool:
        """Objects whose end was asked for, and has come, go."""
        gone = [pod for child in self._jobs.values() for pod in self._pods_of(child) if _may_go(pod, child)]
        for pod in gone:
            self._store.remove("Pod", name_of(pod))
            del self._pods[name_of(pod)]
        done = [child for child in self._jobs.values() if is_ending(child) and not self._pods_of(child)]
        for child in done:
            if owners_of(child):
                self._store.remove("Job", name_of(child))
            del self._jobs[name_of(child)]
        return bool(gone or done)

    def _read_root(self) -> None:
        latest = self._store.get(self.root["kind"], name_of(self.root))
        self._put_root(latest if latest is not None else marked(self.root, time.time()))

    def _save_status(self, obj: Object, status: Object) -> bool:
        """False if the object says so already."""
        if status == (obj.get("status") or {}):
            return False
        if obj["metadata"]["uid"] != self.root["metadata"]["uid"]:
            self._jobs[name_of(obj)] = self._store.put(obj | {"status": status})
            return True
        saved = self._store.update(obj["kind"], name_of(obj), lambda latest: latest | {"status": status})
        self._put_root(saved if saved is not None else marked(self.root, time.time()))
        return True

    def _put_root(self, root: Object) -> None:
        self.root = root
        if root["kind"] == "Job" and name_of(root) in self._jobs:
            self._jobs[name_of(root)] = root

    def _pods_of(self, child: Object) -> list[Object]:
        return [pod for pod in self._pods.values() if child["metadata"]["uid"] in owners_of(pod)]


def is_settled(root: Object) -> bool:
    """Whether a workload needs no supervisor: it ended, or is suspended."""
    return is_terminal(root) or (bool(root["spec"].get("suspend")) and is_true(root, "Suspended"))


def marked(obj: Object, now: float) -> Object:
    """The object with its end asked for."""
    return obj | {"metadata": {"deletionTimestamp": stamp(now)} | obj["metadata"]}


def _may_go(pod: Object, child: Object) -> bool:
    return is_ending(pod) and is_over(pod) and (is_ending(child) or not pod["metadata"].get("finalizers"))
