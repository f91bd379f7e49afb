"""The number of a judged response, by hand: what each scheme gives, and what no scheme ever gives."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klearctl.reward.score import REWARDS, score
from klearctl.reward.verdict import Judged, Verdict

THOUGHT = "<think>a</think>b"
OF_THE_PROBLEM = [Verdict.VACUOUS, Verdict.UNPARSABLE_GOLD, Verdict.BAD_ROW]
OF_THE_RESPONSE = [v for v in Verdict if v not in [Verdict.ACCEPTED, Verdict.INFRASTRUCTURE_FAULT, *OF_THE_PROBLEM]]

texts = st.lists(st.sampled_from(["<think>", "</think>", "x"])).map("".join)


def worth(judged, response, scheme):
    """The reward, of a judgement that must have one as well as of one that must not."""
    return score(judged, response, scheme)


@st.composite
def judgements(draw, verdicts):
    """What a judge may say: accepted and all passed, or another verdict and not all."""
    verdict, tests = draw(st.sampled_from(verdicts)), draw(st.integers(1, 100))
    passed = tests if verdict is Verdict.ACCEPTED else draw(st.integers(0, tests - 1))
    return Judged(verdict, passed, tests)


@pytest.mark.parametrize(
    ("judged", "response", "binary", "soft", "klear"),
    [
        (Judged(Verdict.ACCEPTED, 1, 1), THOUGHT, 1.0, 1.0, 1.0),
        (Judged(Verdict.WRONG_ANSWER, 0, 1), THOUGHT, 0.0, 0.0, -1.0),
        (Judged(Verdict.WRONG_ANSWER, 4, 16), THOUGHT, 0.0, 0.25, -0.5),  # the paper's own example
        (Judged(Verdict.TIME_LIMIT, 12, 16), THOUGHT, 0.0, 0.75, 0.5),
        (Judged(Verdict.RUNTIME_ERROR, 8, 16), THOUGHT, 0.0, 0.5, 0.0),
        (Judged(Verdict.NO_ANSWER, 0, 1), THOUGHT, 0.0, 0.0, -1.0),  # reward_config.py: a format error is -1
        (Judged(Verdict.NO_CODE, 0, 0), THOUGHT, 0.0, 0.0, -1.0),  # before any test was counted
        (Judged(Verdict.NO_ANSWER, 0, 1), "<think>a", 0.0, 0.0, -0.5),  # cut while thinking
        (Judged(Verdict.ACCEPTED, 1, 1), "b", 1.0, 1.0, -0.5),  # no mark at all: `</think>` is looked for first
        (Judged(Verdict.ACCEPTED, 1, 1), "a</think>b", 1.0, 1.0, -2.0),  # right, but less than anything else
        (Judged(Verdict.WRONG_ANSWER, 0, 1), "a</think>b", 0.0, 0.0, -2.0),
        (Judged(Verdict.VACUOUS, 0, 0), THOUGHT, 0.0, 0.0, 0.0),
        (Judged(Verdict.VACUOUS, 0, 0), "<think>a", 0.0, 0.0, 0.0),  # cut, but nothing could have been won
        (Judged(Verdict.UNPARSABLE_GOLD, 0, 1), THOUGHT, 0.0, 0.0, 0.0),
        (Judged(Verdict.BAD_ROW, 0, 0), "", 0.0, 0.0, 0.0),
        (Judged(Verdict.INFRASTRUCTURE_FAULT, 3, 4), THOUGHT, None, None, None),
    ],
)
def test_a_judged_response_is_worth(judged, response, binary, soft, klear):
    assert [worth(judged, response, scheme) for scheme in REWARDS] == [binary, soft, klear]


@pytest.mark.parametrize("verdict", Verdict)
def test_binary_pays_for_full_credit_alone(verdict):
    earned = worth(Judged(verdict, 3, 4), THOUGHT, "binary")
    assert (earned == 1.0) is (verdict is Verdict.ACCEPTED)


def test_cut_while_thinking_beats_wrong_under_klear():
    cut = worth(Judged(Verdict.NO_ANSWER, 0, 1), "<think>a", "klear")
    assert cut > worth(Judged(Verdict.WRONG_ANSWER, 0, 1), THOUGHT, "klear")


@given(judgements(list(Verdict)), texts)
def test_every_reward_is_within_its_scheme(judged, response):
    binary, soft, klear = (worth(judged, response, scheme) for scheme in REWARDS)
    if judged.verdict is Verdict.INFRASTRUCTURE_FAULT:
        assert (binary, soft, klear) == (None, None, None)
    else:
        assert binary in (0.0, 1.0) and 0.0 <= soft <= 1.0 and (klear == -2.0 or -1.0 <= klear <= 1.0)


@given(judgements([Verdict.ACCEPTED, *OF_THE_RESPONSE]))
def test_after_a_whole_thought_klear_is_soft_on_another_scale(judged):
    assert worth(judged, THOUGHT, "klear") == pytest.approx(2 * worth(judged, THOUGHT, "soft") - 1)


@given(judgements(OF_THE_RESPONSE), texts, st.sampled_from(REWARDS))
def test_nothing_beats_full_credit_in_the_same_form(judged, response, scheme):
    right = Judged(Verdict.ACCEPTED, judged.tests, judged.tests)
    assert worth(judged, response, scheme) <= worth(right, response, scheme)


@given(judgements(list(Verdict)), texts)
def test_the_text_counts_under_klear_alone(judged, response):
    assert [worth(judged, response, scheme) for scheme in ("binary", "soft")] == [
        worth(judged, THOUGHT, scheme) for scheme in ("binary", "soft")
    ]
