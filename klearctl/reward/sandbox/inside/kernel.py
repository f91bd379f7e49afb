"""The system calls that Python has no function for, by number; and what they are called with.

Sources: the manual pages named at each, section 2.
"""

import ctypes
import os
import struct

SIGCHLD = 17
CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID = 0x00020000, 0x08000000, 0x10000000, 0x20000000  # clone(2)
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8  # mount(2)
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = (
    1,
    4,
    22,
    36,
    38,
)  # prctl(2)
WALL = 0x40000000  # wait4(2): children of every kind

_NUMBERS = {  # as in syscalls.py; the calls of Landlock have one number on all machines
    "x86_64": {"clone": 56, "capset": 126},
    "aarch64": {"clone": 220, "capset": 91},
}
LANDLOCK_CREATE_RULESET, LANDLOCK_ADD_RULE, LANDLOCK_RESTRICT_SELF = 444, 445, 446

_libc = ctypes.PyDLL(None, use_errno=True)  # PyDLL keeps the interpreter's lock: a fork must find it held by itself


def machine() -> str:
    """This machine, as the tables of numbers name it.

    Raises:
        OSError: there is no table for it.
    """
    name = os.uname().machine
    if name not in _NUMBERS:
        raise OSError(f"no table of system calls for {name}")
    return name


def syscall(number: int, *arguments: int | bytes | ctypes.Array[ctypes.c_char] | None) -> int:
    """Makes the call.

    Raises:
        OSError: it failed.
    """
    words = [ctypes.c_long(argument) if isinstance(argument, int) else argument for argument in arguments]
    return _checked(_libc.syscall(ctypes.c_long(number), *words))


def prctl(option: int, *arguments: int) -> int:
    """prctl(2).

    Raises:
        OSError: it failed.
    """
    words = [ctypes.c_ulong(argument) for argument in (*arguments, 0, 0, 0, 0)[:4]]
    return _checked(_libc.prctl(option, *words))


def mount(kind: str, where: str, flags: int, data: str) -> None:
    """A new file system of the kind; mount(2)."""
    _checked(_libc.mount(kind.encode(), where.encode(), kind.encode(), ctypes.c_ulong(flags), data.encode()))


def clone(flags: int) -> int:
    """Forks into new namespaces: 0 in the child; clone(2).

    Nothing of Python's own runs at this fork. The process has one thread and holds the interpreter's lock, so the
    child's interpreter is whole; it must fork once more by `os.fork` before it runs what others wrote.
    """
    return syscall(_NUMBERS[machine()]["clone"], flags | SIGCHLD, 0, 0, 0, 0)


def drop_capabilities() -> None:
    """No capability is left, in any set; capset(2), capabilities(7)."""
    version_3 = ctypes.create_string_buffer(struct.pack("<Ii", 0x20080522, 0))
    syscall(_NUMBERS[machine()]["capset"], version_3, ctypes.create_string_buffer(struct.pack("<6I", *[0] * 6)))


def _checked(result: int) -> int:
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
