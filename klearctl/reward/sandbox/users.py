"""Users that nobody is, for a caller that is root: each warm server becomes one, so the kernel counts its tasks alone.

(RLIMIT_NPROC counts for each user, and does not hold for root: setrlimit(2).)
"""

import contextlib
import os
import pwd
import random
import socket
from collections.abc import Iterator

_FIRST, _LAST = 61_184, 65_519  # systemd's dynamic users: no package and no person has them


def is_root() -> bool:
    """Whether we are root, and so must not run programs as ourselves."""
    return os.getuid() == 0


@contextlib.contextmanager
def claimed() -> Iterator[int]:
    """A user that no other sandbox on this machine takes meanwhile.

    An abstract socket is the claim (unix(7)): binding it is atomic, and the kernel takes it back when its owner ends.

    Raises:
        OSError: all are taken.
    """
    at_work = _at_work()
    users = [user for user in range(_FIRST, _LAST + 1) if user not in at_work]
    random.shuffle(users)
    for user in users:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as claim:
            try:
                claim.bind(f"\0klear-sandbox-user-{user}")
            except OSError:  # another sandbox has it
                continue
            if not _has_name(user):
                yield user
                return
    raise OSError(f"every user from {_FIRST} to {_LAST} is taken")


def _at_work() -> set[int]:
    """The users that have a process."""
    found = set()
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                found.add(os.stat(f"/proc/{name}").st_uid)
    return found


def _has_name(user: int) -> bool:
    try:
        pwd.getpwuid(user)
    except KeyError:
        return False
    return True
