"""A program in a process group of its own, for a server without namespaces.

The filter of system calls refuses setsid and setpgid, so the group holds all that the program ever forks; what loses
its parent becomes a child of the server (prctl(2), PR_SET_CHILD_SUBREAPER). A signal to a group and a fork in it
exclude each other (kernel/fork.c, copy_process: no child is added while a fatal signal is pending), so one SIGKILL
reaches all of them; that none is left is known when the server has no child.
"""

import contextlib
import os
import select
import signal
from collections.abc import Callable
from typing import NoReturn

from . import confine, kernel

_AGAIN_S = 0.002


class Group:
    """One program and all that it forks."""

    def __init__(self, program: Callable[[], NoReturn], status_fd: int) -> None:
        self.cpu_s = 0.0
        """Of those that have ended."""

        self._status: int | None = None
        self.pid = os.fork()
        if not self.pid:
            try:
                os.setpgid(0, 0)
                kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
                kernel.prctl(kernel.PR_SET_DUMPABLE, 1)  # else /proc/self is root's; proc(5)
                confine.first_to_go()
                kernel.prctl(kernel.PR_SET_DUMPABLE, 0)  # no core is written for what crashes; core(5)
                program()
            except OSError as error:
                os.write(status_fd, f"fault {error}\n".encode())
            finally:
                os._exit(1)
        with contextlib.suppress(ProcessLookupError, PermissionError):  # it has ended, or has done so itself
            os.setpgid(self.pid, self.pid)

    def reap(self) -> bool:
        """Waits for those that have ended; whether there are others."""
        while True:
            try:
                pid, status, used = os.wait4(-1, os.WNOHANG | kernel.WALL)
            except ChildProcessError:
                return False
            if not pid:
                return True
            self.cpu_s += used.ru_utime + used.ru_stime
            if pid == self.pid:
                self._status = status

    def end(self) -> int:
        """Ends all of them; the wait status of the first."""
        while self.reap():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            if self.reap():
                select.select([], [], [], _AGAIN_S)  # a kill takes the kernel a moment
        assert self._status is not None
        return self._status
