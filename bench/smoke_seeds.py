"""The smoke recipe over several seeds, beside a control: sft continued for as long as rl took.

    .venv/bin/python -m bench.smoke_seeds [--seeds 3] [--markdown docs/smoke.md]

Prints one row a seed with the accuracies (avg@4, temperature 1.0) and wall times, and exits 1 where a bar is missed:
untrained < sft < rl on every seed, sft between 0.3 and 0.8, and a mean gain of rl over sft of at least 10 points.
Runs that are there already, by name, are not run again.
"""

import argparse
import json
import os
import sys
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.commands import klearctl, metrics, result, submit

RECIPE = Path(__file__).parents[1] / "workflows/smoke"
GAIN, LOW, HIGH = 0.10, 0.3, 0.8


@dataclass(frozen=True, slots=True)
class Row:
    """What one seed gave; accuracies as fractions, times in seconds."""

    seed: int
    untrained: float
    sft: float
    rl: float
    control: float
    rl_s: float
    wall_s: float


def main() -> int:
    """Runs the seeds, prints the table; 0 if every bar is met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--markdown", type=Path, help="write the table into this file")
    words = parser.parse_args()
    rows = [measure(seed) for seed in range(words.seeds)]
    text = table(rows)
    print(text)
    if words.markdown:
        words.markdown.write_text(page(text))
    return 0 if good(rows) else 1


def measure(seed: int) -> Row:
    """One run of the recipe, and its control."""
    name, started = f"smoke-seed-{seed}", time.monotonic()
    found = json.loads(klearctl("run", str(RECIPE), "--name", name, "--set", f"seed={seed}", "-o", "json"))
    wall_s = time.monotonic() - started
    rl_s = metrics(f"{name}-rl")[-1]["time"] - metrics(f"{name}-sft")[-1]["time"]  # with the start of its server
    control = continue_sft(name, seed, steps=max(1, round(rl_s / step_s(f"{name}-sft"))))
    accuracy = found["accuracy"]
    return Row(seed, accuracy["untrained"], accuracy["sft"], accuracy["rl"], control, rl_s, wall_s)


def continue_sft(name: str, seed: int, *, steps: int) -> float:
    """Accuracy of the sft model after so many further sft steps."""
    sft, judged = f"{name}-ctl-sft", f"{name}-ctl-eval"
    common = {"seed": seed, "data": f"run:{name}-curate"}
    submit("sft", sft, settings("sft") | common | {"model": f"run:{name}-sft", "steps": steps})
    submit("eval", judged, settings("eval") | common | {"models": {"control": f"run:{sft}"}})
    return float(result(judged)["models"]["control"]["accuracy"])


def settings(stage: str) -> dict[str, Any]:
    """The recipe's own settings of a stage."""
    return tomllib.loads((RECIPE / f"{stage}.toml").read_text())


def step_s(run: str) -> float:
    """Seconds of a step, by the run's metrics."""
    rows = [row for row in metrics(run) if row["step"] is not None]
    return float(rows[-1]["time"] - rows[0]["time"]) / max(1, rows[-1]["step"] - rows[0]["step"])


def table(rows: list[Row]) -> str:
    """Markdown: a row for each seed and the means."""
    head = "| seed | untrained | sft | rl | control: sft for as long | rl over sft | rl took | whole recipe |"
    body = [
        f"| {row.seed} | {pct(row.untrained)} | {pct(row.sft)} | {pct(row.rl)} | {pct(row.control)} "
        f"| {100 * (row.rl - row.sft):+.1f} points | {row.rl_s:.0f} s | {row.wall_s:.0f} s |"
        for row in rows
    ]
    means = [sum(getattr(row, name) for row in rows) / len(rows) for name in ("untrained", "sft", "rl", "control")]
    last = f"| mean | {' | '.join(pct(mean) for mean in means)} | {100 * (means[2] - means[1]):+.1f} points | | |"
    return "\n".join([head, "|" + "---|" * 8, *body, last])


def pct(fraction: float) -> str:
    """A fraction in per cent."""
    return f"{100 * fraction:.1f} %"


def good(rows: list[Row]) -> bool:
    """Whether every bar is met."""
    ordered = all(row.untrained < row.sft < row.rl and LOW <= row.sft <= HIGH for row in rows)
    return ordered and sum(row.rl - row.sft for row in rows) / len(rows) >= GAIN


def page(text: str) -> str:
    """The table as a page of docs/."""
    return f"""# The smoke recipe over several seeds

Accuracy is avg@4 at temperature 1.0 on the held-out problems; the last checkpoint counts. The control continues sft
from its last checkpoint for as many seconds as rl took. Measured on {time.strftime("%Y-%m-%d")}, {os.cpu_count()} CPU
cores, no GPU, by `python -m bench.smoke_seeds --seeds {len(text.splitlines()) - 3}`.

{text}
"""


if __name__ == "__main__":
    sys.exit(main())
