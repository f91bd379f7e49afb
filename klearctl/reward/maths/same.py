"""Whether two trees say the same: the known one and an answer in, yes or no out.

A known answer that is a number asks for a number. An answer that leaves work undone (a sum, a product or a power for a
plain number, a sine or a logarithm where the known answer has none) only echoes the question.
"""

from klearctl.reward.maths.formulas import same_formula
from klearctl.reward.maths.numbers import same_number
from klearctl.reward.maths.tree import Tree, names_in

_KINDS = {
    "circular": "sin cos tan cot sec csc",
    "arc": "arcsin arccos arctan",
    "hyperbolic": "sinh cosh tanh",
    "logarithm": "log ln",
    "factorial": "factorial binomial",
    "whole": "floor ceiling",
    "abs": "abs",
}
_FAMILIES = {op: family for family, ops in _KINDS.items() for op in ops.split()}


def same(gold: Tree, answer: Tree) -> bool:
    """Whether the answer is the known one.

    Raises:
        Unread: the known answer has no value that can be found.
    """
    if gold == answer:
        return True
    if names_in(answer) - names_in(gold):
        return False
    if names_in(gold):
        return same_formula(gold, answer)
    return finished(gold, answer) and same_number(gold, answer)


def finished(gold: Tree, answer: Tree) -> bool:
    """Whether the answer leaves no work undone that the known one has done."""
    return is_plain(answer) if is_plain(gold) else _families(answer) <= _families(gold)


def is_plain(tree: Tree) -> bool:
    """Whether it is a number as results are written: `-3.5`, `3/4`, `1 1/2`, `10%`, `1.2 * 10^5`."""
    if tree.op == "number":
        return True
    if tree.op in {"-", "percent", "mixed"}:
        return all(map(is_plain, tree.args))
    if tree.op == "/":
        return all(arg.op == "number" or (arg.op == "-" and arg.args[0].op == "number") for arg in tree.args)
    if tree.op == "*":
        return len(tree.args) == 2 and tree.args[0].op == "number" and _is_power_of_ten(tree.args[1])
    return _is_power_of_ten(tree)


def _is_power_of_ten(tree: Tree) -> bool:
    return tree.op == "^" and tree.args[0].op == "number" and tree.args[0].value == 10 and is_plain(tree.args[1])


def _families(tree: Tree) -> set[str]:
    found = {_FAMILIES[tree.op]} if tree.op in _FAMILIES else set()
    return found.union(*map(_families, tree.args))
