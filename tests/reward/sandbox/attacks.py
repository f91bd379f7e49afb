"""What an attack on the sandbox is: a program that should print ANSWER, and the verdict that it must come to.

One that reaches what it must not prints ANSWER, and would be accepted: so no verdict here is `accepted`. One that is
refused and goes on prints something else (`wrong_answer`), or lets the exception end it (`runtime_error`).
"""

import platform
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from klearctl.reward.sandbox.inside import syscalls
from klearctl.reward.verdict import Verdict

ANSWER = "the answer"

TIME, MEMORY, OUTPUT = Verdict.TIME_LIMIT, Verdict.MEMORY_LIMIT, Verdict.OUTPUT_LIMIT
WRONG, ERROR, VIOLATION = Verdict.WRONG_ANSWER, Verdict.RUNTIME_ERROR, Verdict.SANDBOX_VIOLATION
COMPILE = Verdict.COMPILE_ERROR

# What all of them start with. WORLD says what there is outside: see world.py.
_START = """
import os, signal, socket, sys, time
WORLD, NUMBERS = {world!r}, {numbers!r}

def works(what, *arguments, **named):
    try:
        what(*arguments, **named)
        return True
    except OSError:
        return False

def syscall(name, *arguments):
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    words = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
    result = libc.syscall(ctypes.c_long(NUMBERS[name]), *words)
    if result == -1:
        raise OSError(ctypes.get_errno(), name)
    return result

def won(*ways):
    print("the answer" if any(ways) else "blocked")

"""


class Attack(NamedTuple):
    """One program, and the limits that it has where they are not the small ones of the table."""

    name: str
    verdict: Verdict
    body: str
    limits: Mapping[str, Any] = MappingProxyType({})

    def source(self, world: dict[str, Any]) -> bytes:
        """What is run."""
        return (_START.format(world=world, numbers=_numbers()) + self.body).encode()


def _numbers() -> dict[str, int]:
    tables = (syscalls.ALLOWED, syscalls.CHECKED, syscalls.REFUSED, syscalls.ENDING)
    return {name: number for table in tables for name, number in syscalls.numbers(table, platform.machine()).items()}
