"""Room for submissions in a server: so many of them, and so many bytes."""

import threading


class Places:
    """Taken and given back by any thread."""

    def __init__(self, count: int, size: int) -> None:
        self._lock = threading.Lock()
        self._count, self._size = count, size
        self._held, self._bytes = 0, 0

    def take(self, size: int) -> bool:
        """A place for a submission of that size, if there is one; a large one has it where nothing else is held."""
        with self._lock:
            if self._held >= self._count or (self._held and self._bytes + size > self._size):
                return False
            self._held += 1
            self._bytes += size
            return True

    def give_back(self, size: int) -> None:
        """What `take` gave."""
        with self._lock:
            self._held -= 1
            self._bytes -= size
