"""Addresses of pods: 127.x.y.z, one for each host name, out of a block that no other workload of this machine has.

In: host names. Out: their addresses, and the claim that keeps others away from them.
"""

import errno
import socket
import zlib
from collections.abc import Sequence
from pathlib import Path

from klearctl.errors import BackendError

BLOCK_SIZE = 4096
_BLOCKS = 254 * 16  # from 127.1.0.0, each of 4096 addresses
_CLAIMS = "klearctl"  # what the names of claims begin with


def reserve(key: str, preferred: int | None = None) -> tuple[int, socket.socket]:
    """A block of addresses, and the socket that keeps others from taking it while it is open.

    Raises:
        BackendError: every block is taken.
    """
    first = zlib.crc32(key.encode()) if preferred is None else preferred
    for step in range(_BLOCKS):
        block = (first + step) % _BLOCKS
        if holder := claim(f"addresses/{block}"):
            return block, holder
    raise BackendError("all loopback addresses for pods are taken on this machine", fix="cancel a run")


def claim(what: str) -> socket.socket | None:
    """A socket that marks a thing of this machine as taken while it is open; None if another has it.

    Its name lies in the abstract namespace: all homes and users of the machine see it, and it goes with its process.
    """
    holder = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        holder.bind(f"\0{_CLAIMS}/{what}")
    except OSError as error:
        holder.close()
        if error.errno != errno.EADDRINUSE:
            raise
        return None
    return holder


def claimant(what: str) -> int:
    """The inode of the socket that claims the thing; 0 if none does any more."""
    lines = (line.split() for line in Path("/proc/net/unix").read_text().splitlines())
    return next((int(words[6]) for words in lines if words[7:] == [f"@{_CLAIMS}/{what}"]), 0)


def assign(hosts: Sequence[str], block: int) -> dict[str, str]:
    """An address of the block for each host name, the same for the same names.

    Raises:
        BackendError: there are more names than addresses.
    """
    if len(hosts) >= BLOCK_SIZE:
        raise BackendError(f"{len(hosts)} pods do not fit on one machine", fix=f"at most {BLOCK_SIZE - 1}")
    base = (127 << 24) + (1 << 16) + block * BLOCK_SIZE
    return {host: _quad(base + place + 1) for place, host in enumerate(hosts)}


def _quad(number: int) -> str:
    return ".".join(str(byte) for byte in number.to_bytes(4, "big"))
