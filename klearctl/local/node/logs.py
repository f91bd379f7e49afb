"""What containers printed: logs/RUN/ATTEMPT/ROLE-RANK.CONTAINER.log, kept after the pods are gone.

In: a run, and which of its pods. Out: lines. An attempt is the n-th start of a role's rank in the run.
"""

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from klearctl.local.changes import Changes
from klearctl.local.objects import ATTEMPT, RANK, Object, role_of, run_of

_LOOK_AGAIN_S = 1.0  # at the run itself, whose supervisor may die without a word


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line that a container printed."""

    attempt: int
    role: str
    rank: int
    container: str
    text: str


@dataclass(frozen=True, slots=True)
class _Source:
    """One container's file."""

    attempt: int
    role: str
    rank: int
    container: str
    path: Path


def log_file(root: Path, pod: Object, container: str) -> Path:
    """Where the container of a pod writes; the folder is made."""
    notes = pod["metadata"]["annotations"]
    folder = folder_of(root, run_of(pod)) / str(notes[ATTEMPT])
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path: Path = folder / f"{role_of(pod)}-{notes[RANK]}.{container}.log"
    return path


def last_words(path: Path, start: int) -> str:
    """The end of what a container printed from there on: 80 lines or 2048 bytes, as a node keeps it."""
    if not path.exists():
        return ""
    with path.open("rb") as file:
        file.seek(max(start, path.stat().st_size - 2048))
        return "\n".join(file.read().decode(errors="replace").splitlines()[-80:])


def folder_of(root: Path, run: str) -> Path:
    """Where the logs of a run lie."""
    return root / "logs" / run


def remove(root: Path, run: str) -> None:
    """Take all logs of the run away."""
    shutil.rmtree(folder_of(root, run), ignore_errors=True)


def read(folder: Path, *, role: str | None, rank: int | None) -> Iterator[LogLine]:
    """All lines so far, by attempt, then by role, rank and container."""
    for source in _sources(folder, role=role, rank=rank):
        yield from _lines(source, _Tail(source.path).rest())


def follow(
    folder: Path, *, role: str | None, rank: int | None, signs: Sequence[Path], is_over: Callable[[], bool]
) -> Iterator[LogLine]:
    """All lines so far and those to come, until the run is over, which shows in the folders `signs`."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    tails: dict[_Source, _Tail] = {}
    with Changes(folder, *signs) as changes:
        while True:
            over = is_over()  # before the last look, so that nothing is missed
            for attempt in folder.iterdir():
                changes.add(attempt)
            for source in _sources(folder, role=role, rank=rank):
                tail = tails.setdefault(source, _Tail(source.path))
                yield from _lines(source, tail.rest() if over else tail.whole_lines())
            if over:
                return
            changes.wait(_LOOK_AGAIN_S)


class _Tail:
    """A file that grows, read from where it was left."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def whole_lines(self) -> bytes:
        """What is new, up to the last end of line."""
        new = self._new()
        new = new[: new.rfind(b"\n") + 1]
        self._offset += len(new)
        return new

    def rest(self) -> bytes:
        """All that is new."""
        new = self._new()
        self._offset += len(new)
        return new

    def _new(self) -> bytes:
        if not self._path.exists() or self._path.stat().st_size <= self._offset:
            return b""
        with self._path.open("rb") as file:
            file.seek(self._offset)
            return file.read()


def _lines(source: _Source, data: bytes) -> Iterator[LogLine]:
    text = data.decode(errors="replace")
    for line in text.removesuffix("\n").split("\n") if text else []:
        yield LogLine(source.attempt, source.role, source.rank, source.container, line.rstrip("\r"))


def _sources(folder: Path, *, role: str | None, rank: int | None) -> list[_Source]:
    found = [_source(path) for path in folder.glob("*/*.log")]
    wanted = [one for one in found if role in (None, one.role) and rank in (None, one.rank)]
    return sorted(wanted, key=lambda one: (one.attempt, one.role, one.rank, one.container))


def _source(path: Path) -> _Source:
    place, container, _ = path.name.rsplit(".", 2)
    role, _, rank = place.rpartition("-")
    return _Source(int(path.parent.name), role, int(rank), container, path)
