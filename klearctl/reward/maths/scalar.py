"""One number or formula with what stands around it: tokens in, the number and its unit out."""

import re
from collections.abc import Sequence

from klearctl.reward.maths import parts
from klearctl.reward.maths.expression import read
from klearctl.reward.maths.form import Based, Scalar
from klearctl.reward.maths.tree import Tree, Unread
from klearctl.reward.maths.words import SCALES, unit

_DIGITS = re.compile(r"-?[A-F]?[0-9][0-9A-F]*")


def scalar(tokens: Sequence[str]) -> Scalar:
    """A number or formula, its currency before it, its unit or its scale after it.

    Raises:
        Unread: it is none.
    """
    tokens, money = parts.without_currency(tokens)
    body, after = parts.without_unit(tokens)
    if not body:
        raise Unread("a unit alone")
    tree = read(body)
    first, _, rest = after.partition(" ")
    if first.lower() in SCALES:
        tree, after = _scaled(tree, SCALES[first.lower()]), rest
    name = unit(after) if after else None
    if after and name is None:
        raise Unread(after)
    return Scalar(tree, name or ("dollar" if money else None))


def based(tokens: Sequence[str]) -> Based | None:
    """Digits in a base, `204_{5}`; None where they are none."""
    digits, under, base = "".join(tokens).partition("_")
    digits, base = digits.removeprefix("(").removesuffix(")"), base.strip("{}()")  # (204)_5
    return Based(digits, base) if under and base.isdigit() and _DIGITS.fullmatch(digits) else None


def _scaled(tree: Tree, scale: int) -> Tree:
    """`5 million`."""
    if tree.op != "number":
        raise Unread("a word that scales what is no number")
    return Tree("number", value=tree.value * scale)
