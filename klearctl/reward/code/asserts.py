"""Assertions as tests: their text in; calls with expected values, and checks that must run as they stand, out.

`assert f(1, x=[2]) == (3, 4)` says all that it knows in literals, so that its call can run without its value ever being
near the program. Any other assertion is a check: it runs where no model code is.
"""

import ast
import re
import threading
import warnings
from dataclasses import dataclass

from klearctl.reward.code.malformed import Malformed
from klearctl.reward.sandbox.inside.plain import Tree, pack

CANDIDATE = "candidate"
"""What HumanEval's family calls the function under test, whatever its name is."""

_ENTRY = re.compile(r"(?P<owner>[^\W\d]\w*)\(\)\.(?P<method>[^\W\d]\w*)|[^\W\d]\w*")
_FILE = "code of a row"
_ONE_AT_A_TIME = threading.Lock()  # Python 3.11 counts depth for all threads together: "recursion depth mismatch"
_UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError)

warnings.filterwarnings("ignore", module=_FILE)  # an escape that is none, in code that is not ours


@dataclass(frozen=True, slots=True)
class Call:
    """A call of the program, and what it must return."""

    of: str
    """The function: `f`, or `Solution().f` for a method of a new object."""

    args: list[Tree]
    kwargs: dict[str, Tree]
    expected: Tree
    json: bool = False
    """The expected value is JSON, which knows no tuples: one equals a list."""


@dataclass(frozen=True, slots=True)
class Check:
    """Code that asserts something of the candidate."""

    code: str


def case_of(code: str, entry: str, where: str) -> Call | Check | None:
    """The test that one text of assertions is; None where it asserts nothing of anything.

    Raises:
        Malformed: it is no Python.
    """
    body = parse(code, where).body
    if all(_is_vacuous(statement) for statement in body):
        return None
    if len(body) == 1 and isinstance(body[0], ast.Assert):
        return _call(body[0].test, entry) or Check(code)
    return Check(code)


def parse(code: str, where: str) -> ast.Module:
    """The code as a tree. Raises Malformed, naming the place, where it is no Python."""
    try:
        with _ONE_AT_A_TIME:
            return ast.parse(code, _FILE)
    except _UNREADABLE as error:
        raise Malformed(f"{where} is no Python: {error}") from None


def is_entry(text: object) -> bool:
    """Whether the text names what can be called: `f` or `Solution().f`."""
    return isinstance(text, str) and _ENTRY.fullmatch(text) is not None


def names_of(entry: str) -> dict[str, str]:
    """Which names of the tests mean the candidate, and what each of them calls."""
    method = _ENTRY.fullmatch(entry)
    simple = method["method"] if method and method["method"] else entry
    return {CANDIDATE: entry, simple: entry}


def _is_vacuous(statement: ast.stmt) -> bool:
    """Whether no program can fail it: `assert True`, `pass`, `import math`, a function that nothing calls."""
    if isinstance(statement, ast.Assert):
        return isinstance(statement.test, ast.Constant) and bool(statement.test.value)
    if isinstance(statement, ast.FunctionDef):
        return True
    return not any(isinstance(node, ast.Assert | ast.Call | ast.Raise) for node in ast.walk(statement))


def _call(test: ast.expr, entry: str) -> Call | None:
    if not (isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq)):
        return None
    call, literal = test.left, test.comparators[0]
    if not (isinstance(call, ast.Call) and _calls_the_candidate(call.func, entry)):
        return None
    if any(keyword.arg is None for keyword in call.keywords):
        return None
    try:
        args = [_literal(each) for each in call.args]
        kwargs = {str(keyword.arg): _literal(keyword.value) for keyword in call.keywords}
        return Call(entry, args, kwargs, _literal(literal))
    except (TypeError, *_UNREADABLE):
        return None


def _literal(node: ast.expr) -> Tree:
    return pack(ast.literal_eval(node))


def _calls_the_candidate(function: ast.expr, entry: str) -> bool:
    if isinstance(function, ast.Name):
        return function.id in names_of(entry)
    return ast.unparse(function) == entry
