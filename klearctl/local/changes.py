"""What changes in folders, as something to wait on: Linux's inotify. Folders in; a file descriptor out."""

import ctypes
import errno
import os
import select
from pathlib import Path
from types import TracebackType
from typing import Self

from klearctl.errors import BackendError

_CREATE, _MODIFY, _MOVED_TO, _DELETE = 0x100, 0x2, 0x80, 0x200
_libc = ctypes.CDLL(None, use_errno=True)


class Changes:
    """Readable when a file below one of the folders appeared, was replaced, was written to, or went."""

    def __init__(self, *folders: Path) -> None:
        self._fd = _libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self._fd < 0:
            raise BackendError(
                f"this machine gives no inotify instance ({os.strerror(ctypes.get_errno())})",
                fix="raise /proc/sys/fs/inotify/max_user_instances",
            )
        for folder in folders:
            self.add(folder)

    def add(self, folder: Path) -> None:
        """Look at one more folder; one that is gone, or watched already, does no harm."""
        mask = _CREATE | _MODIFY | _MOVED_TO | _DELETE
        if _libc.inotify_add_watch(self._fd, os.fsencode(folder), mask) < 0 and ctypes.get_errno() != errno.ENOENT:
            raise BackendError(
                f"{folder} cannot be watched ({os.strerror(ctypes.get_errno())})",
                fix="raise /proc/sys/fs/inotify/max_user_watches",
            )

    def wait(self, timeout_s: float) -> bool:
        """Whether something changed before the time was over."""
        ready, _, _ = select.select([self._fd], [], [], max(0.0, timeout_s))
        self.drain()
        return bool(ready)

    def drain(self) -> None:
        """Forget what was told so far."""
        try:
            while os.read(self._fd, 65536):
                pass
        except BlockingIOError:
            return

    def fileno(self) -> int:
        return int(self._fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._fd)
