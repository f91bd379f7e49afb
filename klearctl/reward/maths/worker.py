"""The processes that verdicts are made in. Run as `python -m klearctl.reward.maths.worker MEANS SOCKET BYTES`.

MEANS is how: `strict` or `second`, each of which needs other packages in memory.

In: sockets, each sent over the socket that is given by its number. Out: for each of them one worker, forked from this
warm process, which answers a line of JSON `{"gold": ..., "answer": ..., "limit_s": ...}` by one of
`{"verdict": ..., "last": ...}`; the verdict is null where these means find none, and after the last one it ends.

A worker ends when its socket does, when this process does, and a second after an answer was due. This process ends
when its own socket does, so that nothing outlives whoever started it, however that ended.
"""

import contextlib
import ctypes
import json
import logging
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable
from typing import Any, BinaryIO

from klearctl.reward.maths.second import opinion
from klearctl.reward.maths.verdict import strict
from klearctl.reward.verdict import Verdict

Judge = Callable[[str, str], Verdict | None]
GRACE_S = 1.0
LONGEST_LINE = 1 << 20
ITEMS = 5_000  # after so many a worker makes room for a fresh one: sympy's caches only grow
_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Forks workers until its socket ends."""
    means, control, memory = sys.argv[1], socket.socket(fileno=int(sys.argv[2])), int(sys.argv[3])
    confine(memory)
    judge = warm(means)
    signal.signal(signal.SIGCHLD, lambda *_: reap())
    while True:
        _, sockets, _, _ = socket.recv_fds(control, 1, 1)
        if not sockets:
            break
        fork(socket.socket(fileno=sockets[0]), control, judge)
    await_workers()


def confine(memory: int) -> None:
    """So much memory, no dump of it, no word on standard output; an interrupt is for whoever started us."""
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.dup2(os.open(os.devnull, os.O_RDWR), 1)


def warm(means: str) -> Judge:
    """What judges, after it has judged something: all that it needs is imported, and math-verify's grammar has read."""
    judge: Judge = {"strict": strict, "second": opinion}[means]
    logging.disable()  # math-verify warns that we take its time limits away: ours are better
    judge(r"\int_0^1 f(x) dx", r"\frac{1}{2}")
    return judge


def fork(connection: socket.socket, control: socket.socket, judge: Judge) -> None:
    """One worker on the connection."""
    parent = os.getpid()
    if os.fork():
        connection.close()
        return
    control.close()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() == parent:
        serve(connection, judge)
    os._exit(0)


def reap() -> bool:
    """Takes leave of the workers that have ended, so that their CPU time is ours; whether some are left."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


def await_workers() -> None:
    """Their sockets have ended too, so they do; but for a stuck one, which ends with us."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    deadline = time.monotonic() + GRACE_S
    while reap() and (left := deadline - time.monotonic()) > 0:
        signal.sigtimedwait({signal.SIGCHLD}, left)


def serve(connection: socket.socket, judge: Judge) -> None:
    """Answers what comes, until nothing does."""
    with connection, connection.makefile("rb") as questions:
        say(connection, {"pid": os.getpid()})
        left = ITEMS
        while left and (question := ask(questions)):
            left -= 1
            signal.setitimer(signal.ITIMER_REAL, question["limit_s"] + GRACE_S)  # its signal ends the process
            try:
                found = judge(question["gold"], question["answer"])
            except MemoryError:
                found, left = Verdict.MEMORY_LIMIT, 0  # what is left of this process is not to be trusted
            signal.setitimer(signal.ITIMER_REAL, 0)
            say(connection, {"verdict": found, "last": not left})


def ask(questions: BinaryIO) -> dict[str, Any] | None:
    """The next question; None at the end of them."""
    with contextlib.suppress(ConnectionError):  # we were given up while we answered
        line = questions.readline(LONGEST_LINE)
        return json.loads(line) if line.endswith(b"\n") else None
    return None


def say(connection: socket.socket, answer: dict[str, Any]) -> None:
    """Sends one line."""
    with contextlib.suppress(ConnectionError):
        connection.sendall(json.dumps(answer).encode() + b"\n")


if __name__ == "__main__":
    main()
    os._exit(0)  # tidying all of sympy away takes a second
