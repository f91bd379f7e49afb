"""The parts of an answer: tokens in, the pieces between separators, the inside of brackets, a number's unit out."""

import re
from collections.abc import Iterable, Sequence, Set

from klearctl.reward.maths.expression import GREEK
from klearctl.reward.maths.tokens import TEXT, words
from klearctl.reward.maths.tree import DEEPEST, Tree, Unread

_JOINS = frozenset({TEXT + "or", TEXT + "and"})
SEPARATORS = _JOINS | {",", ", ", "; "}
RELATIONS = frozenset({"=", "<", ">", r"\le", r"\ge", r"\ne", r"\approx", r"\in"})
_OPEN = frozenset({"(", "[", "{", r"\{", r"\begin"})
_CLOSE = frozenset({")", "]", "}", r"\}", r"\end"})
_CLOCK = re.compile(r"0?([0-9]{1,2}(?::[0-9]{2}){1,2})(am|pm)?")
NAMES = GREEK | {r"\angle", r"\triangle", r"\overline", r"\overrightarrow", r"\vec"}
_CURRENCY = frozenset({r"\$"})
_SHORT_UNITS = frozenset({"m", "g", "s", "h", "L", "l"})


def split(tokens: Sequence[str], separators: Set[str]) -> tuple[list[list[str]], list[str]]:
    """What stands between separators that are in no bracket, and these separators.

    Raises:
        Unread: the brackets do not balance.
    """
    pieces: list[list[str]] = [[]]
    found: list[str] = []
    depth = 0
    for token in tokens:
        if token in separators and depth == 0:
            found.append(token)
            pieces.append([])
            continue
        depth += (token in _OPEN) - (token in _CLOSE)
        if not 0 <= depth <= DEEPEST:
            raise Unread("brackets do not balance, or are too deep")
        pieces[-1].append(token)
    if depth:
        raise Unread("brackets do not balance")
    return pieces, found


def without_empty(pieces: Sequence[list[str]], signs: Sequence[str]) -> list[list[str]]:
    """The pieces without the nothing between the two signs of `1, 2, and 3`.

    Raises:
        Unread: another piece is empty.
    """
    kept = []
    for at, piece in enumerate(pieces):
        between = 0 < at < len(signs) and words(signs[at - 1]) is None and words(signs[at]) is not None
        if not piece and not between:
            raise Unread("an empty part")
        if piece:
            kept.append(piece)
    return kept


def thousands(tokens: Sequence[str]) -> list[str]:
    """With `10,000` as one number where it stands in no bracket; `10, 000` and `27,54,108` stay lists."""
    out: list[str] = []
    depth, at = 0, 0
    while at < len(tokens):
        token = tokens[at]
        depth += (token in _OPEN) - (token in _CLOSE)
        at += 1
        if depth == 0 and re.fullmatch(r"[1-9][0-9]{0,2}", token) and (not out or out[-1] != ","):
            end = at
            while end + 1 < len(tokens) and tokens[end] == "," and re.fullmatch(r"[0-9]{3}", tokens[end + 1]):
                end += 2
            whole = end + 1 < len(tokens) and tokens[end] == "," and re.match(r"[0-9]{3}\.", tokens[end + 1])
            end += 2 if whole else 0
            if end == len(tokens) or tokens[end] != ",":
                token += "".join(tokens[at:end]).replace(",", "")
                at = end
        out.append(token)
    return out


def brackets(tokens: Sequence[str]) -> list[str] | None:
    """The inside, where one pair of brackets holds all."""
    if len(tokens) < 2 or tokens[0] not in {"(", "[", r"\{"} or tokens[-1] not in {")", "]", r"\}"}:
        return None
    if (tokens[0] == r"\{") != (tokens[-1] == r"\}"):
        return None
    depth = 0
    for at, token in enumerate(tokens):
        depth += (token in _OPEN) - (token in _CLOSE)
        if depth == 0 and at < len(tokens) - 1:
            return None
    return list(tokens[1:-1])


def called(tokens: Sequence[str]) -> Tree | None:
    """f(x) as one name."""
    if len(tokens) == 4 and (tokens[1], tokens[3]) == ("(", ")") and _letter(tokens[0]) and _letter(tokens[2]):
        return Tree("name", name="".join(tokens))
    return None


