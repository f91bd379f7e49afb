"""The objects on disk: objects/KIND/NAME.json, each written whole by a rename, all writers behind one lock.

In and out: objects as dicts. A Secret's file can be read by its owner only.
"""

import fcntl
import json
import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from klearctl.local.objects import Object, Objects, is_workload, matches, name_of, stamp


class Store:
    """What the API server would keep."""

    def __init__(self, home: Path) -> None:
        self.root = home.absolute() / "local"
        self._held = threading.local()
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)

    def get(self, kind: str, name: str) -> Object | None:
        """The object, or None."""
        found: Object | None = _read(self._path(kind, name))
        return found

    def find(self, kind: str, selector: Mapping[str, str]) -> Objects:
        """The objects of the kind that have those labels, by name."""
        found = (_read(path) for path in sorted(self.folder(kind).glob("*.json")))
        return [obj for obj in found if obj is not None and matches(obj, selector)]

    def everything(self) -> Objects:
        """All objects of all kinds."""
        kinds = sorted(path.name for path in (self.root / "objects").glob("*"))
        return [obj for kind in kinds for obj in self.find(kind, {})]

    def workloads(self) -> Objects:
        """Every object that has, or had, a supervisor."""
        return [obj for kind in ("JobSet", "Job") for obj in self.find(kind, {}) if is_workload(obj)]

    def put(self, obj: Object) -> Object:
        """Write the object as it is now; a new one gets its uid. Returns what was written."""
        with self.lock():
            meta = {"uid": str(uuid.uuid4()), "creationTimestamp": stamp(time.time()), **obj["metadata"]}
            meta["resourceVersion"] = str(time.time_ns())
            written = obj | {"metadata": meta}
            _write(self._path(obj["kind"], name_of(obj)), written)
            return written

    def update(self, kind: str, name: str, change: Callable[[Object], Object]) -> Object | None:
        """Read, change and write with nobody between. None if there is no such object."""
        with self.lock():
            old = self.get(kind, name)
            return None if old is None else self.put(change(old))

    def remove(self, kind: str, name: str) -> None:
        """Take the object away; one that is gone does no harm."""
        with self.lock():
            self._path(kind, name).unlink(missing_ok=True)

    def folder(self, kind: str) -> Path:
        """Where the objects of a kind lie; made if need be."""
        folder = self.root / "objects" / kind
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return folder

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Nobody else writes meanwhile, in this process or another. May be held twice by one thread."""
        depth: int = getattr(self._held, "depth", 0)
        descriptor = -1 if depth else os.open(self.root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if not depth:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            self._held.depth = depth + 1
            yield
        finally:
            self._held.depth = depth
            if not depth:
                os.close(descriptor)

    def count(self, key: str, run: str) -> int:
        """0, 1, 2...: how often this was asked before for the key of the run. Outlives the run's objects."""
        path = self.root / "attempts" / f"{run}.json"
        path.parent.mkdir(exist_ok=True, mode=0o700)
        with self.lock():
            counts: dict[str, int] = _read(path) or {}
            _write(path, counts | {key: counts.get(key, 0) + 1})
            return counts.get(key, 0)

    def _path(self, kind: str, name: str) -> Path:
        return self.folder(kind) / f"{name}.json"


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None


def _write(path: Path, value: Any) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(value, file, indent=1)
    temporary.replace(path)
