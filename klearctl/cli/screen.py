"""What a person sees of runs: tables and bars. Pure: statuses in, something rich can print out."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Column, Table
from rich.text import Text

from klearctl.kube.status import State, Status

_COLOURS: dict[State, str] = {
    "pending": "yellow",
    "running": "cyan",
    "restarting": "yellow",
    "succeeded": "green",
    "failed": "red",
    "cancelled": "magenta",
    "lost": "red",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One stage on the live display."""

    stage: str
    status: Status | None
    """None before the stage was started."""

    left_s: float | None = None
    """Seconds to its end, by its pace so far."""


def live(title: str, lines: Sequence[Line], *, elapsed_s: float, width: int) -> RenderableType:
    """The live display: one row for each stage, and why where it does not run."""
    table = Table.grid("", Column(min_width=max(map(len, _COLOURS))), padding=(0, 1))  # a new state moves nothing
    bar_width = max(8, min(40, width - 66))
    for line in lines:
        table.add_row(*_cells(line, bar_width))
    head = Text.assemble((title, "bold"), f"  {clock(elapsed_s)}")
    return Group(head, table, *(_reason(line.stage, line.status.why) for line in lines if line.status))


def _cells(line: Line, bar_width: int) -> list[RenderableType]:
    status = line.status
    if status is None:
        return [f" {line.stage}", Text("-", style="dim"), Text(" " * bar_width), "", "", ""]
    done, total = status.step or 0, status.steps or 0
    if status.state == "succeeded":
        done = total = total or 1
    bar = ProgressBar(
        total=total or 1,
        completed=done,
        width=bar_width,
        pulse=status.state == "running" and not total,  # how far it is nobody knows yet
        complete_style="cyan",
        finished_style="green",
    )
    left = f"{clock(line.left_s)} left" if line.left_s is not None and status.state == "running" else ""
    return [f" {line.stage}", state_text(status.state), bar, count(status), left, numbers(status)]


def state_text(state: State) -> Text:
    """The state in its colour."""
    return Text(state, style=_COLOURS[state])


def count(status: Status) -> str:
    """Step of steps."""
    return "" if status.step is None else f"{status.step}/{status.steps}" if status.steps else str(status.step)


def numbers(status: Status) -> str:
    """Loss and reward, where there are any."""
    loss = "" if status.loss is None else f"loss {status.loss:.3f}"
    reward = "" if status.reward is None else f"reward {status.reward:.3f}"
    return "  ".join(part for part in (loss, reward) if part)


def plain(line: Line) -> str:
    """The stage in one line, for a log."""
    status = line.status
    if status is None:
        return f"{line.stage} not started"
    parts = [line.stage, status.state, count(status), numbers(status), status.why]
    return " ".join(part for part in parts if part)


def clock(seconds: float) -> str:
    """1:05 or 2:01:05."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def listing(statuses: Sequence[Status]) -> RenderableType:
    """`klearctl status`: one row for each run, and below them why those wait or failed that do."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("NAME", "STAGE", "STATE", "STEP", "CHECKPOINT"):
        table.add_column(column, no_wrap=column in ("NAME", "STATE"))
    for status in statuses:
        saved = "" if status.checkpoint is None else f"step {status.checkpoint}"
        table.add_row(status.name, status.stage, state_text(status.state), count(status), saved)
    return Group(table, *(_reason(status.name, status.why) for status in statuses))


def _reason(name: str, why: str) -> RenderableType:
    return Padding(Text(f"{name}: {why}", style="yellow"), (0, 0, 0, 2)) if why else Group()


def details(status: Status, bucket: str) -> Table:
    """`klearctl status RUN`: everything about one run."""
    table = Table.grid(padding=(0, 2))
    rows: list[tuple[str, str | Text | None]] = [
        ("run", status.name),
        ("stage", status.stage),
        ("state", state_text(status.state)),
        ("why", status.why),
        ("step", count(status)),
        ("numbers", numbers(status)),
        ("attempt", None if status.attempt is None else str(status.attempt)),
        ("resumes from", None if status.checkpoint is None else f"step {status.checkpoint}"),
        ("kept in", f"{bucket}/runs/{status.name}"),
    ]
    for name, value in rows:
        if value:
            table.add_row(Text(name, style="dim"), value)
    return table
