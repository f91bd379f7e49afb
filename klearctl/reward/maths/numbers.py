"""Whether two trees without names are one number: exactly where both are fractions, else to forty digits of it."""

from fractions import Fraction
from typing import Any

import mpmath

from klearctl.reward.maths.exact import exact
from klearctl.reward.maths.rounded import DIGITS, rounded
from klearctl.reward.maths.tree import Tree, Unread

AGREE = 40  # digits
ROUNDED_FROM = 6  # significant digits from which a decimal may stand for what it is rounded from


def same_number(gold: Tree, answer: Tree) -> bool:
    """Whether they have one value; a decimal of six digits stands for what has no end, as 0.333333 for 1/3.

    Raises:
        Unread: the known answer has none.
    """
    one = exact(gold)
    known = value(gold) if one is None else None
    try:
        other = exact(answer)
        if one is None or other is None:
            equal = near(value(gold) if known is None else known, value(answer))
        else:
            equal = one == other
        return equal or _stands_for(answer, one, gold) or _stands_for(gold, other, answer)
    except Unread:
        return False  # the answer has no value


def comes_near(decimal: Tree, tree: Tree) -> bool:
    """Whether the decimal is the other rounded or cut, to however few digits: 3.14 for pi."""
    if decimal.op == "-":
        return comes_near(decimal.args[0], Tree("-", (tree,)))
    try:
        return decimal.op == "number" and _rounds(value(tree) - value(decimal), mpmath.mpf(10) ** -decimal.places)
    except Unread:
        return False


def value(tree: Tree) -> Any:
    """To more than forty digits; what cancels out to nothing is nothing.

    Raises:
        Unread: it has none, or one that is too big.
    """
    with mpmath.workdps(DIGITS):
        coarse = rounded(tree, {})
    with mpmath.workdps(2 * DIGITS):
        fine = rounded(tree, {})
        if near(coarse, fine):
            return fine
        if abs(fine) < mpmath.mpf(10) ** -DIGITS:
            return mpmath.mpf(0)
    raise Unread("its digits cancel out")


def near(one: Any, other: Any, digits: int = AGREE) -> bool:
    """Whether they share so many digits."""
    with mpmath.workdps(2 * DIGITS):
        return bool(abs(one - other) <= mpmath.mpf(10) ** -digits * max(abs(one), abs(other)))


def _stands_for(decimal: Tree, exactly: Fraction | None, tree: Tree) -> bool:
    """Whether it is a decimal of enough digits, and the other rounded or cut, which has no end."""
    if decimal.op == "-":
        return _stands_for(decimal.args[0], None if exactly is None else -exactly, Tree("-", (tree,)))
    if decimal.op != "number" or decimal.places == 0 or decimal.value * 10**decimal.places < 10 ** (ROUNDED_FROM - 1):
        return False
    if exactly is not None:
        return not _ends(exactly) and _rounds(exactly - decimal.value, Fraction(1, 10**decimal.places))
    return comes_near(decimal, tree)


def _rounds(lost: Any, last: Any) -> bool:
    """Whether so much is lost by rounding, or by a cut, where the last digit is worth that: 0.333334 is no third."""
    return isinstance(lost, Fraction | mpmath.mpf) and bool(-last <= 2 * lost and lost < last)


def _ends(exactly: Fraction) -> bool:
    """Whether its decimals end."""
    below = exactly.denominator
    for prime in (2, 5):
        while below % prime == 0:
            below //= prime
    return below == 1
