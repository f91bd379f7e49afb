"""Which files a program sees, where there are no mount namespaces: read-only paths and one scratch folder in.

Sources: landlock(7), landlock_create_ruleset(2), landlock_add_rule(2), landlock_restrict_self(2), and
include/uapi/linux/landlock.h. The first version (Linux 5.13) is enough with the filter of seccomp.py beside it; what
later versions add is used where it is there.
"""

import ctypes
import os
import stat
import struct
from collections.abc import Iterable

from . import kernel

WRITE_FILE, READ_ONE_FILE = 1 << 1, 1 << 2
READ = READ_ONE_FILE | 1 << 3  # READ_DIR
MAKE = (
    READ | WRITE_FILE | 1 << 7 | 1 << 8 | 1 << 12
)  # MAKE_DIR, MAKE_REG, MAKE_SYM; nothing is removed, see syscalls.py
TRUNCATE = 1 << 14  # from version 3 on
_FILES_OF = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
_TCP_FROM, _TCP = 4, 1 << 0 | 1 << 1  # BIND_TCP, CONNECT_TCP: handled and nowhere allowed
_SCOPES_FROM, _SCOPES = 6, 1 << 0 | 1 << 1  # ABSTRACT_UNIX_SOCKET, SIGNAL
_NEWEST = 6  # of which all is known here


def version(at_most: int | None = None) -> int:
    """The version of Landlock that is used here.

    Raises:
        OSError: the kernel has none, or it is switched off.
    """
    create_version = 1
    found = kernel.syscall(kernel.LANDLOCK_CREATE_RULESET, None, 0, create_version)
    return min(found, _NEWEST, at_most or _NEWEST)


def restrict(readable: Iterable[str], scratch: str | None, *, abi: int) -> None:
    """Confines this process and all that it forks to these paths, for good.

    Raises:
        OSError: a path is not there, or the kernel refuses.
    """
    ruleset = _create(abi)
    files = _files(abi)
    for path in readable:
        _allow(ruleset, path, READ & files)
    _allow(ruleset, os.devnull, (READ_ONE_FILE | WRITE_FILE | TRUNCATE) & files)
    if scratch is not None:
        _allow(ruleset, scratch, (MAKE | TRUNCATE) & files)
    kernel.syscall(kernel.LANDLOCK_RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)


def _files(abi: int) -> int:
    return _FILES_OF[min(abi, max(_FILES_OF))]


def _create(abi: int) -> int:
    attributes = [_files(abi)]
    if abi >= _TCP_FROM:
        attributes.append(_TCP)
    if abi >= _SCOPES_FROM:
        attributes.append(_SCOPES)
    packed = struct.pack(f"<{len(attributes)}Q", *attributes)
    return kernel.syscall(
        kernel.LANDLOCK_CREATE_RULESET, ctypes.create_string_buffer(packed, len(packed)), len(packed), 0
    )


def _allow(ruleset: int, path: str, rights: int) -> None:
    """Lets what lies beneath the path be used so."""
    there = os.open(path, os.O_PATH | os.O_CLOEXEC)
    if not stat.S_ISDIR(os.fstat(there).st_mode):
        rights &= READ_ONE_FILE | WRITE_FILE | TRUNCATE  # a rule on a file with rights on folders is refused
    beneath = struct.pack("<Qi", rights, there)
    path_beneath = 1
    kernel.syscall(
        kernel.LANDLOCK_ADD_RULE, ruleset, path_beneath, ctypes.create_string_buffer(beneath, len(beneath)), 0
    )
    os.close(there)
