"""The tests of a problem: a plain dict in, as it stands in a row; test cases and their rules out.

{"inputs": [TEXT...], "outputs": [TEXT...], "function": null}              a program that reads stdin
{"function": "f" or "Solution().f", "inputs": [...], "outputs": [JSON...]}  a function; an input is a list of
                                             arguments, a dict of keywords, or text with one JSON value a line
{"asserts": [CODE...], "setup": CODE, "entry_point": "f"}                  assertions
each with "timeout" (CPU seconds a test), "memory_mb", "compare" (exact, float, unordered), "tolerance"
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from klearctl.reward.code.asserts import Call, Check, case_of, is_entry, parse
from klearctl.reward.code.malformed import Malformed
from klearctl.reward.sandbox.inside.plain import pack

TIMEOUT_S, MEMORY_MB, TOLERANCE = 10.0, 1024, 1e-6
_KEYS = ["inputs", "outputs", "function", "asserts", "setup", "entry_point"]
_RULES = ["timeout", "memory_mb", "compare", "tolerance"]


class Compare(StrEnum):
    """What makes two outputs equal."""

    EXACT = "exact"
    FLOAT = "float"
    """Numbers that differ by no more than the tolerance, absolute or relative, are equal."""

    UNORDERED = "unordered"
    """The order of the lines, or of the outermost list, does not matter."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds for all tests of a problem."""

    timeout: float = TIMEOUT_S
    """CPU seconds a test."""

    memory_mb: int = MEMORY_MB
    compare: Compare = Compare.EXACT
    tolerance: float = TOLERANCE
    """For `float` alone."""


@dataclass(frozen=True, slots=True)
class Script:
    """What a program reads from stdin, and what it must print."""

    stdin: str
    expected: str


Case = Script | Call | Check


@dataclass(frozen=True, slots=True)
class Tests:
    """All tests of a problem, in order."""

    cases: tuple[Case, ...]
    rules: Rules = Rules()
    setup: str = ""
    """Code of the tests that runs before their checks."""

    entry: str = ""
    """What the checks call the candidate."""

    def __len__(self) -> int:
        return len(self.cases)

    @property
    def longest(self) -> int:
        """About how many bytes the longest expected output has."""
        return max(map(_size, self.cases), default=0)


def read(told: object) -> Tests:
    """The tests that a row tells.

    Raises:
        Malformed: they are of none of the three forms.
    """
    if not isinstance(told, Mapping):
        raise Malformed(f"tests is {_kind(told)}, not an object")
    given = {key: value for key, value in told.items() if value is not None}
    unknown = [key for key in given if key not in _KEYS + _RULES]
    if unknown:
        raise Malformed(f"tests.{unknown[0]} is unknown", fix="tests has " + ", ".join(_KEYS + _RULES))
    rules = _rules(given)
    if "asserts" in given:
        return _assertions(given, rules)
    _refuse(given, "setup", "entry_point", beside="inputs and outputs")
    inputs, outputs = _list(given, "inputs"), _list(given, "outputs")
    if len(inputs) != len(outputs):
        raise Malformed(f"tests has {len(inputs)} inputs and {len(outputs)} outputs")
    if "function" not in given:
        return Tests(tuple(_script(*each) for each in enumerate(zip(inputs, outputs, strict=True))), rules)
    entry = _entry(given, "function")
    return Tests(tuple(_call(entry, *each) for each in enumerate(zip(inputs, outputs, strict=True))), rules)


def _size(case: Case) -> int:
    if isinstance(case, Check):
        return 0
    return len(case.expected if isinstance(case, Script) else json.dumps(case.expected))


