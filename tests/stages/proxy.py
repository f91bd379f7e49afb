"""A way to a real server that can be cut, as if the server had gone, while the server lives on for other tests."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit


class Proxy:
    """Carries bytes between whoever connects and a server, until it is cut."""

    def __init__(self, address: str) -> None:
        found = urlsplit(address)
        self._server = (found.hostname, found.port)
        self._listens = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._changing = threading.Lock()
        self.address = f"http://127.0.0.1:{self._listens.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Ends every connection, and takes no other."""
        with self._changing:
            for end in (self._listens, *self._open):
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
            self._listens.close()

    def _accept(self) -> None:
        with suppress(OSError):  # cut
            while True:
                self._join(self._listens.accept()[0])

    def _join(self, one: socket.socket) -> None:
        other = socket.create_connection(self._server)
        with self._changing:
            self._open += [one, other]
        for source, target in ((one, other), (other, one)):
            threading.Thread(target=self._carry, args=(source, target), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                target.sendall(data)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)


@contextmanager
def proxy(address: str) -> Iterator[Proxy]:
    """A way to the server that is cut at the end of the block at the latest."""
    found = Proxy(address)
    try:
        yield found
    finally:
        found.cut()
