"""SIGTERM in a rank: before training begins it ends the process at once, later it is a wish for the next step."""

import os
import signal

STOPPED = 85  # restart, free of charge: everything that was begun is committed


class Stop:
    """Made first of all in a rank, before anything heavy is imported."""

    def __init__(self) -> None:
        self.asked = False
        """Someone wants the run to stop after a checkpoint; ranks agree on it by `ranks.any_rank(stop.asked)`."""
        self._begun = False
        signal.signal(signal.SIGTERM, self._on_signal)

    def begin(self) -> None:
        """From here on there is something to save."""
        self._begun = True

    def _on_signal(self, number: int, frame: object) -> None:
        if not self._begun:
            os.write(2, b"stopped before the first step\n")
            os._exit(STOPPED)
        self.asked = True
