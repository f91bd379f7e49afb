"""Which workloads have a living supervisor; starts one, waits for its end, and cleans up after one that died.

A supervisor inherits an exclusive lock and holds it for life, so a free lock is a dead supervisor.
All looks at the locks happen while the store is locked.
"""

import fcntl
import os
import signal
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from klearctl.errors import BackendError
from klearctl.local.node import process
from klearctl.local.node.kubelet import clear
from klearctl.local.objects import (
    LOST,
    Object,
    is_ending,
    is_over,
    is_true,
    is_workload,
    name_of,
    owners_of,
    put_condition,
)
from klearctl.local.store import Store
from klearctl.local.workload import SUPERVISOR_DIED, is_settled


class Lives:
    """The supervisors of one home."""

    def __init__(self, home: Path, store: Store) -> None:
        self._home = home
        self._store = store
        self._folder = store.root / "supervisors"
        self._folder.mkdir(exist_ok=True, mode=0o700)

    def begin(self, kind: str, name: str) -> int | None:
        """Start the supervisor of a workload that has something to do and nobody who does it.

        Called while the store is locked since the object was written, so that nobody takes it for a lost one.
        Returns a file descriptor on which the supervisor says how it went, for `wait_ready`; None if it had no need.
        """
        root = self._store.get(kind, name)
        if root is None or not is_workload(root) or is_settled(root):
            return None
        lock = self._take(root)
        if lock is None:
            return None
        told, ready = os.pipe()
        try:
            self._start(kind, name, lock=lock, ready=ready)
        finally:
            os.close(lock)
            os.close(ready)
        return told

    def wait_ready(self, told: int | None, kind: str, name: str) -> None:
        """Return once the supervisor runs.

        Raises:
            BackendError: it said why it cannot.
        """
        if told is None:
            return
        with os.fdopen(told, encoding="utf-8") as answer:
            text = answer.read()
        if text != "ready":
            what, _, fix = text.partition("\n")
            said = _last_line(self._path(kind, name, "log"))  # whoever made the workload takes the log away with it
            raise BackendError(what or f"the supervisor of {name} died at once: {said}", fix=fix or "try again")

    def find_lost(self) -> None:
        """Find workloads whose supervisor died: end their orphans, and say so in a condition.

        One that had come to its end needs no condition, but its last pods may have been ending when it died.
        """
        jobs = self._store.find("Job", {})
        living = [pod for pod in self._store.find("Pod", {}) if not is_over(pod)]
        for root in self._store.workloads():
            if is_true(root, LOST) or is_ending(root) or (is_settled(root) and not _of(root, jobs, living)):
                continue
            with self._store.lock():
                latest = self._store.get(root["kind"], name_of(root))
                if latest is None or is_true(latest, LOST) or self.is_held(latest):
                    continue
                if is_settled(latest):
                    self._end_pods(latest)
                else:
                    self._bury(latest)

    def is_held(self, root: Object) -> bool:
        """Whether the workload's supervisor lives."""
        with self._store.lock():
            lock = self._take(root)
            if lock is not None:
                os.close(lock)
            return lock is None

    def wait_gone(self, kind: str, name: str) -> None:
        """Wait until the supervisor has ended; without one, end what may be left of its pods."""
        path = self._path(kind, name, "lock")
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            root = self._store.get(kind, name)
            if root is not None:
                self._end_orphans(root)
            for suffix in ("lock", "log"):
                self._path(kind, name, suffix).unlink(missing_ok=True)
        finally:
            os.close(descriptor)

    def _take(self, root: Object) -> int | None:
        """The workload's lock as a file descriptor, or None if its supervisor holds it."""
        path = self._path(root["kind"], name_of(root), "lock")
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return descriptor

    def _start(self, kind: str, name: str, *, lock: int, ready: int) -> None:
        words = [sys.executable, "-m", "klearctl.local.supervisor", "--kind", kind, "--name", name]
        words += ["--home", str(self._home), "--lock", str(lock), "--ready", str(ready)]
        process.start_detached(words, folder=self._store.root, log=self._path(kind, name, "log"), keep=(lock, ready))

    def _bury(self, root: Object) -> None:
        message = self._end_pods(root)
        status = dict(root.get("status") or {})
        put_condition(status, LOST, True, SUPERVISOR_DIED, message, now=time.time())
        self._store.put(root | {"status": status})

    def _end_pods(self, root: Object) -> str:
        """End what the pods left, and let them have failed; what is said of it comes back."""
        log = self._path(root["kind"], name_of(root), "log")
        message = f"its supervisor is gone ({_last_line(log)}), and what it had started was ended"
        for pod in self._end_orphans(root):
            status = pod["status"] | {"phase": "Failed", "reason": SUPERVISOR_DIED, "message": message}
            self._store.put(pod | {"status": status})
        return message

    def _end_orphans(self, root: Object) -> list[Object]:
        """KILL what the workload's pods left, and nothing else. Returns the pods that had not ended."""
        pods = _of(root, self._store.find("Job", {}), self._store.find("Pod", {}))
        marks = [pod["metadata"]["uid"] for pod in pods]
        while left := process.processes_of(marks) if marks else []:
            for one in left:
                process.send(one, signal.SIGKILL)
            process.wait_for(left[0])
        for uid in marks:
            clear(self._store.root, uid)
        return [pod for pod in pods if not is_over(pod)]

    def _path(self, kind: str, name: str, suffix: str) -> Path:
        return self._folder / f"{kind}-{name}.{suffix}"


def _of(root: Object, jobs: Iterable[Object], pods: Iterable[Object]) -> list[Object]:
    """Those of the pods that belong to the workload, or to one of its jobs."""
    uid = root["metadata"]["uid"]
    uids = {uid} | {job["metadata"]["uid"] for job in jobs if uid in owners_of(job)}
    return [pod for pod in pods if uids & set(owners_of(pod))]


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n") if log.exists() else []
    return next((line.strip() for line in reversed(lines) if line.strip()), "it was killed")
