"""The sandbox as its users see it: lanes of warm servers, as many programs at once as there are lanes.

    with Sandbox() as sandbox:
        ended = sandbox.script(b"print(input()[::-1])", b"abc\n", Limits())      # ended.stdout == b"cba\n"
        with sandbox.program("calls", source, Limits()) as program:
            program.send(frame)
            answer = program.receive()                                           # bytes, or Ended

Thread-safe. A program that runs alone runs while no other program of this Sandbox does.
"""

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal, Self

from klearctl.reward.sandbox import isolation as isolations
from klearctl.reward.sandbox import session
from klearctl.reward.sandbox.isolation import Isolation
from klearctl.reward.sandbox.lane import Lane
from klearctl.reward.sandbox.limits import Ended, Limits, SandboxFault
from klearctl.reward.sandbox.program import Program

Kind = Literal["calls", "checks"]
LIBRARIES = ("numpy", "sortedcontainers")


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
        landlock_abi: int | None = None,
    ) -> None:
        """Starts with `lanes` lanes, or one for each core; a kernel's Landlock is used up to `landlock_abi`.

        Raises:
            ConfigError: this machine offers no isolation, and unsafe is not said; or a library is not installed.
        """
        chosen = isolations.choose(isolation, libraries, unsafe=unsafe, landlock_abi=landlock_abi)
        self.isolation = chosen.name
        count = lanes or len(os.sched_getaffinity(0))
        self._lanes = [chosen.lane, *(Lane(chosen.confinement, libraries) for _ in range(count - 1))]
        self._free = self._lanes[::-1]  # the last is taken first: the one that was used last
        self._turn = threading.Condition()
        self._waiting_alone, self._is_alone, self._is_closed = 0, False, False

    def script(self, source: bytes, stdin: bytes, limits: Limits, *, alone: bool = False) -> Ended:
        """Runs a program that reads stdin and prints, to its end.

        `frames` of what comes back starts with what inside/script.py says of the compilation.

        Raises:
            SandboxFault: the sandbox failed twice.
        """
        try:
            return self._script(source, stdin, limits, alone=alone)
        except SandboxFault:
            return self._script(source, stdin, limits, alone=alone)

    def _script(self, source: bytes, stdin: bytes, limits: Limits, *, alone: bool) -> Ended:
        with self._lane(alone=alone) as lane, lane.program("script", source, limits, stdin=stdin) as program:
            return program.end()

    @contextmanager
    def program(self, kind: Kind, source: bytes, limits: Limits, *, alone: bool = False) -> Iterator[Program]:
        """A program that answers frames; gone at the end of the block.

        Raises:
            SandboxFault: the sandbox failed. The next program gets a new server: run the whole block once more.
        """
        with self._lane(alone=alone) as lane, lane.program(kind, source, limits) as program:
            yield program

    @contextmanager
    def pair(
        self, calls: bytes, checks: bytes, limits: Limits, *, alone: bool = False
    ) -> Iterator[tuple[Program, Program]]:
        """A "calls" program and the "checks" program that asks about it, each in a server of its own, on one lane.

        A block that holds a lane must not ask for a second one: with one lane it would wait for itself.

        Raises:
            SandboxFault: the sandbox failed. The next program gets a new server: run the whole block once more.
        """
        with (
            self._lane(alone=alone) as lane,
            lane.program("calls", calls, limits) as candidate,
            lane.program("checks", checks, limits) as checker,
        ):
            yield candidate, checker

    def processes(self) -> list[int]:
        """All its processes that are alive: its servers, and what their programs are made of."""
        return [pid for lane in self._lanes for number in lane.sessions() for pid in session.members(number)]

    def close(self) -> None:
        """Ends all servers; waits until no process is left. Programs under way are lost, as a SandboxFault."""
        with self._turn:
            self._is_closed = True
            for lane in set(self._lanes) - set(self._free):
                lane.abort()
            self._turn.notify_all()
            self._turn.wait_for(lambda: len(self._free) == len(self._lanes))
        for lane in self._lanes:
            lane.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _lane(self, *, alone: bool) -> Iterator[Lane]:
        """A lane to oneself; alone, all others stay free meanwhile. Who waits to be alone goes first."""
        with self._turn:
            self._waiting_alone += alone
            self._turn.wait_for(lambda: self._is_closed or self._may_go(alone=alone))
            self._waiting_alone -= alone
            if self._is_closed:
                raise SandboxFault("the sandbox is closed")
            self._is_alone = alone
            lane = self._free.pop()
        try:
            yield lane
        finally:
            with self._turn:
                self._free.append(lane)
                if self._is_alone or self._waiting_alone or self._is_closed:
                    self._turn.notify_all()
                else:
                    self._turn.notify()
                self._is_alone = False

    def _may_go(self, *, alone: bool) -> bool:
        if alone:
            return len(self._free) == len(self._lanes)
        return bool(self._free) and not self._is_alone and not self._waiting_alone
