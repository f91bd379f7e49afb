"""Whether two trees with names are one formula: at fixed points, those where it is a real number on the way.

A formula with roundings or factorials in it, or a power of -1, is one for whole numbers: it may be equal to another at
these alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import mpmath

from klearctl.reward.maths.numbers import near
from klearctl.reward.maths.rounded import DIGITS, rounded
from klearctl.reward.maths.tree import Tree, Unread, has, names_in

AGREE = 20  # digits
ENOUGH = 3  # points

_POINTS = (0.7, 2.3, 0.19, 5.1, 11.3, 1.37, -0.6, -2.9, 0.043, 3.7, -7.3, 23.9)
_WHOLE_POINTS = (7, 12, 30, 5, 9, 16, 101, 44, 3, 25, 58, 1000)
_FOR_WHOLE_NUMBERS = ("floor", "ceiling", "factorial", "binomial")


def same_formula(gold: Tree, answer: Tree) -> bool:
    """Whether they are equal wherever both have a value.

    Raises:
        Unread: the known one has none anywhere.
    """
    if _agree(gold, answer, _POINTS):
        return True
    whole = _alternates(gold) or any(has(gold, op) for op in _FOR_WHOLE_NUMBERS)
    return whole and _agree(gold, answer, _WHOLE_POINTS)


def same_curve(gold: Tree, answer: Tree) -> bool:
    """Whether both are nothing at the same places: one is the other times a number."""
    ratios = []
    for one, other in _values(gold, answer, _POINTS):
        if one and other:
            with mpmath.workdps(DIGITS):
                ratios.append(one / other)
    return len(ratios) >= ENOUGH and all(near(ratio, ratios[0], AGREE) for ratio in ratios)


def _agree(gold: Tree, answer: Tree, points: Sequence[float]) -> bool:
    pairs = list(_values(gold, answer, points))
    if all(one is None for one, _ in pairs):
        raise Unread("it has no value at any point")
    known = [(one, other) for one, other in pairs if one is not None and other is not None]
    return len(known) >= ENOUGH and all(near(one, other, AGREE) for one, other in known)


def _values(gold: Tree, answer: Tree, points: Sequence[float]) -> Iterator[tuple[Any, Any]]:
    names = sorted(names_in(gold) | names_in(answer))
    for first in range(len(points)):
        point = {}
        for at, name in enumerate(names):
            shift = mpmath.mpf(at) / 7 if points is _POINTS else 0
            point[name] = mpmath.mpf(points[(first + at * (1 + 2 * first)) % len(points)]) + shift
        one = _at(gold, point)
        yield one, None if one is None else _at(answer, point)


def _at(tree: Tree, point: Mapping[str, Any]) -> Any:
    """Its value there; None where it has none, or leaves the real numbers on the way without saying so."""
    try:
        with mpmath.workdps(DIGITS):
            return rounded(tree, point, real=not has(tree, "i"))
    except Unread:
        return None


def _alternates(tree: Tree) -> bool:
    """Whether it has a name in the power of a number, as (-1)^n."""
    here = tree.op == "^" and not names_in(tree.args[0]) and bool(names_in(tree.args[1]))
    return here or any(map(_alternates, tree.args))
