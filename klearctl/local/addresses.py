"""Addresses of pods: 127.x.y.z, one for each host name, out of a block that no other workload of this machine has.

In: host names. Out: their addresses, and who holds a port that a pod needs.
"""

import errno
import os
import re
import socket
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from klearctl.errors import BackendError

BLOCK_SIZE = 4096
_BLOCKS = 254 * 16  # from 127.1.0.0, each of 4096 addresses
_LISTEN = "0A"  # the state in /proc/net/tcp


@dataclass(frozen=True, slots=True)
class Listener:
    """A socket that waits for connections."""

    address: str
    """As a dotted quad; 0.0.0.0 is every address, also of an IPv6 socket."""

    port: int
    inode: int


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
        holder.bind(f"\0klearctl/{what}")
    except OSError as error:
        holder.close()
        if error.errno != errno.EADDRINUSE:
            raise
        return None
    return holder


def assign(hosts: Sequence[str], block: int) -> dict[str, str]:
    """An address of the block for each host name, the same for the same names.

    Raises:
        BackendError: there are more names than addresses.
    """
    if len(hosts) >= BLOCK_SIZE:
        raise BackendError(f"{len(hosts)} pods do not fit on one machine", fix=f"at most {BLOCK_SIZE - 1}")
    base = (127 << 24) + (1 << 16) + block * BLOCK_SIZE
    return {host: _quad(base + place + 1) for place, host in enumerate(hosts)}


def conflict(address: str, port: int, *, everywhere: bool) -> str:
    """Who listens where a pod wants to listen, as a sentence; empty if nobody does.

    With `everywhere` the pod will listen on every address, so a listener on any address is in its way.
    """
    for listener in listeners():
        if listener.port == port and (everywhere or listener.address in (address, "0.0.0.0")):
            where = "every address" if listener.address == "0.0.0.0" else listener.address
            return f"port {port} at {address} is in use: {holder_of(listener.inode)} listens on {where}"
    return ""


def listeners() -> Iterator[Listener]:
    """Every listening TCP socket of this machine."""
    for table in ("tcp", "tcp6"):
        path = Path("/proc/net") / table
        lines = path.read_text(encoding="ascii").splitlines()[1:] if path.exists() else []
        for line in lines:
            words = line.split()
            if words[3] == _LISTEN:
                address, port = words[1].split(":")
                yield Listener(_address(address), int(port, 16), int(words[9]))


def holder_of(inode: int) -> str:
    """The process that has the socket open: its pid and its command."""
    for folder in Path("/proc").glob("[0-9]*"):
        if f"socket:[{inode}]" in _links(folder / "fd"):
            words = (folder / "cmdline").read_bytes().split(b"\0")
            return f"process {folder.name} ({b' '.join(words).decode(errors='replace').strip()[:200]})"
    return "a process of another user"


def _links(folder: Path) -> Iterable[str]:
    try:
        return [os.readlink(path) for path in folder.iterdir()]
    except OSError:  # of another user, or gone meanwhile
        return []


def _address(text: str) -> str:
    """/proc/net/tcp's hexadecimal, each word of it in host order (little endian), as a dotted quad."""
    if re.fullmatch("0+", text):
        return "0.0.0.0"
    return ".".join(str(byte) for byte in reversed(bytes.fromhex(text[-8:])))


def _quad(number: int) -> str:
    return ".".join(str(byte) for byte in number.to_bytes(4, "big"))
