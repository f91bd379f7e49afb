"""A second opinion: what the strict reading cannot make of the known answer is asked of math-verify.

Its yes counts only where the answer has as many parts, relations, dots and bases as the known one. It may take any time
and any memory: it is asked in a process that can be killed.
"""

from itertools import pairwise
from typing import Any

from klearctl.reward.maths import parts
from klearctl.reward.maths.tokens import tokens
from klearctl.reward.maths.tree import Unread
from klearctl.reward.verdict import Verdict

LONGEST = 1_000  # characters
_FLIPPED = {">": "<", r"\ge": r"\le"}


def opinion(gold: str, answer: str) -> Verdict:
    """Whether the answer is the known one, as math-verify sees it."""
    from math_verify import verify  # 1 s

    known = _parsed(gold) if len(gold) <= LONGEST else []
    if not known:
        return Verdict.UNPARSABLE_GOLD
    if len(answer) > LONGEST or _shape(gold) is None or _shape(gold) != _shape(answer):
        return Verdict.WRONG_ANSWER
    right = verify(known, _parsed(answer), timeout_seconds=None)
    return Verdict.ACCEPTED if right else Verdict.WRONG_ANSWER


def _parsed(text: str) -> list[Any]:
    """All of the text as one thing of sympy's; nothing where it is none."""
    from math_verify import LatexExtractionConfig, parse

    bare = text.replace("$", " ").strip()
    config = [LatexExtractionConfig(boxed_match_priority=-1)]
    return parse(f"${bare}$", config, fallback_mode="no_fallback", parsing_timeout=None)


def _shape(text: str) -> tuple[object, ...] | None:
    found = tokens(text)
    try:
        pieces, _ = parts.split(found, parts.SEPARATORS)
        sides, signs = parts.split(found, parts.RELATIONS)
    except Unread:
        return None
    bases = sum(before.isdigit() and token == "_" for before, token in pairwise(found))
    kinds = sorted(_FLIPPED.get(sign, sign) for sign in signs)
    return len(pieces), len(sides), kinds, found.count(r"\ldots"), bases
