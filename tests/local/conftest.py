"""A backend with a home of its own. What a test leaves is ended, and a process that is left fails the test."""

import os
import select
from collections.abc import Iterator
from pathlib import Path

import pytest

from klearctl.local.backend import LocalBackend
from tests.local.waiting import LIMIT_S


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[LocalBackend]:
    """A local backend in an empty home."""
    home = tmp_path / "home"
    backend = LocalBackend(home)
    yield backend
    for kind in ("JobSet", "Job"):
        for obj in backend.list(kind):
            backend.delete(kind, obj["metadata"]["name"])
    for pid in processes_that_name(str(home)):
        assert has_ended(pid), f"process {pid} of the test's home is left"


def has_ended(pid: int, *, within_s: float = LIMIT_S) -> bool:
    """Whether the process ends in that time."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    ready, _, _ = select.select([descriptor], [], [], within_s)
    os.close(descriptor)
    return bool(ready)


def processes_that_name(text: str) -> set[int]:
    """Processes other than this one whose command line or environment holds the text."""
    found = set()
    for folder in os.listdir("/proc"):
        if folder.isdigit() and int(folder) != os.getpid():
            for part in ("cmdline", "environ"):
                try:
                    content = Path(f"/proc/{folder}/{part}").read_bytes()
                except OSError:
                    continue
                if text.encode() in content:
                    found.add(int(folder))
    return found
