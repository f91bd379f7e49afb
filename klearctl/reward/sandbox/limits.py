"""What a program may use, and how it ended."""

from dataclasses import dataclass
from enum import StrEnum

STDERR_TAIL = 8192  # bytes of it that are kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Of one program with all the processes it starts. Times count for each test: from a send to its answer."""

    cpu_s: float = 10.0
    """CPU seconds of all its processes together."""

    wall_s: float | None = None
    """Seconds on the clock; 3 x cpu_s where it is not said."""

    memory_mb: int = 1024
    """MiB that it may use beyond what a bare interpreter does, all its processes together."""

    processes: int = 64
    """Processes and threads at once."""

    output_bytes: int = 1 << 20
    """Bytes that it may write to stdout, stderr and as an answer, together."""

    scratch_mb: int = 64
    """MiB of files."""

    scratch_files: int = 4096
    """Files and folders."""

    def clock_s(self) -> float:
        """The limit on the clock."""
        return 3 * self.cpu_s if self.wall_s is None else self.wall_s


class How(StrEnum):
    """How a program ended."""

    EXITED = "exited"
    """By itself; `code` is its exit code."""

    SIGNALLED = "signalled"
    """A signal ended it that no limit sent, such as SIGSEGV; `code` is 128 + the signal."""

    CPU = "cpu"
    WALL = "wall"
    MEMORY = "memory"
    OUTPUT = "output"
    SCRATCH = "scratch"
    """It held more files, or more in them, than it may."""

    VIOLATION = "violation"
    """The filter of system calls ended it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a program ended. Not one process of it is left."""

    how: How
    code: int
    """Its exit code, or 128 + the signal that ended it."""

    stdout: bytes = b""
    """What it printed, at most `output_bytes`. Only a script's is kept."""

    stderr_tail: str = ""
    frames: tuple[bytes, ...] = ()
    """What it sent on its channel and nobody received."""

    cpu_s: float = 0.0
    wall_s: float = 0.0


class SandboxFault(Exception):
    """The sandbox failed, not the program in it: it says nothing about the program."""
