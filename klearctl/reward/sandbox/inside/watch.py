"""What the processes below this one use, as proc(5) tells it: CPU seconds, memory, how many they are."""

import contextlib
import os
from dataclasses import dataclass

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
# Of /proc/PID/stat, counted from the field after the name in brackets.
_UTIME, _CUTIME_END, _THREADS, _RESIDENT = 11, 15, 17, 21


@dataclass(frozen=True, slots=True)
class Use:
    """Of all processes together."""

    cpu_s: float = 0.0
    """Theirs, and of those whose end they have waited for."""

    threads: int = 0
    resident: int = 0
    """Bytes of memory; what several of them share counts for each."""

    def __add__(self, other: "Use") -> "Use":
        return Use(self.cpu_s + other.cpu_s, self.threads + other.threads, self.resident + other.resident)


def below(*, beyond: int) -> Use:
    """What all processes use that descend from this one, each one's memory only `beyond` so many bytes."""
    total = Use()
    waiting = _children(os.getpid())
    while waiting:
        pid = waiting.pop()
        one = of(pid)
        total += Use(one.cpu_s, one.threads, max(0, one.resident - beyond))
        waiting += _children(pid)
    return total


def of(pid: int) -> Use:
    """What one process uses; nothing when it is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return Use()
    cpu_s = sum(map(int, fields[_UTIME:_CUTIME_END])) / _TICKS
    return Use(cpu_s, int(fields[_THREADS]), int(fields[_RESIDENT]) * _PAGE)


def tasks_of(uid: int) -> int:
    """How many tasks, which are threads, the user has on this machine: the kernel's limit of processes counts them."""
    total = 0
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                if os.stat(f"/proc/{name}").st_uid == uid:
                    total += of(int(name)).threads
    return total


def check() -> None:
    """That children can be watched.

    Raises:
        OSError: this kernel does not list them.
    """
    os.stat(f"/proc/self/task/{os.getpid()}/children")  # CONFIG_PROC_CHILDREN, as distributions build it


def _children(pid: int) -> list[int]:
    """Of every thread of the process."""
    found: list[int] = []
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children") as file:
                found += map(int, file.read().split())
    return found
