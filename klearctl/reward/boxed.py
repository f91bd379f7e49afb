r"""The reward of a numeric answer: a response and the right answer in, 1.0 or 0.0 out.

Pure and linear in the length of the text; no text makes it raise. Nothing of the text is ever evaluated.
"""

import re
from fractions import Fraction

THINK_END = "</think>"
BOX = "\\boxed{"

LONGEST_BOX = 10_000  # characters; a box that does not close within them holds no number
LONGEST_NUMBER = 100  # characters; Python's own limit on digits is 4300, and no answer of ours is near either

_BRACE = re.compile(r"[{}]")
_NUMBER = re.compile(
    r"""(?P<sign>[-+]?)\s*\$?\s*
    (?P<whole>[0-9]{1,3}(?:,[0-9]{3})+|[0-9]*)
    (?:\.(?P<decimals>[0-9]*)|\s*/\s*(?P<denominator>[0-9]+))?""",
    re.VERBOSE,
)


def reward(response: str, answer: str) -> float:
    """1.0 if the response's last boxed answer is the same number as the answer, else 0.0."""
    boxed = last_boxed(response)
    if boxed is None:
        return 0.0
    value = number(boxed)
    return 1.0 if value is not None and value == number(answer) else 0.0


def last_boxed(response: str) -> str | None:
    r"""What the last `\boxed{...}` after the last `</think>` holds.

    None where there is no `</think>` or no box after it, and where the braces of the last box never close:
    a response that was cut has no answer, whatever it boxed before.
    """
    _, end, spoken = response.rpartition(THINK_END)
    start = spoken.rfind(BOX)
    if not end or start < 0:
        return None
    start += len(BOX)
    depth = 1
    for brace in _BRACE.finditer(spoken, start, start + LONGEST_BOX):
        depth += 1 if brace[0] == "{" else -1
        if depth == 0:
            return spoken[start : brace.start()]
    return None


def number(text: str) -> Fraction | None:
    """The text as an exact number: `-3`, `1,234.50`, `$18`, `3/4`; None for anything else."""
    text = text.strip(" \t\r\n$")
    if len(text) > LONGEST_NUMBER:
        return None
    match = _NUMBER.fullmatch(text)
    if not match:
        return None
    whole, decimals, denominator = match["whole"].replace(",", ""), match["decimals"] or "", match["denominator"]
    if not whole + decimals or (denominator and not whole):
        return None
    below = int(denominator) if denominator else 10 ** len(decimals)
    if below == 0:
        return None
    value = Fraction(int(whole + decimals), below)
    return -value if match["sign"] == "-" else value
