"""New weights in a running server: its log-probs are then those of transformers with the same weights."""

import re

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from klearctl.errors import RunFailed
from klearctl.rollout.client import Ask, Fleet
from klearctl.rollout.seeds import seed_of
from klearctl.rollout.weights import Gloo, describe, push_files
from tests.fixtures.model import SUMS
from tests.fixtures.ports import free_port
from tests.fixtures.vllm import MAX_MODEL_LEN

CLOSE, FAR = 1e-4, 1.0
TEMPERATURES = [1.0, 0.6]
BLOCK = 128  # tokens of a prompt that vLLM keeps together in its prefix cache


@pytest.fixture(scope="session")
def asks(chat):
    return [Ask(chat.prompt(text), seed_of(3, text), samples=4) for text in SUMS[:4]]


@pytest.fixture
def meeting(fleet, tiny_model):
    """The trainer's side of a push to the session's server."""
    return Gloo(fleet, describe(tensors(tiny_model)), host="127.0.0.1", port=free_port())


def tensors(model):
    """As a trainer has them: by their Hugging Face names, in one order."""
    return sorted(load_file(model / "model.safetensors").items())


def files(model):
    return sorted(model.glob("*.safetensors"))


def gap(fleet, asks, model, *, temperature=1.0):
    """The largest difference between log-probs of the server's samples and those that transformers gives them."""
    answers = fleet.sample(asks, temperature=temperature, max_tokens=20)
    forward = AutoModelForCausalLM.from_pretrained(model)
    return max(
        (torch.tensor(one.logprobs) - logprobs(forward, ask.prompt, one.tokens, temperature)).abs().max().item()
        for ask, samples in zip(asks, answers, strict=True)
        for one in samples
    )


def logprobs(model, prompt, response, temperature):
    with torch.no_grad():
        logits_TV = model(torch.tensor([prompt + response])).logits[0, len(prompt) - 1 : -1]
    return torch.log_softmax(logits_TV / temperature, dim=-1)[range(len(response)), list(response)]


@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_the_server_has_the_log_probs_of_the_model_it_started_with(fleet, asks, vllm, temperature):
    assert gap(fleet, asks, vllm.model, temperature=temperature) < CLOSE


@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_after_a_broadcast_it_has_the_log_probs_of_the_new_weights(meeting, fleet, asks, other_model, temperature):
    meeting.push(tensors(other_model), version="1")
    assert gap(fleet, asks, other_model, temperature=temperature) < CLOSE


def test_after_a_broadcast_it_has_nothing_left_of_the_old_weights(meeting, fleet, asks, vllm, other_model):
    meeting.push(tensors(other_model), version="1")
    assert gap(fleet, asks, vllm.model) > FAR


def test_a_meeting_is_good_for_many_pushes(meeting, fleet, asks, vllm, other_model):
    gaps = []
    for version, model in enumerate([other_model, vllm.model, other_model]):
        meeting.push(tensors(model), version=str(version))
        gaps.append(gap(fleet, asks, model))
    assert max(gaps) < CLOSE


def test_a_second_meeting_takes_the_place_of_the_first(meeting, fleet, asks, vllm, other_model):
    # a trainer that was restarted
    again = Gloo(fleet, describe(tensors(vllm.model)), host="127.0.0.1", port=free_port())
    again.push(tensors(other_model), version="1")
    assert gap(fleet, asks, other_model) < CLOSE


def test_after_files_it_has_the_log_probs_of_theirs(fleet, asks, other_model):
    push_files(fleet, files(other_model), version="other")
    assert gap(fleet, asks, other_model) < CLOSE


def test_what_the_server_kept_of_a_prompt_goes_with_the_old_weights(fleet, chat, other_model):
    prompt = (chat.prompt("1 + 1 =") * MAX_MODEL_LEN)[: BLOCK + 20]
    long = [Ask(prompt, seed_of(4))]
    fleet.sample(long, temperature=1.0, max_tokens=20)
    push_files(fleet, files(other_model), version="other")
    assert gap(fleet, long, other_model) < CLOSE


@pytest.mark.parametrize("push", ["broadcast", "files"])
def test_the_server_answers_under_the_version_of_the_push(push, request, fleet, asks, other_model):
    if push == "broadcast":
        request.getfixturevalue("meeting").push(tensors(other_model), version="7")
    else:
        push_files(fleet, files(other_model), version="7")
    same, another = Fleet([server.address for server in fleet.servers]), Fleet([fleet.servers[0].address])
    same.version, another.version = "7", "8"
    assert len(same.sample(asks, temperature=1.0, max_tokens=1)) == len(asks)
    with pytest.raises(RunFailed, match=re.escape("has weights ['7'], not 8")):
        another.sample(asks, temperature=1.0, max_tokens=1)


def test_a_push_that_fails_names_the_server(fleet, vllm, tmp_path):
    with pytest.raises(RunFailed, match=f"weights did not reach a server: {vllm.address}/update_weights"):
        push_files(fleet, [tmp_path / "none.safetensors"], version="none")


def test_a_server_is_as_before_once_a_push_after_a_failed_one_succeeds(fleet, asks, vllm, other_model, tmp_path):
    with pytest.raises(RunFailed):
        push_files(fleet, [tmp_path / "none.safetensors"], version="none")
    push_files(fleet, files(other_model), version="other")
    assert gap(fleet, asks, other_model) < CLOSE