def _rules(given: Mapping[str, Any]) -> Rules:
    timeout, memory_mb = given.get("timeout", TIMEOUT_S), given.get("memory_mb", MEMORY_MB)
    if not (_is_number(timeout) and 0 < timeout <= 3600):
        raise Malformed(f"tests.timeout is {timeout!r:.100}, not seconds from 0 to 3600")
    if not (_is_number(memory_mb) and 0 < memory_mb <= 1 << 20 and memory_mb == int(memory_mb)):
        raise Malformed(f"tests.memory_mb is {memory_mb!r:.100}, not a number of MiB")
    compare = given.get("compare", Compare.FLOAT if "tolerance" in given else Compare.EXACT)
    if not (isinstance(compare, str) and compare in list(Compare)):
        raise Malformed(f"tests.compare is {compare!r:.100}", fix="one of " + ", ".join(Compare))
    tolerance = given.get("tolerance", TOLERANCE)
    if not (_is_number(tolerance) and 0 <= tolerance <= 1e9):
        raise Malformed(f"tests.tolerance is {tolerance!r:.100}, not a number from 0 to 1e9")
    return Rules(float(timeout), int(memory_mb), Compare(compare), float(tolerance))


def _assertions(given: Mapping[str, Any], rules: Rules) -> Tests:
    _refuse(given, "inputs", "outputs", "function", beside="asserts")
    codes, setup = _list(given, "asserts"), given.get("setup", "")
    if not isinstance(setup, str):
        raise Malformed(f"tests.setup is {_kind(setup)}, not code")
    parse(setup, "tests.setup")
    entry = _entry(given, "entry_point") if codes else ""
    for place, code in enumerate(codes):
        if not isinstance(code, str):
            raise Malformed(f"tests.asserts[{place}] is {_kind(code)}, not code")
    found = [case_of(code, entry, f"tests.asserts[{place}]") for place, code in enumerate(codes)]
    return Tests(tuple(each for each in found if each), rules, setup, entry)


def _script(place: int, pair: tuple[Any, Any]) -> Script:
    for name, value in zip(("inputs", "outputs"), pair, strict=True):
        if not isinstance(value, str):
            raise Malformed(f"tests.{name}[{place}] is {_kind(value)}, not text: there is no tests.function")
    return Script(*pair)


def _call(entry: str, place: int, pair: tuple[Any, Any]) -> Call:
    arguments, expected = pair
    where = f"tests.inputs[{place}]"
    if isinstance(arguments, str):
        arguments = _lines(arguments, where)
    try:
        if isinstance(arguments, list):
            return Call(entry, [pack(each) for each in arguments], {}, pack(expected), json=True)
        if isinstance(arguments, Mapping) and all(isinstance(name, str) for name in arguments):
            return Call(entry, [], {name: pack(each) for name, each in arguments.items()}, pack(expected), json=True)
    except ValueError as error:
        raise Malformed(f"test {place} is {error}") from None
    raise Malformed(f"{where} is {_kind(arguments)}, not a list of arguments, an object of keywords or text")


def _lines(text: str, where: str) -> list[Any]:
    try:
        return [json.loads(line) for line in text.split("\n") if line.strip()]
    except (ValueError, RecursionError):
        raise Malformed(f"{where} is text, but not one JSON value a line") from None


def _list(given: Mapping[str, Any], name: str) -> list[Any]:
    value = given.get(name, [])
    if not isinstance(value, list | tuple):
        raise Malformed(f"tests.{name} is {_kind(value)}, not a list")
    return list(value)


def _entry(given: Mapping[str, Any], name: str) -> str:
    value = given.get(name)
    if not is_entry(value):
        raise Malformed(f"tests.{name} is {value!r:.100}", fix='the name of a function, such as "f" or "Solution().f"')
    return str(value)


def _refuse(given: Mapping[str, Any], *names: str, beside: str) -> None:
    for name in names:
        if given.get(name):
            raise Malformed(f"tests.{name} has no meaning beside {beside}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _kind(value: object) -> str:
    return {"NoneType": "null", "str": "text", "dict": "an object", "list": "a list"}.get(
        type(value).__name__, f"a {type(value).__name__}"
    )
