"""SIGTERM in a rank: before training begins it ends the process at once, later it is a wish for the next step."""

import ctypes
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

STOPPED = 85  # restart, free of charge: everything that was begun is committed


class Stopped(Exception):
    """SIGTERM came in a block that need not be finished."""


class Stop:
    """Made first of all in a rank, before anything heavy is imported."""

    def __init__(self) -> None:
        self.asked = False
        """Someone wants the run to stop after a checkpoint; ranks agree on it by `ranks.any_rank(stop.asked)`."""
        self._begun = self._interrupts = False
        signal.signal(signal.SIGTERM, self._on_signal)
        if "TORCHELASTIC_RUN_ID" in os.environ:
            _die_with_launcher()

    def begin(self) -> None:
        """From here on there is something to save."""
        self._begun = True

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """What is done in this block is given up when SIGTERM comes, or has come. For the main thread.

        Raises:
            Stopped: it has.
        """
        self._interrupts = True
        try:
            if self.asked:
                raise Stopped
            yield
        finally:
            self._interrupts = False

    def _on_signal(self, number: int, frame: object) -> None:
        if not self._begun:
            os.write(2, b"stopped before the first step\n")
            os._exit(STOPPED)
        self.asked = True
        if self._interrupts:
            self._interrupts = False
            raise Stopped


def _die_with_launcher() -> None:
    """torchrun starts ranks in sessions of their own: one that outlived it would train beside the next attempt."""
    pr_set_pdeathsig = 1  # prctl(2)
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
