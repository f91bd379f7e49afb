"""One worker process, seen from outside: a question and a limit in; its verdict out, or how it failed."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from typing import Any

from klearctl.reward.verdict import Verdict

PROGRAM = "klearctl.reward.maths.worker"
START_S = 300.0  # on a machine that is busy with everything else
END_S = 5.0


class Died(Exception):
    """The process ended by itself."""


class TooSlow(Exception):
    """The limit is over, and so is the process."""


class Nursery:
    """The warm process that workers are forked from. It ends when this object is closed, or whoever made it ends."""

    def __init__(self, means: str, *, memory: int) -> None:
        self._control, theirs = socket.socketpair()
        with theirs:
            program = [sys.executable, "-m", PROGRAM, means, str(theirs.fileno()), str(memory)]
            self._process = subprocess.Popen(program, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def fork(self) -> "Lane":
        """A new worker; it may take its time to be ready.

        Raises:
            Died: the warm process has ended.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                socket.send_fds(self._control, [b"f"], [theirs.fileno()])
            except OSError as error:
                ours.close()
                raise Died("the warm process ended") from error
        return Lane(ours)

    def close(self) -> None:
        """Ends it, and its workers with it."""
        self._control.close()
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:  # still importing, or stopped
            self._process.kill()
            self._process.wait()


class Lane:
    """A worker. One question at a time."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._read = b""
        self._pidfd: int | None = None
        self.spent = False
        """Whether it ends by itself now, as it should."""

    def verdict(self, gold: str, answer: str, *, limit_s: float) -> Verdict | None:
        """What it says; None where its means find nothing.

        Raises:
            TooSlow: it did not within the limit; it is killed.
            Died: it ended by itself.
        """
        if self._pidfd is None:
            self._await()
        question = {"gold": gold, "answer": answer, "limit_s": limit_s}
        reply = self._exchange(json.dumps(question).encode() + b"\n", within_s=limit_s)
        self.spent = reply["last"]
        return Verdict(reply["verdict"]) if reply["verdict"] else None

    def kill(self) -> None:
        """Ends the process, whatever it is doing."""
        self._connection.close()
        if self._pidfd is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
            os.close(self._pidfd)
            self._pidfd = None

    def _await(self) -> None:
        """Until the process is there; its limit does not count yet."""
        try:
            hello = self._exchange(b"", within_s=START_S)
            self._pidfd = os.pidfd_open(hello["pid"])
        except (TooSlow, ProcessLookupError) as error:
            raise Died("it did not start") from error

    def _exchange(self, question: bytes, *, within_s: float) -> dict[str, Any]:
        deadline = time.monotonic() + within_s
        try:
            self._connection.settimeout(within_s)
            self._connection.sendall(question)
            while b"\n" not in self._read:
                self._connection.settimeout(max(0.001, deadline - time.monotonic()))
                piece = self._connection.recv(1 << 16)
                if not piece:
                    raise Died("it ended")
                self._read += piece
        except TimeoutError as error:
            self.kill()
            raise TooSlow(f"no answer within {within_s} s") from error
        except OSError as error:
            raise Died(str(error)) from error
        line, _, self._read = self._read.partition(b"\n")
        return json.loads(line)
