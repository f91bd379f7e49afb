"""A byte-level BPE tokenizer from the curated text, for a model made from nothing.

Texts in, a tokenizer of transformers out. Digits stay single, so that sums can be learned digit by digit.
`<think>` and `</think>` are one token each and, unlike the ChatML marks, part of the text: decoding keeps them.
"""

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from klearctl.errors import ConfigError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

PAD, TURN, END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
THINK = ("<think>", "</think>")
SMALLEST = 256 + 5  # the bytes and the five tokens above

CHAT_TEMPLATE = (  # ChatML, as Qwen3 writes it
    "{%- for message in messages %}"
    "{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}"
    "{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"
)

_MARKS = re.compile("|".join(re.escape(mark) for mark in (PAD, TURN, END, *THINK)))


def train_tokenizer(texts: Iterable[str], vocab_size: int) -> "PreTrainedTokenizerFast":
    """A tokenizer of at most `vocab_size` entries; equal texts give an equal one.

    Raises:
        ConfigError: the size leaves no room for the 256 bytes and the marks.
    """
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    if vocab_size < SMALLEST:
        raise ConfigError(f"a vocabulary of {vocab_size} cannot hold every byte", fix=f"at least {SMALLEST}")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size - len(THINK),
        special_tokens=[PAD, TURN, END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_plain(texts), trainer)
    tokenizer.add_tokens([AddedToken(word, normalized=False, special=False) for word in THINK])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=END,
        pad_token=PAD,
        additional_special_tokens=[TURN],
        clean_up_tokenization_spaces=False,
        chat_template=CHAT_TEMPLATE,
    )


def _plain(texts: Iterable[str]) -> Iterator[str]:
    """The texts without the marks, which no merge may learn from."""
    for text in texts:
        yield from _MARKS.split(text)
