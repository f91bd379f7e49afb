"""A row of any kind in, what became of its response out.

The forms of a row are those of docs/verify.md. A row that has none of them is a bad row, which says why; none raises.
"""

from collections.abc import Callable
from typing import Any

from klearctl.reward.verdict import Judged, Verdict

Maths = Callable[[str, str], Judged]
"""From the known answer and a response."""

Code = Callable[[str, Any], Judged]
"""From a response and the tests it must pass; tests of no known form are a bad row too."""

_LONGEST_WORD = 40  # characters of a wrong word that are said again

_JSON_WORDS = {
    dict: "an object",
    list: "a list",
    str: "text",
    bool: "true or false",
    int: "a number",
    float: "a number",
}


def judge(row: object, *, maths: Maths, code: Code) -> Judged:
    """The judgement of the row's response, as one of the two judges gives it."""
    if not isinstance(row, dict):
        return _bad(f"a row is an object, not {_what(row)}")
    kind = row.get("kind")
    if kind not in ("math", "code"):
        word = repr(kind[:_LONGEST_WORD]) if isinstance(kind, str) else _what(kind)
        return _bad(f"kind is math or code, not {word}" if "kind" in row else "the row has no kind: math or code")
    response = row.get("response")
    if not isinstance(response, str):
        return _bad(_wrong(row, "response", "text"))
    if kind == "math":
        answer = row.get("answer")
        answer = str(answer) if type(answer) in (int, float) else answer
        return maths(answer, response) if isinstance(answer, str) else _bad(_wrong(row, "answer", "text"))
    return code(response, row["tests"]) if "tests" in row else _bad("the row has no tests")


def _wrong(row: dict[str, object], field: str, form: str) -> str:
    return f"{field} is {form}, not {_what(row[field])}" if field in row else f"the row has no {field}"


def _what(value: object) -> str:
    return _JSON_WORDS.get(type(value), "null")


def _bad(why: str) -> Judged:
    return Judged(Verdict.BAD_ROW, detail=why)
