"""The tables that curate hands over: rows in, Parquet at an address out, and back.

Equal rows give equal bytes, so a curate run that is started again overwrites its objects with themselves.
"""

import hashlib
import io
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from klearctl import storage
from klearctl.errors import ConfigError

if TYPE_CHECKING:
    import pyarrow


@dataclass(frozen=True, slots=True)
class Problem:
    """A question with a known answer; rl and eval read these."""

    id: str
    task: str
    prompt: str
    answer: str
    """Of a programming problem a solution, to be shown; it is judged by its tests."""

    tests: str = ""
    """Of a programming problem its tests, as JSON (docs/verify.md has the form); else empty."""


@dataclass(frozen=True, slots=True)
class Solved:
    """A question with a worked response; sft learns from these."""

    id: str
    task: str
    prompt: str
    response: str


def write_problems(address: str, problems: Iterable[Problem]) -> None:
    """Puts the problems at the address, as Parquet."""
    _write(address, problems, ("id", "task", "prompt", "answer", "tests"))


def read_problems(address: str) -> list[Problem]:
    """The problems at the address. A table without `id` or `task` gets ids from its prompts.

    Raises:
        ConfigError: no Parquet, or no columns `prompt` and `answer` of text.
    """
    return [Problem(**row) for row in _read(address, needed=("prompt", "answer"))]


def write_solved(address: str, solved: Iterable[Solved]) -> None:
    """Puts the solved problems at the address, as Parquet."""
    _write(address, solved, ("id", "task", "prompt", "response"))


def read_solved(address: str) -> list[Solved]:
    """The solved problems at the address. A table without `id` or `task` gets ids from its prompts.

    Raises:
        ConfigError: no Parquet, or no columns `prompt` and `response` of text.
    """
    return [Solved(**row) for row in _read(address, needed=("prompt", "response"))]


def problem_id(task: str, prompt: str) -> str:
    """A name for the problem that depends on nothing but the problem."""
    return f"{task}-{hashlib.sha256(prompt.encode()).hexdigest()[:12]}"


def parse(data: bytes, address: str) -> "pyarrow.Table":
    """The bytes as a table.

    Raises:
        ConfigError: they are no Parquet file.
    """
    import pyarrow
    import pyarrow.parquet

    try:
        # without threads: those of Arrow can abort a program that ends just then, and its exit code would be lost
        return pyarrow.parquet.ParquetFile(io.BytesIO(data), pre_buffer=False).read(use_threads=False)
    except (pyarrow.ArrowException, OSError) as error:
        raise ConfigError(f"{address} is not a Parquet file: {error}", fix="check the address") from error


def _write(address: str, rows: Iterable[Problem] | Iterable[Solved], columns: tuple[str, ...]) -> None:
    import pyarrow
    import pyarrow.parquet

    schema = pyarrow.schema([(name, pyarrow.string()) for name in columns])
    table = pyarrow.Table.from_pylist([asdict(row) for row in rows], schema=schema)
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(table, buffer, compression="zstd")
    storage.write_bytes(address, buffer.getvalue())


def _read(address: str, *, needed: tuple[str, str]) -> list[dict[str, str]]:
    table = parse(storage.read_bytes(address), address)
    missing = [name for name in needed if name not in table.column_names]
    if missing:
        raise ConfigError(f"{address} has no column {missing[0]}", fix=f"it has {', '.join(table.column_names)}")
    return [_row(row, address, needed) for row in table.to_pylist()]


def _row(row: dict[str, Any], address: str, needed: tuple[str, str]) -> dict[str, str]:
    for name in needed:
        if not isinstance(row[name], str):
            raise ConfigError(f"{address} has a {name} that is not text: {row[name]!r:.80}", fix="curate it first")
    task = row.get("task") or ""
    name = row.get("id") or problem_id(task or "problem", row["prompt"])
    tests = {"tests": row["tests"]} if row.get("tests") else {}
    return {"id": str(name), "task": str(task), **{column: row[column] for column in needed}, **tests}
