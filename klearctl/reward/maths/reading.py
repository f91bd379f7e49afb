"""What an answer says: tokens in, a form out.

It is read whole or not at all: what is not understood is Unread, and is never a part of an answer that counts.
"""

from collections.abc import Iterator, Sequence
from itertools import product

from klearctl.reward.maths import parts, region
from klearctl.reward.maths.digits import is_number
from klearctl.reward.maths.expression import read
from klearctl.reward.maths.form import Dots, Form, Grid, Group, Named, Pair, Scalar, Words
from klearctl.reward.maths.region import Region
from klearctl.reward.maths.scalar import based, scalar
from klearctl.reward.maths.sets import as_region, points_of, together, union
from klearctl.reward.maths.tokens import closing, words
from klearctl.reward.maths.tree import Unread

MOST_PARTS = 64
MOST_SIGNS = 3  # of plus or minus in one part

_LEADING = {"the", "final", "answer", "is", "so", "thus", "hence", "therefore", "solution", "value", "total"}
_SPACES = {r"\mathbb{R}": Region((region.ALL,)), r"\emptyset": Region(())}
_ORDERS = frozenset({"<", ">", r"\le", r"\ge", r"\ne"})


def forms(tokens: Sequence[str]) -> Iterator[Form]:
    """The readings of an answer, the likeliest first.

    Raises:
        Unread: there is none.
    """
    yield _read(parts.thousands(tokens))
    if parts.thousands(tokens) != list(tokens) and all(map(_in_a_list, tokens)):
        yield _read(tokens)  # 100,150 may be a number, and may be two; 10,000 is one


def _in_a_list(token: str) -> bool:
    return token in {",", "-"} or (token.strip(",- ").isdigit() and token[0] != "0")


def independent(tokens: Sequence[str]) -> list[list[str]]:
    r"""The answers that `(\pm 3, \pm 2)` stands for where each sign is free."""
    at = [i for i, token in enumerate(tokens) if token == r"\pm"]
    if not 2 <= len(at) <= MOST_SIGNS:
        return []
    found = []
    for signs in product("+-", repeat=len(at)):
        copy = list(tokens)
        for where, sign in zip(at, signs, strict=True):
            copy[where] = sign
        found.append(copy)
    return found


def _read(tokens: Sequence[str]) -> Form:
    tokens = _bare(tokens)
    if not tokens:
        raise Unread("nothing")
    said = parts.as_words(tokens)
    if said is not None:
        return Words(said)
    if tokens[0] == r"\begin":
        return _grid(tokens)
    pieces, signs = parts.split(tokens, {r"\cup"})
    if signs:
        return union([_read(piece) for piece in pieces])
    pieces, signs = parts.split(tokens, {r"\setminus"})
    if len(signs) == 1:
        return region.without(as_region(_read(pieces[0])), points_of(_read(pieces[1])))
    return _list(tokens)


def _bare(tokens: Sequence[str]) -> list[str]:
    """Without leading words that say nothing, braces around all, and a sign of implication before all."""
    tokens = list(tokens)
    while tokens and (_says_nothing(words(tokens[0])) or tokens[0] in {":", "=", r"\approx", r"\Rightarrow"}):
        tokens = tokens[1:]
    while len(tokens) > 1 and tokens[0] == "{" and closing(tokens, 0) == len(tokens) - 1:
        tokens = tokens[1:-1]
    return tokens


def _says_nothing(said: str | None) -> bool:
    return said is not None and set(said.lower().replace(":", "").split()) <= _LEADING


def _list(tokens: list[str]) -> Form:
    pieces, signs = parts.split(tokens, parts.SEPARATORS)
    pieces = parts.without_empty(pieces, signs)
    if len(pieces) > MOST_PARTS:
        raise Unread("too many parts")
    if len(pieces) == 1 and not signs:
        return _part(tokens)
    items: list[Form] = [item for piece in pieces for item in _each(piece)]
    if all(isinstance(item, Region) and item.name for item in items):
        return together(items, signs)  # type: ignore[arg-type]
    return Group(tuple(items), ordered=any(isinstance(item, Dots) for item in items))


