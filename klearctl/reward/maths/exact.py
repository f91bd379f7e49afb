"""What a tree is worth as a fraction: exactly, or not at all.

Powers and factorials that no answer needs are not computed.
"""

import math
from collections.abc import Callable
from fractions import Fraction

from klearctl.reward.maths.tree import Tree, Unread

MOST_BITS = 1 << 16  # of a whole number; 3000! has 30,000


def exact(tree: Tree) -> Fraction | None:
    """Its value as a fraction; None where it has names, is no fraction, or is too big.

    Raises:
        Unread: it has no value.
    """
    if tree.op == "number":
        return tree.value
    args = [exact(arg) for arg in tree.args]
    known = [arg for arg in args if arg is not None]
    if len(known) < len(args) or not args:
        return None
    if tree.op in _SIMPLE:
        return _SIMPLE[tree.op](known)
    if tree.op == "*":
        return _product(known)
    if tree.op == "/":
        return _quotient(known[0], known[1])
    if tree.op == "^":
        return _power(known[0], known[1])
    if tree.op == "root":
        return _root(known[0], known[1])
    if tree.op == "factorial":
        return _factorial(known[0])
    if tree.op == "binomial":
        return _binomial(known[0], known[1])
    return None


_SIMPLE: dict[str, Callable[[list[Fraction]], Fraction]] = {
    "+": lambda terms: sum(terms, Fraction(0)),
    "-": lambda a: -a[0],
    "mixed": lambda a: a[0] + a[1],
    "percent": lambda a: a[0] / 100,
    "abs": lambda a: abs(a[0]),
    "floor": lambda a: Fraction(math.floor(a[0])),
    "ceiling": lambda a: Fraction(math.ceil(a[0])),
}


def _product(factors: list[Fraction]) -> Fraction:
    product = Fraction(1)
    for factor in factors:
        product = _bounded(product * factor)
    return product


def _bounded(value: Fraction) -> Fraction:
    if value.numerator.bit_length() + value.denominator.bit_length() > 4 * MOST_BITS:
        raise Unread("too big")
    return value


def _quotient(above: Fraction, below: Fraction) -> Fraction:
    if below == 0:
        raise Unread("division by zero")
    return _bounded(above / below)


def _power(base: Fraction, exponent: Fraction) -> Fraction | None:
    if exponent.denominator != 1:
        return _root(base, 1 / exponent) if exponent.numerator == 1 else None
    if base == 0 and exponent < 0:
        raise Unread("division by zero")
    bits = max(base.numerator.bit_length(), base.denominator.bit_length())
    if base not in {0, 1, -1} and bits * abs(exponent) > MOST_BITS:
        return None
    return base ** int(exponent) if base not in {0, 1, -1} else base ** (int(exponent) % 2 + 2 * (exponent != 0))


def _root(base: Fraction, index: Fraction) -> Fraction | None:
    """Where it is a fraction itself. An odd root of a negative number is the real one."""
    if index.denominator != 1 or not 1 <= index <= 64:
        return None
    n = int(index)
    if base < 0:
        below = _root(-base, index) if n % 2 else None
        return None if below is None else -below
    above, below_ = _whole_root(base.numerator, n), _whole_root(base.denominator, n)
    return None if above is None or below_ is None else Fraction(above, below_)


def _whole_root(number: int, n: int) -> int | None:
    low, high = 0, 1 << (number.bit_length() // n + 1)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if middle**n <= number else (low, middle - 1)
    return low if low**n == number else None


def _factorial(n: Fraction) -> Fraction | None:
    if n.denominator != 1 or n < 0:
        raise Unread("no factorial")
    return Fraction(math.factorial(int(n))) if n <= 3000 else None


def _binomial(n: Fraction, k: Fraction) -> Fraction | None:
    if n.denominator != 1 or k.denominator != 1 or not 0 <= k <= n:
        return None
    return Fraction(math.comb(int(n), int(k))) if n <= 3000 else None
