"""The filter of system calls: one for both back ends. What it refuses, and for which arguments; seccomp(2), bpf.

A filter is a list of instructions for a small machine (Documentation/networking/filter.rst): eight bytes each. It sees
the number of the call and its arguments (`struct seccomp_data`), not what they point to.
"""

import ctypes
import errno
import os
import struct

from . import kernel, syscalls

ALLOW, KILL, DONE = 0x7FFF0000, 0x80000000, 0x00050000  # SECCOMP_RET_ALLOW, _KILL_PROCESS, _ERRNO
EPERM, ENOSYS = DONE | errno.EPERM, DONE | errno.ENOSYS

_LOAD, _AND, _RETURN, _JUMP = 0x20, 0x54, 0x06, 0x05  # BPF_LD+W+ABS, BPF_ALU+AND+K, BPF_RET+K, BPF_JMP+JA
_EQUAL, _AT_LEAST, _ANY_BIT = 0x15, 0x35, 0x45  # BPF_JMP with JEQ, JGE, JSET
_NUMBER, _ARCH, _ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data
_ARCHES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}  # linux/audit.h
_ITSELF = 0x7EADBEEF  # stands for the number of the process, and is no other constant here
_X32 = 0x40000000  # the bit that the calls of x86_64's other ABI have

# clone(2): new namespaces, to be traced, to be a sibling.
_BAD_CLONE = 0x20000 | 0x2000000 | 0x4000000 | 0x8000000 | 0x10000000 | 0x20000000 | 0x40000000 | 0x2000 | 0x8000
# fcntl(2): F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC, F_GETPIPE_SZ. Not F_SETOWN and F_SETSIG, which
# send any signal to any process of the same user; no leases, and no locks, of which there may be any number.
_GOOD_FCNTL = (*range(5), 1030, 1032)
# ioctl(2): TCGETS, TCGETS2 (isatty), TIOCGWINSZ, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX.
_GOOD_IOCTL = (0x5401, 0x802C542A, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)
# prctl(2): PR_GET_PDEATHSIG, PR_GET_DUMPABLE, PR_SET_NAME, PR_GET_NAME, PR_GET_SECCOMP, PR_CAPBSET_READ,
# PR_GET_TIMERSLACK, PR_SET_NO_NEW_PRIVS, PR_GET_NO_NEW_PRIVS, PR_SET_VMA (glibc names its memory).
_GOOD_PRCTL = (2, 3, 15, 16, 21, 23, 30, 38, 39, 0x53564D41)
_AF_UNIX, _SOCK_STREAM, _SOCK_TYPES = 1, 1, 0xF
_O_ACCMODE, _O_TRUNC, _O_TMPFILE = 3, 0o1000, 0o20000000
_MAP_SHARED, _MAP_ANONYMOUS = 0x01, 0x20

Code = list[tuple[int, int, int, int]]  # instructions: what, how far to jump if true, if false, a constant


