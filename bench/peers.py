"""Ways to run one program that others have: source and input in, what it printed out."""

import io
import multiprocessing
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from multiprocessing.managers import ListProxy

from klearctl.reward.sandbox import interpreter

LIMIT_S = 10

Run = Callable[[bytes, bytes], bytes]


def plain(source: bytes, stdin: bytes) -> bytes:
    """A new interpreter each, without any confinement: the least that `subprocess` can do."""
    command = [str(interpreter.executable()), "-I", "-S", "-c", source.decode()]
    return subprocess.run(command, input=stdin, stdout=subprocess.PIPE, timeout=LIMIT_S, check=True).stdout


def with_site(source: bytes, stdin: bytes) -> bytes:
    """The same as it is mostly written: `python -c`, in the environment of whoever judges."""
    command = [sys.executable, "-c", source.decode()]
    return subprocess.run(command, input=stdin, stdout=subprocess.PIPE, timeout=LIMIT_S, check=True).stdout


def bubblewrapped(source: bytes, stdin: bytes) -> bytes:
    """A new interpreter in a new bubblewrap each."""
    inner = ["python3", "-I", "-S", "-c", source.decode()]
    binds = [word for path in ("/usr", "/lib", "/lib64", "/bin") for word in ("--ro-bind", path, path)]
    command = ["bwrap", "--unshare-all", "--die-with-parent", "--clearenv", *binds, "--tmpfs", "/tmp", "--", *inner]
    return subprocess.run(command, input=stdin, stdout=subprocess.PIPE, timeout=LIMIT_S, check=True).stdout


def livecodebench(source: bytes, stdin: bytes) -> bytes:
    """As LiveCodeBench, and with it verl's prime_code, rLLM, lighteval and SkyThought: a manager and a fork each.

    Rewritten from lcb_runner/evaluation/compute_code_generation_metrics.py and testing_util.py, without what they
    import: `exec` in a child, an alarm as the limit, the answer through a manager's list. It is no sandbox.
    """
    context = multiprocessing.get_context("fork")
    manager = context.Manager()
    answer = manager.list()
    child = context.Process(target=_execute, args=(source, stdin, answer))
    child.start()
    child.join(LIMIT_S + 1)
    if child.is_alive():
        child.kill()
    printed = bytes(answer[0])
    manager.shutdown()
    return printed


def _execute(source: bytes, stdin: bytes, answer: "ListProxy[bytes]") -> None:
    signal.alarm(LIMIT_S)
    sys.stdin = io.TextIOWrapper(io.BytesIO(stdin))
    with redirect_stdout(io.StringIO()) as printed:
        exec(compile(source, "solution.py", "exec"), {"__name__": "__main__"})  # noqa: S102
    answer.append(printed.getvalue().encode())


PEERS: dict[str, Run] = {
    "subprocess, python -I -S": plain,
    "subprocess, python": with_site,
    "bwrap and python each": bubblewrapped,
    "LiveCodeBench's runner": livecodebench,
}
