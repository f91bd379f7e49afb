"""Problems from files: JSONL, a JSON list or Parquet at any address in, candidates out.

`####` is GSM8K's mark: what follows it is the answer, what precedes it the worked solution.
"""

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from klearctl import storage
from klearctl.config.curate import SourceConfig
from klearctl.data.candidate import Candidate, candidate
from klearctl.data.drops import Drops
from klearctl.data.table import parse
from klearctl.errors import ConfigError

MARK = "####"


def read_file(source: SourceConfig, drops: Drops) -> Iterator[Candidate]:
    """The problems of a file; rows that lack a field are counted as drops.

    Raises:
        ConfigError: the file is of another kind than its name says.
    """
    task = _stem(source.address)
    for row in islice(_rows(source.address), source.problems or None):
        prompt, answer = _text(row, source.prompt_field), _text(row, source.answer_field)
        solution = _text(row, source.solution_field)
        answer = answer.rpartition(MARK)[2].strip()
        tests = _tests(row, source.tests_field)
        good = bool(prompt and (answer or tests))
        drops.saw("lacks a field", source.address, kept=good)
        if good:
            known = _text(row, "task") or task  # what curate wrote, in another run
            solution = solution.partition(MARK)[0].strip()
            yield candidate(source.address, known, prompt, answer, solution=solution, tests=tests)


def _rows(address: str) -> Iterable[Any]:
    name = address.removesuffix(".gz")
    data = storage.read_bytes(address)
    if address.endswith(".gz"):
        data = _unzip(data, address)
    if name.endswith(".jsonl"):
        return (_json_line(line) for line in data.splitlines() if line.strip())
    if name.endswith(".json"):
        return _json_list(data, address)
    if name.endswith(".parquet"):
        return parse(data, address).to_pylist()
    raise ConfigError(f"{address} is of no known kind", fix="use .jsonl, .json (each also .gz) or .parquet")


def _unzip(data: bytes, address: str) -> bytes:
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise ConfigError(f"{address} is not gzip: {error}", fix="check the file") from error


def _json_line(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None  # a row without fields


def _json_list(data: bytes, address: str) -> list[Any]:
    try:
        rows = json.loads(data)
    except ValueError as error:
        raise ConfigError(f"{address} is not JSON: {error}", fix="check the file") from error
    if not isinstance(rows, list):
        raise ConfigError(f"{address} holds no list", fix="a .json source is one list of objects")
    return rows


def _text(row: Any, field: str) -> str:
    """The field as text, a number too; empty where there is none, or where UTF-8 cannot hold it."""
    value = row.get(field, "") if isinstance(row, dict) else ""
    if type(value) in (int, float):
        value = str(value)
    if not isinstance(value, str) or any("\ud800" <= letter <= "\udfff" for letter in value):
        return ""
    return value.strip()


def _tests(row: Any, field: str) -> str:
    """The tests as JSON; a file may hold them as JSON text or as they are."""
    value = row.get(field) if isinstance(row, dict) else None
    return json.dumps(value) if isinstance(value, dict) else _text(row, field)


def _stem(address: str) -> str:
    """The file's name without its endings: `gsm8k_test` of `s3://b/gsm8k_test.jsonl.gz`."""
    return address.rstrip("/").rpartition("/")[2].partition(".")[0] or "file"