class Filter:
    """The filter, made once by the warm server: each program puts its own number into it."""

    def __init__(self) -> None:
        code = program(_ITSELF, kernel.machine())
        self._code = b"".join(struct.pack("<HBBI", *instruction) for instruction in code)

    def install(self) -> None:
        """Confines this process and all that it forks to the filter, for good. It may signal itself alone.

        Raises:
            OSError: the kernel has no seccomp.
        """
        code = self._code.replace(struct.pack("<I", _ITSELF), struct.pack("<I", os.getpid()))
        instructions = ctypes.create_string_buffer(code, len(code))
        described = ctypes.create_string_buffer(struct.pack("@HP", len(code) // 8, ctypes.addressof(instructions)))
        mode_filter = 2
        kernel.prctl(kernel.PR_SET_SECCOMP, mode_filter, ctypes.addressof(described))


def program(pid: int, machine: str) -> Code:
    """The whole filter for one machine."""
    actions: dict[int, Code] = {}
    for table, action in (
        (syscalls.ALLOWED, ALLOW),
        (syscalls.PRETENDED, DONE),
        (syscalls.REFUSED, EPERM),
        (syscalls.ENDING, KILL),
    ):
        actions |= {number: [_ret(action)] for number in syscalls.numbers(table, machine).values()}
    checks = _checks(pid)
    actions |= {number: checks[name] for name, number in syscalls.numbers(syscalls.CHECKED, machine).items()}
    own_arch = [(_LOAD, 0, 0, _ARCH), (_EQUAL, 1, 0, _ARCHES[machine]), _ret(KILL)]
    own_abi = [(_LOAD, 0, 0, _NUMBER), (_AT_LEAST, 0, 1, _X32), _ret(KILL)]
    return own_arch + own_abi + _choose(_ranges(actions))


def _checks(pid: int) -> dict[str, Code]:
    """For each call of the table CHECKED, the code that judges its arguments."""
    itself = _only(0, (pid,), EPERM)
    return {
        "open": _seen(1),
        "openat": _seen(2),
        "mmap": _shared_nowhere(3),
        "clone": [_argument(0), (_ANY_BIT, 0, 1, _BAD_CLONE), _ret(KILL), _ret(ALLOW)],
        "fcntl": _only(1, _GOOD_FCNTL, EPERM),
        "ioctl": _only(1, _GOOD_IOCTL, EPERM),
        "prctl": _only(0, _GOOD_PRCTL, EPERM),
        "prlimit64": _only(0, (0, pid), EPERM),
        "sched_setaffinity": _only(0, (0, pid), EPERM),
        "kill": itself,
        "tkill": itself,
        "tgkill": itself,
        "rt_sigqueueinfo": itself,
        "rt_tgsigqueueinfo": itself,
        "socketpair": _stream_pair(),
        "sendto": _to_nobody(4),
    }


def _seen(index: int) -> Code:
    """No open for reading that truncates, of which Landlock sees the reading alone before its third version; and none
    of a file without a name, which nobody can count.
    """
    return [
        *(_argument(index), (_ANY_BIT, 4, 0, _O_TMPFILE), (_ANY_BIT, 0, 4, _O_TRUNC)),
        *((_AND, 0, 0, _O_ACCMODE), (_EQUAL, 1, 0, os.O_RDONLY), _ret(ALLOW), _ret(EPERM), _ret(ALLOW)),
    ]


def _shared_nowhere(index: int) -> Code:
    """Shared memory without a file: what of it is not mapped at the moment counts for no process."""
    return [
        _argument(index),
        (_AND, 0, 0, _MAP_SHARED | _MAP_ANONYMOUS),
        (_EQUAL, 0, 1, _MAP_SHARED | _MAP_ANONYMOUS),
        _ret(EPERM),
        _ret(ALLOW),
    ]


def _stream_pair() -> Code:
    """unix(7): a pair of streams reaches nobody but itself; a datagram socket of a pair can still name another peer."""
    family, kind = _argument(0), _argument(1)
    return [
        *(family, (_EQUAL, 0, 3, _AF_UNIX), kind, (_AND, 0, 0, _SOCK_TYPES)),
        *((_EQUAL, 1, 0, _SOCK_STREAM), _ret(EPERM), _ret(ALLOW)),
    ]


def _to_nobody(index: int) -> Code:
    """The address, a pointer of 64 bits, is null."""
    low = _argument(index)
    high = (_LOAD, 0, 0, low[3] + 4)
    return [low, (_EQUAL, 0, 2, 0), high, (_EQUAL, 1, 0, 0), _ret(EPERM), _ret(ALLOW)]


def _only(index: int, values: tuple[int, ...], otherwise: int) -> Code:
    """The low half of an argument is one of the values; the kernel takes these arguments as ints."""
    tests = [(_EQUAL, len(values) - place, 0, value) for place, value in enumerate(values)]
    return [_argument(index), *tests, _ret(otherwise), _ret(ALLOW)]


def _ranges(actions: dict[int, Code]) -> list[tuple[int, Code]]:
    """Where in the order of numbers a new action begins; what is not named is ENOSYS."""
    ranges: list[tuple[int, Code]] = []
    for number in range(max(actions) + 2):
        action = actions.get(number, [_ret(ENOSYS)])
        if not ranges or ranges[-1][1] != action:
            ranges.append((number, action))
    return ranges


def _choose(ranges: list[tuple[int, Code]]) -> Code:
    """A search by halves for the range that the number, which is loaded, lies in."""
    if len(ranges) == 1:
        return ranges[0][1]
    middle = len(ranges) // 2
    below, above = _choose(ranges[:middle]), _choose(ranges[middle:])
    return [(_AT_LEAST, 0, 1, ranges[middle][0]), (_JUMP, 0, 0, len(below)), *below, *above]


def _argument(index: int) -> tuple[int, int, int, int]:
    return (_LOAD, 0, 0, _ARGUMENTS + 8 * index)


def _ret(action: int) -> tuple[int, int, int, int]:
    return (_RETURN, 0, 0, action)
