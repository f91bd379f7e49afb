"""The sandbox as its users see it: lanes of warm servers, as many programs at once as there are lanes.

    with Sandbox() as sandbox:
        ended = sandbox.script(b"print(input()[::-1])", b"abc\n", Limits())      # ended.stdout == b"cba\n"
        with sandbox.program("calls", source, Limits()) as program:
            program.send(frame)
            answer = program.receive()                                           # bytes, or Ended

Thread-safe. A program that runs alone runs while no other program of this Sandbox does.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal, Self

from klearctl.reward.sandbox.limits import Ended, Limits

Isolation = Literal["auto", "bubblewrap", "landlock"]
Kind = Literal["calls", "checks"]
LIBRARIES = ("numpy", "sortedcontainers")


class Program:
    """A program under way, one frame at a time."""

    def send(self, frame: bytes) -> None:
        """Sends it one frame; its limits of time and output count from here on. Frames it sent unasked are dropped."""
        raise NotImplementedError

    def receive(self, *, cpu_s: float | None = None, wall_s: float | None = None) -> bytes | Ended:
        """Its next frame, or how it ended; the limits are those it was started with where they are not said.

        Raises:
            SandboxFault: the sandbox failed. The next program gets a new server: run the whole program once more.
        """
        raise NotImplementedError


class Sandbox:
    """Programs run here. A context manager; when it is closed no process of it is left."""

    isolation: str
    """What confines the programs, for a person to read."""

    def __init__(
        self,
        *,
        lanes: int = 0,
        isolation: Isolation = "auto",
        unsafe: bool = False,
        libraries: Sequence[str] = LIBRARIES,
    ) -> None:
        """Starts with `lanes` lanes, or one for each core.

        Raises:
            ConfigError: this machine offers no isolation, and unsafe is not said.
        """
        raise NotImplementedError

    def script(self, source: bytes, stdin: bytes, limits: Limits, *, alone: bool = False) -> Ended:
        """Runs a program that reads stdin and prints, to its end.

        `frames` of what comes back starts with what inside/script.py says of the compilation.

        Raises:
            SandboxFault: the sandbox failed twice.
        """
        raise NotImplementedError

    @contextmanager
    def program(self, kind: Kind, source: bytes, limits: Limits, *, alone: bool = False) -> Iterator[Program]:
        """A program that answers frames; gone at the end of the block."""
        raise NotImplementedError

    @contextmanager
    def pair(
        self, calls: bytes, checks: bytes, limits: Limits, *, alone: bool = False
    ) -> Iterator[tuple[Program, Program]]:
        """A "calls" program and the "checks" program that asks about it, each in a server of its own, on one lane.

        A block that holds a lane must not ask for a second one: with one lane it would wait for itself.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Ends all servers; waits until no process is left."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
