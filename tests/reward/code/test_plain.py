"""Values as plain data: what they are counts, not what they say they are."""

import enum
import json
import sys
from collections import Counter, OrderedDict, defaultdict, deque
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import pytest

from klearctl.reward.sandbox.inside import nodes
from klearctl.reward.sandbox.inside.plain import pack, unpack


class Liar:
    """Equal to all, and text of your choice."""

    def __eq__(self, other):
        return True

    def __repr__(self):
        return "5"

    def __reduce__(self):
        return int, (5,)

    def __int__(self):
        return 5

    __index__ = __int__


class Point(NamedTuple):
    x: int


Text, Number, Float = type("Text", (str,), {}), type("Number", (int,), {}), type("Float", (float,), {})
List, Dict = type("List", (list,), {}), type("Dict", (dict,), {})


@pytest.mark.parametrize(
    ("value", "tree"),
    [
        (Liar(), "Liar"),
        (Text("a"), "Text"),
        (Number(5), "Number"),
        (Float(0.5), "Float"),
        (List([1]), "List"),
        (Dict(a=1), "Dict"),
        (enum.IntEnum("Colour", "RED").RED, "Colour"),
        (Point(1), "Point"),
        (bytearray(b"a"), "bytearray"),
        (range(3), "range"),
        ({}.keys(), "dict_keys"),
        (iter([1]), "list_iterator"),
        (deque([1]), "deque"),
        (Decimal(5), "Decimal"),
        (Fraction(1, 2), "Fraction"),
        (int, "type"),
        (len, "builtin_function_or_method"),
        (np.array([1]), "ndarray"),
        (np.str_("a"), "str_"),
    ],
)
def test_what_only_resembles_plain_data_is_none(value, tree):
    assert pack([value]) == [{"$other": tree}]


@pytest.mark.parametrize(
    ("value", "tree"),
    [
        (Counter("aab"), {"a": 2, "b": 1}),
        (OrderedDict(a=1), {"a": 1}),
        (defaultdict(int, {1: 2}), {"$dict": [[1, 2]]}),
        (np.int64(5), 5),
        (np.float64(0.5), 0.5),
        (np.bool_(True), True),
        (np.float32("inf"), {"$float": "inf"}),
        ([1, 2**53], [1, {"$int": "0x20000000000000"}]),
        ([1, float("nan")], [1, {"$float": "nan"}]),
        ([0.5, -1, 2], [0.5, -1, 2]),
        ({"$tuple": 1}, {"$dict": [["$tuple", 1]]}),
    ],
)
def test_what_is_a_dict_or_a_number_is_one(value, tree):
    assert pack(value) == tree


@pytest.mark.parametrize(
    "value", [2**53 - 1, -(2**53), 10**4000, 0.1, 5e-324, 1.7976931348623157e308, "\ud800", "\0", "\u2028"]
)
def test_a_scalar_comes_back_as_it_went(value):
    assert unpack(json.loads(json.dumps(pack([value])))) == [value]


def deep(levels):
    nested: list = []
    for _ in range(levels):
        nested = [nested]
    return nested


def test_a_list_of_a_million_levels_is_no_plain_data():
    with pytest.raises(ValueError, match="nested deeper"):
        pack(deep(1_000_000))


def test_a_list_in_itself_is_no_plain_data():
    own: list = []
    own.append(own)
    with pytest.raises(ValueError, match="nested deeper"):
        pack(own)


def test_linked_nodes_are_as_long_as_they_are():
    head = nodes.list_node(list(range(100_000)))
    assert pack(head) == {"$list_node": list(range(100_000))}


def test_a_tree_that_is_a_long_branch_is_packed():
    root = nodes.TreeNode(0)
    node = root
    for value in range(1, 50_000):
        node.right = nodes.TreeNode(value)
        node = node.right
    assert nodes.is_same_tree(unpack(pack(root)), root)


def test_linked_nodes_without_an_end_are_no_plain_data():
    node = nodes.ListNode(1)
    node.next = node
    with pytest.raises(ValueError, match="1,000,000 nodes"):
        pack(node)


@pytest.mark.parametrize(
    ("values", "left"),
    [
        ([], None),
        ([1], [1]),
        ([1, None, 2, 3], [1, None, 2, 3]),
        ([1, 2, None, None, 3], [1, 2, None, None, 3]),
        ([5, 3, 6, 5, 2, 5, 7, 1, 8, None, None, 6, 8], [5, 3, 6, 5, 2, 5, 7, 1, 8, None, None, 6, 8]),
        ([1, None, None], [1]),
    ],
)
def test_a_tree_is_told_level_by_level_as_leetcode_does(values, left):
    assert pack(nodes.tree_node(values)) == (left and {"$tree_node": left})


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ([1, None, 2], [1, None, 2], True),
        ([1, 2], [1, None, 2], False),
        ([1, 2], [1, 3], False),
        ([1], [], False),
        ([], [], True),
        ([1, 2, 3], [1, 2], False),
    ],
)
def test_trees_are_the_same_by_shape_and_value(one, other, same):
    assert nodes.is_same_tree(nodes.tree_node(one), nodes.tree_node(other)) is same


@pytest.mark.parametrize(
    ("one", "other", "same"), [([1, 2], [1, 2], True), ([1], [1, 1], False), ([], [1], False), ([2], [1], False)]
)
def test_lists_are_the_same_by_their_values(one, other, same):
    assert nodes.is_same_list(nodes.list_node(one), nodes.list_node(other)) is same


def test_a_node_without_a_value_is_no_plain_data():
    with pytest.raises(ValueError, match="without a value"):
        pack(nodes.TreeNode(None))


def test_it_runs_without_numpy(monkeypatch):
    monkeypatch.delitem(sys.modules, "numpy")
    assert pack([Liar(), 5]) == [{"$other": "Liar"}, 5]
