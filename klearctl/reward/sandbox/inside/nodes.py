"""The linked lists and binary trees of LeetCode: lists of values in, nodes out, and back.

Tests and solutions both use them; nodes travel between the two as lists of values. Nothing here recurses.
"""

from collections import deque
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

MOST = 1_000_000  # nodes; a list that bites its tail, or a tree that does, has more


class ListNode:
    """One value of a linked list."""

    def __init__(self, val: Any = 0, next: Any = None) -> None:
        self.val = val
        self.next = next


class TreeNode:
    """One value of a binary tree."""

    def __init__(self, val: Any = 0, left: Any = None, right: Any = None) -> None:
        self.val = val
        self.left = left
        self.right = right


def list_node(values: list[Any]) -> ListNode | None:
    """A linked list of the values; None where there is none."""
    head = None
    for value in reversed(values):
        head = ListNode(value, head)
    return head


def tree_node(values: list[Any]) -> TreeNode | None:
    """A tree from its values level by level; None stands for a child that is not there, and has no children itself."""
    if not values:
        return None
    root = TreeNode(values[0])
    parents, rest = deque([root]), iter(values[1:])
    for left, right in zip_longest(rest, rest):
        if not parents:
            break
        parent = parents.popleft()
        for side, value in ("left", left), ("right", right):
            if value is not None:
                child = TreeNode(value)
                setattr(parent, side, child)
                parents.append(child)
    return root


def is_same_list(one: Any, other: Any) -> bool:
    """Whether both linked lists hold equal values in the same order."""
    missing = object()
    return all(a == b for a, b in zip_longest(list_values(one), list_values(other), fillvalue=missing))


def is_same_tree(one: Any, other: Any) -> bool:
    """Whether both trees have the same shape and equal values."""
    missing = object()
    return all(a == b for a, b in zip_longest(tree_values(one), tree_values(other), fillvalue=missing))


def list_values(node: Any) -> Iterator[Any]:
    """The values of a linked list, from its head."""
    for _ in range(MOST):
        if node is None:
            return
        yield node.val
        node = node.next
    raise ValueError(f"a list of more than {MOST:,} nodes")


def tree_values(root: Any) -> Iterator[Any]:
    """The values of a tree level by level, None for each child that is not there, also behind the last value."""
    level = deque([root])
    for _ in range(MOST):
        if not level:
            return
        node = level.popleft()
        yield None if node is None else node.val
        if node is not None:
            if node.val is None:
                raise ValueError("a tree's node without a value")
            level += node.left, node.right
    raise ValueError(f"a tree of more than {MOST:,} nodes")
