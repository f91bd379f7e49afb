"""Answers that are sets of numbers: forms in, a region out."""

from collections.abc import Sequence

from klearctl.reward.maths import region
from klearctl.reward.maths.form import Form, Group, Pair, Scalar
from klearctl.reward.maths.region import Region, Span
from klearctl.reward.maths.tokens import words
from klearctl.reward.maths.tree import Tree, Unread


def union(items: Sequence[Form]) -> Region:
    """All that lies in one of them."""
    regions = [as_region(item) for item in items]
    return region.region([span for one in regions for span in one.spans], regions[0].name)


def as_region(form: Form) -> Region:
    """The numbers that it holds.

    Raises:
        Unread: it is no set of numbers.
    """
    if isinstance(form, Region):
        return form
    if isinstance(form, Pair):
        return as_interval(form)
    if isinstance(form, Group) and not form.ordered:
        return region.region([Span(point, point, True, True) for point in points_of(form)])
    raise Unread("no set of numbers")


def as_interval(pair: Pair) -> Region:
    """The numbers between the two, as its brackets say.

    Raises:
        Unread: the ends are not in order.
    """
    low, high = pair.low.tree, pair.high.tree
    below = None if low.op == "-" and low.args[0].op == "infinity" else low
    above = None if high.op == "infinity" else high
    return region.region([Span(below, above, pair.left == "[", pair.right == "]")])


def points_of(form: Form) -> list[Tree]:
    """The numbers of a list, or the one number.

    Raises:
        Unread: not all are numbers.
    """
    items = form.items if isinstance(form, Group) else (form,)
    points = [item.tree for item in items if isinstance(item, Scalar)]
    if len(points) < len(items):
        raise Unread("no numbers")
    return points


def together(items: Sequence[Region], signs: Sequence[str]) -> Form:
    """`x < 2 or x > 3` is their union; by a comma or by "and" it is what they share, where they share something."""
    if len({item.name for item in items}) > 1:
        return Group(tuple(items), ordered=False)
    if not any((words(sign) or "") == "or" for sign in signs):
        shared = items[0]
        for item in items[1:]:
            shared = region.common(shared, item)
        if shared.spans:
            return shared
    return union(items)
