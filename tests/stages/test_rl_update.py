"""What one batch of rollouts does to a model, by both losses and the NLL; and when the servers are not believed."""

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from klearctl.config.common import OptimizerConfig
from klearctl.config.rl import LossConfig, RLConfig
from klearctl.errors import RunFailed
from klearctl.rollout.chat import Chat
from klearctl.stages.rl_batch import Rollout
from klearctl.stages.rl_update import divide, one_update, sample_of, update
from klearctl.train import ranks
from klearctl.train.loss import LossSums
from tests.fixtures.model import response

LR = 1e-2  # far enough in one step that the next one clips
UNWEIGHED = LossConfig(policy_weight=0.0, nll_weight=0.0)


@pytest.fixture(scope="module", autouse=True)
def alone():
    """This process is the only rank of a trainer, and works with one thread, as a rank does."""
    env = {
        "RANK": "0",
        "LOCAL_RANK": "0",
        "WORLD_SIZE": "1",
        "TORCHELASTIC_USE_AGENT_STORE": "",
        "DS_ACCELERATOR": "cpu",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in env.items():
            patch.setenv(name, value)
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        ranks.join(gpus=False)
        yield
        ranks.leave()
        torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def stored(tiny_model):
    """Sixteen rollouts of two sums: 0, 1, 2 and 3, twice each; 2 is right. The servers' log-probs are the trainer's."""
    tokenizer = Chat(tiny_model)
    prompts = [tokenizer.prompt(text) for text in ("1 + 1 =", "0 + 2 =")]
    raw = [
        Rollout(prompt, words(tiny_model, digit), (), float(digit == "2"), math.sqrt(3) if digit == "2" else -(3**-0.5))
        for prompt in prompts
        for digit in "01230123"
    ]
    found = engine_of(tiny_model).logprobs([sample_of(one) for one in raw])
    return [replace(one, server_logprobs=tuple(logp_T.tolist())) for one, logp_T in zip(raw, found, strict=True)]


@pytest.fixture(scope="module")
def two_updates(tiny_model, stored):
    """By loss: the weights and the share of clipped tokens, after each of two updates."""

    def updates(loss):
        engine = engine_of(tiny_model)
        old = dict(enumerate(engine.logprobs([sample_of(one) for one in stored])))
        for part in divide(len(stored), 2, seed="two"):
            sums = torch.zeros(len(LossSums._fields), dtype=torch.float64)
            one_update(engine, stored, part, old, LossConfig(name=loss), sums)
            means = LossSums(*sums.tolist()).means()
            yield weights(engine), means["clip_low"] + means["clip_high"]

    return {loss: list(updates(loss)) for loss in ("gppo", "ppo")}


def engine_of(model, lr=LR):
    """A fresh engine; AdamW without decay, so that only a gradient moves a weight."""
    from klearctl.train.engine import Engine

    return Engine(
        model,
        optimizer=OptimizerConfig(lr=lr, warmup_steps=0, weight_decay=0.0),
        total_steps=2,
        zero_stage=0,
        dtype="float32",
        row_tokens=64,
        seed=0,
        temperature=1.0,
    )


def words(model, digit):
    """The tokens of a response with that digit, the end of the turn among them."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model)
    return (*tokenizer(response(digit), add_special_tokens=False)["input_ids"], tokenizer.eos_token_id)


def weights(engine):
    return {name: tensor.clone() for name, tensor in engine.parameters()}


def same(ours, theirs):
    return all(torch.equal(ours[name], theirs[name]) for name in theirs)


def settings(updates=1, **loss):
    return RLConfig(updates_per_batch=updates, loss=LossConfig(**loss))


def of_lengths(stored, *lengths):
    """As many rollouts, cut to those lengths."""
    return [
        replace(one, response=one.response[:length], server_logprobs=one.server_logprobs[:length])
        for one, length in zip(stored, lengths, strict=False)
    ]


def test_the_first_update_is_the_same_with_both_losses(two_updates):
    (gppo, gppo_clipped), (ppo, ppo_clipped) = (two_updates[loss][0] for loss in ("gppo", "ppo"))
    assert (same(gppo, ppo), gppo_clipped, ppo_clipped) == (True, 0.0, 0.0)  # every ratio is 1


def test_the_second_update_is_another_where_tokens_are_clipped(two_updates):
    (gppo, gppo_clipped), (ppo, ppo_clipped) = (two_updates[loss][1] for loss in ("gppo", "ppo"))
    assert (same(gppo, ppo), gppo_clipped > 0, ppo_clipped > 0) == (False, True, True)


def test_a_row_counts_its_updates_and_their_clipped_tokens(tiny_model, stored):
    row = update(engine_of(tiny_model), stored, settings(updates=2), step=1)
    assert (row["updates"], row["clip_low"] + row["clip_high"] > 0, row["logprob_gap"] < 1e-5) == (2, True, True)


def test_the_policy_loss_is_a_mean_over_tokens(tiny_model, stored):
    advantages = (1.0, -2.0, 0.5)
    batch = [
        replace(one, advantage=advantage)
        for one, advantage in zip(of_lengths(stored, 2, 3, 5), advantages, strict=True)
    ]
    row = update(engine_of(tiny_model), batch, settings(nll_weight=0.0), step=1)
    assert row["loss"] == pytest.approx(0.15, abs=1e-5)  # -(2 * 1 - 3 * 2 + 5 * 0.5) / 10, every ratio 1


def test_the_nll_is_alpha_times_the_mean_over_the_tokens_of_correct_rollouts(tiny_model, stored):
    batch = of_lengths(stored, 9, 4, 3, 7)  # the third alone is right
    row = update(engine_of(tiny_model), batch, settings(policy_weight=0.0, nll_weight=0.5), step=1)
    assert row["loss"] == pytest.approx(0.5 * -sum(batch[2].server_logprobs) / 3, abs=1e-5)


def test_without_a_correct_rollout_there_is_no_nll(tiny_model, stored):
    batch = [one for one in stored if one.reward == 0.0]
    row = update(engine_of(tiny_model), batch, settings(policy_weight=0.0, nll_weight=0.5), step=1)
    assert (row["loss"], row["grad_norm"]) == (0.0, 0.0)


def test_without_weights_an_update_moves_nothing(tiny_model, stored):
    engine = engine_of(tiny_model)
    before = weights(engine)
    update(engine, stored, RLConfig(updates_per_batch=4, loss=UNWEIGHED), step=1)
    assert same(weights(engine), before)


@pytest.mark.parametrize(
    ("shift", "said"),
    [
        (1.5, "by 1.5 nats a token, logprob_gap_limit is 1"),  # beyond the limit
        (-1.5, "by 1.5 nats a token, logprob_gap_limit is 1"),  # either way
        (math.nan, "by nan nats a token, logprob_gap_limit is 1"),  # a server that counts on after an overflow
    ],
)
def test_servers_that_are_too_far_off_end_the_run_before_any_update(tiny_model, stored, shift, said):
    engine = engine_of(tiny_model)
    batch = [replace(one, server_logprobs=tuple(logp + shift for logp in one.server_logprobs)) for one in stored]
    with pytest.raises(RunFailed, match=said):
        update(engine, batch, settings(), step=1)
    assert engine.updates == 0


def test_one_rollout_of_a_server_with_other_weights_ends_the_run(tiny_model, stored):
    off = tuple(logp - 5.0 for logp in stored[3].server_logprobs)
    with pytest.raises(RunFailed, match="by 5 nats a token"):
        update(
            engine_of(tiny_model),
            [*stored[:3], replace(stored[3], server_logprobs=off), *stored[4:]],
            settings(),
            step=1,
        )


@given(samples=st.integers(1, 60), updates=st.integers(1, 20))
def test_mini_batches_share_the_samples_out_evenly(samples, updates):
    parts = divide(samples, updates, seed="any")
    sizes = [len(part) for part in parts]
    assert sorted(place for part in parts for place in part) == list(range(samples))
    assert (len(parts), max(sizes) - min(sizes) <= 1) == (min(samples, updates), True)


def test_another_step_shuffles_otherwise():
    assert divide(16, 2, seed="0/rl/1") != divide(16, 2, seed="0/rl/2")
