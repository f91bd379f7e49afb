"""A causal language model that answers with log-probs of given tokens: a packed row in, one log-prob a token out."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoModelForCausalLM
from transformers.utils import is_flash_attn_2_available

from klearctl.errors import ConfigError
from klearctl.train.head import TokenLogprobs
from klearctl.train.packing import Row

SCALED_LOGITS = ("final_logit_softcapping", "logit_scale", "logits_scaling")


class Policy(nn.Module):
    """The model with `TokenLogprobs` as its output layer; below `model.` parameters keep their Hugging Face names."""

    def __init__(self, model: Any, *, temperature: float) -> None:
        super().__init__()
        output = model.get_output_embeddings()
        if getattr(output, "bias", None) is not None or any(getattr(model.config, key, None) for key in SCALED_LOGITS):
            raise ConfigError(
                f"{model.config.architectures} changes its logits after the output layer",
                fix="use a model without logit scaling, capping or bias, such as Qwen3 or Llama",
            )
        model.set_output_embeddings(TokenLogprobs(output.weight, temperature=temperature))
        self.model = model

    def forward(self, row: Row) -> Tensor:
        """Log-probs of the row's targets. Positions that start anew keep its samples apart; there is no mask."""
        hidden_SD = self.model.base_model(
            input_ids=row.ids_1S, position_ids=row.positions_1S, use_cache=False
        ).last_hidden_state[0]
        logp_T: Tensor = self.model.get_output_embeddings()(hidden_SD[row.places_T], row.targets_T)
        return logp_T


def load_policy(model_dir: Path, *, dtype: torch.dtype, temperature: float, gpu: bool) -> Policy:
    """The policy from a Hugging Face directory. On a GPU its activations are recomputed in the backward pass."""
    attention = "flash_attention_2" if gpu and is_flash_attn_2_available() else "sdpa"
    model = AutoModelForCausalLM.from_pretrained(model_dir, dtype=dtype, attn_implementation=attention)
    if gpu:
        torch.set_float32_matmul_precision("high")  # TensorFloat-32 holds the head's bfloat16 inputs exactly
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    return Policy(model, temperature=temperature).train()
