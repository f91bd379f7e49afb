"""The filter of system calls, run by a small machine of our own: so the one for the other kind of machine too."""

import functools
import itertools

import pytest

from klearctl.reward.sandbox.inside import syscalls
from klearctl.reward.sandbox.inside.seccomp import ALLOW, DONE, ENOSYS, EPERM, KILL, Code, program

ARCHES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}  # linux/audit.h
SELF, OTHER = 4321, 99


@functools.cache
def made(machine: str) -> Code:
    """The filter for the machine."""
    return program(SELF, machine)


def judge(machine: str, number: int, *arguments: int, arch: int | None = None) -> int:
    """What the filter says of a call; see Documentation/networking/filter.rst."""
    words = [number, ARCHES[machine] if arch is None else arch, 0, 0]
    for argument in (*arguments, 0, 0, 0, 0, 0, 0)[:6]:
        words += [argument & 0xFFFFFFFF, argument >> 32 & 0xFFFFFFFF]
    code = made(machine)
    accumulator = place = 0
    while True:
        what, if_true, if_false, constant = code[place]
        place += 1
        match what:
            case 0x20:
                accumulator = words[constant // 4]
            case 0x54:
                accumulator &= constant
            case 0x05:
                place += constant
            case 0x06:
                return constant
            case 0x15 | 0x35 | 0x45:
                holds = {0x15: accumulator == constant, 0x35: accumulator >= constant, 0x45: accumulator & constant}
                place += if_true if holds[what] else if_false


@pytest.mark.parametrize("machine", ARCHES)
@pytest.mark.parametrize(
    ("table", "action"),
    [(syscalls.ALLOWED, ALLOW), (syscalls.PRETENDED, DONE), (syscalls.REFUSED, EPERM), (syscalls.ENDING, KILL)],
    ids=["allowed", "pretended", "refused", "ending"],
)
def test_a_call_comes_to_what_its_table_says(machine: str, table: str, action: int):
    numbers = syscalls.numbers(table, machine)
    assert {name: judge(machine, number) for name, number in numbers.items()} == dict.fromkeys(numbers, action)


@pytest.mark.parametrize("machine", ARCHES)
def test_a_call_that_no_table_names_does_not_exist(machine: str):
    tables = (syscalls.ALLOWED, syscalls.CHECKED, syscalls.PRETENDED, syscalls.REFUSED, syscalls.ENDING)
    named = set(itertools.chain(*(syscalls.numbers(table, machine).values() for table in tables)))
    others = set(range(1000)) - named
    assert {judge(machine, number) for number in others} == {ENOSYS}


@pytest.mark.parametrize("machine", ARCHES)
@pytest.mark.parametrize(
    ("name", "arguments", "action"),
    [
        ("kill", (SELF, 9), ALLOW),
        ("kill", (OTHER, 9), EPERM),
        ("kill", (-1, 9), EPERM),  # all it may
        ("kill", (0, 9), EPERM),  # its group
        ("kill", (SELF | 1 << 32, 9), ALLOW),  # the kernel takes the low half as well
        ("tgkill", (SELF, OTHER, 9), ALLOW),  # one of its threads
        ("tgkill", (OTHER, OTHER, 9), EPERM),
        ("rt_sigqueueinfo", (OTHER, 9), EPERM),
        ("openat", (3, 0, 0), ALLOW),
        ("openat", (3, 0, 0o1101), ALLOW),  # to write, create, truncate: Landlock sees the writing
        ("openat", (3, 0, 0o1000), EPERM),  # to read and truncate
        ("openat", (3, 0, 0o20200002), EPERM),  # O_TMPFILE
        ("mmap", (0, 4096, 3, 0x22), ALLOW),  # private, anonymous
        ("mmap", (0, 4096, 3, 0x01), ALLOW),  # a file, shared
        ("mmap", (0, 4096, 3, 0x21), EPERM),  # shared and anonymous
        ("mmap", (0, 4096, 3, 0x23), EPERM),  # MAP_SHARED_VALIDATE
        ("clone", (17,), ALLOW),  # fork
        ("clone", (0x3D0F00,), ALLOW),  # a thread
        ("clone", (0x10000000 | 17,), KILL),  # a user namespace
        ("clone", (0x8000 | 17,), KILL),  # a sibling: CLONE_PARENT
        ("fcntl", (3, 4), ALLOW),  # F_SETFL
        ("fcntl", (3, 8), EPERM),  # F_SETOWN
        ("fcntl", (3, 6), EPERM),  # a lock
        ("ioctl", (1, 0x5401), ALLOW),  # isatty
        ("ioctl", (1, 0x5412), EPERM),  # TIOCSTI
        ("prctl", (15,), ALLOW),  # PR_SET_NAME
        ("prctl", (4, 1), EPERM),  # PR_SET_DUMPABLE
        ("prlimit64", (0, 7), ALLOW),
        ("prlimit64", (OTHER, 7), EPERM),
        ("socketpair", (1, 1), ALLOW),
        ("socketpair", (1, 0o2000001), ALLOW),  # SOCK_CLOEXEC
        ("socketpair", (1, 2), EPERM),  # datagrams
        ("socketpair", (16, 1), EPERM),  # netlink
        ("sendto", (3, 1, 1, 0, 0, 0), ALLOW),
        ("sendto", (3, 1, 1, 0, 1, 0), EPERM),
        ("sendto", (3, 1, 1, 0, 1 << 32, 0), EPERM),  # an address in the high half alone
    ],
)
def test_the_arguments_decide(machine: str, name: str, arguments: tuple[int, ...], action: int):
    assert judge(machine, syscalls.numbers(syscalls.CHECKED, machine)[name], *arguments) == action


@pytest.mark.parametrize(("machine", "other"), [("x86_64", "aarch64"), ("aarch64", "x86_64")])
def test_a_call_of_another_machine_ends_the_program(machine: str, other: str):
    assert judge(machine, 0, arch=ARCHES[other]) == KILL


def test_a_call_of_the_other_abi_of_x86_64_ends_the_program():
    assert judge("x86_64", 0x40000000 | 39) == KILL


@pytest.mark.parametrize("machine", ARCHES)
def test_no_call_stands_in_two_tables(machine: str):
    tables = (syscalls.ALLOWED, syscalls.CHECKED, syscalls.PRETENDED, syscalls.REFUSED, syscalls.ENDING)
    numbers = [number for table in tables for number in syscalls.numbers(table, machine).values()]
    assert len(numbers) == len(set(numbers))
