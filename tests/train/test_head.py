import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from klearctl.train.head import TokenLogprobs

T, D, V, CHUNK = 50, 8, 300, 16


class Largest(TorchDispatchMode):
    """Remembers the size of the largest tensor that any operation returned."""

    numel = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        sizes = [leaf.numel() for leaf in tree_leaves(out) if isinstance(leaf, torch.Tensor)]
        self.numel = max([self.numel, *sizes])
        return out


@pytest.fixture
def case():
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(T, D, generator=generator, dtype=torch.float32).requires_grad_()
    weight = torch.nn.Parameter(torch.randn(V, D, generator=generator))
    targets = torch.randint(0, V, (T,), generator=generator)
    scale = torch.randn(T, generator=generator)  # so that no gradient cancels
    return hidden, weight, targets, scale


def chunked(hidden, weight, targets, scale, *, temperature):
    logp = TokenLogprobs(weight, temperature=temperature, chunk_tokens=CHUNK)(hidden, targets)
    return logp.detach(), torch.autograd.grad((logp * scale).sum(), [hidden, weight])


def full(hidden, weight, targets, scale, *, temperature):
    logp = torch.log_softmax(hidden @ weight.T / temperature, -1).gather(-1, targets[:, None])[:, 0]
    return logp.detach(), torch.autograd.grad((logp * scale).sum(), [hidden, weight])


@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_chunks_give_the_log_probs_of_full_logits(case, temperature):
    ours, theirs = chunked(*case, temperature=temperature)[0], full(*case, temperature=temperature)[0]
    assert (ours - theirs).abs().max().item() < 1e-5


@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_chunks_give_the_gradients_of_full_logits(case, temperature):
    ours, theirs = chunked(*case, temperature=temperature)[1], full(*case, temperature=temperature)[1]
    assert max((a - b).abs().max().item() for a, b in zip(ours, theirs, strict=True)) < 1e-5


def test_no_tensor_is_larger_than_the_logits_of_one_chunk(case):
    with Largest() as seen:
        chunked(*case, temperature=1.0)
    assert seen.numel == CHUNK * V


def test_log_probs_of_a_bfloat16_model_are_float32(case):
    hidden, weight, targets, _ = case
    head = TokenLogprobs(torch.nn.Parameter(weight.detach().bfloat16()), temperature=1.0)
    assert head(hidden.bfloat16(), targets).dtype == torch.float32
