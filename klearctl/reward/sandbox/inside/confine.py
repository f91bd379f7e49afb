"""The confinement of one program, in the fork that will run it: what it may use in, nothing out; for good.

Order matters: each step may need what a later one takes away. The filter of system calls comes last.
"""

import fcntl
import os
import resource
from collections.abc import Iterable
from dataclasses import dataclass

from . import kernel, landlock, seccomp

_STACK = 64 << 20  # recursion through C, such as a cached function's, takes half a kilobyte a level
_OUTLIVED_S = 3600  # CPU seconds of a process that should outlive the server and its client
_FILES = 64  # descriptors; more would hold much of the kernel's memory, as buffers of sockets
_SIGNALS = 256  # that wait
_OUT_OF_THE_WAY = 10  # a descriptor from here on is none of the first
_FIRST_TO_GO = "1000"  # the kernel ends these first when memory runs out; proc(5), oom_score_adj


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a program may use."""

    address_space: int
    """Bytes, with what is mapped already."""

    tasks: int
    """Of its user, with those that are there already."""

    scratch: str
    scratch_mb: int
    keep: tuple[int, ...] = ()
    """Descriptors that stay open beside the first four: folders, to be looked up in."""

    readable: tuple[str, ...] = ()
    landlock_abi: int | None = None
    filter: seccomp.Filter
    unsafe: bool
    """It runs also where the kernel has no filter."""


def take(descriptors: Iterable[int], *, keep: Iterable[int]) -> None:
    """The descriptors become 0, 1, 2 and so on; all others but those to keep are closed."""
    high = [fcntl.fcntl(fd, fcntl.F_DUPFD, _OUT_OF_THE_WAY) for fd in descriptors]
    for place, fd in enumerate(high):
        os.dup2(fd, place)
    close_others((*range(len(high)), *keep))


def close_others(keep: Iterable[int]) -> None:
    """Closes all descriptors but these."""
    first = 0
    for fd in sorted(keep):
        if first < fd:  # closerange(0, 0) of Python 3.11 closes all
            os.closerange(first, fd)
        first = fd + 1
    os.closerange(first, (1 << 31) - 1)  # close_range(2)


def first_to_go() -> None:
    """This process, and all that it forks, ends before any other when memory runs out."""
    with open("/proc/self/oom_score_adj", "w") as file:
        file.write(_FIRST_TO_GO)


def confine(rules: Rules) -> None:
    """Confines this process to the rules.

    Raises:
        OSError: the kernel refused a step: the program must not run.
    """
    os.chdir(rules.scratch)
    os.umask(0o077)
    os.environ |= {"HOME": rules.scratch, "TMPDIR": rules.scratch}
    _limit(rules)
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    if rules.landlock_abi is not None:
        landlock.restrict(rules.readable, rules.scratch, abi=rules.landlock_abi)
    try:
        rules.filter.install()
    except OSError:
        if not rules.unsafe:
            raise


def _limit(rules: Rules) -> None:
    """setrlimit(2)."""
    for limit, value in (
        (resource.RLIMIT_AS, rules.address_space),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, _OUTLIVED_S),
        (resource.RLIMIT_FSIZE, rules.scratch_mb << 20),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
        (resource.RLIMIT_NOFILE, _FILES),
        (resource.RLIMIT_NPROC, rules.tasks),
        (resource.RLIMIT_SIGPENDING, _SIGNALS),
        (resource.RLIMIT_STACK, _STACK),
    ):
        _, hard = resource.getrlimit(limit)
        least = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (least, least))
