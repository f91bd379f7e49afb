"""The program behind `klearctl verify`: rows with responses in, their rewards and verdicts out.

    python -m klearctl.stages.verify FILE.jsonl --rewards binary

Reads a line when a judge is free for it, and prints one row of JSON each, in the order of the input, as they get done.
Exit code: 0 whatever the verdicts, 1 when a row met an infrastructure fault, else 2 when a line was bad.
"""

import json
import os
import signal
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from types import FrameType
from typing import Any, BinaryIO, NamedTuple, get_args

from klearctl.errors import ConfigError
from klearctl.in_order import in_order
from klearctl.reward.judge import judge
from klearctl.reward.sandbox.isolation import Isolation
from klearctl.reward.score import REWARDS, Rewards, score
from klearctl.reward.verdict import Judged, Verdict
from klearctl.stages import program
from klearctl.stages.judges import Judges

LONGEST_LINE = 64 << 20  # bytes; some problems of LiveCodeBench have 30 MiB of tests


class Line(NamedTuple):
    """A line of the file that is not blank; of one that is too long, the beginning."""

    number: int
    text: bytes


def verify(file: str, *, rewards: Rewards, isolation: Isolation, unsafe: bool) -> int:
    """Prints a row for each of the file's; the exit code comes back.

    Raises:
        ConfigError: the file cannot be read, or nothing on this machine confines code.
    """
    seen = set()
    stream = _opened(file)  # never closed: a thread may be waiting for its next line
    with Judges(isolation=isolation, unsafe=unsafe) as judges:
        for row in in_order(lambda line: judge_line(line, judges, rewards), lines(stream), at_once=2 * _cores()):
            seen.add(row["verdict"])
            print(json.dumps(row), flush=True)
    return 1 if Verdict.INFRASTRUCTURE_FAULT in seen else 2 if Verdict.BAD_ROW in seen else 0


def lines(stream: BinaryIO) -> Iterator[Line]:
    """The lines that are not blank, with their numbers in the file."""
    number = 0
    while text := stream.readline(LONGEST_LINE + 1):
        number += 1
        rest = text
        while len(text) > LONGEST_LINE and rest and not rest.endswith(b"\n"):
            rest = stream.readline(LONGEST_LINE)
        if not text.isspace():
            yield Line(number, text)


def judge_line(line: Line, judges: Judges, rewards: Rewards) -> dict[str, Any]:
    """The row that is printed for a line."""
    response = ""
    try:
        row = _parse(line.text)
    except ValueError as error:
        judged = Judged(Verdict.BAD_ROW, detail=str(error))
    else:
        judged = judge(row, maths=judges.maths, code=judges.code)
        response = row.get("response", "") if isinstance(row, dict) else ""
    where = f"line {line.number}: " if judged.verdict is Verdict.BAD_ROW else ""
    return {
        "reward": score(judged, response, rewards),
        "verdict": judged.verdict,
        "passed": judged.passed,
        "tests": judged.tests,
        "detail": where + judged.detail,
    }


def _parse(text: bytes) -> Any:
    if len(text) > LONGEST_LINE:
        raise ValueError(f"it has more than {LONGEST_LINE >> 20} MiB")
    try:
        return json.loads(text.rstrip())
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not JSON: {error.msg} at character {error.pos}") from error
    except ValueError as error:  # no UTF-8, or a number that is too long
        raise ValueError(f"it is not JSON: {error}") from error
    except RecursionError as error:
        raise ValueError("its brackets are too deep") from error


def _opened(file: str) -> BinaryIO:
    try:
        return open(0 if file == "-" else file, "rb", closefd=file != "-")
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}", fix="check the path") from error


def _cores() -> int:
    return len(os.sched_getaffinity(0))


def main(words: list[str]) -> int:
    """Runs it; a SIGTERM or a Ctrl-C ends it and all that it started."""
    parser = ArgumentParser(prog="python -m klearctl.stages.verify")
    parser.add_argument("file", help="JSONL, or - for standard input")
    parser.add_argument("--rewards", choices=REWARDS, default="binary")
    parser.add_argument("--isolation", choices=get_args(Isolation), default="auto")
    parser.add_argument("--unsafe", action="store_true", help="run code even where nothing confines it")
    told = vars(parser.parse_args(words))
    signal.signal(signal.SIGTERM, _stop)
    try:
        return program.run(lambda: verify(**told))
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except BrokenPipeError:  # whoever read the rows has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE


def _stop(number: int, _: FrameType | None) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
