"""Whether what a program printed is what was expected: two texts in, yes or no out.

As LiveCodeBench has it: what stands around a text and around each of its lines does not count.
"""

import math
import re
from decimal import Decimal

from klearctl.reward.code.compare import near

_NUMBER = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]{1,4})?")
SHOWN = 100  # characters
LONGEST_NUMBER = 10_000  # characters; the value of a longer one is not asked for


def lines(text: str) -> list[str]:
    """The lines that count."""
    return [line.strip() for line in text.strip().split("\n")]


def same(printed: str, expected: str) -> bool:
    """Equal line by line."""
    return lines(printed) == lines(expected)


def same_unordered(printed: str, expected: str) -> bool:
    """Equal but for the order of the lines."""
    return sorted(lines(printed)) == sorted(lines(expected))


def close(printed: str, expected: str, tolerance: float) -> bool:
    """Equal line by line and word by word, where numbers may differ by the tolerance, absolute or relative."""
    ours, theirs = ([line.split() for line in lines(text)] for text in (printed, expected))
    if [len(line) for line in ours] != [len(line) for line in theirs]:
        return False
    return all(
        _close(*words, tolerance) for line in zip(ours, theirs, strict=True) for words in zip(*line, strict=True)
    )


def _close(word: str, expected: str, tolerance: float) -> bool:
    if word == expected:
        return True
    if max(len(word), len(expected)) > LONGEST_NUMBER or not (_NUMBER.fullmatch(word) and _NUMBER.fullmatch(expected)):
        return False
    if tolerance:
        return math.isfinite(float(expected)) and near(float(word), float(expected), tolerance)
    return Decimal(word) == Decimal(expected)


def shown(text: str) -> str:
    """The beginning of it, for a message."""
    return repr(text if len(text) <= SHOWN else text[:SHOWN] + "...")
