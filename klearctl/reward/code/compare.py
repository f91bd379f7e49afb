"""Whether what a program returned is what was expected: two trees of plain data in, yes or no out.

The answer is JSON from a process that runs the program's code, so nothing is believed of it. It is measured first, it
is compared as text, and no set or dict is built of its numbers, whose hashes it could choose.
"""

import json
import math
from itertools import count
from typing import Any

from klearctl.reward.sandbox.inside.plain import DEEPEST, Tree

_DEEPEST = 3 * DEEPEST  # a tag is two levels, its content another
SHOWN = 100  # characters
_never = count()


class Unreadable(Exception):
    """An answer that is no plain data: the program wrote to the channel itself."""


def read(frame: bytes) -> dict[str, Any]:
    """The object in the frame, with no tree deeper than ours are.

    Raises:
        Unreadable: it is no JSON object, holds a number that JSON has not, or is too deep.
    """
    try:
        told = json.loads(frame, parse_constant=_refuse)
        _measure(told, _DEEPEST)
    except (ValueError, RecursionError):
        raise Unreadable("the answer is no plain data") from None
    if type(told) is not dict:
        raise Unreadable("the answer is no object")
    return told


def same(answer: Tree, expected: Tree, *, as_json: bool) -> bool:
    """Equal by type and value; 2 equals 2.0 and True equals nothing but True. In JSON a tuple equals a list.

    Raises:
        Unreadable: the answer has a tag of no meaning.
    """
    return text_of(answer, as_json=as_json) == text_of(expected, as_json=as_json)


def same_unordered(answer: Tree, expected: Tree, *, as_json: bool) -> bool:
    """Equal but for the order of the outermost list."""
    if not (type(answer) is type(expected) is list):
        return same(answer, expected, as_json=as_json)
    return sorted(text_of(each, as_json=as_json) for each in answer) == sorted(
        text_of(each, as_json=as_json) for each in expected
    )


def close(answer: Tree, expected: Tree, tolerance: float, *, as_json: bool) -> bool:
    """Equal, with numbers that differ by no more than the tolerance, absolute or relative to the expected one."""
    if as_json:
        answer, expected = _as_list(answer), _as_list(expected)
    if _is_number(answer) and _is_number(expected):
        return near(_number(answer), _number(expected), tolerance)
    if type(answer) is type(expected) is list and len(answer) == len(expected):
        return all(close(a, b, tolerance, as_json=as_json) for a, b in zip(answer, expected, strict=True))
    if type(answer) is type(expected) is dict and answer.keys() == expected.keys():
        return all(_close_under(key, answer[key], expected[key], tolerance, as_json=as_json) for key in expected)
    return same(answer, expected, as_json=as_json)


def near(value: float, expected: float, tolerance: float) -> bool:
    """Whether a number is within the tolerance of the expected one; no number is near NaN or an infinity."""
    if value == expected:
        return True
    try:
        difference, allowed = abs(float(value) - float(expected)), tolerance * max(1.0, abs(float(expected)))
    except OverflowError:  # an integer beyond all floats
        return False
    return math.isfinite(allowed) and difference <= allowed


def text_of(tree: Tree, *, as_json: bool) -> str:
    """A text that two trees share if and only if they are equal."""
    kind = type(tree)
    if tree is None or kind is bool or kind is str:
        return json.dumps(tree)
    if kind is int or kind is float:
        return _number_text(tree)
    if kind is list:
        return "[" + ",".join([text_of(each, as_json=as_json) for each in tree]) + "]"
    tag, content = _tagged(tree)
    if not tag:
        return _pairs([(json.dumps(key), text_of(each, as_json=as_json)) for key, each in tree.items()])
    if tag == "$tuple":
        body = text_of(content, as_json=as_json)
        return body if as_json else "(" + body
    return _tagged_text(tag, content, as_json=as_json)


def _tagged_text(tag: str, content: Tree, *, as_json: bool) -> str:
    try:
        if tag in ("$int", "$float", "$complex"):
            return _number_text(_number({tag: content}))
        if tag in ("$set", "$frozenset"):
            return "{" + ",".join(sorted({text_of(each, as_json=as_json) for each in content})) + "}"
        if tag == "$dict":
            return _pairs([(text_of(key, as_json=as_json), text_of(each, as_json=as_json)) for key, each in content])
        if tag == "$bytes" or tag in ("$list_node", "$tree_node"):
            return tag + text_of(content, as_json=as_json)
    except (TypeError, ValueError, OverflowError):
        raise Unreadable(f"no {tag} is like that") from None
    return f"{tag}{next(_never)}"  # what is no plain data equals nothing


def _pairs(pairs: list[tuple[str, str]]) -> str:
    return "{" + ",".join(sorted(f"{key}:{value}" for key, value in pairs)) + ":}"  # not the text of an empty set


def _number_text(number: complex) -> str:
    if type(number) is complex:
        if number.imag:
            return f"{_number_text(number.real)}+{_number_text(number.imag)}j"
        number = number.real
    if type(number) is float and number.is_integer():
        number = int(number)
    if type(number) is int:
        return hex(number)  # in linear time
    return repr(number) if number == number else f"nan{next(_never)}"


def _tagged(tree: dict[str, Tree]) -> tuple[str, Tree]:
    if len(tree) != 1:
        return "", None
    ((tag, content),) = tree.items()
    return (tag, content) if tag.startswith("$") else ("", None)


def _close_under(key: str, answer: Tree, expected: Tree, tolerance: float, *, as_json: bool) -> bool:
    if key == "$dict":
        answer, expected = (
            sorted(pairs, key=lambda pair: text_of(pair, as_json=as_json)) for pairs in (answer, expected)
        )
    if key in ("$set", "$frozenset", "$int", "$float", "$complex", "$bytes", "$other"):
        return same({key: answer}, {key: expected}, as_json=as_json)
    return close(answer, expected, tolerance, as_json=as_json)


def _as_list(tree: Tree) -> Tree:
    return tree["$tuple"] if type(tree) is dict and tree.keys() == {"$tuple"} else tree


def _is_number(tree: Tree) -> bool:
    return type(tree) in (int, float) or (type(tree) is dict and tree.keys() <= {"$int", "$float"} and len(tree) == 1)


def _number(tree: Tree) -> Any:
    if type(tree) is not dict:
        return tree
    ((tag, content),) = tree.items()
    if tag == "$complex":
        return complex(*map(_number, content))
    return int(content, 16) if tag == "$int" else float(content)


def _measure(tree: Tree, depth: int) -> None:
    if depth == 0:
        raise ValueError
    kind = type(tree)
    if kind is float and not math.isfinite(tree):
        raise ValueError  # 1e999
    if kind is dict:
        tree, kind = list(tree.values()), list
    if kind is list and {list, dict, float} & set(map(type, tree)):
        for each in tree:
            _measure(each, depth - 1)


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def shown(tree: Tree) -> str:
    """The beginning of it, for a message."""
    text = json.dumps(tree)
    return text if len(text) <= SHOWN else text[:SHOWN] + "..."
