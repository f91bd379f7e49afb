"""Values as plain data: a Python value in, a tree of JSON out, and back.

JSON's own kinds stand for themselves; the others are an object with one key: `{"$tuple": [1, 2]}`. Only exact types
count: what a program returns stands for what it is, whatever its `__eq__` or `__repr__` say. A value that is no plain
data is `{"$other": "its type"}`, or what `other` makes of it. Both sides of the sandbox read this file.
"""

import math
import sys
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable
from typing import Any

from . import nodes

Tree = Any
"""None, bool, int, float, str, a list of trees or a dict from str to tree: what json reads and writes."""

DEEPEST = 100  # levels of lists in lists; JSON is read by recursion
LARGEST = 1 << 53  # the integers below it are numbers in JSON; the others are hexadecimal text, in linear time

_AS_IT_IS = {bool, str, type(None)}
_DICTS = {dict, Counter, OrderedDict, defaultdict}


def pack(value: object, other: Callable[[object], Tree] | None = None) -> Tree:
    """The tree that stands for a value.

    Raises ValueError where none does: for a list that holds itself, or linked nodes without an end.
    """
    return _pack(value, other or _name, DEEPEST)


def unpack(tree: Tree, held: Callable[[Any], object] | None = None) -> Any:
    """The value that a tree stands for; `held` finds the objects that `other` kept on the other side."""
    if type(tree) is list:
        return [unpack(each, held) for each in tree] if {list, dict} & set(map(type, tree)) else tree
    if type(tree) is not dict:
        return tree
    tag, content = next(iter(tree.items()), ("", None))
    if not tag.startswith("$"):
        return {key: unpack(each, held) for key, each in tree.items()}
    if tag == "$held" and held is not None:
        return held(content)
    return _TAGS[tag](unpack(content, held))


def _pack(value: Any, other: Callable[[object], Tree], depth: int) -> Tree:
    kind = type(value)
    if kind in _AS_IT_IS:
        return value
    if kind is int:
        return value if -LARGEST < value < LARGEST else {"$int": hex(value)}
    if kind is float:
        return value if math.isfinite(value) else {"$float": repr(value)}
    if depth == 0:
        raise ValueError(f"nested deeper than {DEEPEST} levels")
    if kind is list:
        return _items(value, other, depth)
    if kind in _ITEMS:
        return {_ITEMS[kind]: _items(list(value), other, depth)}
    if kind in _DICTS:
        return _dict(value, other, depth)
    if kind is complex:
        return {"$complex": [_pack(value.real, other, depth), _pack(value.imag, other, depth)]}
    if kind is bytes:
        return {"$bytes": value.hex()}
    if kind.__name__ in _NODES:
        tag, values = _NODES[kind.__name__]
        return {tag: _items(list(values(value)), other, depth)}
    number = _numpy_number(value)
    return other(value) if number is value else _pack(number, other, depth)


def _items(values: list[Any], other: Callable[[object], Tree], depth: int) -> list[Tree]:
    kinds = set(map(type, values))
    if kinds <= _AS_IT_IS or (kinds <= {int, float} and all(-LARGEST < each < LARGEST for each in values)):
        return values  # most answers, and long ones
    return [_pack(each, other, depth - 1) for each in values]


def _dict(value: dict[Any, Any], other: Callable[[object], Tree], depth: int) -> Tree:
    keys, values = list(value), [_pack(each, other, depth - 1) for each in value.values()]
    if all(type(key) is str and not key.startswith("$") for key in keys):
        return dict(zip(keys, values, strict=True))
    return {"$dict": [[_pack(key, other, depth - 1), each] for key, each in zip(keys, values, strict=True)]}


def _numpy_number(value: Any) -> object:
    """A number of numpy as Python's own; anything else as it is."""
    numpy = sys.modules.get("numpy")
    if numpy is None or not isinstance(value, numpy.generic):
        return value
    number = value.item()
    return number if type(number) in (bool, int, float, complex) else value


def _name(value: object) -> Tree:
    return {"$other": type(value).__name__}


def _tree_list(root: object) -> list[Any]:
    values = list(nodes.tree_values(root))
    while values and values[-1] is None:
        values.pop()
    return values


_ITEMS: dict[type, str] = {tuple: "$tuple", set: "$set", frozenset: "$frozenset"}
_NODES: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "ListNode": ("$list_node", nodes.list_values),
    "TreeNode": ("$tree_node", _tree_list),
}
_TAGS: dict[str, Callable[[Any], Any]] = {
    "$int": lambda text: int(text, 16),
    "$float": float,
    "$tuple": tuple,
    "$set": set,
    "$frozenset": frozenset,
    "$dict": dict,
    "$complex": lambda parts: complex(*parts),
    "$bytes": bytes.fromhex,
    "$list_node": nodes.list_node,
    "$tree_node": nodes.tree_node,
}
