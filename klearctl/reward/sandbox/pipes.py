"""The pipes of one program from our side: its stdin, stdout, stderr and the channel of frames.

Whenever we wait for the program all of them are read, so it never blocks on a full one. Nothing here blocks, and no
more is kept than a program may write.
"""

import collections
import os
import select
import socket
import struct

from klearctl.reward.sandbox.limits import STDERR_TAIL

_LENGTH = struct.Struct("<I")
_CHUNK = 1 << 16


class Pipes:
    """Ours of each pair; those of the program are in `theirs` until it has got them."""

    def __init__(self, *, stdin: bytes | None, most: int, keep_stdout: bool) -> None:
        """`most` is how many bytes the program may write before `count` begins anew."""
        self._most, self._keep_stdout = most, keep_stdout
        self._poll = select.poll()
        self.stdout, self.stderr, self._incoming = bytearray(), bytearray(), bytearray()
        self.frames: collections.deque[bytes] = collections.deque()
        self._outgoing = bytearray()
        self._left = memoryview(stdin or b"")
        self._open: set[int] = set()
        self.written = 0
        """Bytes that the program has written since the last send."""

        their_stdin, self._stdin = os.pipe() if stdin is not None else (os.open(os.devnull, os.O_RDONLY), -1)
        self._stdout, their_stdout = os.pipe()
        self._stderr, their_stderr = os.pipe()
        self._channel, their_channel = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self.theirs = [their_stdin, their_stdout, their_stderr, their_channel.detach()]
        for fd in (self._stdout, self._stderr, self._channel.fileno()):
            self._take(fd, select.POLLIN)
        if stdin is not None:
            self._take(self._stdin, select.POLLOUT)
            self._write_stdin()

    def send(self, frame: bytes) -> None:
        """Sends a frame, or what of it the program does not take now whenever we wait."""
        if self._channel.fileno() in self._open:
            self._outgoing += _LENGTH.pack(len(frame)) + frame
            self._write_channel()

    def count_anew(self) -> None:
        """What was written until now counts no more; frames that were not asked for are dropped."""
        channel = self._channel.fileno()
        while channel in self._open and self.written <= self._most and self._read(channel):
            pass
        self.written = 0
        self.frames.clear()

    def wait(self, other: int, seconds: float) -> bool:
        """Until something happens, at most so long; whether the other descriptor can be read."""
        self._poll.register(other, select.POLLIN)
        happened = dict(self._poll.poll(max(0.0, seconds) * 1000))
        for fd in happened.keys() & self._open:
            self._handle(fd)
        return other in happened

    def drain(self) -> None:
        """Reads what is left, when the program is gone."""
        for fd in (self._stdout, self._stderr, self._channel.fileno()):
            while fd in self._open and self.written <= self._most and self._read(fd):
                pass

    def close(self) -> None:
        """Closes ours, and theirs where the program has not got them."""
        self.hand_over()
        for fd in list(self._open):
            self._drop(fd)

    def hand_over(self) -> None:
        """Closes theirs here: the program has got them."""
        while self.theirs:
            os.close(self.theirs.pop())

    def _take(self, fd: int, events: int) -> None:
        os.set_blocking(fd, False)
        self._open.add(fd)
        self._poll.register(fd, events)

    def _drop(self, fd: int) -> None:
        self._open.remove(fd)
        self._poll.unregister(fd)
        if fd == self._channel.fileno():
            self._channel.close()
        else:
            os.close(fd)

    def _handle(self, fd: int) -> None:
        if fd == self._stdin:
            self._write_stdin()
            return
        if fd == self._channel.fileno() and self._outgoing:
            self._write_channel()
        self._read(fd)

    def _read(self, fd: int) -> bool:
        """Reads once; whether there may be more."""
        try:
            data = os.read(fd, _CHUNK)
        except BlockingIOError:
            return False
        except ConnectionResetError:  # the program closed its channel and had not read all
            data = b""
        if not data:
            self._drop(fd)
            return False
        self.written += len(data)
        if fd == self._stdout:
            if self._keep_stdout:
                self.stdout += data
        elif fd == self._stderr:
            self.stderr = (self.stderr + data)[-STDERR_TAIL:]
        else:
            self._incoming += data
            self._cut_frames()
        return True

    def _cut_frames(self) -> None:
        """The whole frames of what came in; one that says it is longer than it may be counts as that long."""
        start = 0
        while len(self._incoming) >= start + _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._incoming, start)
            if length > self._most:
                self.written += length
            end = start + _LENGTH.size + length
            if length > self._most or end > len(self._incoming):
                break
            self.frames.append(bytes(self._incoming[start + _LENGTH.size : end]))
            start = end
        del self._incoming[:start]

    def _write_stdin(self) -> None:
        try:
            while self._left:
                self._left = self._left[os.write(self._stdin, self._left) :]
        except BlockingIOError:
            return
        except BrokenPipeError:  # the program reads no more
            pass
        self._drop(self._stdin)

    def _write_channel(self) -> None:
        try:
            while self._outgoing:
                del self._outgoing[: self._channel.send(self._outgoing)]
        except BlockingIOError:
            pass
        except (BrokenPipeError, ConnectionResetError):  # the program has closed its channel
            self._outgoing.clear()
        if self._channel.fileno() in self._open:
            self._poll.modify(self._channel, select.POLLIN | (select.POLLOUT if self._outgoing else 0))
