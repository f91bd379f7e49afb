"""What a called program may use without importing it: the names that LeetCode and LiveCodeBench give, and the nodes.

Made once in the warm server, so that a program pays a copy of a dict for it.
"""

from importlib import import_module

from . import nodes

# LiveCodeBench's list. Where two give one name, the later wins: typing comes first, so that Counter is no type alias.
_STARRED = [
    *["typing", "string", "re", "datetime", "collections", "heapq", "bisect", "copy", "math", "random", "statistics"],
    *["itertools", "functools", "operator", "io", "sys", "json", "builtins"],
]
_NODES = ["ListNode", "TreeNode", "list_node", "tree_node", "is_same_list", "is_same_tree"]
RECURSION = 50_000  # LiveCodeBench's


def _names() -> dict[str, object]:
    found: dict[str, object] = {"inf": float("inf")}
    modules = {name: import_module(name) for name in _STARRED}
    for module in modules.values():
        public = getattr(module, "__all__", None) or [name for name in vars(module) if not name.startswith("_")]
        found |= {name: getattr(module, name) for name in public}
    return found | modules | {name: getattr(nodes, name) for name in _NODES}


NAMES = _names()
