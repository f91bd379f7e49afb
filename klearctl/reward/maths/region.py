r"""Sets of real numbers: their spans in, one way to write them out; `(-\infty, 2) \cup (3, \infty)`, `x \ge 2`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import mpmath

from klearctl.reward.maths.rounded import DIGITS, rounded
from klearctl.reward.maths.same import same
from klearctl.reward.maths.tree import Tree, Unread, names_in

_FLIPPED = {"<": ">", ">": "<", r"\le": r"\ge", r"\ge": r"\le"}


@dataclass(frozen=True, slots=True)
class Span:
    """All between two ends; an end that is None is infinite."""

    low: Tree | None
    high: Tree | None
    has_low: bool
    has_high: bool


@dataclass(frozen=True, slots=True)
class Region:
    """Spans in order that do not touch; the name is of what lies in them, where it was said."""

    spans: tuple[Span, ...]
    name: str = ""


ALL = Span(None, None, False, False)


def region(spans: Sequence[Span], name: str = "") -> Region:
    """All of the spans.

    Raises:
        Unread: several of them have ends that cannot be put in order.
    """
    if len(spans) == 1 and names_at(spans[0]):
        return Region(tuple(spans), name)
    kept = sorted((span for span in spans if not _empty(span)), key=lambda s: (_low(s), not s.has_low))
    joined: list[Span] = []
    for span in kept:
        if joined and _touch(joined[-1], span):
            joined[-1] = _join(joined[-1], span)
        else:
            joined.append(span)
    return Region(tuple(joined), name)


def common(one: Region, other: Region) -> Region:
    """What lies in both."""
    return region([_overlap(a, b) for a in one.spans for b in other.spans], one.name or other.name)


def without(whole: Region, points: Sequence[Tree]) -> Region:
    """The region without some points."""
    for point in points:
        sides = [Span(None, point, False, False), Span(point, None, False, False)]
        whole = common(whole, region(sides, whole.name))
    return whole


def from_relation(sides: Sequence[Tree], signs: Sequence[str]) -> Region:
    """Of `x > 2`, `2 < x`, `-1 < x <= 3`, `x != 2`; the name stands alone on its side.

    Raises:
        Unread: it is none of these.
    """
    at = [i for i, side in enumerate(sides) if side.op == "name"]
    if len(at) != 1 or len(sides) > 3 or any(names_in(s) for i, s in enumerate(sides) if i != at[0]):
        raise Unread("not solved")
    name = sides[at[0]].name
    if signs[0] == r"\ne":
        return without(Region((ALL,), name), [sides[1 - at[0]]])
    if len(sides) == 2:
        sign = signs[0] if at[0] == 0 else _FLIPPED[signs[0]]
        return region([_half(sign, sides[1 - at[0]])], name)
    return _chain(name, at[0], sides, signs)


def equal_regions(gold: Region, answer: Region) -> bool:
    """Whether they hold the same numbers, of the same name where both have one."""
    if gold.name and answer.name and gold.name != answer.name:
        return False
    return len(gold.spans) == len(answer.spans) and all(map(_same_span, gold.spans, answer.spans))


def names_at(span: Span) -> bool:
    """Whether an end has names in it."""
    return any(end is not None and names_in(end) for end in (span.low, span.high))


def _chain(name: str, at: int, sides: Sequence[Tree], signs: Sequence[str]) -> Region:
    if at != 1 or not ({*signs} <= {"<", r"\le"} or {*signs} <= {">", r"\ge"}):
        raise Unread("not one chain")
    left, right = _half(_FLIPPED[signs[0]], sides[0]), _half(signs[1], sides[2])
    if signs[0] in {">", r"\ge"}:
        left, right = right, left
    span = Span(left.low, right.high, left.has_low, right.has_high)
    return Region((span,), name) if names_at(span) else region([span], name)


def _half(sign: str, end: Tree) -> Span:
    closed = sign in {r"\le", r"\ge"}
    infinite = end.op == "infinity" or (end.op == "-" and end.args[0].op == "infinity")
    if infinite:
        return ALL
    return Span(end, None, closed, False) if sign in {">", r"\ge"} else Span(None, end, False, closed)


def _same_span(gold: Span, answer: Span) -> bool:
    if (gold.has_low, gold.has_high) != (answer.has_low, answer.has_high):
        return False
    return _same_end(gold.low, answer.low) and _same_end(gold.high, answer.high)


def _same_end(gold: Tree | None, answer: Tree | None) -> bool:
    if gold is None or answer is None:
        return gold is answer
    return same(gold, answer)


def _at(end: Tree | None, infinite: Any) -> Any:
    with mpmath.workdps(DIGITS):
        value = infinite if end is None else rounded(end, {})
    if not isinstance(value, mpmath.mpf):
        raise Unread("an end that is not real")
    return value


def _low(span: Span) -> Any:
    return _at(span.low, mpmath.ninf)


def _high(span: Span) -> Any:
    return _at(span.high, mpmath.inf)


def _empty(span: Span) -> bool:
    return bool(_low(span) > _high(span)) or bool(_low(span) == _high(span) and not (span.has_low and span.has_high))


def _touch(left: Span, right: Span) -> bool:
    end, start = _high(left), _low(right)
    return bool(start < end) or bool(start == end and (left.has_high or right.has_low))


def _join(left: Span, right: Span) -> Span:
    if _high(left) == _high(right):
        return Span(left.low, left.high, left.has_low, left.has_high or right.has_high)
    last = left if _high(left) > _high(right) else right
    return Span(left.low, last.high, left.has_low, last.has_high)


def _overlap(a: Span, b: Span) -> Span:
    first = max(a, b, key=lambda s: (_low(s), not s.has_low))
    last = min(a, b, key=lambda s: (_high(s), s.has_high))
    return Span(first.low, last.high, first.has_low, last.has_high)
