"""The tests of HumanEval's family: a `check(candidate)` function in; its assertions one by one, and their setup, out.

So that each assertion counts for itself, and the plain ones need not run as code.
"""

import ast
from collections import Counter

from klearctl.reward.code.asserts import parse

CHECK = "check"


def split(code: str, where: str) -> tuple[str, list[str]]:
    """The setup and the assertions of the code's `check`; what stands beside it belongs to the setup.

    A body that cannot be cut stays whole, as one assertion: one that returns, or that sets a name twice.
    """
    module = parse(code, where)
    check = next((each for each in module.body if isinstance(each, ast.FunctionDef) and each.name == CHECK), None)
    if check is None:
        return "", [code]
    beside = [each for each in module.body if each is not check and not _calls(each, CHECK)]
    lines = code.encode().split(b"\n")
    asserting = [each for each in check.body if _asserts(each)]
    setting = [each for each in check.body if not _asserts(each)]
    if any(count > 1 for count in _set(setting).values()) or any(map(_returns, check.body)):
        return _text(beside, lines), [f"{_text([check], lines)}\n{CHECK}({check.args.args[0].arg})"]
    return _text(beside + setting, lines), [_text([each], lines) for each in asserting]


def argument(code: str, where: str) -> str | None:
    """What the code calls its `check` with: `Solution().f` of `check(Solution().f)`."""
    for statement in reversed(parse(code, where).body):
        match statement:
            case ast.Expr(value=ast.Call(func=ast.Name(id="check"), args=[only])):
                return ast.unparse(only)
    return None


def without(code: str, name: str) -> str:
    """The code without the function of that name."""
    body = [
        each for each in parse(code, "prompt").body if not (isinstance(each, ast.FunctionDef) and each.name == name)
    ]
    return ast.unparse(ast.Module(body, []))


def _text(statements: list[ast.stmt], lines: list[bytes]) -> str:
    return "\n".join(_source(each, lines) for each in statements)


def _source(statement: ast.stmt, lines: list[bytes]) -> str:
    if statement.lineno == statement.end_lineno:
        return lines[statement.lineno - 1][statement.col_offset : statement.end_col_offset].decode()
    return ast.unparse(statement)  # its lines are indented, and not all of them by the indentation


def _asserts(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Assert) or _holds(statement, ast.Assert)


def _returns(statement: ast.stmt) -> bool:
    return not isinstance(statement, ast.Assert) and (_holds(statement, ast.Return) or _holds(statement, ast.Yield))


def _holds(statement: ast.stmt, kind: type[ast.AST]) -> bool:
    return any(isinstance(node, kind) for node in ast.walk(statement))


def _calls(statement: ast.stmt, name: str) -> bool:
    match statement:
        case ast.Expr(value=ast.Call(func=ast.Name(id=called))):
            return called == name
    return False


def _set(statements: list[ast.stmt]) -> Counter[str]:
    names = (node for each in statements for node in ast.walk(each) if isinstance(node, ast.Name))
    return Counter(node.id for node in names if isinstance(node.ctx, ast.Store))
