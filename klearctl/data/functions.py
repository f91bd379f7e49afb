r"""Small programming problems: a seed in, one-argument functions to write with their tests out.

    Write f(x): add 3, then multiply by 2.      def f(x):
                                                    return (x+3)*2

They are to a code reward what signed sums are to a maths reward: small enough for a tiny model, judged by running it.
"""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass

from klearctl.config.curate import FUNCTIONS, SourceConfig
from klearctl.data.candidate import Candidate, candidate
from klearctl.errors import ConfigError

TASK = "functions"
INPUTS = (0, 1, 2, 3, 5, 7, 10, -1, -2, -4, -9, 12, 20, 33, 100, -57)

_WORDS = {"+": "add", "-": "subtract", "*": "multiply by"}
_SIGNS = {word: sign for sign, word in _WORDS.items()}
_START, _END = "Write f(x): ", "."


@dataclass(frozen=True, slots=True)
class Operation:
    """What happens to the value: its sign, and a number from 1 to 9."""

    sign: str
    number: int

    def after(self, value: int) -> int:
        """The value that it makes of another."""
        if self.sign == "*":
            return value * self.number
        return value + self.number if self.sign == "+" else value - self.number


def generate(source: SourceConfig, *, seed: str) -> Iterator[Candidate]:
    """The problems of the source; equal seeds and settings give equal problems, and some may be equal to each other.

    Raises:
        ConfigError: its settings are not `min_steps` and `max_steps`, or no range.
    """
    low, high = _steps(dict(source.settings))
    dice = random.Random(f"{seed}/functions")
    for _ in range(source.problems):
        steps = dice.randint(low, high)
        yield problem([Operation(dice.choice("+-*"), dice.randint(1, 9)) for _ in range(steps)])


def _steps(settings: dict[str, object]) -> tuple[int, int]:
    low, high = settings.pop("min_steps", 2), settings.pop("max_steps", 3)
    if settings:
        raise ConfigError(f"{min(settings)} is not a setting of {FUNCTIONS}", fix="it has min_steps and max_steps")
    if not (isinstance(low, int) and isinstance(high, int) and 1 <= low <= high):
        raise ConfigError(f"{low} to {high} steps are no range", fix="min_steps = 2, max_steps = 3")
    return low, high


def problem(operations: list[Operation]) -> Candidate:
    """The problem whose solution does these, one after another."""
    text = ", then ".join(f"{_WORDS[one.sign]} {one.number}" for one in operations)
    outputs = [run(operations, value) for value in INPUTS]
    tests = {"function": "f", "inputs": [[value] for value in INPUTS], "outputs": outputs}
    return candidate(FUNCTIONS, TASK, f"{_START}{text}{_END}", source_code(operations), tests=json.dumps(tests))


def run(operations: list[Operation], value: int) -> int:
    """What a right solution returns."""
    for one in operations:
        value = one.after(value)
    return value


def source_code(operations: list[Operation]) -> str:
    """A right solution."""
    return f"def f(x):\n    return {expressions(operations)[-1]}\n"


def expressions(operations: list[Operation]) -> list[str]:
    """The value after each operation, as an expression of x."""
    found, value = [], "x"
    for one in operations:
        value = f"{value if value == 'x' else f'({value})'}{one.sign}{one.number}"
        found.append(value)
    return found


def mistaken(one: Operation, dice: random.Random) -> Operation:
    """The operation with another number."""
    return Operation(one.sign, dice.choice([number for number in range(1, 10) if number != one.number]))


def operations_of(prompt: str) -> list[Operation]:
    """What a problem's text asks for; empty where it is no text of ours."""
    if not (prompt.startswith(_START) and prompt.endswith(_END)):
        return []
    parts = [part.rpartition(" ") for part in prompt[len(_START) : -len(_END)].split(", then ")]
    if not all(word in _SIGNS and number.isdecimal() for word, _, number in parts):
        return []
    return [Operation(_SIGNS[word], int(number)) for word, _, number in parts]
