r"""LaTeX in one spelling: text in, tokens out.

`\dfrac12`, `\tfrac 12` and `\frac{1}{2}` come out alike but for their braces; sizes, spaces, dollars and fonts go.
A token is a number, a letter, a command, a sign, or words: those of `\text{...}` and those that are plainly words.
Pure and linear in the length of the text; no text makes it raise.
"""

import re
from collections.abc import Iterable

from klearctl.reward.maths.signs import FONTS, GONE, SAME, SIGNS, SIZES
from klearctl.reward.maths.words import FUNCTIONS, JOINING, SIGNED, WORDS, known_unit

DEEPEST = 8  # fonts within fonts
TEXT = "\\text "  # what a token of words begins with

_TOKEN = re.compile(
    r"\\[a-zA-Z]+|\\.|[0-9]+(?:\.[0-9]+)?|\.[0-9]+|[a-zA-Z]+|\s*[,;]\s+|\s+|.",
    re.DOTALL,
)
_SPACE = r"(?:\\[,;:! ]|\s)"
_THOUSANDS = re.compile(rf"(?<=[0-9])(?:\{{{_SPACE}*,{_SPACE}*\}}{_SPACE}*|,\s*\\!\s*|\\,|\\ )(?=[0-9]{{3}}(?![0-9]))")
_PHRASE = re.compile(r"[^\\$^_{}0-9]*[a-zA-Z]{2}[^\\$^_{}0-9]*|\([A-Z]\)|[a-z]{1,2}/[a-z]{1,3}")
_NOON = re.compile(r"\b([ap])\. ?m\.")


def tokens(text: str) -> list[str]:
    """The text's tokens, in one spelling."""
    pieces = _TOKEN.findall(
        _NOON.sub(r"\1m", _THOUSANDS.sub("", text.translate(SIGNS).replace(">=", r"\ge ").replace("<=", r"\le ")))
    )
    return _degrees(_trimmed(_spelled(pieces)))


def words(token: str) -> str | None:
    """What a token of words says; None for another token."""
    return token[len(TEXT) :] if token.startswith(TEXT) else None


def _spelled(pieces: list[str], depth: int = 0) -> list[str]:
    out: list[str] = []
    at = 0
    while at < len(pieces):
        piece = pieces[at]
        at += 1
        if piece in FONTS:
            at = _font(piece, pieces, at, out, depth)
        elif piece in SIZES and at < len(pieces) and pieces[at] == ".":
            at += 1  # \left. has no visible side
        elif piece in GONE or piece.isspace():
            continue
        elif piece.strip() in {",", ";"}:
            out.append(piece.strip() + " " * (piece != piece.strip() or piece == ";"))
        elif piece.isascii() and piece.isalpha():
            tight = at > 1 and pieces[at - 2][-1:].isdigit()
            out.extend(_letters(piece, after_number=tight))
        elif not piece.isascii():
            out.append(TEXT + piece)
        else:
            out.append(SAME.get(piece, piece))
    return out


def _font(command: str, pieces: list[str], at: int, out: list[str], depth: int) -> int:
    """What stands in a font, as words or, where it is no word, as mathematics; where to go on."""
    while at < len(pieces) and pieces[at].isspace():
        at += 1
    if at == len(pieces):
        return at
    inner, end = pieces[at : at + 1], at + 1
    if pieces[at] == "{":
        close = closing(pieces, at)
        end = len(pieces) if close < 0 else close + 1
        inner = pieces[at + 1 : close if close > 0 else end]
    said = " ".join("".join(inner).replace("~", " ").split())
    if command == r"\mathbb":
        out.append(rf"\mathbb{{{said}}}")
    elif said in FUNCTIONS:
        out.append("\\" + said)
    elif len(said) > 1 and _PHRASE.fullmatch(said):
        out.extend(_phrase(said))
    elif depth >= DEEPEST:
        out.append(TEXT + said)
    elif said:
        out.extend(_spelled(inner, depth + 1))
    return end


def _phrase(said: str) -> Iterable[str]:
    """Words, parted where they join or part answers."""
    for part in re.split(r"(?i:(\bor\b|\band\b|[,;]))", said):
        if part.strip() in {",", ";"}:
            yield part.strip() + " "
        elif part.strip():
            yield part.strip() if len(part.strip()) == 1 else _word(part.strip())  # A and C


def _letters(run: str, *, after_number: bool) -> list[str]:
    """A run of letters: a word, a function without its backslash, or letters that stand for numbers."""
    lower = run.lower()
    if lower in FUNCTIONS:
        return ["\\" + lower]
    if lower in {"pi", "infinity"}:
        return [r"\pi" if lower == "pi" else r"\infty"]
    if (len(run) >= 4 and not after_number) or lower in WORDS or (len(run) > 1 and known_unit(lower)):
        return [_word(run)]
    return list(run)


def _word(word: str) -> str:
    if word.lower() in JOINING:
        return TEXT + word.lower()
    return SIGNED.get(word.lower(), TEXT + word)


def _trimmed(found: list[str]) -> list[str]:
    """Without the full stop or comma that ends a sentence, and without the braces around everything."""
    while found and found[-1].strip() in {".", ",", ";", r"\\"}:
        found = found[:-1]
    while len(found) > 1 and found[0] == "{" and closing(found, 0) == len(found) - 1:
        found = found[1:-1]
    return found


def _degrees(found: list[str]) -> list[str]:
    r"""`^\circ` and `^{\circ}` as one token."""
    out: list[str] = []
    for token in found:
        out.append(token)
        if out[-2:] == ["^", r"\circ"]:
            out[-2:] = [r"\degree"]
        elif out[-4:] == ["^", "{", r"\circ", "}"]:
            out[-4:] = [r"\degree"]
    return out


def closing(found: list[str], start: int) -> int:
    """Where the brace that opens at `start` closes; -1 where it does not."""
    depth = 0
    for at in range(start, len(found)):
        depth += (found[at] == "{") - (found[at] == "}")
        if depth == 0:
            return at
    return -1
