"""The processes that verdicts are made in. Run as `python -m klearctl.reward.maths.worker SOCKET BYTES`.

In: sockets, each sent over the socket that is given by its number. Out: for each of them one worker, forked from this
warm process, which answers a line of JSON `{"gold": ..., "answer": ..., "limit_s": ...}` by `{"verdict": ...}`.

A worker ends when its socket does, when this process does, and a second after an answer was due. This process ends
when its own socket does, so that nothing outlives whoever started it, however that ended.
"""

import ctypes
import json
import os
import resource
import signal
import socket
import sys
from typing import Any, BinaryIO

from klearctl.reward.maths.verdict import verdict
from klearctl.reward.verdict import Verdict

GRACE_S = 1.0
LONGEST_LINE = 1 << 20
ITEMS = 5_000  # after so many a worker makes room for a fresh one: sympy's caches only grow
_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Forks workers until its socket ends."""
    control = socket.socket(fileno=int(sys.argv[1]))
    confine(int(sys.argv[2]))
    warm()
    with control:
        while True:
            _, sockets, _, _ = socket.recv_fds(control, 1, 1)
            if not sockets:
                return
            fork(socket.socket(fileno=sockets[0]), control)


def confine(memory: int) -> None:
    """So much memory, no dump of it, no word on standard output; an interrupt is for whoever started us."""
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps
    os.dup2(os.open(os.devnull, os.O_RDWR), 1)


def warm() -> None:
    """Imports what every worker needs, and has math-verify's grammar read something."""
    import logging

    logging.disable()  # math-verify warns that we take its time limits away: ours are better
    verdict(r"\int_0^1 f(x) dx", r"\frac{1}{2}")


def fork(connection: socket.socket, control: socket.socket) -> None:
    """One worker on the connection."""
    parent = os.getpid()
    if os.fork():
        connection.close()
        return
    control.close()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() == parent:
        serve(connection)
    os._exit(0)


def serve(connection: socket.socket) -> None:
    """Answers what comes, until nothing does."""
    with connection, connection.makefile("rb") as questions:
        say(connection, {"pid": os.getpid()})
        for _ in range(ITEMS):
            question = ask(questions)
            if question is None:
                return
            signal.setitimer(signal.ITIMER_REAL, question["limit_s"] + GRACE_S)  # its signal ends the process
            try:
                found = verdict(question["gold"], question["answer"])
            except MemoryError:
                say(connection, {"verdict": Verdict.MEMORY_LIMIT})
                return  # what is left of this process is not to be trusted
            signal.setitimer(signal.ITIMER_REAL, 0)
            say(connection, {"verdict": found})


def ask(questions: BinaryIO) -> dict[str, Any] | None:
    """The next question; None at the end of them."""
    line = questions.readline(LONGEST_LINE)
    return json.loads(line) if line.endswith(b"\n") else None


def say(connection: socket.socket, answer: dict[str, Any]) -> None:
    """Sends one line."""
    connection.sendall(json.dumps(answer).encode() + b"\n")


if __name__ == "__main__":
    main()
