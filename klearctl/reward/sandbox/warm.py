"""One warm server from its client's side: started, told to run programs, ended.

Its programs end with it. It ends by itself when its control socket is closed, so also when we are killed; nothing
relies on the thread that started it living on (as PR_SET_PDEATHSIG does, prctl(2)).
"""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

from klearctl.reward.sandbox import session
from klearctl.reward.sandbox.launch import Confinement, Launch, prepare
from klearctl.reward.sandbox.limits import SandboxFault

READY_S = 120.0  # libraries are read from a cold disk
GRACE_S = 5.0  # to end by itself; it has nothing to save, and is killed then
END_S = 30.0  # until an end is confirmed, on a machine that is very busy
_WORD_BYTES = 65536


class Warm:
    """One warm server. One program at a time; not for several threads at once."""

    def __init__(self, confinement: Confinement, libraries: Sequence[str]) -> None:
        """Starts it and waits until it is ready.

        Raises:
            SandboxFault: it does not get ready.
            ConfigError: a library is not installed.
        """
        with contextlib.ExitStack() as kept:
            self._errors = kept.enter_context(tempfile.TemporaryFile())
            self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            kept.enter_context(self.control)
            with theirs, contextlib.ExitStack() as lent:
                try:
                    launch = prepare(confinement, libraries, theirs.fileno(), lent=lent, kept=kept)
                    self._process = _start(launch, self._errors.fileno())
                except OSError as error:
                    raise SandboxFault(f"a warm server does not start: {error}") from error
            self._kept = kept.pop_all()
        try:
            self.landlock_abi: int | None = self.answer(within_s=READY_S)["landlock_abi"]
        except SandboxFault:
            self.kill()
            raise

    @property
    def session(self) -> int:
        """The session that its processes are in, and those of its programs."""
        return self._process.pid

    def order(self, order: Mapping[str, Any], descriptors: Sequence[int]) -> None:
        """Has it start a program with these descriptors.

        Raises:
            SandboxFault: the server is gone.
        """
        try:
            socket.send_fds(self.control, [json.dumps(order).encode()], list(descriptors))
        except OSError as error:
            raise SandboxFault(f"the warm server is gone: {error}") from error

    def say(self, word: Any) -> None:
        """Says something about the program that runs. A server that is gone says so when it is asked for its answer."""
        with contextlib.suppress(OSError):
            self.control.send(json.dumps(word).encode())

    def answer(self, *, within_s: float | None = None) -> dict[str, Any]:
        """What it says next.

        Raises:
            SandboxFault: the server is gone, or silent, or could not do what it was told.
        """
        within_s = END_S if within_s is None else within_s
        poll = select.poll()
        poll.register(self.control, select.POLLIN)
        if not poll.poll(within_s * 1000):
            raise SandboxFault(f"the warm server is silent for {within_s:g} s")
        try:
            data = self.control.recv(_WORD_BYTES)
        except OSError as error:
            raise SandboxFault(f"the warm server is gone: {error}") from error
        if not data:
            raise SandboxFault(f"the warm server is gone; it said: {self._last_words() or 'nothing'}")
        answer: dict[str, Any] = json.loads(data)
        if answer.get("fault"):
            raise SandboxFault(f"the sandbox could not run a program: {answer['fault']}")
        return answer

    def close(self) -> None:
        """Has it end what runs, and itself."""
        with contextlib.suppress(OSError):
            self.control.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE_S)
        self.kill()

    def abort(self) -> None:
        """Kills it, from another thread; `kill` or `close` must follow."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def kill(self) -> None:
        """Ends it with all its processes, whatever state it is in; when this returns they are gone."""
        if self._process.poll() is None:
            self.abort()
            self._process.wait()
        session.end(self._process.pid, within_s=END_S)
        self._kept.close()

    def _last_words(self) -> str:
        self._errors.seek(0)
        return self._errors.read()[-2000:].decode("utf-8", "replace").strip()


def _start(launch: Launch, errors: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        launch.command,
        env=launch.environment,
        pass_fds=launch.descriptors,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=errors,
        cwd="/",
        start_new_session=True,
        user=launch.user,
        group=launch.user,
        extra_groups=None if launch.user is None else [],
    )