def rows(tokens: Sequence[str]) -> list[list[list[str]]]:
    r"""The cells of `\begin{pmatrix} ... \end{pmatrix}`.

    Raises:
        Unread: it is no matrix.
    """
    kind = "".join(tokens[2 : tokens.index("}")]) if "}" in tokens else ""
    kind = kind.replace(TEXT, "")
    after = tokens.index("}") + 1 if kind else 0
    if kind == "array" and tokens[after : after + 1] == ["{"] and "}" in tokens[after:]:
        after = list(tokens).index("}", after) + 1  # {cc}
    if kind not in {"pmatrix", "bmatrix", "matrix", "array"} or r"\end" not in tokens:
        raise Unread("no matrix")
    end = list(tokens).index(r"\end")
    if "".join(tokens[end + 1 :]).replace(TEXT, "") != f"{{{kind}}}":
        raise Unread("more than a matrix")
    lines, _ = split(tokens[after:end], {r"\\"})
    found = [split(line, {"&"})[0] for line in lines if line]
    if not found or len({len(line) for line in found}) > 1 or not all(all(line) for line in found):
        raise Unread("a matrix with holes")
    return found


def as_words(tokens: Sequence[str], *, least: int = 3) -> str | None:
    """What they say where they are nothing but words, in lower case without its article; else None.

    Letters alone are a word from so many on: `x` and `xy` are not.
    """
    clock = _CLOCK.fullmatch("".join((words(token) or token).lower() for token in tokens))
    if clock:
        return " ".join(filter(None, clock.groups()))
    numbers = bool(tokens) and words(tokens[0]) is not None  # October 30
    said = [words(t) or _letter(t) or (t if numbers and t.isdigit() else None) for t in tokens]
    if None in said or not tokens or _JOINS & set(tokens):
        return None
    if all(words(token) is None for token in tokens) and len(tokens) < least:
        return None
    glue = " " if any(words(token) is not None for token in tokens) else ""
    text = " ".join(glue.join(part or "" for part in said).lower().split()).strip(" .")
    return re.sub(r"^(?:an?|the) ", "", text)


def without_currency(tokens: Sequence[str]) -> tuple[list[str], bool]:
    """Without `$` before the number, before its sign or after it; and whether there was one."""
    bare = [token for token in tokens if token not in _CURRENCY]
    if len(tokens) - len(bare) > 1:
        raise Unread("two currencies")
    if len(bare) < len(tokens) and not {tokens[0], tokens[1] if len(tokens) > 1 else "", tokens[-1]} & _CURRENCY:
        raise Unread("a currency inside")
    return bare, len(bare) < len(tokens)


def without_unit(tokens: Sequence[str]) -> tuple[list[str], str]:
    """A number, and the words after it: `5 cm`, `15 cm^2`, `90` degrees, `12` square units."""
    end = len(tokens)
    power = ""
    if end > 2 and tokens[-2] == "^" and tokens[-1] in {"2", "3"} and _ends_unit(tokens, end - 2):
        power, end = tokens[-1], end - 2
    elif end > 4 and tokens[-4:-2] == ["^", "{"] and tokens[-2] in {"2", "3"} and _ends_unit(tokens, end - 4):
        power, end = tokens[-2], end - 4
    start = end
    while start > 0 and (words(tokens[start - 1]) is not None or tokens[start - 1] == r"\degree"):
        start -= 1
        if start > 1 and tokens[start - 1] == "/" and words(tokens[start]) is not None and words(tokens[start - 2]):
            start -= 1  # km/h
    if start == end:
        return list(tokens), ""
    said = " ".join("degree" if t == r"\degree" else words(t) or t for t in tokens[start:end])
    return list(tokens[:start]), {"2": "square ", "3": "cubic "}.get(power, "") + said


def with_short_unit(tokens: Sequence[str]) -> list[str]:
    """`5 m` with its letter as a unit, where it may also be a name; nothing where it is not so."""
    return [*tokens[:-1], TEXT + tokens[-1]] if _short_unit(tokens, len(tokens)) else []


def has_letters(tokens: Iterable[str]) -> bool:
    """Whether something in them is a name, a word or a Greek letter, and no number."""
    return any(_letter(token) or words(token) is not None or token in NAMES for token in tokens)


def _letter(token: str) -> str | None:
    return token if len(token) == 1 and token.isascii() and token.isalpha() else None


def _ends_unit(tokens: Sequence[str], end: int) -> bool:
    return words(tokens[end - 1]) is not None or _short_unit(tokens, end)


def _short_unit(tokens: Sequence[str], end: int) -> bool:
    """One letter that is a unit, alone after a number."""
    return end == 2 and tokens[1] in _SHORT_UNITS and tokens[0][:1].isdigit()
