"""An expression as a tree, and what trees are made of."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

DEEPEST = 40  # brackets within brackets


class Unread(ValueError):
    """The text is not an expression that is read here."""


@dataclass(frozen=True, slots=True)
class Tree:
    """An operation and what it is done to; a number has its value and decimals, a name its text."""

    op: str
    args: tuple["Tree", ...] = ()
    value: Fraction = Fraction(0)
    places: int = 0
    """Decimals that were written."""
    name: str = ""


def literal(digits: str) -> Tree:
    """A number as it was written: `3`, `0.250`."""
    return Tree("number", value=Fraction(digits), places=len(digits.partition(".")[2]), name=digits)


def ten_to(power: int) -> Tree:
    """A power of ten."""
    return Tree("^", (literal("10"), Tree("number", value=Fraction(power))))


def names_in(tree: Tree) -> set[str]:
    """The names in it."""
    found = {tree.name} if tree.op == "name" else set()
    return found.union(*map(names_in, tree.args))


def has(tree: Tree, op: str) -> bool:
    """Whether the operation is somewhere in it."""
    return tree.op == op or any(has(arg, op) for arg in tree.args)


def renamed(tree: Tree, names: Mapping[str, str]) -> Tree:
    """The tree with other names."""
    if tree.op == "name":
        return replace(tree, name=names.get(tree.name, tree.name))
    return replace(tree, args=tuple(renamed(arg, names) for arg in tree.args))


def depth(tree: Tree) -> int:
    """How many operations stand in one another."""
    level, count = [tree], 0
    while level:
        level, count = [arg for one in level for arg in one.args], count + 1
    return count
