"""The known answers of six sets of problems: each is right in three forms, and none for another."""

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from klearctl.reward.maths.equal import equal
from klearctl.reward.maths.reading import forms
from klearctl.reward.maths.tokens import tokens
from klearctl.reward.maths.tree import Unread
from klearctl.reward.maths.verdict import verdict
from klearctl.reward.verdict import Verdict

PAIRS = 3_000

BEYOND_THE_STRICT_READING = {
    "$t(0,4]$",  # a slip of the set: its brackets do not match
    # a sentence, of which each comma begins another part
    r"$f(x)=a x+b$, where $b$ is an arbitrary integer, and $a$ is an arbitrary positive integer with $\mho(a)=0$",
}

OF_ONE_VALUE = {
    frozenset({"62.5%", r"\frac{5}{8}"}),
    frozenset({r"15\mbox{ cm}^2", "15"}),  # the unit may go unsaid
    frozenset({r"$4^{\circ}$", "4"}),
    frozenset({r"\frac{1}{2}", r"$\frac{1}{2}$"}),
}


@pytest.fixture(scope="module")
def golds(klear_shared: Path) -> dict[str, list[str]]:
    """The known answers of each set."""
    data = klear_shared / "data"

    def lines(name: str) -> Iterator[dict]:
        return map(json.loads, (data / name).read_text().splitlines())

    return {
        "aime24": [row["meta"]["answer"] for row in lines("aime24.qs.jsonl")],
        "aime25": [row["meta"]["solution"] for row in lines("aime25.qs.jsonl")],
        "hmmt": [row["answer"] for row in lines("HMMT-202502.jsonl")],
        "math500": [row["answer"] for row in json.loads((data / "rllm_math500.json").read_text())],
        "gsm8k": [row["answer"].rpartition("####")[2].strip() for row in lines("gsm8k_test.jsonl")],
        "olympiad": [row["answer"][0] for row in json.loads((data / "rllm_olympiad.json").read_text())],
    }


def respaced(gold: str, rng: random.Random) -> str:
    r"""The same LaTeX with spaces where they say nothing, and `\dfrac` or `\tfrac` for `\frac`."""
    pieces = re.findall(r"\\(?:text|mbox)\s*\{[^}]*\}|\\(?:begin|end)\{\w+\}|\\[a-zA-Z]+|\\.|[0-9,.]+|.", gold)
    return "".join(_spaced(piece, rng) for piece in pieces)


def _spaced(piece: str, rng: random.Random) -> str:
    if piece == r"\frac":
        piece = rng.choice([r"\dfrac", r"\tfrac"])
    if re.fullmatch(r"\\[a-zA-Z]+|[-+=(){}<>^_]", piece):
        return piece + rng.choice([" ", "  "] if piece in {r"\left", r"\right"} else [" ", r"\, ", "  ", r" \; "])
    return piece


def thought_about(gold: str) -> str:
    """A chain of thought with a wrong box in it, and another before the right one."""
    return (
        f"<think>Could it be \\boxed{{0}}? Let me see.</think>First I get \\boxed{{12345}}. "
        f"That is wrong, since it does not fit.\nSo the answer is $\\boxed{{{gold}}}$."
    )


@pytest.mark.parametrize("form", ["boxed", "respaced", "thought about"])
@pytest.mark.parametrize("name", ["aime24", "aime25", "hmmt", "math500", "gsm8k", "olympiad"])
def test_every_known_answer_is_right(golds, workers, name, form):
    rng = random.Random(name)
    made = {
        "boxed": lambda gold: f"\\boxed{{{gold}}}",
        "respaced": lambda gold: f"\\boxed{{{respaced(gold, rng)}}}",
        "thought about": thought_about,
    }[form]
    responses = [(gold, made(gold)) for gold in golds[name]]
    judged = [workers.judge_response(gold, response, must_think=False) for gold, response in responses]
    missed = [row for row, found in zip(responses, judged, strict=True) if found.verdict != Verdict.ACCEPTED]
    assert (len(judged) >= 30, missed) == (True, [])  # no false negative to explain


def test_all_but_two_are_read_strictly(golds):
    every = {gold for of_one in golds.values() for gold in of_one}
    assert {gold for gold in every if not reads(gold)} == BEYOND_THE_STRICT_READING


def reads(gold: str) -> bool:
    """Whether the strict reading finds the answer equal to itself without looking at its text."""
    try:
        return any(equal(form, form) for form in forms(tokens(gold)))
    except Unread:
        return False


def test_no_known_answer_is_right_for_another(golds):
    rng = random.Random(3)
    every = sorted(gold for of_one in golds.values() for gold in set(of_one))
    hard = [gold for gold in every if not re.fullmatch(r"-?[0-9]+", gold)]  # two whole numbers are no challenge
    pairs = [(rng.choice(hard), rng.choice(every if at % 2 else hard)) for at in range(PAIRS)]
    accepted = {
        frozenset({one, other}) for one, other in pairs if one != other and verdict(one, other) == Verdict.ACCEPTED
    }
    assert accepted <= OF_ONE_VALUE


def test_what_solutions_box_is_right(klear_shared, workers):
    """975 contest solutions as people write them; three of them box nothing."""
    rows = json.loads((klear_shared / "data" / "rllm_aime_train.json").read_text())
    found = [workers.judge_response(row["answer"], row["solution"] or "", must_think=False).verdict for row in rows]
    assert (found.count(Verdict.ACCEPTED), found.count(Verdict.NO_ANSWER), len(found)) == (972, 3, 975)


def test_a_model_is_judged_as_people_judged_it(klear_shared, workers):
    """Five rollouts with rewards, one of them right in quite another form."""
    lines = (klear_shared / "data" / "nemo_math_with_judge_data_example_rollouts.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    texts = [row["response"]["output"][-1]["content"][0]["text"] for row in rows]
    found = [
        workers.judge_response(row["expected_answer"], text, must_think=False)
        for row, text in zip(rows, texts, strict=True)
    ]
    assert [judged.passed for judged in found] == [row["reward"] for row in rows]
