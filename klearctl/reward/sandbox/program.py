"""One program from its client's side: frames in; frames, and in the end how it ended, out."""

import os
import signal
import time
from typing import Any, Literal

from klearctl.reward.sandbox.limits import Ended, How, Limits, SandboxFault
from klearctl.reward.sandbox.pipes import Pipes
from klearctl.reward.sandbox.warm import Warm

Kind = Literal["script", "calls", "checks"]

_SAY_AFTER_S = 0.05  # an answer that comes sooner took few CPU seconds: the server is told no budget for it
_KILLED = 128 + signal.SIGKILL
_WORDS = {"cpu": How.CPU, "memory": How.MEMORY, "scratch": How.SCRATCH, "processes": How.SIGNALLED}


class Program:
    """A program under way. Not for several threads at once."""

    def __init__(self, warm: Warm, kind: Kind, source: bytes, limits: Limits, *, stdin: bytes | None = None) -> None:
        """Starts it; without stdin it reads nothing.

        Raises:
            SandboxFault: the server is gone.
        """
        self._warm, self._limits = warm, limits
        self._has_budget = kind == "script"
        self._ended: Ended | None = None
        self._is_lost = False
        self._began = self._sent_at = time.monotonic()
        self._pipes = Pipes(stdin=stdin, most=limits.output_bytes, keep_stdout=kind == "script")
        try:
            warm.order(_order(kind, limits), self._pipes.theirs)
            self._pipes.hand_over()
            self._pipes.send(source)
        except SandboxFault:
            self._pipes.close()
            raise

    def send(self, frame: bytes) -> None:
        """Sends it one frame; its limits of time and output count from here on. Frames it sent unasked are dropped."""
        self._sent_at = time.monotonic()
        self._pipes.count_anew()
        self._pipes.send(frame)

    def receive(self, *, cpu_s: float | None = None, wall_s: float | None = None) -> bytes | Ended:
        """Its next frame, or how it ended; the limits are those it was started with where they are not said.

        Raises:
            SandboxFault: the sandbox failed. The next program gets a new server: run the whole program once more.
        """
        limits = self._limits
        until = self._sent_at + (limits.clock_s() if wall_s is None else wall_s)
        while not self._pipes.frames and self._ended is None:
            self._wait(until, limits.cpu_s if cpu_s is None else cpu_s)
        if not self._pipes.frames:
            assert self._ended is not None
            return self._ended
        if self._has_budget and self._ended is None:
            self._warm.say({"cpu_s": None})
            self._has_budget = False
        return self._pipes.frames.popleft()

    def end(self) -> Ended:
        """Waits for its end, within the limits that it was started with."""
        until = self._sent_at + self._limits.clock_s()
        while self._ended is None:
            self._wait(until, self._limits.cpu_s)
        return self._ended

    def stop(self) -> None:
        """Ends it, where it has not ended: none of its processes is left.

        Raises:
            SandboxFault: the sandbox failed. Its server must end.
        """
        if self._ended is None and not self._is_lost:
            self._kill(How.SIGNALLED)

    def _wait(self, until: float, cpu_s: float) -> None:
        """Until something happens; what crosses a limit on the clock or of output ends the program."""
        now = time.monotonic()
        say_at = until if self._has_budget else min(until, self._sent_at + _SAY_AFTER_S)
        if now >= until:
            self._kill(How.WALL)
            return
        if now >= say_at:
            self._warm.say({"cpu_s": cpu_s})
            self._has_budget = True
            say_at = until
        if self._pipes.wait(self._warm.control.fileno(), say_at - now):
            self._end(None)
        elif self._pipes.written > self._limits.output_bytes:
            self._kill(How.OUTPUT)

    def _kill(self, how: How) -> None:
        self._warm.say("kill")
        self._end(how)

    def _end(self, how: How | None) -> None:
        """Hears that all its processes are gone; `how` is why we ended it, else it is what the server says."""
        try:
            answer = self._warm.answer()
        except SandboxFault:
            self._is_lost = True
            self._pipes.close()
            raise
        self._pipes.drain()
        if how is None and self._pipes.written > self._limits.output_bytes:
            how = How.OUTPUT
        how, code = _judge(answer, how)
        self._ended = Ended(
            how=how,
            code=code,
            stdout=bytes(self._pipes.stdout[: self._limits.output_bytes]),
            stderr_tail=self._pipes.stderr.decode("utf-8", "replace"),
            frames=tuple(self._pipes.frames),
            cpu_s=answer["cpu_s"],
            wall_s=time.monotonic() - self._began,
        )
        self._pipes.close()


def _order(kind: Kind, limits: Limits) -> dict[str, Any]:
    return {
        "kind": kind,
        "memory_mb": limits.memory_mb,
        "processes": limits.processes,
        "scratch_mb": limits.scratch_mb,
        "scratch_files": limits.scratch_files,
        "cpu_s": limits.cpu_s if kind == "script" else None,
    }


def _judge(answer: dict[str, Any], how: How | None) -> tuple[How, int]:
    """What ended it, and its exit code, from the server's word and its wait status (wait(2))."""
    if how is None and answer["how"] in _WORDS:
        how = _WORDS[answer["how"]]
    if how is not None:
        return how, _KILLED
    code = os.waitstatus_to_exitcode(answer["status"])
    if code >= 0:
        return How.EXITED, code
    return (How.VIOLATION if -code == signal.SIGSYS else How.SIGNALLED), 128 - code
