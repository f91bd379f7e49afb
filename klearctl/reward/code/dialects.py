"""Rows of published data sets: a row in; a problem with tests as we write them out.

HumanEval, MBPP, LeetCodeDataset, rLLM's leetcode and code_contests, and LiveCodeBench. A row is known by its fields.
Nothing of a row is run.
"""

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from klearctl.reward.code import bodies, livecodebench
from klearctl.reward.code.asserts import parse
from klearctl.reward.code.malformed import Malformed

_TOLERANCE = re.compile(r"(?:absolute|relative)\b[^.]{0,80}?10\s?\^?\s?\{?-(\d{1,3})", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem to program."""

    id: str
    """In its data set; nothing where the set gives none."""

    prompt: str
    tests: dict[str, Any]
    """As `tests.read` takes them."""

    solution: str | None = None
    """The whole reference program, where the set has one."""

    about: dict[str, Any] = field(default_factory=dict)
    """The other fields of the row."""


def problem(row: Mapping[str, Any]) -> Problem:
    """The problem of a row.

    Raises:
        Malformed: it is of no data set that we know, or a field of it is not as its data set writes it.
    """
    for fields, dialect in _DIALECTS:
        if fields <= row.keys():
            try:
                return dialect(row)
            except (KeyError, TypeError, AttributeError) as error:
                raise Malformed(f"a field of the row is not as its data set writes it: {error!r}") from None
    raise Malformed("the row is of no known data set: its fields are " + ", ".join(row))


def _human_eval(row: Mapping[str, Any]) -> Problem:
    """The prompt's own helpers serve the tests too, so that none of them is taken from the program."""
    prompt, entry = row["prompt"], row["entry_point"]
    setup, asserts = bodies.split(row["test"], "test")
    helpers = bodies.without(prompt, entry)
    tests = {"asserts": asserts, "setup": f"{helpers}\n{setup}".strip(), "entry_point": entry}
    return Problem(row["task_id"], prompt, tests, prompt + row["canonical_solution"])


def _mbpp(row: Mapping[str, Any]) -> Problem:
    """Its three assertions are the tests; the challenge's, which few rows have, are kept beside them."""
    defined = {each.name for each in ast.walk(parse(row["code"], "code")) if isinstance(each, ast.FunctionDef)}
    called = [
        node.id for node in ast.walk(parse("\n".join(row["test_list"]), "test_list")) if isinstance(node, ast.Name)
    ]
    entry = next((name for name in called if name in defined), None)
    tests = {"asserts": row["test_list"], "setup": row["test_setup_code"], "entry_point": entry}
    return Problem(str(row["task_id"]), row["text"], tests, row["code"], _rest(row, "challenge_test_list"))


def _leetcode_dataset(row: Mapping[str, Any]) -> Problem:
    setup, asserts = bodies.split(row["test"], "test")
    tests = {"asserts": asserts, "setup": setup, "entry_point": row["entry_point"]}
    about = _rest(row, "question_id", "difficulty", "tags", "estimated_date", "starter_code", "problem_description")
    return Problem(row["task_id"], row["query"], tests, row["prompt"] + "\n" + row["completion"], about)


def _rllm_leetcode(row: Mapping[str, Any]) -> Problem:
    code = row["tests"]["functional"]
    setup, asserts = bodies.split(code, "tests.functional")
    tests = {"asserts": asserts, "setup": setup, "entry_point": bodies.argument(code, "tests.functional")}
    return Problem("", row["problem"], tests, row["solutions"])


def _code_contests(row: Mapping[str, Any]) -> Problem:
    """Where the statement allows an error, so do the tests."""
    tests = {**_literal(row["tests"]), "function": None}
    allowed = _TOLERANCE.search(row["problem"])
    if allowed:
        tests |= {"compare": "float", "tolerance": float(f"1e-{allowed[1]}")}
    return Problem("", row["problem"], tests)


def _literal(tests: Any) -> Any:
    if not isinstance(tests, str):
        return tests
    try:
        return ast.literal_eval(tests)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise Malformed(f"tests is no Python literal: {error}") from None


def _live_code_bench(row: Mapping[str, Any]) -> Problem:
    about = _rest(row, "platform", "contest_id", "contest_date", "difficulty", "starter_code", "question_title")
    return Problem(row["question_id"], row["question_content"], livecodebench.tests(row), None, about)


def _rest(row: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: row[name] for name in names if name in row}


_DIALECTS = [
    ({"private_test_cases", "public_test_cases"}, _live_code_bench),
    ({"canonical_solution", "test", "entry_point"}, _human_eval),
    ({"completion", "test", "entry_point", "query"}, _leetcode_dataset),
    ({"test_list", "test_setup_code"}, _mbpp),
    ({"problem", "solutions", "tests"}, _rllm_leetcode),
    ({"problem", "tests"}, _code_contests),
]
