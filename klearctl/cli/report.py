"""What a finished recipe run has to show: accuracies, three problems with each model's answer, where all lies."""

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from klearctl import records
from klearctl.cli.main import as_called
from klearctl.cli.options import as_typed
from klearctl.config.recipe import Recipe, stage_run
from klearctl.run import run_prefix


def evaluation(name: str, recipe: Recipe, bucket: str) -> dict[str, Any] | None:
    """What the recipe's eval found; None where it has none."""
    return records.read_result(run_prefix(bucket, stage_run(name, "eval"))) if "eval" in recipe.stages else None


def summary(name: str, recipe: Recipe, result: dict[str, Any] | None) -> dict[str, Any]:
    """`{"runs": {stage: run}}`; after an eval, of all problems together and of each task, with how many there were:

    `{"accuracy": {model: fraction}, "accuracy_by_task": {model: {task: fraction}}, "problems": n}`
    """
    found: dict[str, Any] = {"runs": {stage: stage_run(name, stage) for stage in recipe.stages}}
    if result is not None:
        found["accuracy"] = {label: model["accuracy"] for label, model in result["models"].items()}
        found["accuracy_by_task"] = {label: model["by_task"] for label, model in result["models"].items()}
        found["problems"] = result["problems"]
    return found


def print_report(
    name: str, recipe: Recipe, bucket: str, result: dict[str, Any] | None, *, place: Path, again: str
) -> None:
    """Tables for a person, on standard output. The bucket lies in `place`; `again` are the words to see them again."""
    console = Console()
    if result is not None:
        console.print(_accuracy(result))
        for sample in result["samples"]:
            console.print(_sample(sample))
    console.print(Text(f"Everything lies under {bucket}/runs/{name}-*, in {place}. Next:"))
    console.print(_next(name, recipe, again, width=console.width), soft_wrap=True)


def _accuracy(result: dict[str, Any]) -> Table:
    models = result["models"]
    first = next(iter(models.values()))
    temperatures = list(first["by_temperature"])
    table = Table(
        title=f"Accuracy on {result['problems']} held-out problems", title_justify="left", box=None, pad_edge=False
    )
    table.add_column("MODEL")
    table.add_column(f"ACCURACY (avg@{first['samples']})", justify="right")
    for temperature in temperatures:
        table.add_column("greedy" if float(temperature) == 0 else f"T={temperature}", justify="right")
    for k in first["pass_at"]:
        table.add_column(f"pass@{k}", justify="right")
    for label, model in models.items():
        table.add_row(
            label,
            f"{100 * model['accuracy']:.1f} ± {100 * model['stderr']:.1f} %",
            *(f"{100 * model['by_temperature'][temperature]:.1f} %" for temperature in temperatures),
            *(f"{100 * value:.1f} %" for value in model["pass_at"].values()),
        )
    return table


def _sample(sample: dict[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_row(Text("problem", style="dim"), Text(sample["prompt"]))
    table.add_row(Text("answer", style="dim"), Text(sample["answer"], style="bold"))
    for label, response in sample["responses"].items():
        right = response["reward"] == 1.0
        table.add_row(Text(label, style="green" if right else "red"), Text(" ".join(response["text"].split())[:200]))
    return table


def _next(name: str, recipe: Recipe, again: str, *, width: int) -> Text:
    """Commands, and what each shows: beside it, or under it where that is too wide."""
    words = [(as_typed(f"status {name}"), "its stages")]
    trained = [stage for stage in recipe.stages if stage in ("sft", "rl")]
    if trained:
        run = stage_run(name, trained[-1])
        words += [
            (as_typed(f"metrics {run}"), "its numbers"),
            (as_typed(f"checkpoints {run} --get model"), "the model"),
        ]
    words += [
        (as_called(f"klearctl explain {(trained or recipe.stages)[-1]}"), "what can be set"),
        (as_typed(again), "this table again"),
        (as_typed(f"delete {name} --data"), "remove it all"),
    ]
    longest = max(len(word) for word, _ in words)
    beside = [f"  {word.ljust(longest)}  {text}" for word, text in words]
    fits = max(map(len, beside)) <= width
    return Text("\n".join(beside if fits else [f"  {word}\n      {text}" for word, text in words]))
