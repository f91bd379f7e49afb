"""A program from its driver's side: its channel to the one who judges, and which driver runs which kind.

`run` is called in a fork of the warm server that is confined already: stdin, stdout and stderr are the program's own,
descriptor 3 is the channel, and nothing else is open.
"""

import os
import struct

from . import calls, checks, script

CHANNEL_FD = 3
LONGEST_FRAME = (1 << 32) - 1  # bytes

_LENGTH = struct.Struct("<I")
_DRIVERS = {"script": script.run, "calls": calls.run, "checks": checks.run}


class Channel:
    """Frames of bytes, both ways. Each is its length in four bytes, little end first, and then itself."""

    def __init__(self, fd: int = CHANNEL_FD) -> None:
        self._fd = fd

    def send(self, frame: bytes) -> None:
        """Sends one frame.

        Raises:
            OSError: the other side is gone, or the program closed the channel.
        """
        left = memoryview(_LENGTH.pack(len(frame)) + frame)
        while left:
            left = left[os.write(self._fd, left) :]

    def receive(self) -> bytes | None:
        """The next frame; None where there will be none."""
        head = self._exactly(_LENGTH.size)
        return None if head is None else self._exactly(_LENGTH.unpack(head)[0])

    def _exactly(self, size: int) -> bytes | None:
        parts = []
        while size:
            part = os.read(self._fd, min(size, 1 << 20))
            if not part:
                return None
            parts.append(part)
            size -= len(part)
        return b"".join(parts)


def run(kind: str, channel: Channel) -> None:
    """Runs a program of the kind; its source is the first frame. The process exits with what it returns by 0."""
    source = channel.receive()
    if source is not None:
        _DRIVERS[kind](source, channel)
