"""What the engine tests look at, run on one or more ranks: `python scenario.py straight|resume FOLDER`.

Rank 0 writes FOLDER/PART-WORLD.json; weights are compared by tests through safetensors files beside it.
"""

import json
import os
import random
import sys
from functools import partial
from pathlib import Path

os.environ["DS_ACCELERATOR"] = "cpu"

import torch
from safetensors.torch import save_file

from klearctl.config.common import OptimizerConfig
from klearctl.config.sft import NewModelConfig
from klearctl.train import ranks
from klearctl.train.engine import Engine
from klearctl.train.fresh import make_model
from klearctl.train.packing import Sample

CASES = {
    1: [(0, "float32"), (1, "float32"), (2, "float32"), (3, "float32"), (1, "bfloat16"), (3, "bfloat16")],
    2: [(0, "float32"), (2, "float32"), (3, "float32"), (3, "bfloat16")],
}
SHAPE = NewModelConfig(
    hidden_size=32,
    layers=2,
    heads=2,
    kv_heads=1,
    head_dim=16,
    intermediate_size=64,
    vocab_size=320,
    max_tokens=128,
    tied=False,
)
STEPS, HALF, TEMPERATURE = 6, 3, 0.7


def _weighed(weights, place, logp):
    return -weights[place] * logp.sum()


def main(part: str, folder: Path) -> None:
    torch.set_num_threads(1)
    ranks.join(gpus=False)
    if ranks.rank() == 0 and not (folder / "tiny").exists():
        _make_tiny(folder / "tiny")
    ranks.barrier()
    found = {"straight": _straight, "resume": _resume}[part](folder)
    if ranks.rank() == 0:
        (folder / f"{part}-{ranks.world_size()}.json").write_text(json.dumps(found))
    ranks.leave()


def _straight(folder: Path) -> dict:
    """Each case: six steps, a checkpoint after three; and what only one engine shows."""
    found = {"shared": ranks.share({"from": ranks.rank()}), "any": ranks.any_rank(ranks.rank() == 1)}
    for stage, dtype in CASES[ranks.world_size()]:
        engine = _engine(folder / "tiny", stage, dtype)
        rows = _steps(engine, 0, HALF)
        name = f"{stage}-{dtype}-{ranks.world_size()}"
        engine.save(folder / name, {"cursor": [HALF, None]})
        ranks.barrier()
        _keep(engine, folder / f"{name}-half.safetensors")
        rows += _steps(engine, HALF, STEPS)
        _keep(engine, folder / f"{name}-straight.safetensors")
        found[name] = rows
    found["logprobs"] = _packed_and_alone(_engine(folder / "tiny", 0, "float32"))
    _rows_of_other_size(folder)
    return found


def _resume(folder: Path) -> dict:
    """Each checkpoint, those of more ranks too, from its middle to the end."""
    found = {}
    mine = ranks.world_size()
    for written in [mine] if mine > 1 else [1, 2]:
        for stage, dtype in CASES[written]:
            name = f"{stage}-{dtype}-{written}"
            engine = _engine(folder / name / "model", stage, dtype)
            extra = engine.load(folder / name)
            found[name] = {"extra": extra, "rows": _steps(engine, HALF, STEPS)}
            _keep(engine, folder / f"{name}-resumed-{mine}.safetensors")
    return found


def _engine(model: Path, stage: int, dtype: str, row_tokens: int = 64) -> Engine:
    settings = OptimizerConfig(lr=1e-2, warmup_steps=2, decay="cosine", grad_clip=0.5)
    return Engine(
        model,
        optimizer=settings,
        total_steps=STEPS,
        zero_stage=stage,
        dtype=dtype,
        row_tokens=row_tokens,
        seed=0,
        temperature=TEMPERATURE,
    )


def _steps(engine: Engine, first: int, last: int) -> list[dict[str, float]]:
    rows = []
    for step in range(first, last):
        batch = _batch(step)
        mine = list(range(engine.rank, len(batch), engine.world_size))
        weights = [0.5 + place for place in mine]  # so that a sample mistaken for another shows
        rows.append(
            engine.step(
                [batch[place] for place in mine],
                partial(_weighed, weights),
                tokens=sum(len(sample.response) for sample in batch),
            )
        )
    return rows


def _batch(step: int) -> list[Sample]:
    """Five samples, so that two ranks have unequal shares, and unequal numbers of rows."""
    dice = random.Random(step)

    def words(low: int, high: int) -> tuple[int, ...]:
        return tuple(dice.randrange(256) for _ in range(dice.randint(low, high)))

    return [Sample(words(2, 9), words(1, 40)) for _ in range(5)]


def _packed_and_alone(engine: Engine) -> float:
    """The largest difference between log-probs in shared rows and in a row each."""
    batch = _batch(0)
    alone = [engine.logprobs([sample])[0] for sample in batch]
    packed = engine.logprobs(batch)
    return max((a - b).abs().max().item() for a, b in zip(alone, packed, strict=True))


def _rows_of_other_size(folder: Path) -> None:
    """The same updates in other micro batches, and with activations that are recomputed."""
    wide = _engine(folder / "tiny", 3, "float32", row_tokens=512)
    _steps(wide, 0, STEPS)
    _keep(wide, folder / f"wide-{ranks.world_size()}.safetensors")
    recomputed = _engine(folder / "tiny", 3, "float32")
    recomputed._deepspeed.module.model.gradient_checkpointing_enable({"use_reentrant": False})
    _steps(recomputed, 0, STEPS)
    _keep(recomputed, folder / f"recomputed-{ranks.world_size()}.safetensors")


def _keep(engine: Engine, file: Path) -> None:
    weights = {name: tensor.clone() for name, tensor in engine.parameters()}
    if engine.rank == 0:
        save_file(weights, file)


def _make_tiny(directory: Path) -> None:
    from klearctl.data.tokenizer import train_tokenizer

    make_model(SHAPE, train_tokenizer(["1 + 2 = 3"], SHAPE.vocab_size), seed=0, directory=directory)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
