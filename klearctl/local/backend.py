"""The local backend: the verbs of Kubernetes over the objects on disk and the supervisors that run them."""

import builtins
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from klearctl.errors import BackendError, ConfigError
from klearctl.local.applied import check_fixed, sent_part, stored
from klearctl.local.changes import Changes
from klearctl.local.fields import check
from klearctl.local.lives import Lives
from klearctl.local.node import logs
from klearctl.local.node.logs import LogLine
from klearctl.local.objects import (
    LOST,
    RUN,
    WORKLOADS,
    Object,
    Objects,
    is_ending,
    is_over,
    is_true,
    is_workload,
    labels_of,
    merge,
    name_of,
    owners_of,
    run_of,
)
from klearctl.local.store import Store
from klearctl.local.workload import is_settled, marked

_LOOK_AGAIN_S = 1.0  # at supervisors, which may die without a word


class LocalBackend:
    """Objects in, processes on this machine; everything lies under `home`/local."""

    def __init__(self, home: Path) -> None:
        self._home = home.absolute()
        self._store = Store(home)
        self._lives = Lives(self._home, self._store)

    def apply(self, objects: Sequence[Object]) -> builtins.list[str]:
        """Make the objects what was sent: created, configured or unchanged, one word each.

        Returns once the supervisor of each workload runs.

        Raises:
            ConfigError: a field that is not honoured, or another template for a workload that is there.
            BackendError: a supervisor could not start.
        """
        for obj in objects:
            check(obj)
        return [self._apply(obj) for obj in objects]

    def get(self, kind: str, name: str) -> Object | None:
        """The object with its status, or None."""
        self._tidy()
        return self._store.get(kind, name)

    def list(self, kind: str, selector: Mapping[str, str] = {}) -> Objects:
        """The objects of a kind that have those labels, by name."""
        self._tidy()
        return self._store.find(kind, selector)

    def watch(self, kind: str, selector: Mapping[str, str], timeout_s: float) -> Iterator[tuple[str, Object]]:
        """ADDED for what is there, then ADDED, MODIFIED or DELETED as it changes, until the time is over."""
        end = time.monotonic() + timeout_s
        known: dict[str, Object] = {}
        with Changes(self._store.folder(kind)) as changes:
            while True:
                new = {name_of(obj): obj for obj in self.list(kind, selector)}
                yield from _differences(known, new)
                known = new
                left = end - time.monotonic()
                if left <= 0:
                    return
                changes.wait(min(left, _LOOK_AGAIN_S))

    def patch(self, kind: str, name: str, patch: Object) -> Object:
        """Merge a patch into an object. `spec.suspend` stops a workload, or lets it go on.

        Raises:
            ConfigError: there is no such object, or the patch changes what cannot change.
        """
        self._tidy()
        with self._store.lock():
            old = self._store.get(kind, name)
            if old is None:
                raise ConfigError(f"there is no {kind} {name}", fix="see `klearctl status`")
            new = merge(old, patch)
            check(sent_part(new))
            if kind in WORKLOADS:
                check_fixed(old, new)
            self._store.put(new)
            told = self._lives.begin(kind, name)
        self._lives.wait_ready(told, kind, name)
        return self._store.get(kind, name) or new

    def delete(self, kind: str, name: str) -> None:
        """Take an object away with all that hangs on it, processes first; one that is gone does no harm.

        Returns when it is gone.
        """
        obj = self._store.update(kind, name, lambda old: marked(old, time.time()))
        if obj is None:
            return
        if is_workload(obj):
            self._lives.wait_gone(kind, name)
        with self._store.lock():
            latest = self._store.get(kind, name)
            if latest is None or latest["metadata"]["uid"] != obj["metadata"]["uid"]:
                return  # somebody else deleted it meanwhile
            for other in self._dependents(obj):
                self._store.remove(other["kind"], name_of(other))
            self._store.remove(kind, name)

    def logs(
        self, run: str, *, role: str | None = None, rank: int | None = None, follow: bool = False
    ) -> Iterator[LogLine]:
        """What the run's containers printed; with `follow` also what they will, until the run stops."""
        folder = logs.folder_of(self._store.root, run)
        if not follow:
            return logs.read(folder, role=role, rank=rank)
        signs = [self._store.folder(kind) for kind in (*WORKLOADS, "Pod")]
        return logs.follow(folder, role=role, rank=rank, signs=signs, is_over=lambda: self._has_stopped(run))

    def drop_logs(self, run: str) -> None:
        """Remove what the run's containers printed. A deletion keeps it: a failed run is made anew to go on."""
        logs.remove(self._store.root, run)

    def _apply(self, sent: Object) -> str:
        kind, name = sent["kind"], name_of(sent)
        with self._store.lock():
            old = self._store.get(kind, name)
            if old is not None and is_ending(old):
                if self._lives.is_held(old):
                    raise BackendError(f"{kind} {name} is being deleted", fix="try again when it is gone")
                self.delete(kind, name)  # whoever began it did not come to its end
                old = None
            new = stored(sent, old)
            if old is not None and kind in WORKLOADS:
                check_fixed(old, new)
            word = "created" if old is None else "unchanged" if sent_part(new) == sent_part(old) else "configured"
            if word == "unchanged":
                return word
            self._store.put(new)
            told = self._lives.begin(kind, name)
        try:
            self._lives.wait_ready(told, kind, name)
        except BackendError:
            if word == "created":
                self.delete(kind, name)
            raise
        return word

    def _tidy(self) -> None:
        """Bring to an end what a command or a supervisor that was killed left half-way."""
        self._lives.find_lost()
        for obj in self._store.workloads():
            if is_ending(obj) and not self._lives.is_held(obj):
                self.delete(obj["kind"], name_of(obj))

    def _dependents(self, obj: Object) -> Objects:
        """What the object owns, directly or not, and what belongs to its run without an owner."""
        everything = self._store.everything()
        uids = {obj["metadata"]["uid"]}
        while more := {o["metadata"]["uid"] for o in everything if uids & set(owners_of(o))} - uids:
            uids |= more
        run = labels_of(obj).get(RUN) if is_workload(obj) else None
        return [
            other
            for other in everything
            if uids & set(owners_of(other))
            or (run and labels_of(other).get(RUN) == run and not owners_of(other) and other["kind"] not in WORKLOADS)
        ]

    def _has_stopped(self, run: str) -> bool:
        self._tidy()
        found = [obj for obj in self._store.workloads() if run_of(obj) == run]
        pods = [pod for pod in self._store.find("Pod", {}) if run_of(pod) == run]
        over = all(map(is_over, pods))
        return over and all(is_settled(obj) or is_true(obj, LOST) for obj in found)


def _differences(known: Mapping[str, Object], new: Mapping[str, Object]) -> Iterator[tuple[str, Object]]:
    for name, obj in new.items():
        if name not in known or known[name]["metadata"]["uid"] != obj["metadata"]["uid"]:
            yield "ADDED", obj
        elif known[name]["metadata"]["resourceVersion"] != obj["metadata"]["resourceVersion"]:
            yield "MODIFIED", obj
    for name, obj in known.items():
        if name not in new:
            yield "DELETED", obj
