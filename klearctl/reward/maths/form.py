"""What kinds of things answers are."""

from dataclasses import dataclass

from klearctl.reward.maths.region import Region
from klearctl.reward.maths.tree import Tree


@dataclass(frozen=True, slots=True)
class Scalar:
    """A number or a formula, and its unit."""

    tree: Tree
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Words:
    """A name or a word."""

    said: str


@dataclass(frozen=True, slots=True)
class Based:
    """Digits in a base that is not ten: 204_5."""

    digits: str
    base: str


@dataclass(frozen=True, slots=True)
class Group:
    """Several answers in any order, or a tuple in its own."""

    items: tuple["Form", ...]
    ordered: bool


@dataclass(frozen=True, slots=True)
class Pair:
    """Two numbers in brackets: a point where both are round, or an interval."""

    low: Scalar
    high: Scalar
    left: str
    right: str


@dataclass(frozen=True, slots=True)
class Grid:
    """A matrix."""

    rows: tuple[tuple["Form", ...], ...]


@dataclass(frozen=True, slots=True)
class Named:
    """What a name or a formula is said to be: x = 5. Its sides after the first are forms of the same thing."""

    name: tuple[str, ...]
    sides: tuple["Form", ...]
    close: bool = False
    """Whether the last side only comes near the one before it."""


@dataclass(frozen=True, slots=True)
class Dots:
    """The dots of a sequence."""


Form = Scalar | Words | Based | Group | Pair | Grid | Named | Dots | Region
