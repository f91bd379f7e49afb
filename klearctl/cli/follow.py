"""Follows runs to their end on one live display; without a terminal by plain lines, one in ten seconds."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Self

import click
from rich.console import Console
from rich.live import Live

from klearctl.cli.gauge import Gauge
from klearctl.cli.options import as_typed
from klearctl.cli.screen import Line, live, plain
from klearctl.errors import WaitTimeout
from klearctl.kube import lifecycle
from klearctl.kube.backend import Backend
from klearctl.kube.labels import RUN, STAGE
from klearctl.kube.status import ENDED, Status

_GLANCE_S = 1.0  # how long to wait for a change before the metrics are read again
_PLAIN_S = 10.0
_PACE_ROWS = 20  # steps that the time left is reckoned from


@contextmanager
def detachable(backend: Backend, name: str) -> Iterator[None]:
    """Ctrl-C in this block leaves the run, if it has started, and says how to come back and how to cancel."""
    try:
        yield
    except KeyboardInterrupt:
        if lifecycle.find(backend, name):
            click.echo(f"\ndetached; {name} goes on\n  {_back(name)}\n  {as_typed(f'cancel {name}')}", err=True)
        raise


def follow_run(backend: Backend, name: str, bucket: str, *, timeout_s: float | None = None) -> int:
    """Shows one run until it ends. The exit code: 0 succeeded, 1 not.

    Raises:
        WaitTimeout: it has not ended in time.
    """
    gauge = Gauge(backend, bucket)
    stage = lifecycle.get(backend, name)["metadata"]["labels"][STAGE]
    return follow(
        backend, name, lambda: [line(gauge, stage, gauge.progress(lifecycle.get(backend, name)))], timeout_s=timeout_s
    )


def follow(backend: Backend, name: str, look: Callable[[], Sequence[Line]], *, timeout_s: float | None) -> int:
    """Shows what `look` finds until the run of that name ends."""
    started = time.monotonic()
    with Display(name) as display:
        while True:
            display.show(look())
            if (state := lifecycle.state(backend, name)) in ENDED:
                lines = look()
                display.show(lines, last=True)
                break
            if timeout_s is not None and time.monotonic() - started > timeout_s:
                raise WaitTimeout(f"{name} has not ended after {timeout_s:.0f} s; it goes on", fix=_back(name))
            _wait_for_change(backend, name)
    if state == "succeeded":
        return 0
    for blamed in (one.status for one in lines if one.status and one.status.state in ("failed", "lost")):
        click.echo(f"{blamed.name}: {blamed.why}\n  {as_typed(f'logs {blamed.name}')}", err=True)
    click.echo(f"{name} {state}\n  {as_typed(f'resume {name}')}", err=True)
    return 1


def line(gauge: Gauge, stage: str, status: Status | None) -> Line:
    """A stage's line, with the time left by its pace."""
    return Line(stage=stage, status=status, left_s=None if status is None else _time_left(gauge.known(status.name)))


def _time_left(rows: list[dict[str, object]]) -> float | None:
    recent = [row for row in rows if row.get("step")][-_PACE_ROWS:]
    if len(recent) < 2:
        return None
    first, last = recent[0], recent[-1]
    done = _number(last["step"]) - _number(first["step"])
    spent = _number(last["time"]) - _number(first["time"])
    return (_number(last["steps"]) - _number(last["step"])) * spent / done if done else None


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _wait_for_change(backend: Backend, name: str) -> None:
    kind = lifecycle.get(backend, name)["kind"]
    for change, _ in backend.watch(kind, {RUN: name}, _GLANCE_S):
        if change != "ADDED":
            return


def _back(name: str) -> str:
    return as_typed(f"status {name} --watch")


class Display:
    """One live picture on a terminal, or plain lines on anything else; always on standard error."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._console = Console(stderr=True)
        self._live = Live(console=self._console, auto_refresh=False) if self._console.is_terminal else None
        self._started = time.monotonic()
        self._printed_at = -_PLAIN_S
        self._printed = ""

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def show(self, lines: Sequence[Line], *, last: bool = False) -> None:
        """Draws the lines, or prints those that have news."""
        now = time.monotonic()
        if self._live:
            picture = live(self._title, lines, elapsed_s=now - self._started, width=self._console.width)
            self._live.update(picture, refresh=True)
            return
        text = _news(lines)
        if text != self._printed and (last or now - self._printed_at >= _PLAIN_S):
            print(text, file=sys.stderr, flush=True)
            self._printed, self._printed_at = text, now


def _news(lines: Sequence[Line]) -> str:
    """The stage that has something to say: the last one that was started."""
    started = [line for line in lines if line.status]
    return plain(started[-1]) if started else "nothing started yet"
