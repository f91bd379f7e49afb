r"""Plain numbers as people write them: text in, its exact value out, or None.

Linear in the length of the text, and nothing is evaluated: it runs in the process of whoever asks.
"""

import re
from fractions import Fraction

LONGEST = 100  # characters; Python's own limit on digits is 4300, and no answer of ours is near either

_DIGITS = r"[0-9]{1,3}(?:(?:,|\{,\}|,\\!)[0-9]{3})+|[0-9]+"
_NUMBER = re.compile(
    rf"""\$?\s*(?P<sign>[-+]?)\s*(?:\\\$|\$)?\s*
    (?:\\[dtc]?frac\s*\{{\s*(?P<minus>-?)\s*(?P<above>[0-9]+)\s*\}}\s*\{{\s*(?P<below>[0-9]+)\s*\}}
     |(?P<whole>{_DIGITS})?(?:\.(?P<decimals>[0-9]*)|\s*/\s*(?P<under>[0-9]+))?)
    \s*(?P<percent>\\?%)?\s*\$?""",
    re.VERBOSE,
)


def plain(text: str) -> Fraction | None:
    r"""The text as an exact number: `-3`, `1,234.50`, `\$18`, `3/4`, `\dfrac{3}{4}`, `10\%`; None for anything else."""
    text = text.strip()
    match = _NUMBER.fullmatch(text) if len(text) <= LONGEST else None
    if not match:
        return None
    value = _fraction(match) if match["above"] else _decimal(match)
    if value is None:
        return None
    value = value / 100 if match["percent"] else value
    return -value if match["sign"] == "-" else value


def _fraction(match: re.Match[str]) -> Fraction | None:
    below = int(match["below"])
    if below == 0:
        return None
    value = Fraction(int(match["above"]), below)
    return -value if match["minus"] else value


def _decimal(match: re.Match[str]) -> Fraction | None:
    whole, decimals = re.sub(r"[^0-9]", "", match["whole"] or ""), match["decimals"] or ""
    below = int(match["under"]) if match["under"] else 10 ** len(decimals)
    if not whole + decimals or (match["under"] and not whole) or below == 0:
        return None
    return Fraction(int(whole + decimals), below)
