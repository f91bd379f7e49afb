"""From problems to a batch: what is drawn, asked, kept and counted. The server is a wire that says what it is told."""

import json
import math

import pytest

from klearctl.config.rl import RLConfig
from klearctl.data.table import Problem
from klearctl.errors import ConfigError, RunFailed
from klearctl.rollout.chat import Chat
from klearctl.rollout.client import Fleet, Sampled
from klearctl.rollout.seeds import SPACING_BITS
from klearctl.stages.answers import Examiner, Group
from klearctl.stages.rewards import rewards_for
from klearctl.stages.rl_batch import Batch, Rollout, Sampler, check_prompts, keep, measure, tally
from tests.fixtures.model import response
from tests.stages.wire import wire

CONFIG = RLConfig(prompts_per_step=2, group_size=4, max_prompt_tokens=40, max_response_tokens=30)
ONES = [Problem(f"one-{place}", "sum", f"{place} + {1 - place} =", "1") for place in range(2)]


@pytest.fixture(scope="module")
def chat(tiny_model):
    return Chat(tiny_model)


@pytest.fixture(scope="module")
def tokens(tiny_model):
    """The tokens of a response with a digit, by the digit."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    return {
        digit: (*tokenizer(response(digit), add_special_tokens=False)["input_ids"], tokenizer.eos_token_id)
        for digit in "0123"
    }


@pytest.fixture(scope="module")
def rewards():
    with rewards_for(ONES, "soft", no_code) as found:
        yield found


def no_code():
    raise AssertionError("no problem here has tests")


@pytest.fixture
def started(chat, rewards):
    """Starts a sampler of problems; the server says what it is told."""

    def start(server, problems=ONES):
        fleet = Fleet([server.address], stop_tokens=chat.stop_tokens)
        return Sampler(problems, Examiner(chat, fleet, rewards, max_tokens=CONFIG.max_response_tokens), CONFIG)

    return start


def group(*rewards, lengths=(1, 1, 1, 1), cut=False):
    """Rollouts with those rewards."""
    sampled = [Sampled((7,) * length, (-0.5,) * length, cut) for length in lengths[: len(rewards)]]
    return Group((1, 2), sampled, list(rewards))


def test_a_group_of_different_rewards_is_kept_whole_with_its_advantages():
    kept = keep([group(1.0, 1.0), group(1.0, 0.0)])
    assert [(one.reward, round(one.advantage, 3)) for one in kept] == [(1.0, 1.0), (0.0, -1.0)]  # mean and sigma 1/2


def test_a_rollout_keeps_what_the_server_said_of_it():
    kept = keep([group(0.0, 1.0, lengths=(2, 3))])[1]
    assert kept == Rollout((1, 2), (7, 7, 7), (-0.5, -0.5, -0.5), 1.0, kept.advantage)


def test_groups_of_equal_rewards_leave_nothing():
    assert keep([group(1.0, 1.0), group(0.0, 0.0)]) == []


def test_a_row_measures_all_that_was_sampled_and_counts_what_is_kept():
    groups = [
        group(1.0, 1.0, lengths=(2, 4)),
        group(1.0, 0.0, lengths=(3, 5)),
        group(0.0, 0.0, lengths=(9, 1), cut=True),
    ]
    assert measure(groups, keep(groups), seconds=2.5) == {
        "reward": pytest.approx(0.5),  # 3 of 6
        "reward_stderr": pytest.approx(1 / math.sqrt(12)),  # means 1, 1/2, 0: variance 1/4, of three problems
        "solved": pytest.approx(0.5),
        "solved_stderr": pytest.approx(1 / math.sqrt(12)),
        "groups": 3,
        "kept_groups": 1,
        "response_len": pytest.approx(4.0),  # 24 tokens of 6
        "truncated": pytest.approx(1 / 3),
        "sampled_tokens": 24,
        "trained_tokens": 8,
        "sample_s": 2.5,
    }


def test_a_tally_counts_groups_by_their_mean_reward():
    groups = [group(1.0, 1.0), group(0.0, 0.0), group(0.0, 0.0), group(1.0, 0.0, 0.0, 0.0)]
    assert tally(groups) == (
        "2 groups of mean reward 0.000, 1 groups of mean reward 0.250, 1 groups of mean reward 1.000"
    )


def test_a_batch_survives_json():
    batch = Batch(keep([group(1.0, 0.0)]), drawn=4, skipped=1, measured={"reward": 0.5})
    assert Batch.from_json(json.loads(json.dumps(batch.as_json()))) == batch


def test_a_prompt_that_is_too_long_is_refused_by_its_name_and_length(chat):
    long = Problem("sum-long", "sum", "1 + " * 30 + "1 =", "31")
    length = len(chat.prompt(long.prompt))
    with pytest.raises(ConfigError, match=f"the prompt of sum-long has {length} tokens, max_prompt_tokens is 40"):
        check_prompts([*ONES, long], chat, CONFIG)


def test_no_problems_are_refused(chat):
    with pytest.raises(ConfigError, match="has no problems"):
        check_prompts([], chat, CONFIG)


def test_a_batch_with_nothing_to_learn_is_skipped_and_the_next_one_taken(started, tokens):
    def say(request, sample):  # the first two problems get right answers alone, the next two one of two
        return tokens["1" if request < 2 or sample % 2 else "0"], "stop"

    with wire(say) as server:
        batch = started(server).next(0)
    assert (batch.drawn, batch.skipped, len(batch.rollouts)) == (4, 1, 8)
    assert {key: batch.measured[key] for key in ("reward", "groups", "kept_groups")} == {
        "reward": 0.75,  # of all, the skipped ones too
        "groups": 4,
        "kept_groups": 2,
    }


def test_ten_batches_with_nothing_to_learn_end_the_run_with_their_rewards(started, tokens):
    never = Problem("never", "sum", "0 + 0 =", "9")
    with (
        wire(lambda request, sample: (tokens["1"], "stop")) as server,
        pytest.raises(
            RunFailed,
            match=r"10 batches in a row .* together: 10 groups of mean reward 0\.000, 10 groups of mean reward 1\.000",
        ),
    ):
        started(server, [ONES[0], never]).next(0)
    assert len(server.asked) == 20


def test_every_group_of_a_run_has_seeds_of_its_own(started, tokens):
    with wire(lambda request, sample: (tokens["01"[sample % 2]], "stop")) as server:
        sampler = started(server)
        for drawn in (0, 2, 4):  # the same two problems each time
            sampler.next(drawn)
    blocks = [body["sampling_params"]["seed"] >> SPACING_BITS for body in server.asked]
    assert len(set(blocks)) == len(blocks) == 6


def test_what_is_asked_follows_from_the_problems_drawn_alone(started, tokens):
    with wire(lambda request, sample: (tokens["01"[sample % 2]], "stop")) as server:
        straight = started(server)
        straight.next(0)
        straight.next(2)
        started(server).next(2)  # of a run that goes on
    first, second, again = (sorted(map(json.dumps, server.asked[place : place + 2])) for place in (0, 2, 4))
    assert (second == again, first == second) == (True, False)
