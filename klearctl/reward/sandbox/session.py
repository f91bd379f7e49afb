"""The processes of one session, ended: the number of a session in, nothing of it left.

A program cannot leave the session of its server, as the filter of system calls refuses setsid(2). So what a server that
died left behind is found, in whatever namespaces it is.
"""

import contextlib
import os
import select
import signal
import time

_STATE, _SESSION = 0, 3  # of /proc/PID/stat, counted from the field after the name in brackets; proc(5)
_DEAD = (b"Z", b"X")
_AGAIN_S = 0.005


def end(session: int, *, within_s: float) -> None:
    """Kills all of it, and waits until they are gone; one that its parent has not asked after is gone.

    Raises:
        TimeoutError: some are there still.
    """
    until = time.monotonic() + within_s
    while left := members(session):
        if time.monotonic() > until:
            raise TimeoutError(f"processes {left} of session {session} do not end")
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        select.select([], [], [], _AGAIN_S)


def members(session: int) -> list[int]:
    """The processes of the session that are alive."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and _belongs(name, session)]


def _belongs(pid: str, session: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return int(fields[_SESSION]) == session and fields[_STATE] not in _DEAD
