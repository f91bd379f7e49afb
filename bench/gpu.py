"""Whether the trainer does on a GPU what it does on a CPU, and how fast: `make gpu-check [ARGS="--markdown FILE"]`.

One GPU, one rank, NCCL. A small Qwen3 is compared with itself on the CPU in float32; a Qwen3 of 0.6 B parameters
(arXiv 2505.09388, table 1) with random weights is timed. What needs two GPUs, or vLLM, is not looked at. Prints a
table, and exits 1 if a figure is beyond its limit.
"""

import argparse
import importlib.metadata
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor
from transformers import Qwen3Config, Qwen3ForCausalLM

from klearctl.config.common import OptimizerConfig
from klearctl.train import ranks, zero
from klearctl.train.engine import Engine
from klearctl.train.loss import gppo_loss, nll_loss, ppo_loss
from klearctl.train.packing import Sample, lay_out
from klearctl.train.policy import load_policy

SMALL = {"hidden_size": 256, "num_hidden_layers": 4, "num_attention_heads": 4, "num_key_value_heads": 2}
SMALL |= {"head_dim": 64, "intermediate_size": 768, "vocab_size": 1024}
LARGE = {"hidden_size": 1024, "num_hidden_layers": 28, "num_attention_heads": 16, "num_key_value_heads": 8}
LARGE |= {"head_dim": 128, "intermediate_size": 3072, "vocab_size": 151_936, "tie_word_embeddings": True}
HALF, STEPS = 4, 20
CLIPS = {"clip_low": 0.2, "clip_high": 0.28, "dual_clip": 0.0}


class Figure(NamedTuple):
    """A line of the table; it is wrong where `value` is above `limit`."""

    what: str
    value: float
    limit: float | None
    unit: str = ""


