"""The verdict on one boxed answer: the known answer and what the box holds in, a verdict out.

A strict reading comes first. It is quick and bounded, and what it says is final; what it does not say is asked of
math-verify, which may take any time and any memory.
"""

import contextlib
import re
from collections.abc import Iterator, Sequence

from klearctl.reward.maths import parts
from klearctl.reward.maths.equal import equal
from klearctl.reward.maths.form import Form, Group, Words
from klearctl.reward.maths.number import plain
from klearctl.reward.maths.reading import forms, independent
from klearctl.reward.maths.second import opinion
from klearctl.reward.maths.tokens import tokens, words
from klearctl.reward.maths.tree import Unread
from klearctl.reward.verdict import Verdict

LONGEST_GOLD = 4_000  # characters
LONGEST_ANSWER = 4_000  # characters; a longer box holds no answer that any of our problems has

_CHOICE = re.compile(r"\(?(?P<letter>[A-J])[).:]?")
_CHOICE_FIRST = re.compile(r"\(?(?P<letter>[A-J])[).:]")
_CHOICE_SAID = re.compile(r"^(?i:answer|choice|option)[ :]*")
_OTHER_CHOICE = re.compile(r"(?<![A-Za-z])[A-J](?![A-Za-z])")


def at_a_glance(gold: str, answer: str | None) -> Verdict | None:
    """The verdict where it is certain without reading any mathematics; else None."""
    if not gold.strip(" $\n\t"):
        return Verdict.UNPARSABLE_GOLD
    if answer is None or not answer.strip(" $\n\t"):
        return Verdict.NO_ANSWER
    if len(gold) > LONGEST_GOLD:
        return Verdict.ACCEPTED if gold == answer else Verdict.UNPARSABLE_GOLD
    if gold.strip() == answer.strip():
        return Verdict.ACCEPTED
    if len(answer) > LONGEST_ANSWER:
        return Verdict.WRONG_ANSWER
    known, said = plain(gold), plain(answer)
    if known is None or said is None:
        return None
    if known == said:
        return Verdict.ACCEPTED
    two_lists = "," in gold and "," in answer  # 100,150 may be two numbers
    roundings = known.denominator * said.denominator >= 10**6  # 0.333333 may stand for 1/3
    return None if two_lists or roundings else Verdict.WRONG_ANSWER


def verdict(gold: str, answer: str) -> Verdict:
    """The verdict by all means."""
    found = strict(gold, answer)
    return opinion(gold, answer) if found is None else found


def strict(gold: str, answer: str) -> Verdict | None:
    """The verdict by a strict reading of both; None where the known answer is beyond it."""
    seen = at_a_glance(gold, answer)
    if seen is not None:
        return seen
    known, said = tokens(gold), tokens(answer)
    if not known:
        return Verdict.UNPARSABLE_GOLD
    if known == said:
        return Verdict.ACCEPTED
    letter = _choice(known)
    if letter:
        return Verdict.ACCEPTED if _choice(said, with_text=True) == letter else Verdict.WRONG_ANSWER
    try:
        right = any(_equal(reading, said) for reading in forms(known))
    except Unread:
        return None
    return Verdict.ACCEPTED if right else Verdict.WRONG_ANSWER


def _equal(gold: Form, said: list[str]) -> bool:
    if isinstance(gold, Words) and parts.as_words(said, least=1) == gold.said:
        return True
    return any(equal(gold, answer) for answer in _readings(said))


def _readings(said: list[str]) -> Iterator[Form]:
    """All readings of an answer: the usual ones, with free signs, with one letter as a unit."""
    for found in (said, parts.with_short_unit(said)):
        with contextlib.suppress(Unread):
            yield from forms(found)
    with contextlib.suppress(Unread):
        if independent(said):
            yield Group(tuple(form for found in independent(said) for form in forms(found)), ordered=False)


def _choice(found: Sequence[str], *, with_text: bool = False) -> str | None:
    """The letter of a choice: `C`, `(C)`, `C.`; with its text, `(C) 42`, where no other letter follows."""
    text = "".join(words(token) or token for token in found if token not in {"{", "}"})
    text = _CHOICE_SAID.sub("", text) if with_text else text
    match = _CHOICE.fullmatch(text) or (_CHOICE_FIRST.match(text) if with_text else None)
    if not match or _OTHER_CHOICE.search(text, match.end()):
        return None
    return match["letter"]
