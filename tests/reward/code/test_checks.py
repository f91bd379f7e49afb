"""Assertions that run as they stand: what they may use, and whose fault it is when they fail."""

import pytest

from klearctl.reward.verdict import Judged, Verdict

QUEUE = """
class Queue:
    def __init__(self, size): self.size, self.items = size, []
    def push(self, item):
        if len(self.items) == self.size: raise IndexError("full")
        self.items.append(item)
        return self
    def copy(self): return Queue(self.size)
class Node:
    def __init__(self, data): self.data, self.left, self.right = data, None, None
def height(root): return 1 + max(height(root.left), height(root.right)) if root else 0
def total(nodes): return sum(node.data for node in nodes)
def kind(x, t): return isinstance(x, t)
def reverse(head):
    before = None
    while head: head.next, before, head = before, head, head.next
    return before
def mirror(root):
    if root: root.left, root.right = mirror(root.right), mirror(root.left)
    return root
"""


@pytest.mark.parametrize(
    "code",
    [
        "assert height(None) == 0 and candidate is not None",
        "root = Node(1)\nroot.left = Node(2)\nroot.left.right = Node(3)\nassert height(root) == 3",
        "assert total([Node(1), Node(2)]) == 3",
        "q = Queue(1)\nassert q.push(5).items == [5]",
        "try:\n    Queue(0).push(5)\nexcept IndexError as e:\n    assert str(e) == 'full'\nelse:\n    assert False",
        "assert kind(3, int) and not kind(3, str)",
        "assert is_same_list(reverse(list_node([1, 2, 3])), list_node([3, 2, 1]))",
        "assert not is_same_list(reverse(list_node([1, 2, 3])), list_node([3, 2]))",
        "assert is_same_tree(mirror(tree_node([1, 2, 3, None, 4])), tree_node([1, 3, 2, None, None, 4]))",
        "assert reverse(list_node([])) is None",
        "import copy\nassert isinstance(copy.deepcopy([height(None)]), list)",
        "def helper(x):\n    return height(x) + inf\nassert helper(None) == inf",
        "assert math.isclose(height(None), 0) and Counter([1])[1] == 1",
        "for k in range(50):\n    assert height(None) == 0",
    ],
)
def test_tests_may_use_what_the_program_defines(judge, code):
    entry = next((name for name in ("total", "kind", "reverse", "mirror") if f"{name}(" in code), "height")
    assert judge(QUEUE, {"asserts": [code], "entry_point": entry}) == Judged(Verdict.ACCEPTED, 1, 1)


@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        ("assert is_same(f(1), 2)", "wrong_answer"),  # a comparison of the program's own
        ("assert f(1) == GOLD", "wrong_answer"),
        ("assert f(1) == Maker.gold", "wrong_answer"),
        ("assert f(1) == gold()", "wrong_answer"),
        ("assert f(1) != undefined", "wrong_answer"),  # what is not there differs from nothing
        ("assert f(Maker()) == 0", "accepted"),  # an object that the problem asks for
    ],
)
def test_what_judges_the_program_is_not_of_the_program(judge, code, verdict):
    program = """
GOLD = 0
class Maker: gold = 0
def gold(): return 0
def is_same(one, other): return True
def f(x): return 0
"""
    told = judge(program, {"asserts": [code], "entry_point": "f"})
    assert told.verdict == verdict, told


@pytest.mark.parametrize(
    ("code", "setup", "verdict", "says"),
    [
        ("assert f(1) > 5", "", "wrong_answer", "test 1: it fails: assert f(1) > 5"),
        ("assert f(1) > 5, 'small'", "", "wrong_answer", "(small)"),
        ("assert f(1) + 'a'", "", "wrong_answer", "TypeError"),  # of what was returned
        ("assert f(0) > 5", "", "runtime_error", "ZeroDivisionError"),  # of the program
        ("assert g(1) > 5", "", "runtime_error", "name 'g' is not defined"),
        ("assert 1 / 0 == f(1)", "", "bad_row", "ZeroDivisionError"),  # of the test: nothing was asked yet
        ("assert f(1) > 5", "1 / 0", "bad_row", "the setup"),
        ("assert f(1) > 5", "import nothing_of_that_name", "bad_row", "nothing_of_that_name"),
        ("assert f(1) > 5", "x = f(0)", "runtime_error", "ZeroDivisionError"),
        ("assert f({1: 2}.keys()) > 5", "", "bad_row", "dict_keys"),  # no plain data
        ("raise SystemExit", "", "bad_row", "SystemExit"),
        ("import os; os._exit(0)", "", "bad_row", "does not get through"),
        ("assert f(1) > 0 and [0] * (1 << 40)", "", "wrong_answer", "MemoryError"),
        ("assert type(f(1)) is int and f(1) == 1", "", "accepted", ""),
        ("assert setting + f(1) == 8", "setting = 7", "accepted", ""),
    ],
)
def test_a_failed_check_says_whose_fault_it_is(judge, code, setup, verdict, says):
    told = judge("def f(x): return x // x", {"asserts": [code], "setup": setup, "entry_point": "f"})
    assert (told.verdict, says in told.detail) == (verdict, True), told


def test_tests_of_both_sorts_share_one_process_of_the_program(judge):
    program = "n = 0\ndef f():\n    global n\n    n += 1\n    return n"
    tests = {"asserts": ["assert f() == 1", "assert f() < 3", "assert f() == 3", "assert f() > 3"], "entry_point": "f"}
    assert judge(program, tests) == Judged(Verdict.ACCEPTED, 4, 4)


def test_after_a_crash_the_setup_is_made_anew(judge):
    program = (
        "import os\nclass P:\n    def __init__(self, x): self.x = x\ndef f(p): return os._exit(1) if p.x == 2 else p.x"
    )
    asserts = ["p.x = 2\nassert f(p) == 2", "assert f(p) == 1", "assert f(p) == 1"]
    told = judge(program, {"asserts": asserts, "setup": "p = P(1)", "entry_point": "f"})
    assert told == Judged(Verdict.RUNTIME_ERROR, 2, 3, "test 1: it exits with 1 before it answers")


def test_a_test_that_does_not_end_is_late(judge):
    tests = {"asserts": ["f()\nwhile True: pass"], "entry_point": "f", "timeout": 0.2}
    assert judge("f = lambda: 1", tests).verdict == "time_limit"


def test_no_code_of_the_program_is_where_the_tests_run(judge):
    program = "import sys\nsys.secret = 5\nclass Mine: pass\ndef f(): return 1"
    found = "any('Mine' in vars(module) for module in sys.modules.values())"
    code = (
        f"import sys\nassert f() == 1 and not hasattr(sys, 'secret') and 'solution' not in sys.modules and not {found}"
    )
    assert judge(program, {"asserts": [code], "entry_point": "f"}) == Judged(Verdict.ACCEPTED, 1, 1)
