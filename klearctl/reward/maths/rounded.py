"""What a tree is worth to sixty digits, with numbers for its names.

Powers and factorials that no answer needs are not computed: they are too big to be read.
"""

from collections.abc import Mapping
from typing import Any

import mpmath

from klearctl.reward.maths.tree import Tree, Unread

DIGITS = 60
LARGEST = 10**6  # of what a factorial or a circular function is taken of, and of the bits of any other number

Number = Any  # mpf or mpc


def rounded(tree: Tree, names: Mapping[str, Number], *, real: bool = False) -> Number:
    """Its value in mpmath's present precision.

    Raises:
        Unread: it has none, or one that is too big, or is not real all the way where it has to be.
    """
    try:
        return _rounded(tree, names, real)
    except (ArithmeticError, ValueError, OverflowError, mpmath.libmp.NoConvergence) as error:
        raise Unread(str(error)) from error


def _rounded(tree: Tree, names: Mapping[str, Number], real: bool) -> Number:
    if tree.op == "number":
        return mpmath.mpf(tree.value.numerator) / tree.value.denominator
    if tree.op == "name":
        if tree.name not in names:
            raise Unread("a name without a number")
        return names[tree.name]
    if tree.op in {"pi", "e"}:
        return +getattr(mpmath, tree.op)
    if tree.op == "i":
        return mpmath.mpc(0, 1)
    if tree.op == "infinity":
        raise Unread("infinity is no number")
    value = _small(_OPERATIONS[tree.op](*[_rounded(arg, names, real) for arg in tree.args]))
    if real and not _is_real(value):
        raise Unread("not real")
    return value


def _small(value: Number) -> Number:
    size = mpmath.mag(value)
    if not mpmath.isfinite(value) or (mpmath.isfinite(size) and abs(size) > 64 * LARGEST):
        raise Unread("too big")
    return value


def _raised(base: Number, exponent: Number) -> Number:
    if base == 0:
        return mpmath.mpf(0) ** exponent if exponent != 0 else mpmath.mpf(1)
    if abs(exponent) * abs(mpmath.log(abs(base))) > 16 * LARGEST:
        raise Unread("too big")
    return base**exponent


def _nth_root(base: Number, index: Number) -> Number:
    if _is_real(base) and base < 0 and index == int(index) and int(index) % 2:
        return -mpmath.root(-base, int(index))
    return _raised(base, 1 / index)


def _is_real(value: Number) -> bool:
    return isinstance(value, mpmath.mpf)


def _near(value: Number) -> Number:
    if abs(value) > LARGEST:
        raise Unread("too big")
    return value


def _whole(function: Any) -> Any:
    """Floor or ceiling, of what is a whole number but for the last digits too."""

    def taken(value: Number) -> Number:
        nearest = mpmath.nint(value)
        return nearest if abs(value - nearest) < mpmath.mpf(10) ** (8 - mpmath.mp.dps) else function(value)

    return taken


_OPERATIONS: dict[str, Any] = {
    "+": lambda *terms: mpmath.fsum(terms),
    "-": lambda a: -a,
    "*": lambda *factors: mpmath.fprod(factors),
    "/": lambda a, b: a / b,
    "^": _raised,
    "root": _nth_root,
    "mixed": lambda a, b: a + b,
    "percent": lambda a: a / 100,
    "degree": lambda a: a * mpmath.pi / 180,
    "abs": abs,
    "floor": _whole(mpmath.floor),
    "ceiling": _whole(mpmath.ceil),
    "factorial": lambda a: mpmath.factorial(_near(a)),
    "binomial": lambda a, b: mpmath.binomial(_near(a), _near(b)),
    "log": lambda a, base=10: mpmath.log(a) / mpmath.log(base),
    "ln": mpmath.log,
    "exp": lambda a: _raised(mpmath.e, a),
    "arcsin": mpmath.asin,
    "arccos": mpmath.acos,
    "arctan": mpmath.atan,
    **{
        name: (lambda function: lambda a: function(_near(a)))(getattr(mpmath, name))
        for name in ("sin", "cos", "tan", "cot", "sec", "csc", "sinh", "cosh", "tanh")
    },
}
