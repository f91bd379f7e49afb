"""One program under way, from the server's side: an order and its descriptors in, how it ended out.

While it runs its processes are looked at every 50 ms; one that ends sooner is never looked at. Its client may say three
things meanwhile: a budget of CPU seconds from now on, no budget, and kill.
"""

import json
import os
import select
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from . import confine, program, scratch, seccomp, watch
from .group import Group
from .namespaces import SCRATCH, Namespaces

TICK_S = 0.05
BESIDE = 2  # tasks that are not the program's own: the server, and the first process of its namespaces


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What the client asks for. How a program is confined is not its to say."""

    kind: str
    memory_mb: int
    processes: int
    scratch_mb: int
    scratch_files: int
    cpu_s: float | None
    """CPU seconds from the start on, or as many as it likes until the client says a budget."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What all programs of one server have in common."""

    mapped: int
    """Bytes of address space that the server has, and each of its forks."""

    resident: int
    """Bytes of memory that the server has."""

    status: int
    status_fd: int
    """Both ends of the pipe for what is said of a program from within."""

    folder: str | None
    """Where scratch folders are made; None: each program has one of its own in memory."""

    readable: tuple[str, ...]
    landlock_abi: int | None
    keep: tuple[int, ...]
    filter: seccomp.Filter
    unsafe: bool


class Job:
    """One program under way."""

    def __init__(self, order: Order, place: Place, descriptors: Sequence[int], *, tasks: int) -> None:
        self._order, self._place, self._descriptors, self._tasks = order, place, descriptors, tasks
        self._budget_s, self._spent_s, self._seen_s = order.cpu_s, 0.0, 0.0
        self._scratch = SCRATCH
        self._cell: Group | Namespaces
        if place.folder is None:
            memory = f"size={order.scratch_mb}m,nr_inodes={order.scratch_files + 1},mode=0700"
            self._cell = Namespaces(self._run, place.status_fd, scratch=memory)
        else:
            self._scratch = os.path.join(place.folder, "scratch")
            os.mkdir(self._scratch, 0o700)
            self._cell = Group(self._run, place.status_fd)
        for fd in descriptors:
            os.close(fd)

    def wait(self, control: socket.socket) -> str:
        """Until it ends, crosses a limit, or its client says kill or is gone: the word for it."""
        ended = os.pidfd_open(self._cell.pid)
        poll = select.poll()
        poll.register(ended, select.POLLIN)
        poll.register(control, select.POLLIN)
        look_at = time.monotonic() + TICK_S
        how = ""
        while not how:
            ready = {fd for fd, _ in poll.poll(max(0.0, look_at - time.monotonic()) * 1000)}
            if ended in ready:
                how = "exited"
            elif control.fileno() in ready:
                how = self._hear(control.recv(4096))
            if not how and time.monotonic() >= look_at:
                how = self._look()
                look_at = time.monotonic() + TICK_S
        os.close(ended)
        return how

    def end(self, how: str) -> dict[str, Any]:
        """Ends all its processes; how it ended, the wait status of the first, and CPU seconds of all."""
        status, fault, is_full = self._cell.end(), None, False
        cpu_s = max(self._cell.cpu_s, self._seen_s)  # of what the kernel ends with its namespace it tells nothing
        if self._place.folder is not None:
            is_full = self._is_full()
            scratch.remove(self._scratch)
        for word, _, rest in (line.partition(" ") for line in self._words()):
            status, fault = (int(rest) if word == "ended" else status), (rest if word == "fault" else fault)
            is_full = is_full or word == "full"
        if how == "exited" and status is None and fault is None:
            fault = "the first process of its namespaces was killed"
        if how == "exited" and (is_full or self._is_over(cpu_s)):
            how = "scratch" if is_full else "cpu"
        return {"how": how, "status": status, "cpu_s": cpu_s, "fault": fault}

    def _run(self) -> NoReturn:
        """In the fork."""
        order, place = self._order, self._place
        try:
            rules = confine.Rules(
                address_space=place.mapped + (order.memory_mb << 20),
                tasks=self._tasks + order.processes,
                scratch=self._scratch,
                scratch_mb=order.scratch_mb,
                readable=place.readable,
                landlock_abi=place.landlock_abi,
                filter=place.filter,
                unsafe=place.unsafe,
            )
            confine.take(self._descriptors, keep=(*place.keep, place.status_fd))
            confine.confine(rules)
        except BaseException as error:
            os.write(place.status_fd, f"fault {type(error).__name__}: {error}\n".encode())
            os._exit(1)
        os.close(place.status_fd)
        program.run(order.kind, program.Channel())
        os._exit(0)

    def _hear(self, word: bytes) -> str:
        if not word:
            return "gone"
        said = json.loads(word)
        if said == "kill":
            return "killed"
        self._budget_s, self._spent_s = said["cpu_s"], self._use().cpu_s
        return ""

    def _look(self) -> str:
        """The limit that is crossed, if one is."""
        order, use = self._order, self._use()
        if self._is_over(use.cpu_s):
            return "cpu"
        if use.resident > order.memory_mb << 20:
            return "memory"
        if use.threads > order.processes + BESIDE:
            return "processes"
        return "scratch" if self._place.folder is not None and self._is_full() else ""

    def _is_over(self, cpu_s: float) -> bool:
        return self._budget_s is not None and cpu_s - self._spent_s > self._budget_s

    def _is_full(self) -> bool:
        files, taken = scratch.use(self._scratch, at_most=self._order.scratch_files)
        return files >= self._order.scratch_files or taken >= self._order.scratch_mb << 20

    def _words(self) -> list[str]:
        """What was said from within: how it ended, that its scratch folder is full, or why it did not start."""
        try:
            return os.read(self._place.status, 65536).decode().splitlines()
        except BlockingIOError:
            return []

    def _use(self) -> watch.Use:
        self._cell.reap()
        use = watch.below(beyond=self._place.resident) + watch.Use(cpu_s=self._cell.cpu_s)
        self._seen_s = max(self._seen_s, use.cpu_s)
        return use
