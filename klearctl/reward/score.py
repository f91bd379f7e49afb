"""The number of a judged response: Judged and the response's text in; a float out, None where there is none.

Three schemes. With p for the share of tests that passed (in maths there is one test):

    binary   1 where all passed, else 0                          what `verify` and `eval` count
    soft     p                                                   the paper's formula: 4 of 16 is 0.25
    klear    2p - 1, so +1 for a right answer and -1 for a wrong one; -0.5 without `</think>`, -2 without `<think>`

`klear` is what the released code does. Its constants are those of verl/utils/reward_score/reward_config.py: correct +1,
incorrect -1, format error -1, no `</think>` -0.5, no `<think>` -2; 2p - 1 is the mean of +1 and -1 over the tests in
code_r1_compute.py. It looks for `</think>` first. So a response that was cut while thinking gets -0.5, which beats a
wrong answer's -1: a model that will be wrong does better not to end. A right answer after a thought that was never
opened gets -2, less than anything else.
"""

from typing import Literal, get_args

from klearctl.reward.response import THINK_END, THINK_START
from klearctl.reward.verdict import Judged, Verdict

Rewards = Literal["binary", "soft", "klear"]
REWARDS: tuple[Rewards, ...] = get_args(Rewards)

RIGHT, WRONG = 1.0, -1.0  # reward_config.py: correct and incorrect; an answer without box or code is incorrect too
NO_THINK_END = -0.5  # reward_config.py; it is looked for first
NO_THINK_START = -2.0  # reward_config.py

_OF_THE_PROBLEM = (Verdict.VACUOUS, Verdict.UNPARSABLE_GOLD, Verdict.BAD_ROW)


def score(judged: Judged, response: str, rewards: Rewards) -> float | None:
    """The reward under that scheme; None after an infrastructure fault, which is never a score.

    Where the problem is at fault every response gets 0, so that nothing is learnt from it. The released code knows no
    such case and gives -1.
    """
    if judged.verdict is Verdict.INFRASTRUCTURE_FAULT:
        return None
    if judged.verdict in _OF_THE_PROBLEM:
        return 0.0
    if rewards == "binary":
        return float(judged.verdict is Verdict.ACCEPTED)
    if rewards == "soft":
        return pass_rate(judged)
    return _klear(judged, response)


def pass_rate(judged: Judged) -> float:
    """p: the share of the tests that passed; 0 where none was there to pass."""
    return judged.passed / judged.tests if judged.tests else 0.0


def _klear(judged: Judged, response: str) -> float:
    if THINK_END not in response:
        return NO_THINK_END
    if THINK_START not in response:
        return NO_THINK_START
    return WRONG + (RIGHT - WRONG) * pass_rate(judged)
