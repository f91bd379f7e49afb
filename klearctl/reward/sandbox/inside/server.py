"""The warm server: orders from its client in, forks that run programs out. It never runs a program itself.

It has one thread, holds no program's source and no answer, and serves one program at a time. An order is a JSON object
with the program's descriptors beside it (unix(7), SCM_RIGHTS). Its answer comes when the program has ended and none of
its processes is left. When its client is gone it ends what runs, and itself.
"""

import _sitebuiltins
import builtins
import contextlib
import gc
import importlib
import json
import os
import resource
import socket
import sys
import time
from typing import Any

from . import kernel, landlock, seccomp, watch
from .job import BESIDE, Job, Order, Place
from .program import CHANNEL_FD

_ORDER_BYTES, _DESCRIPTORS = 65536, 8
_RECOUNT_S = 1.0
# What programs import most; here it is imported once.
_PRELOADED = (
    *("abc", "array", "bisect", "collections.abc", "contextlib", "copy", "dataclasses", "datetime", "decimal", "enum"),
    *("fractions", "functools", "heapq", "io", "itertools", "json", "math", "numbers", "operator", "queue", "random"),
    *("re", "statistics", "string", "struct", "textwrap", "threading", "time", "traceback", "typing", "unittest"),
)


def main() -> None:
    """Reads the config, which is the first argument; says that it is ready, or what is missing; serves."""
    config = json.loads(sys.argv[1])
    control = socket.socket(fileno=config["control"])
    control.set_inheritable(False)
    try:
        _become(config["user"])
        kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
        kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
        watch.check()
        _preload(config["sites"], config["libraries"])
        server = Server(config, control)
    except (OSError, ImportError) as error:
        control.send(json.dumps({"fault": f"{type(error).__name__}: {error}"}).encode())
        return
    server.serve()
    if config["folder"] is not None:
        with contextlib.suppress(FileNotFoundError):  # where the client is there still it has done so
            os.rmdir(config["folder"])


class Server:
    """One warm server."""

    def __init__(self, config: dict[str, Any], control: socket.socket) -> None:
        self._control = control
        os.dup2(0, CHANNEL_FD)  # so that no descriptor of ours is one that a program gets
        status, status_fd = os.pipe()
        os.set_blocking(status, False)
        with open("/proc/self/statm") as file:
            mapped, resident = (int(word) * resource.getpagesize() for word in file.read().split()[:2])
        self._place = Place(
            mapped=mapped,
            resident=resident,
            status=status,
            status_fd=status_fd,
            folder=config["folder"],
            readable=tuple(config["readable"]),
            landlock_abi=landlock.version(config["abi"]) if config["landlock"] else None,
            keep=tuple(config["keep"]),
            filter=seccomp.Filter(),
            unsafe=config["unsafe"],
        )
        self._others: int | None = config["others"]
        self._tasks, self._counted_at = 0, -_RECOUNT_S

    def serve(self) -> None:
        """Until the client is gone."""
        gc.collect()
        gc.freeze()  # a collection in a fork then leaves what the forks share alone
        self._control.send(json.dumps({"landlock_abi": self._place.landlock_abi}).encode())
        while True:
            data, descriptors, _, _ = socket.recv_fds(self._control, _ORDER_BYTES, _DESCRIPTORS)
            if not data:
                return
            said = json.loads(data)
            if not isinstance(said, dict) or "kind" not in said:
                continue  # a word about a program that had just ended
            answer = self._run(Order(**said), descriptors)
            if answer["how"] == "gone":
                return
            self._control.send(json.dumps(answer).encode())

    def _run(self, order: Order, descriptors: list[int]) -> dict[str, Any]:
        job = Job(order, self._place, descriptors, tasks=self._user_tasks())
        return job.end(job.wait(self._control))

    def _user_tasks(self) -> int:
        """Tasks that count for the programs' user and are none of theirs; asked of the machine once a second."""
        if self._others is not None:
            return self._others + BESIDE
        now = time.monotonic()
        if now - self._counted_at >= _RECOUNT_S:
            self._tasks, self._counted_at = watch.tasks_of(os.getuid()), now
        return self._tasks + self._tasks // 2 + 64  # more may have come meanwhile; what is too many is seen by the look


def _become(user: int | None) -> None:
    """Drops from root to the user, for good."""
    if user is not None and os.getuid() == 0:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    if 0 in os.getresuid():
        raise OSError("programs never run as root")
    kernel.drop_capabilities()


def _preload(sites: list[str], libraries: list[str]) -> None:
    """Imports what programs import most and the libraries, and leaves the interpreter alone to be seen."""
    for name in _PRELOADED:
        importlib.import_module(name)
    builtins.exit = _sitebuiltins.Quitter("exit", "Ctrl-D (i.e. EOF)")  # as site does
    builtins.quit = _sitebuiltins.Quitter("quit", "Ctrl-D (i.e. EOF)")
    before = sys.path[:]
    sys.path[:] = [*before[1:], *sites]  # the first is where this package was found
    for name in libraries:
        importlib.import_module(name)
    sys.path[:] = before[1:]
    sys.path_importer_cache.clear()
    for name in set(os.environ) - {"LANG", "PYTHONHASHSEED"}:
        del os.environ[name]
