"""One step of the set-up: a command in, one line with its seconds out, and its last words where it fails.

The command runs in a process group of its own, so that an interrupt ends it with everything it started.
"""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import IO

TAIL_LINES = 25
GRACE_S = 5.0  # between SIGTERM and SIGKILL
INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StepFailed(Exception):
    """The command ended badly; the message holds its last lines and what to try."""


def step(title: str, command: Sequence[str], *, fix: str, cwd: Path, env: Mapping[str, str]) -> None:
    """Runs the command quietly.

    Raises:
        StepFailed: it could not be started, or did not exit with 0.
        KeyboardInterrupt: someone interrupted; nothing of it runs any more.
    """
    print(f"  {title} ... ", end="", flush=True)
    start = time.monotonic()
    with tempfile.TemporaryFile() as output:
        code = run(command, output, cwd=cwd, env=env)
        if code != 0:
            print(f"failed after {time.monotonic() - start:.1f} s", flush=True)
            raise StepFailed(f"{last_lines(output)}\nerror: {title}: {command[0]} exited with {code}\n  try: {fix}")
    print(f"{time.monotonic() - start:.1f} s", flush=True)


def run(command: Sequence[str], output: IO[bytes], *, cwd: Path, env: Mapping[str, str]) -> int:
    """The exit code; 127 where there is no such program."""
    signal.pthread_sigmask(signal.SIG_BLOCK, INTERRUPTS)  # one that came before `process` is known would orphan it
    process = None
    try:
        process = start(command, output, cwd=cwd, env=env)
        release_interrupts()
        return process.wait()
    except OSError as error:
        output.write(str(error).encode())
        return 127
    except KeyboardInterrupt:
        if process is not None:
            end(process)
        raise
    finally:
        release_interrupts()


def start(command: Sequence[str], output: IO[bytes], *, cwd: Path, env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """The process, leader of its group."""
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        cwd=cwd,
        env=dict(env),
        process_group=0,
        preexec_fn=release_interrupts,  # a program inherits what is blocked
    )


def release_interrupts() -> None:
    """Lets the signals through that were held back."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, INTERRUPTS)


def end(process: subprocess.Popen[bytes]) -> None:
    """Ends the whole process group and waits for it."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(GRACE_S)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue  # gone already, or deaf to SIGTERM


def last_lines(output: IO[bytes]) -> str:
    """The end of what the command said, indented."""
    output.seek(0)
    lines = output.read().decode(errors="replace").splitlines()[-TAIL_LINES:]
    return "\n".join(f"    {line}" for line in lines)


def interrupt_on_signals() -> None:
    """Makes an end from outside (a closed terminal, `kill`) the same as Ctrl-C, which a background job ignores."""
    for number in INTERRUPTS:
        signal.signal(number, _interrupt)


def ignore_interrupts() -> None:
    """From here on it only tidies up; a second Ctrl-C must not stop that."""
    for number in INTERRUPTS:
        signal.signal(number, signal.SIG_IGN)


def _interrupt(number: int, frame: FrameType | None) -> None:
    ignore_interrupts()  # make passes on what the terminal has sent already
    raise KeyboardInterrupt
