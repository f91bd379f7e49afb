"""The program that judges, as a child of the command line: its rows, its words on the display, its end."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO, Self

from rich.console import Console, RenderableType
from rich.live import Live

from klearctl.cli.tally import Tally, plain, progress

_CHUNK = 1 << 20
_STOP_S = 10.0  # what the program gets to end all that it started


@contextmanager
def judging(words: list[str], display: "Display") -> Iterator[subprocess.Popen[bytes]]:
    """The program under way, printing rows; ended with all that it started when the block is left early.

    It has a session of its own, so that a Ctrl-C reaches the command line alone.
    """
    command = [sys.executable, "-m", "klearctl.stages.verify", *words]
    env = os.environ | {"PYTHONSAFEPATH": "1"}  # a json.py in the user's folder is not ours
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    program = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env, start_new_session=True)
    words_of_it = threading.Thread(target=_pass_on, args=(program.stderr, display), daemon=True)
    words_of_it.start()
    try:
        yield program
    finally:
        _end(program)
        words_of_it.join(_STOP_S)


def _leave(number: int, _: FrameType | None) -> None:
    sys.exit(128 + number)


def _pass_on(lines: IO[bytes], display: "Display") -> None:
    for line in lines:
        display.say(line.decode(errors="replace").rstrip("\n"))


def _end(program: subprocess.Popen[bytes]) -> None:
    if program.poll() is None:
        program.terminate()
    try:
        program.wait(_STOP_S)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        os.killpg(program.pid, signal.SIGKILL)


class Display:
    """A bar on a terminal; on anything else plain lines, at most one in ten seconds. Always on standard error."""

    def __init__(self, title: str, tally: Tally, *, rows: bool, every_s: float = 10.0) -> None:
        self._title, self._tally, self._every_s = title, tally, every_s
        self._console = Console(stderr=True)
        self._quiet = rows and sys.stdout.isatty()  # the rows themselves show how far it is
        self._started = self._printed_at = time.monotonic()
        self._live: Live | None = None

    def __enter__(self) -> Self:
        if self._console.is_terminal and not self._quiet:
            self._live = Live(
                console=self._console,
                get_renderable=self._picture,
                transient=True,
                redirect_stdout=False,  # rows go where the user sends them
            )
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def news(self) -> None:
        """Says how far it is, where no bar shows it and it is time."""
        now = time.monotonic()
        if not (self._live or self._quiet) and now - self._printed_at >= self._every_s:
            self.say(plain(self._tally))
            self._printed_at = now

    def say(self, text: str) -> None:
        """Prints a line, above the bar."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def _picture(self) -> RenderableType:
        return progress(self._tally, self._title, elapsed_s=time.monotonic() - self._started, width=self._console.width)


def count_rows(file: str) -> int | None:
    """How many rows a file has, reckoned by its lines; None of what can be read but once."""
    path = Path(file)
    if file == "-" or not path.is_file():
        return None
    lines, last = 0, b"\n"
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                lines, last = lines + chunk.count(b"\n"), chunk[-1:]
    except OSError:
        return None  # the program says it better
    return lines + (last != b"\n")
