"""Hidden states in, log-probs of given tokens out, without ever holding the logits of more than one chunk."""

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

CHUNK_TOKENS = 1024  # 0.6 GiB of float32 logits at a vocabulary of 152 k


class TokenLogprobs(nn.Module):
    """Takes the place of a causal language model's output layer, and of the softmax and gather after it.

    A module, so that ZeRO-3 gathers its weight for the forward pass and again for the recompute in the backward
    pass. Logits are float32; the weight is widened once, so its gradient adds up over the chunks in float32.
    """

    def __init__(
        self,
        weight: nn.Parameter,
        *,
        temperature: float,
        chunk_tokens: int = CHUNK_TOKENS,
    ) -> None:
        super().__init__()
        self.weight = weight
        self.temperature = temperature
        self.chunk_tokens = chunk_tokens

    def forward(self, hidden_TD: Tensor, target_T: Tensor) -> Tensor:
        """log softmax(hidden W^T / temperature) at the targets."""
        weight_VD = self.weight.float()
        chunks = zip(
            hidden_TD.split(self.chunk_tokens),
            target_T.split(self.chunk_tokens),
            strict=True,
        )
        return torch.cat([self._chunk(hidden_CD, target_C, weight_VD) for hidden_CD, target_C in chunks])

    def _chunk(self, hidden_CD: Tensor, target_C: Tensor, weight_VD: Tensor) -> Tensor:
        logp_C: Tensor = checkpoint(
            _logprobs,
            hidden_CD,
            target_C,
            weight_VD,
            self.temperature,
            use_reentrant=False,
            preserve_rng_state=False,
        )
        return logp_C


def _logprobs(hidden_CD: Tensor, target_C: Tensor, weight_VD: Tensor, temperature: float) -> Tensor:
    logits_CV = hidden_CD.float() @ weight_VD.T / temperature
    return logits_CV.gather(-1, target_C[:, None])[:, 0] - logits_CV.logsumexp(-1)
