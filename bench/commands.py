"""The user's own commands for the benches: settings and a run's name in, rows and results out."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from klearctl.cli.session import open_bucket
from klearctl.config.platform import load_platform
from klearctl.records import read_result
from klearctl.run import run_prefix

KLEARCTL = str(Path(sys.executable).parent / "klearctl")


def klearctl(*words: str) -> str:
    """Standard output of the command; its progress goes to our standard error.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    return subprocess.run([KLEARCTL, *words], check=True, stdout=subprocess.PIPE, text=True).stdout


def submit(stage: str, run: str, settings: Mapping[str, Any], *files: Path) -> None:
    """Runs one stage to its end, or goes on with it; settings stand above those of the files."""
    words = ["submit", stage, "--name", run, *(word for file in files for word in ("-f", str(file))), *sets(settings)]
    klearctl(*words)
    klearctl("resume", run)
    klearctl(*words, "--wait")


def sets(settings: Mapping[str, Any]) -> list[str]:
    """The settings as words of a command line."""
    return [word for key, value in settings.items() for word in ("--set", f"{key}={toml(value)}")]


def toml(value: Any) -> str:
    """The value as TOML writes it inline."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)


def metrics(run: str) -> list[dict[str, Any]]:
    """The run's rows."""
    rows: list[dict[str, Any]] = json.loads(klearctl("metrics", run, "-o", "json"))
    return rows


def result(run: str) -> dict[str, Any]:
    """What the run made."""
    with open_bucket(load_platform()) as bucket:
        return read_result(run_prefix(bucket, run))
