"""klearctl verify: the rewards of stored answers, row by row or as a table of verdicts."""

import json
from importlib.util import find_spec
from pathlib import Path

import click
from rich.console import Console

from klearctl.cli.judging import Display, count_rows, judging
from klearctl.cli.options import output_option
from klearctl.cli.tally import Tally, table
from klearctl.errors import ConfigError, RunFailed

_POD = ("math_verify", "numpy", "sortedcontainers")  # what the judges need and a laptop may lack


@click.command()
@click.argument("file", metavar="FILE.jsonl")
@click.option(
    "--rewards",
    type=click.Choice(["binary", "soft", "klear"]),
    default="binary",
    show_default=True,
    help="1 for full credit; the share of passed tests; Klear's constants.",
)
@click.option(
    "--isolation",
    type=click.Choice(["bubblewrap", "landlock"]),
    help="What confines code [default: the strongest that works here].",
)
@click.option("--unsafe", is_flag=True, help="Run code also where nothing confines it.")
@output_option("table", "json", default="table")
def verify(file: str, rewards: str, isolation: str | None, unsafe: bool, output: str) -> int:
    """Score the responses of FILE.jsonl, of maths and of code; - is standard input.

    `-o json` prints one row for each row of the file, in their order. Exit code: 0 whatever the verdicts, 1 where a
    fault of this machine kept a row from being judged, 2 where a line was bad.
    """
    for name in _POD:
        if find_spec(name) is None:
            raise ConfigError(f"verify needs klearctl[pod]: {name} is not installed", fix="pip install 'klearctl[pod]'")
    words = ["--rewards", rewards, *(["--isolation", isolation] if isolation else [])]
    tally = Tally()
    words += [*(["--unsafe"] if unsafe else []), "--", file]
    title = "standard input" if file == "-" else Path(file).name
    with Display(title, tally, rows=output == "json") as display, judging(words, display) as program:
        assert program.stdout
        tally.total = count_rows(file)
        for row in program.stdout:
            tally.add(json.loads(row))
            display.news()
            if output == "json":
                click.echo(row, nl=False)
        code = program.wait()
    return _conclude(tally, code, shown=output == "table")


def _conclude(tally: Tally, code: int, *, shown: bool) -> int:
    """Prints the table, and what was wrong.

    Raises:
        RunFailed: a row could not be judged, or the program was killed.
        ConfigError: a line was bad.
    """
    faults, bad = tally.counts["infrastructure_fault"], tally.counts["bad_row"]
    if code < 0:
        raise RunFailed(f"the program that judges was ended by signal {-code}", fix="the same again")
    if code != (1 if faults else 2 if bad else 0):
        return code  # it has said why
    if shown:
        Console().print(table(tally))
    if faults:
        raise RunFailed(
            f"rows not judged: {faults}; the first: {tally.firsts['infrastructure_fault']}", fix="the same again"
        )
    if bad:
        raise ConfigError(
            f"bad lines: {bad}; the first: {tally.firsts['bad_row']}", fix="docs/verify.md has the form of a row"
        )
    return code
