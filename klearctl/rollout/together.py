"""One thing done by all servers at once, and perhaps by us beside them: all end well, or the first fault is raised."""

import queue
import threading
import time
from collections.abc import Callable, Sequence

from klearctl.errors import RunFailed
from klearctl.rollout.server import Server, ServerFault

BLAME_S = 10.0  # a broadcast that breaks is told apart by the server whose call breaks too

Theirs = Callable[[Server, int], object]
"""From a server and its place to a call of one of its routes."""


def together(
    servers: Sequence[Server], theirs: Theirs, ours: Callable[[], object] | None = None, *, timeout_s: float
) -> None:
    """Returns when all calls, and our part, are done.

    The threads are daemons: after a fault one may hang in a broadcast that nobody joins, and must not hold the exit.

    Raises:
        RunFailed: a server failed or was not done in time; its name is in the message.
    """
    ended: queue.Queue[tuple[str, BaseException | None]] = queue.Queue()
    parts: dict[str, Callable[[], object]] = {
        str(server): _bound(theirs, server, place) for place, server in enumerate(servers)
    }
    if ours:
        parts["this trainer"] = ours
    for name, part in parts.items():
        threading.Thread(target=_run, args=(name, part, ended), daemon=True).start()
    _collect(set(parts), ended, timeout_s)


def _bound(theirs: Theirs, server: Server, place: int) -> Callable[[], object]:
    return lambda: theirs(server, place)


def _run(name: str, part: Callable[[], object], ended: "queue.Queue[tuple[str, BaseException | None]]") -> None:
    try:
        part()
    except BaseException as error:  # noqa: BLE001 (the thread that waits raises it)
        ended.put((name, error))
    else:
        ended.put((name, None))


def _collect(waiting: set[str], ended: "queue.Queue[tuple[str, BaseException | None]]", timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    broken: BaseException | None = None
    while waiting:
        try:
            name, error = ended.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            raise _failed(waiting, broken) from broken
        waiting.discard(name)
        if isinstance(error, ServerFault):
            raise RunFailed(f"weights did not reach a server: {error}", fix=_FIX) from error
        if isinstance(error, RuntimeError) and broken is None:  # torch's word for a broken connection
            broken, deadline = error, time.monotonic() + BLAME_S
        elif error:
            raise error
    if broken:
        raise _failed(set(), broken) from broken


_FIX = "look into its log: klearctl logs RUN --role rollout"


def _failed(waiting: set[str], broken: BaseException | None) -> RunFailed:
    if broken:
        return RunFailed(f"the broadcast of weights broke: {broken}", fix=_FIX)
    return RunFailed(f"no answer to a push of weights from {', '.join(sorted(waiting))}", fix=_FIX)
