"""A program in namespaces of its own, for a server that bubblewrap confines: its first process, which reaps.

Inside bubblewrap the server sees the interpreter, read-only, and no network. Each program gets a user, a process, a
mount and an IPC namespace more (user_namespaces(7), pid_namespaces(7), mount_namespaces(7)): it sees no process but its
own, a scratch folder in memory that goes with it, and no /proc. When the first process of a process namespace ends, the
kernel ends all others before it reports the end: that is the proof that nothing is left.
"""

import contextlib
import os
import signal
from collections.abc import Callable
from typing import NoReturn

from . import confine, kernel

SCRATCH = "/tmp"

_NEW = kernel.CLONE_NEWUSER | kernel.CLONE_NEWPID | kernel.CLONE_NEWNS | kernel.CLONE_NEWIPC
_FLAGS = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC


class Namespaces:
    """One program and all that it forks, below a first process of ours."""

    def __init__(self, program: Callable[[], NoReturn], status_fd: int, *, scratch: str) -> None:
        self.cpu_s = 0.0
        """Of those that have ended; here all are counted at the end."""

        user, group = os.getuid(), os.getgid()
        self.pid = kernel.clone(_NEW)
        if not self.pid:
            _be_first(program, status_fd, user, group, scratch)

    def reap(self) -> bool:
        """The first process reaps."""
        return True

    def end(self) -> None:
        """Ends all of them. The wait status of the program has been written, where it ended by itself."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        _, _, used = os.wait4(self.pid, kernel.WALL)
        self.cpu_s = used.ru_utime + used.ru_stime


def _be_first(program: Callable[[], NoReturn], status_fd: int, user: int, group: int, scratch: str) -> NoReturn:
    try:
        _settle(user, group, scratch)
        inner = os.fork()
        if not inner:
            os.setpgid(0, 0)
            program()
        confine.close_others((status_fd,))
        status = _reap(inner)
        left = os.statvfs(SCRATCH)
        full = b"full\n" if not left.f_bfree or not left.f_ffree else b""
        os.write(status_fd, full + b"ended %d\n" % status)
    except OSError as error:
        os.write(status_fd, f"fault {error}\n".encode())
    finally:
        os._exit(0)


def _settle(user: int, group: int, scratch: str) -> None:
    """The user keeps its number; then the mounts; then all power over the namespaces is given up."""
    kernel.prctl(kernel.PR_SET_DUMPABLE, 1)  # else /proc/self is root's; proc(5)
    confine.first_to_go()
    for name, line in (
        ("setgroups", b"deny"),
        ("uid_map", b"%d %d 1" % (user, user)),
        ("gid_map", b"%d %d 1" % (group, group)),
    ):
        fd = os.open(f"/proc/self/{name}", os.O_WRONLY)
        os.write(fd, line)
        os.close(fd)
    kernel.prctl(kernel.PR_SET_DUMPABLE, 0)  # no core is written for what crashes; core(5)
    kernel.mount("tmpfs", SCRATCH, _FLAGS, scratch)
    kernel.mount("tmpfs", "/proc", _FLAGS | kernel.MS_RDONLY, "size=4k,nr_inodes=1")
    kernel.drop_capabilities()


def _reap(program: int) -> int:
    """Waits for the program's end, and for all that others leave behind meanwhile; the program's wait status."""
    while True:
        pid, status = os.waitpid(-1, kernel.WALL)
        if pid == program:
            return status
