"""The sft stage: a model and worked solutions in, checkpoints out; step 0 is the untrained model.

    rows -> batch of a step -> this rank's share -> samples -> token mean of the NLL -> step -> row, checkpoint

The batch of a step follows from the seed and the step alone, so there is no cursor to save.
"""

import math
import random
import sys
import time
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from klearctl import checkpoints
from klearctl.config.pod import PodConfig, read
from klearctl.config.sft import SFTConfig
from klearctl.data.table import Solved, read_solved
from klearctl.data.tokenizer import train_tokenizer
from klearctl.errors import ConfigError
from klearctl.stages import program
from klearctl.stages.fetch import fetch_model
from klearctl.train.stop import Stop

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from klearctl.train.engine import Engine
    from klearctl.train.packing import Sample

NEW = "new"
TEMPLATE_BYTES = 1000  # more than a chat template adds to a row


def main(argv: Sequence[str] | None = None) -> int:
    """Trains the run of `--config`, or goes on with it; returns the exit code (85: stopped after a checkpoint)."""
    stop = Stop()
    words = program.arguments("sft").parse_args(argv)
    return program.run(lambda: sft(read(words.config, SFTConfig), stop))


def sft(pod: PodConfig[SFTConfig], stop: Stop) -> None:
    """Every step that is left of the run, then its result."""
    from klearctl.train import ranks, session

    config = pod.config
    rows = _rows(pod)
    steps = config.steps or config.epochs * _steps_per_epoch(rows, config)
    if not session.finished(pod, steps):
        ranks.join(gpus=bool(pod.layout.gpus))
        begun = session.start(pod, lambda folder: _prepare(pod, rows, folder))
        _train(pod, begun, rows, steps, stop)
        ranks.leave()
    session.finish(pod, steps)


def batch_of(step: int, rows: Sequence[Solved], config: SFTConfig) -> list[Solved]:
    """The rows of a step, counted from 1. Each epoch has an order of its own; its last batch may be smaller."""
    epoch, place = divmod(step - 1, _steps_per_epoch(rows, config))
    first = place * config.batch_samples
    return [rows[index] for index in _order(config.seed, epoch, len(rows))[first : first + config.batch_samples]]


@lru_cache(maxsize=1)
def _order(seed: int, epoch: int, rows: int) -> list[int]:
    return random.Random(f"{seed}/sft/{epoch}").sample(range(rows), rows)


def encode(row: Solved, tokenizer: "PreTrainedTokenizerBase") -> "Sample":
    """The prompt through the chat template, then the response and the token that ends it."""
    from klearctl.train.packing import Sample

    chat = [{"role": "user", "content": row.prompt}]
    text = tokenizer.apply_chat_template(chat, add_generation_prompt=True, tokenize=False)
    prompt = tokenizer(text, add_special_tokens=False)["input_ids"]
    response = tokenizer(row.response, add_special_tokens=False)["input_ids"]
    return Sample(tuple(prompt), (*response, tokenizer.eos_token_id))


def _train(pod: PodConfig[SFTConfig], begun: Any, rows: Sequence[Solved], steps: int, stop: Stop) -> None:
    from transformers import AutoTokenizer

    from klearctl.train import session

    config = pod.config
    tokenizer = AutoTokenizer.from_pretrained(begun.model_dir)
    if not tokenizer.chat_template:
        raise ConfigError(
            f"the tokenizer of {config.model} has no chat template", fix="add a chat_template.jinja to it"
        )
    if begun.fresh:  # who goes on has looked before
        check_lengths(rows, tokenizer, config.trainer.row_tokens)
    engine = session.engine(
        begun, config.trainer, config.optimizer, total_steps=steps, seed=config.seed, temperature=1.0
    )
    begun.resume(engine)
    if begun.fresh:
        session.commit(engine, pod, begun, 0, {})
    session.loop(
        engine,
        pod,
        begun,
        trainer=config.trainer,
        steps=steps,
        stop=stop,
        advance=lambda step: _advance(engine, batch_of(step, rows, config), tokenizer),
        extra=dict,
    )


def check_lengths(rows: Sequence[Solved], tokenizer: "PreTrainedTokenizerBase", most: int) -> None:
    """Raises ConfigError, on every rank, where a row has more tokens than fit; each rank looks at a share of them."""
    from klearctl.train import ranks

    mine = rows[ranks.rank() :: ranks.world_size()]
    # no token has less than a byte
    doubtful = (row for row in mine if len(row.prompt.encode()) + len(row.response.encode()) + TEMPLATE_BYTES > most)
    longest = int(ranks.largest(max((len(encode(row, tokenizer)) for row in doubtful), default=0)))
    if longest > most:
        raise ConfigError(
            f"a sample has {longest} tokens, trainer.row_tokens is {most}",
            fix=f"trainer.row_tokens = {longest}, or drop such samples",
        )


def _advance(engine: "Engine", batch: list[Solved], tokenizer: "PreTrainedTokenizerBase") -> dict[str, float]:
    """One optimizer step on the batch, a share of it on each rank; its row of metrics."""
    from klearctl.train import ranks
    from klearctl.train.loss import nll_loss

    began = time.perf_counter()
    mine = [encode(row, tokenizer) for row in batch[engine.rank :: engine.world_size]]
    learned, whole = ranks.total([sum(len(sample.response) for sample in mine), sum(map(len, mine))])
    row = engine.step(mine, lambda _, logp_T: nll_loss(logp_T), tokens=int(learned))
    return row | {"tokens_per_s": whole / (time.perf_counter() - began)}


def _rows(pod: PodConfig[SFTConfig]) -> list[Solved]:
    address = checkpoints.resolve_data(pod.config.data, pod.bucket, "sft")
    rows = read_solved(address)
    if not rows:
        raise ConfigError(f"{address} has no rows", fix="curate more problems")
    return rows


def _prepare(pod: PodConfig[SFTConfig], rows: Sequence[Solved], folder: Path) -> None:
    """The model that training starts from, in the folder."""
    from klearctl.train.fresh import make_model

    config = pod.config
    if config.model != NEW:
        fetch_model(config.model, pod.bucket, folder)
        return
    texts = (text for row in rows for text in (f"user\n{row.prompt}", f"assistant\n{row.response}"))
    make_model(config.new, train_tokenizer(texts, config.new.vocab_size), seed=config.seed, directory=folder)


def _steps_per_epoch(rows: Sequence[Solved], config: SFTConfig) -> int:
    return math.ceil(len(rows) / config.batch_samples)


if __name__ == "__main__":
    sys.exit(main())
