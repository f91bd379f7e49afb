"""Whether an answer says what the known answer says: two forms in, yes or no out."""

from klearctl.reward.maths.expression import read
from klearctl.reward.maths.form import Based, Dots, Form, Grid, Group, Named, Pair, Scalar, Words
from klearctl.reward.maths.formulas import same_curve
from klearctl.reward.maths.numbers import comes_near, same_number
from klearctl.reward.maths.region import Region, equal_regions
from klearctl.reward.maths.same import same
from klearctl.reward.maths.sets import as_interval
from klearctl.reward.maths.tree import Tree, Unread, names_in, renamed
from klearctl.reward.maths.words import units_differ


def equal(gold: Form, answer: Form) -> bool:
    """Whether they are the same answer.

    Raises:
        Unread: the known one has a value that cannot be found.
    """
    gold, answer = _alone(gold), _alone(answer)
    if isinstance(gold, Named):
        return _equal_named(gold, answer) if isinstance(answer, Named) else _equal_value(gold, answer)
    if isinstance(answer, Named):
        return _equal_sides(gold, answer)
    if isinstance(gold, Scalar) and isinstance(answer, Scalar):
        return not units_differ(gold.unit, answer.unit) and same(gold.tree, answer.tree)
    if isinstance(gold, Group) and isinstance(answer, Group):
        return gold.ordered == answer.ordered and len(gold.items) == len(answer.items) and _items(gold, answer)
    if isinstance(gold, Region | Pair) and isinstance(answer, Region | Pair):
        return _equal_intervals(gold, answer)
    if isinstance(gold, Grid) and isinstance(answer, Grid):
        return _equal_grids(gold, answer)
    return isinstance(gold, Words | Based | Dots) and gold == answer


def _alone(form: Form) -> Form:
    """The one thing in a set of one."""
    while isinstance(form, Group) and len(form.items) == 1:
        form = form.items[0]
    return form


def _items(gold: Group, answer: Group) -> bool:
    if gold.ordered:
        return all(map(equal, gold.items, answer.items))
    left = list(answer.items)
    for item in gold.items:
        at = next((at for at, other in enumerate(left) if equal(item, other)), None)
        if at is None:
            return False
        del left[at]
    return True


def _equal_intervals(gold: Region | Pair, answer: Region | Pair) -> bool:
    if isinstance(gold, Pair) and isinstance(answer, Pair):
        alike = (gold.left, gold.right) == (answer.left, answer.right)
        return alike and equal(gold.low, answer.low) and equal(gold.high, answer.high)
    try:
        one = as_interval(gold) if isinstance(gold, Pair) else gold
        other = as_interval(answer) if isinstance(answer, Pair) else answer
    except Unread:
        return False  # a point is no interval
    return equal_regions(one, other)


def _equal_grids(gold: Grid, answer: Grid) -> bool:
    shapes = [(len(grid.rows), len(grid.rows[0])) for grid in (gold, answer)]
    if shapes[0] != shapes[1]:
        return False
    return all(all(map(equal, one, other)) for one, other in zip(gold.rows, answer.rows, strict=True))


def _equal_value(gold: Named, answer: Form) -> bool:
    """A bare value against x = 5: the name may go unsaid, the rest of an equation may not."""
    return _head(gold) is not None and equal(gold.sides[-1], answer)


def _equal_sides(gold: Form, answer: Named) -> bool:
    """x = 5 against a bare value: every side but the name must be it, and the last one finished."""
    sides, last = answer.sides, answer.sides[-1]
    if not answer.name and _is_name(last) and not _is_name(gold):
        return len(sides) == 2 and equal(gold, sides[0])  # 5 = x
    if answer.close:
        return _is_rounded(sides[-2], last) and (equal(gold, sides[-2]) or equal(gold, last))
    if not (isinstance(gold, Scalar) and all(isinstance(side, Scalar) for side in sides)):
        return all(equal(gold, side) for side in sides)
    return all(_worth(gold, side) for side in sides[:-1]) and equal(gold, last)


def _worth(gold: Scalar, side: Form) -> bool:
    """Whether a side on the way to the last one has its value; work may be left undone there."""
    if not isinstance(side, Scalar) or (names_in(side.tree) and not names_in(gold.tree)):
        return isinstance(side, Scalar)  # m/n = p/q = 3/4: what has names is a name
    return same(gold.tree, side.tree) if names_in(gold.tree) else same_number(gold.tree, side.tree)


def _is_rounded(whole: Form, decimal: Form) -> bool:
    return isinstance(whole, Scalar) and isinstance(decimal, Scalar) and comes_near(decimal.tree, whole.tree)


def _equal_named(gold: Named, answer: Named) -> bool:
    one, other = _head(gold), _head(answer)
    if one is None:
        return _equal_equations(gold, answer)
    if other is None:
        return _has_names(gold.sides[-1]) and _equal_equations(gold, answer)  # y = 2x + 3, 2x - y + 3 = 0
    if one[0][1:] == other[0][1:] == "()":
        return one[0] == other[0] and _equal_functions(gold, answer, one[1], other[1])
    of_x = len(one) != len(other) and "y" in one[:1] + other[:1]  # y = 2x, f(x) = 2x
    return (one == other or of_x) and equal(gold.sides[-1], answer.sides[-1])


def _equal_functions(gold: Named, answer: Named, one: str, other: str) -> bool:
    """f(x) = 2x, f(t) = 2t."""
    value, said = gold.sides[-1], answer.sides[-1]
    if one != other and isinstance(said, Scalar):
        said = Scalar(renamed(said.tree, {other: one}), said.unit)
    return equal(value, said)


def _equal_equations(gold: Named, answer: Named) -> bool:
    """Whether one is the other times a number."""
    if len(gold.sides) > 1 or len(answer.sides) > 1:
        return False
    try:
        other = _difference(answer)
    except Unread:
        return False
    return same_curve(_difference(gold), other)


def _difference(named: Named) -> Tree:
    (side,) = named.sides
    if not isinstance(side, Scalar):
        raise Unread("no equation of numbers")
    return Tree("+", (read(named.name), Tree("-", (side.tree,))))


def _head(named: Named) -> tuple[str, ...] | None:
    """(x) of x = 5, (f(), x) of f(x) = 5, a name of several signs as it is; None where it is an equation."""
    name = named.name
    if len(name) == 4 and name[1] == "(" and name[3] == ")":
        return (name[0] + "()", name[2])
    if len(name) == 1:
        return name
    if "_" in name and not set(name) & set("+-*/^"):
        return ("".join(token for token in name if token not in {"{", "}"}),)
    if len(named.sides) == 1 and isinstance(named.sides[0], Scalar) and _is_zero(named.sides[0].tree):
        return None
    return None if _is_equation(named) else name


def _is_equation(named: Named) -> bool:
    """Whether the left side is a sum of names and numbers, as 2x + 3y: what it equals is no value of its own."""
    try:
        tree = read(named.name)
    except Unread:
        return False
    side = named.sides[-1]
    return (
        tree.op == "+"
        and isinstance(side, Scalar)
        and bool(names_in(side.tree) or any(t.isdigit() for t in named.name))
    )


def _is_zero(tree: Tree) -> bool:
    return tree.op == "number" and tree.value == 0


def _is_name(form: Form) -> bool:
    return isinstance(form, Scalar) and form.tree.op == "name"


def _has_names(form: Form) -> bool:
    return isinstance(form, Scalar) and bool(names_in(form.tree))
