"""Work on many things at once: an iterable of things in, what became of each out, in their order, as they get done.

Memory is bounded: a thing is read when a thread is free for it, and so many results at most wait for a slow one.
"""

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Thing = TypeVar("Thing")
Result = TypeVar("Result")

AHEAD = 1000


def in_order(
    work: Callable[[Thing], Result], things: Iterable[Thing], *, at_once: int, ahead: int = AHEAD
) -> Iterator[Result]:
    """What the work makes of each thing, `at_once` of them at a time; `ahead` results at most wait for one.

    The first exception, of the work or of the things, is raised here at once, and no further thing is begun; nor is one
    when the results are no longer taken. The threads are daemons: one that waits for a thing that never comes must not
    hold the exit.
    """
    numbered, reading = enumerate(things), threading.Lock()
    room, given_up = threading.Semaphore(ahead), threading.Event()
    done: queue.Queue[tuple[int, Result] | BaseException | None] = queue.Queue()

    def run() -> None:
        try:
            while room.acquire() and not given_up.is_set():
                with reading:
                    taken = next(numbered, None)
                if taken is None:
                    break
                done.put((taken[0], work(taken[1])))
            done.put(None)
        except BaseException as error:  # noqa: BLE001 (whoever takes the results raises it)
            done.put(error)

    for _ in range(at_once):
        threading.Thread(target=run, daemon=True).start()

    def results() -> Iterator[Result]:
        try:
            yield from _sorted(done, room, at_once)
        finally:
            given_up.set()
            room.release(at_once)  # those that wait for room end too

    return results()


def _sorted(
    done: "queue.Queue[tuple[int, Result] | BaseException | None]", room: threading.Semaphore, running: int
) -> Iterator[Result]:
    early: dict[int, Result] = {}
    due = 0
    while running:
        came = done.get()
        if isinstance(came, BaseException):
            raise came
        if came is None:
            running -= 1
            room.release()  # another thread may wait for room to see the end too
            continue
        early[came[0]] = came[1]
        while due in early:
            yield early.pop(due)
            room.release()
            due += 1