def _each(piece: list[str]) -> Iterator[Form]:
    r"""The part, or the parts that its `\pm` stand for."""
    count = piece.count(r"\pm") + piece.count(r"\mp")
    if count == 0:
        yield _part(piece)
    elif count > MOST_SIGNS:
        raise Unread("too many signs")
    else:
        for sign in (1, -1):
            signs = {r"\pm": "+-"[sign < 0], r"\mp": "-+"[sign < 0]}
            yield _part([signs.get(token, token) for token in piece])


def _part(tokens: list[str]) -> Form:
    """One answer: a relation, something in brackets, or a number with its unit."""
    if tokens[0] == r"\{" and (inside := parts.brackets(tokens)):
        return _set(inside)
    if r"\pm" in tokens or r"\mp" in tokens:
        return Group(tuple(_each(tokens)), ordered=False)
    if tokens == [r"\ldots"]:
        return Dots()
    sides, signs = parts.split(tokens, parts.RELATIONS)
    if signs:
        return _relation(sides, signs)
    said = parts.as_words(tokens)
    if said is not None:
        return Words(said)
    if len(tokens) == 1 and tokens[0] in _SPACES:
        return _SPACES[tokens[0]]
    inside = parts.brackets(tokens)
    if inside is not None:
        bare = r"\begin" in inside[:1] and inside.count(r"\begin") == 1  # \left(\begin{matrix} ... \end{matrix}\right)
        return _grid(inside) if bare else _bracketed(tokens, inside)
    if tokens[0] == r"\begin":
        return _grid(tokens)
    return based(tokens) or scalar(tokens)


def _relation(sides: list[list[str]], signs: list[str]) -> Form:
    if signs == [r"\in"]:
        return _member(sides[0], _read(sides[1]))
    if set(signs) <= _ORDERS:
        return region.from_relation([parts.called(side) or read(side) for side in sides], signs)
    if set(signs) <= {"=", r"\approx"} and r"\approx" not in signs[:-1]:
        if not parts.has_letters(sides[0]):  # 2 = 3 has no name: each side must be the answer
            return Named((), tuple(map(_read, sides)), close=signs[-1] == r"\approx")
        if any(is_number(token) for token in sides[0]) and sides[0][0] not in parts.NAMES:
            read(sides[0])  # 3 cm 4 = 1 says nothing
        return Named(tuple(sides[0]), tuple(map(_read, sides[1:])), close=signs[-1] == r"\approx" and len(signs) > 1)
    raise Unread("a relation of several kinds")


def _member(name: list[str], inside: Form) -> Form:
    """`x in [-2, 7]`, `x in {1, 2}`: what it lies in, with its name."""
    if isinstance(inside, Pair | Region) and len(name) == 1:
        return Region(as_region(inside).spans, name[0])
    return Named(tuple(name), (inside,))


def _bracketed(tokens: list[str], inside: list[str]) -> Form:
    left, right = tokens[0], tokens[-1]
    if not inside:
        if left == r"\{":
            return Region(())
        raise Unread("empty brackets")
    pieces, _ = parts.split(inside, {",", ", ", "; "})
    if len(pieces) == 1:
        return scalar(tokens)
    if len(pieces) == 2 and all(pieces):
        ends = [_read(piece) for piece in pieces]
        if all(isinstance(end, Scalar) for end in ends):
            return Pair(ends[0], ends[1], left, right)  # type: ignore[arg-type]
    if (left, right) not in {("(", ")"), ("[", "]")}:
        raise Unread("brackets of two kinds")
    if len(pieces) > MOST_PARTS or not all(pieces):
        raise Unread("too many parts")
    return Group(tuple(map(_read, pieces)), ordered=True)


def _set(inside: list[str]) -> Form:
    for bar in ("|", ":"):
        pieces, signs = parts.split(inside, {bar})
        if len(signs) == 1:
            found = _read(pieces[1])
            if isinstance(found, Region):
                return found
            raise Unread("a set by a rule")
    found = _list(inside)
    return found if isinstance(found, Group) and not found.ordered else Group((found,), ordered=False)


def _grid(tokens: list[str]) -> Form:
    rows = parts.rows(tokens)
    return Grid(tuple(tuple(_read(cell) for cell in row) for row in rows))
