"""A model made from nothing: a shape and a tokenizer in, a Hugging Face directory out."""

from pathlib import Path
from typing import TYPE_CHECKING

from klearctl.config.sft import NewModelConfig

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def make_model(shape: NewModelConfig, tokenizer: "PreTrainedTokenizerBase", *, seed: int, directory: Path) -> None:
    """Write a Qwen3 of that shape, in float32, with its tokenizer; the same seed gives the same weights."""
    import torch
    from transformers import Qwen3Config, Qwen3ForCausalLM

    torch.manual_seed(seed)
    model = Qwen3ForCausalLM(
        Qwen3Config(
            vocab_size=len(tokenizer),
            hidden_size=shape.hidden_size,
            num_hidden_layers=shape.layers,
            num_attention_heads=shape.heads,
            num_key_value_heads=shape.kv_heads,
            head_dim=shape.head_dim,
            intermediate_size=shape.intermediate_size,
            max_position_embeddings=shape.max_tokens,
            tie_word_embeddings=shape.tied,
            rope_parameters={"rope_type": "default", "rope_theta": shape.rope_theta},
            initializer_range=shape.init_std,
            bos_token_id=None,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )
    model.save_pretrained(directory)
    tokenizer.save_pretrained(directory)
