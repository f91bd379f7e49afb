"""The door of a pod program: reads its config, does its work, turns an error into words and an exit code."""

import sys
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path

from klearctl.errors import KlearError

CONFIG = Path("/etc/klear/config.json")


def arguments(name: str) -> ArgumentParser:
    """The words that every pod program takes."""
    parser = ArgumentParser(prog=f"python -m klearctl.stages.{name}")
    parser.add_argument("--config", type=Path, default=CONFIG, help="the run's config.json")
    return parser


def run(work: Callable[[], int | None]) -> int:
    """The exit code of the work: its own, 0 where it has none, or that of the KlearError it ends with.

    Any other exception is a fault of ours and keeps its traceback.
    """
    try:
        return work() or 0
    except KlearError as error:
        print(f"error: {error}", file=sys.stderr)
        if error.fix:
            print(f"  try: {error.fix}", file=sys.stderr)
        return error.exit_code
