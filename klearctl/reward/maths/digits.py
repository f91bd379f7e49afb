r"""Numbers as people write them inside an expression: `10 000`, `3\frac12`, `3 1/2`, `0.\overline{3}`, `2.5e+4`."""

import re
from fractions import Fraction

from klearctl.reward.maths.cursor import Cursor
from klearctl.reward.maths.tree import Tree, Unread, literal, ten_to

LONGEST = 400  # digits
_GROUP = re.compile(r"[0-9]{3}")
_FRACTION = re.compile(
    r"(?:\\frac (?:\{ ([0-9]{1,99}) \}|([0-9])) ?(?:\{ ([0-9]{1,99}) \}|([0-9]))|([0-9]{1,99}) / ([0-9]{1,99}))(?= |$)"
)
"""On tokens with spaces between them."""


def is_number(token: str) -> bool:
    """Whether a number begins with it."""
    return token[:1].isdigit() or (token[:1] == "." and len(token) > 1)


def number(at: Cursor) -> Tree:
    """The number that begins at the cursor.

    Raises:
        Unread: two numbers stand side by side, or it is too long.
    """
    token = at.take()
    if "." not in token:
        token = _joined(token, at)
    if len(token) > LONGEST:
        raise Unread("too many digits")
    if at.next == r"\overline" or at.ahead(2) == [".", r"\overline"]:
        return _repeating(token, at)
    if at.next in {"e", "E"}:
        return _scientific(token, at)
    if "." not in token and (part := _proper_fraction(at)):
        return Tree("mixed", (literal(token), part))
    if is_number(at.next):
        raise Unread(at.next)
    return literal(token)


def _joined(token: str, at: Cursor) -> str:
    """`10 000` as one number."""
    if len(token) <= 3 and token[0] != "0":
        while _GROUP.fullmatch(at.next) and len(token) <= LONGEST:
            token += at.take()
    return token


def _proper_fraction(at: Cursor) -> Tree | None:
    r"""Takes `\frac{1}{2}`, `\frac12` or `1/2` where it comes next and is less than one; else takes nothing."""
    match = _FRACTION.match(" ".join(at.ahead(7)))
    above, below = filter(None, match.groups()) if match else ("1", "0")
    if not match or int(above) >= int(below):
        return None
    for _ in match[0].split(" "):
        at.take()
    return Tree("/", (literal(above), literal(below)))


def _repeating(token: str, at: Cursor) -> Tree:
    if at.next == ".":
        token += at.take()
    at.expect(r"\overline")
    period = at.take()
    if period == "{":
        period = at.take()
        at.expect("}")
    if "." not in token or not period.isdigit() or len(period) > LONGEST:
        raise Unread("no repeating decimal")
    decimals = len(token.partition(".")[2])
    return Tree(
        "number", value=Fraction(token.rstrip(".")) + Fraction(int(period), (10 ** len(period) - 1) * 10**decimals)
    )


def _scientific(token: str, at: Cursor) -> Tree:
    """`2e3`, `2.5e+4`; else a number times e, which stays."""
    _, after, last = (*at.ahead(3), "", "", "")[:3]
    if after.isdigit() and len(after) < 4:
        at.take(), at.take()
        return Tree("*", (literal(token), ten_to(int(after))))
    if "." in token and after in {"+", "-"} and last.isdigit() and len(last) < 4:
        at.take(), at.take(), at.take()
        return Tree("*", (literal(token), ten_to(int(after + last))))
    return literal(token)
