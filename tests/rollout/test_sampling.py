"""What a real server samples: how many, in which order, how long, and that a seed alone decides it."""

import re

import pytest

from klearctl.errors import RunFailed
from klearctl.rollout.client import Ask, Fleet
from klearctl.rollout.seeds import seed_of
from tests.fixtures.model import SUMS
from tests.fixtures.vllm import MAX_MODEL_LEN

LONG_ENOUGH = 40
COOL = 0.6  # the tiny model then says nothing but what it learned


@pytest.fixture(scope="session")
def asks(chat):
    """Eight different sums, four samples of each."""
    return [Ask(chat.prompt(text), seed_of(0, text), samples=4) for text in SUMS[:8]]


def sample(fleet, *asks, temperature=COOL, max_tokens=LONG_ENOUGH):
    return fleet.sample(asks, temperature=temperature, max_tokens=max_tokens)


def tokens(answers):
    return [[one.tokens for one in samples] for samples in answers]


def test_every_ask_gets_as_many_samples_as_it_wants(fleet, chat):
    asks = [Ask(chat.prompt("1 + 1 ="), seed_of(n), samples=n) for n in (3, 1, 5)]
    assert [len(samples) for samples in sample(fleet, *asks)] == [3, 1, 5]


def test_no_ask_gives_no_answer(fleet):
    assert sample(fleet) == []


def test_an_ask_gets_the_same_tokens_alone_and_at_its_place_among_others(fleet, asks):
    alone = [sample(fleet, ask)[0] for ask in asks]
    assert tokens(sample(fleet, *asks)) == tokens(alone)


def test_each_sample_has_a_seed_of_its_own_that_follows_on_the_ask(fleet, asks):
    ask = asks[0]
    apart = [sample(fleet, Ask(ask.prompt, ask.seed + place))[0] for place in range(ask.samples)]
    assert tokens(sample(fleet, ask))[0] == [one for samples in tokens(apart) for one in samples]


def test_another_seed_gives_other_samples(fleet, chat):
    first, second = sample(fleet, *[Ask(chat.prompt("1 + 1 ="), seed_of(seed), samples=16) for seed in (0, 1)])
    assert tokens([first]) != tokens([second])


def test_a_temperature_of_0_takes_the_likeliest_token_whatever_the_seed(fleet, chat, vllm):
    from transformers import AutoModelForCausalLM

    prompt = chat.prompt("1 + 1 =")
    likeliest = AutoModelForCausalLM.from_pretrained(vllm.model).generate(
        inputs=_batch(prompt), do_sample=False, max_new_tokens=LONG_ENOUGH
    )[0, len(prompt) :]
    found = tokens(sample(fleet, *[Ask(prompt, seed_of(seed)) for seed in (0, 1)], temperature=0.0))
    assert found == [[tuple(likeliest.tolist())]] * 2


def test_a_sample_ends_with_the_end_of_its_turn(fleet, asks, tokenizer):
    ends = {one.tokens[-1] for samples in sample(fleet, *asks) for one in samples}
    assert ends == {tokenizer.eos_token_id}


def test_a_sample_that_reaches_the_limit_is_cut_there(fleet, asks):
    found = [(len(one.tokens), one.cut) for samples in sample(fleet, *asks, max_tokens=3) for one in samples]
    assert found == [(3, True)] * 32


def test_a_sample_that_ends_by_itself_is_not_cut(fleet, asks):
    assert {one.cut for samples in sample(fleet, *asks) for one in samples} == {False}


def test_every_token_has_its_log_prob(fleet, asks):
    (samples,) = sample(fleet, asks[0])
    assert all(len(one.logprobs) == len(one.tokens) and max(one.logprobs) <= 0.0 for one in samples)


def test_a_stop_token_of_the_model_ends_a_sample_too(vllm, asks, tokenizer):
    brace = tokenizer.convert_tokens_to_ids("}")
    (samples,) = sample(Fleet([vllm.address], stop_tokens=[brace]), asks[0])
    assert {one.tokens[-1] for one in samples} == {brace}


def test_a_prompt_and_response_may_fill_the_model_s_length(fleet, chat):
    prompt = (chat.prompt("1") * MAX_MODEL_LEN)[: MAX_MODEL_LEN - 2]
    ((one,),) = sample(fleet, Ask(prompt, 0), max_tokens=2)
    assert len(one.tokens) == 2


def test_a_prompt_that_is_too_long_is_refused_with_the_server_s_name_and_words(fleet, chat, vllm):
    prompt = (chat.prompt("1") * MAX_MODEL_LEN)[: MAX_MODEL_LEN + 1]
    with pytest.raises(RunFailed, match=rf"{re.escape(vllm.address)}.* refuses a request: .*{MAX_MODEL_LEN}"):
        sample(fleet, Ask(prompt, 0))


def _batch(prompt):
    import torch

    return torch.tensor([prompt])


def test_each_ask_is_told_of_once_with_the_samples_that_it_gets(fleet, asks):
    told = []
    answers = fleet.sample(asks, temperature=COOL, max_tokens=LONG_ENOUGH, then=lambda *found: told.append(found))
    assert sorted(told, key=lambda one: one[0]) == list(enumerate(answers))


def test_a_fault_of_whoever_is_told_is_not_lost(fleet, asks):
    def stumble(place, sampled):
        raise RunFailed("stumbled", fix="get up")

    with pytest.raises(RunFailed, match="stumbled"):
        fleet.sample(asks, temperature=COOL, max_tokens=LONG_ENOUGH, then=stumble)
