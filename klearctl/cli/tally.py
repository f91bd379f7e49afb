"""What a person sees of `klearctl verify`: judged rows in; counts, and something that rich can print, out."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Column, Table
from rich.text import Text

from klearctl.cli.screen import clock

_COLOURS = {"accepted": "green", "unparsable_gold": "yellow", "infrastructure_fault": "red", "bad_row": "red"}


@dataclass(slots=True)
class Tally:
    """Judged rows, counted as they come."""

    total: int | None = None
    """How many will come; None where nobody knows, as of what comes through a pipe."""

    counts: Counter[str] = field(default_factory=Counter)
    rewards: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    """The sum for each verdict."""

    firsts: dict[str, str] = field(default_factory=dict)
    """The detail of each verdict's first row."""

    def add(self, row: Mapping[str, Any]) -> None:
        """Counts a row of `verify -o json`."""
        verdict = row["verdict"]
        self.counts[verdict] += 1
        self.rewards[verdict] += row["reward"] or 0.0
        self.firsts.setdefault(verdict, row["detail"])


def progress(tally: Tally, title: str, *, elapsed_s: float, width: int) -> RenderableType:
    """The live display: how far, how long, and the verdicts so far."""
    done = tally.counts.total()
    bar = ProgressBar(
        total=tally.total or None,
        completed=done,
        width=max(8, min(40, width - 40)),
        pulse=tally.total is None,
        complete_style="cyan",
        finished_style="green",
    )
    line = Table.grid(padding=(0, 1))
    rest = (tally.total or done) - done
    left = f"{clock(elapsed_s / done * rest)} left" if done and rest > 0 else ""
    line.add_row("", bar, _of_total(tally), left)
    return Group(Text.assemble((title, "bold"), f"  {clock(elapsed_s)}"), line, Text(f" {_verdicts(tally)}"))


def plain(tally: Tally) -> str:
    """The same in one line, for a log."""
    return f"{_of_total(tally)} {_verdicts(tally)}"


def table(tally: Tally) -> Table:
    """What came of all rows: a line for each verdict, and one for all of them."""
    numbers = [Column(name, justify="right") for name in ("COUNT", "SHARE", "MEAN REWARD")]
    made = Table("VERDICT", *numbers, box=None, pad_edge=False, header_style="bold")
    for verdict, count in tally.counts.most_common():
        name = Text(verdict, style=_COLOURS.get(verdict, ""))
        faults = count if verdict == "infrastructure_fault" else 0
        made.add_row(name, *_numbers(tally, count, tally.rewards[verdict], faults=faults))
    total, faults = tally.counts.total(), tally.counts["infrastructure_fault"]
    made.add_row("all", *_numbers(tally, total, sum(tally.rewards.values()), faults=faults), style="bold")
    return made


def _numbers(tally: Tally, count: int, reward: float, *, faults: int) -> list[str]:
    mean = f"{reward / (count - faults):.3f}" if count > faults else "-"  # a fault has no reward
    return [str(count), f"{100 * count / max(1, tally.counts.total()):.1f} %", mean]


def _of_total(tally: Tally) -> str:
    done = tally.counts.total()
    return f"{done} rows" if tally.total is None else f"{done}/{tally.total}"


def _verdicts(tally: Tally) -> str:
    return "  ".join(f"{verdict} {count}" for verdict, count in tally.counts.most_common())
