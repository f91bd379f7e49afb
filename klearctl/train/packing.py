"""Samples packed into rows of at most so many tokens: token ids in, the tensors of one forward pass out."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from klearctl.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Sample:
    """A prompt and a response, as token ids; only the response is trained on."""

    prompt: tuple[int, ...]
    response: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.prompt) + len(self.response)


@dataclass(frozen=True, slots=True)
class Row:
    """Samples laid end to end (S tokens, T of them in responses). Positions start anew at each sample."""

    ids_1S: Tensor
    positions_1S: Tensor
    places_T: Tensor
    """Where in the row the model predicts each response token: one before it."""
    targets_T: Tensor
    lengths: tuple[int, ...]
    """Response tokens of each sample; they sum to T."""


def pack(samples: Sequence[Sample], row_tokens: int) -> list[list[int]]:
    """Rows of places in `samples`: first fit, longest first. The same samples give the same rows.

    Raises:
        ConfigError: a sample is longer than a row, or has no prompt or no response.
    """
    rows: list[list[int]] = []
    room: list[int] = []
    for place in sorted(range(len(samples)), key=lambda place: -len(samples[place])):
        length = _checked(samples[place], row_tokens)
        row = next((row for row, left in enumerate(room) if left >= length), len(rows))
        if row == len(rows):
            rows.append([])
            room.append(row_tokens)
        rows[row].append(place)
        room[row] -= length
    return rows


def lay_out(samples: Sequence[Sample], device: torch.device | str) -> Row:
    """The samples of one row as tensors."""
    ids: list[int] = []
    positions: list[int] = []
    places: list[int] = []
    for sample in samples:
        first = len(ids) + len(sample.prompt) - 1
        places += range(first, first + len(sample.response))
        ids += sample.prompt + sample.response
        positions += range(len(sample))
    targets = [token for sample in samples for token in sample.response]
    return Row(
        ids_1S=torch.tensor([ids], device=device),
        positions_1S=torch.tensor([positions], device=device),
        places_T=torch.tensor(places, device=device),
        targets_T=torch.tensor(targets, device=device),
        lengths=tuple(len(sample.response) for sample in samples),
    )


def _checked(sample: Sample, row_tokens: int) -> int:
    if not sample.prompt or not sample.response:
        raise ConfigError(
            f"a sample has {len(sample.prompt)} prompt and {len(sample.response)} response tokens",
            fix="give each sample at least one of both",
        )
    if len(sample) > row_tokens:
        raise ConfigError(
            f"a sample has {len(sample)} tokens, trainer.row_tokens is {row_tokens}",
            fix=f"trainer.row_tokens = {len(sample)}, or drop such samples",
        )
    return len(sample)