def main() -> int:
    """Looks at everything, prints the table; 0 if every figure is within its limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--markdown", type=Path, help="write the table into this file")
    words = parser.parse_args()
    zero.quiet()
    ranks.join(gpus=True)
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        small, large = _made(SMALL, folder / "small"), _made(LARGE, folder / "large")
        looks: list[Callable[[], Iterator[Figure]]] = [
            _losses,
            partial(_logprobs, small),
            partial(_stages, small, folder),
        ]
        looks += [partial(_speed, large, row) for row in (8192, 36_864)]
        for look in looks:
            for figure in look():
                print(f"{figure.what}: {_number(figure.value)} {figure.unit}".rstrip(), file=sys.stderr, flush=True)
                figures.append(figure)
    ranks.leave()
    text = table(figures)
    print(text)
    if words.markdown:
        words.markdown.write_text(
            f"# The trainer on a GPU\n\nMeasured on {time.strftime('%Y-%m-%d')} by `make gpu-check`.\n\n{text}\n"
        )
    return int(any(_is_wrong(figure) for figure in figures))


def table(figures: list[Figure]) -> str:
    """What it ran on, and a line for each figure, in Markdown."""
    versions = ", ".join(
        f"{name} {importlib.metadata.version(name)}" for name in ("torch", "transformers", "deepspeed")
    )
    lines = [f"{torch.cuda.get_device_name()}; {versions}; CUDA {torch.version.cuda}.", ""]
    lines += ["| what | figure | at most | |", "|---|---|---|---|"]
    for figure in figures:
        limit = "" if figure.limit is None else _number(figure.limit)
        verdict = "" if figure.limit is None else "WRONG" if _is_wrong(figure) else "holds"
        lines.append(
            f"| {figure.what} | {_number(figure.value)} {figure.unit} | {limit} | {verdict} |".replace("  ", " ")
        )
    return "\n".join(lines)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def _is_wrong(figure: Figure) -> bool:
    return figure.limit is not None and not figure.value <= figure.limit  # NaN is wrong


def _made(shape: dict[str, int | bool], folder: Path) -> Path:
    torch.manual_seed(0)
    # initializer_range: large enough that log-probs differ from token to token
    Qwen3ForCausalLM(Qwen3Config(max_position_embeddings=40_960, initializer_range=0.05, **shape)).save_pretrained(
        folder
    )
    return folder


def _batch(seed: int, *, lengths: list[int], vocabulary: int) -> list[Sample]:
    dice = random.Random(seed)
    return [
        Sample(*(tuple(dice.randrange(vocabulary) for _ in range(part)) for part in (16, length - 16)))
        for length in lengths
    ]


def _small_batch(seed: int) -> list[Sample]:
    return _batch(seed, lengths=[40, 300, 120, 77, 200], vocabulary=SMALL["vocab_size"])


def _engine(model: Path, *, stage: int, dtype: str = "bfloat16", row_tokens: int = 512, lr: float = 1e-3) -> Engine:
    return Engine(
        model,
        optimizer=OptimizerConfig(lr=lr, warmup_steps=2),
        total_steps=STEPS,
        zero_stage=stage,
        dtype=dtype,
        row_tokens=row_tokens,
        seed=0,
        temperature=1.0,
    )


def _losses() -> Iterator[Figure]:
    """Gradients of both losses with respect to the log-probs, of tokens that are clipped and of others."""
    torch.manual_seed(0)
    old_T, step_T, advantage_T = -3 * torch.rand(4096), 0.4 * torch.randn(4096), torch.randn(4096)
    losses = {"GPPO": partial(gppo_loss, beta1=1.0, beta2=1.0, **CLIPS), "PPO": partial(ppo_loss, **CLIPS)}
    for name, loss in losses.items():
        grads = [
            _gradient(loss, old_T.to(device), step_T.to(device), advantage_T.to(device)) for device in ("cpu", "cuda")
        ]
        yield Figure(f"{name}: gradient of a token, GPU against CPU", _furthest(*grads), 1e-5)


def _gradient(loss: Callable[..., tuple[Tensor, object]], old_T: Tensor, step_T: Tensor, advantage_T: Tensor) -> Tensor:
    logp_T = (old_T + step_T).requires_grad_()
    loss(logp_T, old_T, advantage_T)[0].backward()
    assert logp_T.grad is not None
    return logp_T.grad.cpu()


def _furthest(one: Tensor, other: Tensor) -> float:
    return (one - other).abs().max().item()


def _logprobs(model: Path) -> Iterator[Figure]:
    batch = _small_batch(0)
    policy = load_policy(model, dtype=torch.float32, temperature=1.0, gpu=False)
    with torch.no_grad():
        exact = torch.cat([policy(lay_out([sample], "cpu")) for sample in batch])
    for dtype, limit in (("float32", 0.01), ("bfloat16", 0.1)):  # the GPU multiplies in TensorFloat-32
        engine = _engine(model, stage=1 if dtype == "bfloat16" else 0, dtype=dtype)
        packed = torch.cat(engine.logprobs(batch)).cpu()
        alone = torch.cat([engine.logprobs([sample])[0] for sample in batch]).cpu()
        yield Figure(f"{dtype}: a log-prob, GPU against CPU in float32", _furthest(packed, exact), limit)
        yield Figure(f"{dtype}: a log-prob, packed against alone", _furthest(packed, alone), limit)


def _stages(model: Path, folder: Path) -> Iterator[Figure]:
    """Every ZeRO stage learns one batch by heart; and goes on from its checkpoint as if nothing had been."""
    for stage, dtype in ((0, "float32"), (1, "bfloat16"), (2, "bfloat16"), (3, "bfloat16")):
        engine, name = _engine(model, stage=stage, dtype=dtype), f"ZeRO {stage}, {dtype}"
        rows = _steps(engine, 0, HALF)
        saved = folder / f"{stage}-{dtype}"
        engine.save(saved, {})
        rows += _steps(engine, HALF, STEPS)
        yield Figure(f"{name}: loss after {STEPS} steps as a share of the first", rows[-1] / rows[0], 0.1)
        weights = {key: tensor.float().cpu() for key, tensor in engine.parameters()}
        again = _engine(saved / "model", stage=stage, dtype=dtype)
        again.load(saved)
        _steps(again, HALF, STEPS)
        gaps = [_furthest(weights[key], tensor.float().cpu()) for key, tensor in again.parameters()]
        yield Figure(f"{name}: a weight, resumed against undisturbed", max(gaps), 0.01)


def _steps(engine: Engine, first: int, last: int) -> list[float]:
    batch = _small_batch(0)
    tokens = sum(len(sample.response) for sample in batch)
    return [engine.step(batch, lambda _, logp_T: nll_loss(logp_T), tokens)["loss"] for _ in range(first, last)]


def _speed(model: Path, row_tokens: int) -> Iterator[Figure]:
    """Optimizer steps on four full rows: of four samples each, and of one."""
    for samples in (4, 1):
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        engine = _engine(model, stage=1, row_tokens=row_tokens, lr=1e-6)
        batch = _batch(0, lengths=[row_tokens // samples] * (4 * samples), vocabulary=LARGE["vocab_size"])
        tokens = sum(len(sample.response) for sample in batch)
        seconds = []
        for _ in range(3):
            torch.cuda.synchronize()
            began = time.perf_counter()
            engine.step(batch, lambda _, logp_T: nll_loss(logp_T), tokens)
            torch.cuda.synchronize()
            seconds.append(time.perf_counter() - began)
        name = f"Qwen3 0.6 B, bfloat16, rows of {row_tokens:,} tokens, {samples} to a row"
        yield Figure(f"{name}: trained", 4 * row_tokens / min(seconds[1:]), None, "tokens/s")
        yield Figure(f"{name}: peak memory", torch.cuda.max_memory_allocated() / 2**30, None, "GiB")
        del engine


if __name__ == "__main__":
    sys.exit(main())
