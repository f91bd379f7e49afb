"""What sft and rl have in common: where an attempt starts, the loop over steps, commits, metrics and the stop.

begun = start(pod, prepare)                       a committed checkpoint, or a model made by `prepare`
engine = Engine(begun.model_dir, ...)
extra = begun.resume(engine)                      {} at the very start
loop(engine, pod, begun, ..., advance=, extra=)   each step, its row, its checkpoint; SystemExit(85) when stopped
"""

import shutil
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from klearctl import checkpoints
from klearctl.config.common import OptimizerConfig, TrainerConfig
from klearctl.config.pod import PodConfig
from klearctl.records import MetricsWriter, claim_attempt, write_result
from klearctl.train import ranks
from klearctl.train.engine import Engine
from klearctl.train.stop import STOPPED, Stop

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Start:
    """Where this attempt begins."""

    attempt: int
    step: int
    """The last committed step; 0 at the very start too."""
    fresh: bool
    """Nothing is committed yet."""
    folder: Path
    """On this node: `model/`, and `state/` unless fresh."""

    @property
    def model_dir(self) -> Path:
        """A Hugging Face directory."""
        return self.folder / "model"

    def resume(self, engine: Engine) -> dict[str, Any]:
        """Put the engine where the checkpoint was; the stage's own state as it was committed."""
        return {} if self.fresh else engine.load(self.folder)


def start(pod: PodConfig[Any], prepare: Callable[[Path], None]) -> Start:
    """The newest checkpoint on every node, or what `prepare(folder)` makes there. Called by all ranks."""
    attempt, step = ranks.share(_look(pod) if ranks.rank() == 0 else None)
    folder = Path(tempfile.gettempdir()) / f"klear-{pod.run}-{ranks.node()}"
    if ranks.local_rank() == 0:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        if step is None:
            prepare(folder / "model")
        else:
            committed = {found.step: found for found in checkpoints.committed(pod.prefix)}
            checkpoints.fetch(committed[step], folder)
    ranks.barrier()
    return Start(attempt=attempt, step=step or 0, fresh=step is None, folder=folder)


def engine(
    begun: Start,
    trainer: TrainerConfig,
    optimizer: OptimizerConfig,
    *,
    total_steps: int,
    seed: int,
    temperature: float,
) -> Engine:
    """The engine that the settings ask for. `total_steps` are optimizer steps."""
    return Engine(
        begun.model_dir,
        optimizer=optimizer,
        total_steps=total_steps,
        zero_stage=trainer.zero_stage,
        dtype=trainer.dtype,
        row_tokens=trainer.row_tokens,
        seed=seed,
        temperature=temperature,
    )


def loop(
    engine: Engine,
    pod: PodConfig[Any],
    begun: Start,
    *,
    trainer: TrainerConfig,
    steps: int,
    stop: Stop,
    advance: Callable[[int], Row | None],
    extra: Callable[[], dict[str, Any]],
    first: Row | None = None,
) -> None:
    """The steps that are left. `advance(step)` makes one and gives its row of metrics; `extra()` is saved with it.

    Where it gives None, on all ranks, the run is stopped: it has changed nothing.
    `first` is a row of step 0: what was measured before any step.
    """
    stop.begin()
    with ExitStack() as stack:
        metrics = stack.enter_context(_metrics(pod, begun, trainer, steps)) if engine.rank == 0 else None
        if metrics and first is not None:
            metrics.write(step=0, **first)
        for step in range(begun.step + 1, steps + 1):
            row = None if ranks.any_rank(stop.asked) else advance(step)
            if row is None:
                _commit_unless_there(engine, pod, begun, step - 1, trainer, extra(), metrics)
                raise SystemExit(STOPPED)
            if metrics:
                metrics.write(step=step, **row)
            if step % trainer.checkpoint_every == 0 or step == steps:
                commit(engine, pod, begun, step, extra(), metrics)


def commit(
    engine: Engine,
    pod: PodConfig[Any],
    begun: Start,
    step: int,
    extra: dict[str, Any],
    metrics: MetricsWriter | None = None,
) -> None:
    """A checkpoint of this step. Its rows of metrics go first: no committed step lacks its row."""
    folder = begun.folder.with_name(f"{begun.folder.name}-step-{step}")
    engine.save(folder, extra)
    if engine.rank == 0:
        if metrics:
            metrics.flush()
        checkpoints.save(pod.prefix, step, folder)
        shutil.rmtree(folder)
    ranks.barrier()


def finished(pod: PodConfig[Any], steps: int) -> bool:
    """Whether the last step is committed: an attempt that finds it has nothing to do. Needs no other rank."""
    latest = checkpoints.latest(pod.prefix)
    return latest is not None and latest.step >= steps


def finish(pod: PodConfig[Any], steps: int) -> None:
    """The run's result: the model of the last step."""
    write_result(pod.prefix, {"model": checkpoints.model_address(pod.prefix, steps)})


def _look(pod: PodConfig[Any]) -> tuple[int, int | None]:
    latest = checkpoints.latest(pod.prefix)
    return claim_attempt(pod.prefix), latest.step if latest else None


def _metrics(pod: PodConfig[Any], begun: Start, trainer: TrainerConfig, steps: int) -> MetricsWriter:
    return MetricsWriter(
        pod.prefix,
        stage=pod.stage,
        attempt=begun.attempt,
        steps=steps,
        interval_s=trainer.metrics_interval_s,
    )


def _commit_unless_there(
    engine: Engine,
    pod: PodConfig[Any],
    begun: Start,
    step: int,
    trainer: TrainerConfig,
    extra: dict[str, Any],
    metrics: MetricsWriter | None,
) -> None:
    if step > begun.step and step % trainer.checkpoint_every:
        commit(engine, pod, begun, step, extra, metrics)
