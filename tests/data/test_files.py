"""Problems from files: each kind of file, each field, and what becomes of a row that lacks one."""

import gzip
import json
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from klearctl.config.curate import SourceConfig
from klearctl.data.drops import Drops
from klearctl.data.files import read_file
from klearctl.errors import ConfigError

ROWS: list[dict[str, Any]] = [{"problem": "1 + 1?", "answer": "2"}, {"problem": "2 + 2?", "answer": 4}]


def jsonl(rows):
    return "\n".join(map(json.dumps, rows)).encode()


def parquet(rows):
    sink = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), sink)
    return sink.getvalue().to_pybytes()


def read(path, **fields):
    drops = Drops()
    return list(read_file(SourceConfig(address=str(path), **fields), drops)), drops


def one_row(tmp_path, row, **fields):
    path = tmp_path / "one.jsonl"
    path.write_bytes(row if isinstance(row, bytes) else jsonl([row]))
    return read(path, **fields)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("sums.jsonl", jsonl(ROWS)),
        ("sums.jsonl", jsonl(ROWS) + b"\n\n"),  # blank lines are no rows
        ("sums.jsonl.gz", gzip.compress(jsonl(ROWS))),
        ("sums.json", json.dumps(ROWS).encode()),
        ("sums.json.gz", gzip.compress(json.dumps(ROWS).encode())),
        ("sums.parquet", parquet([dict(row, answer=str(row["answer"])) for row in ROWS])),
    ],
)
def test_every_kind_of_file_gives_the_same_problems(name, data, tmp_path):
    (tmp_path / name).write_bytes(data)
    found, _ = read(tmp_path / name)
    assert [(one.problem.task, one.problem.prompt, one.problem.answer) for one in found] == [
        ("sums", "1 + 1?", "2"),
        ("sums", "2 + 2?", "4"),
    ]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("sums.csv", b"1,2"),
        ("sums", b""),
        ("sums.json", b"{"),
        ("sums.json", b'{"problem": "1"}'),  # no list
        ("sums.jsonl.gz", b"plain"),
        ("sums.jsonl.gz", gzip.compress(b"cut off")[:-9]),
        ("sums.parquet", b"PAR1"),
    ],
)
def test_a_file_that_is_not_what_it_says_is_an_error_of_the_config(name, data, tmp_path):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ConfigError, match="sums"):
        read(tmp_path / name)


@pytest.mark.parametrize(
    "row",
    [
        {"problem": "1 + 1?"},  # no answer
        {"answer": "2"},  # no problem
        {"problem": "", "answer": "2"},
        {"problem": "1 + 1?", "answer": None},
        {"problem": "1 + 1?", "answer": True},  # no text, no number
        {"problem": "1 + 1?", "answer": ["2"]},
        {"problem": "1 + 1?", "answer": "2 ####"},  # nothing after GSM8K's mark
        {"problem": "\ud800", "answer": "2"},  # no UTF-8
        ["1 + 1?", "2"],  # no object
        b"{not JSON",
        b"\xff\xfe",
    ],
)
def test_a_row_that_lacks_a_field_is_dropped_and_counted(row, tmp_path):
    found, drops = one_row(tmp_path, row)
    assert (found, drops.total()) == ([], 1)


def test_the_fields_are_the_config_s(tmp_path):
    row = {"q": "1 + 1?", "a": "2", "s": "One and one."}
    found, _ = one_row(tmp_path, row, prompt_field="q", answer_field="a", solution_field="s")
    assert (found[0].problem.prompt, found[0].problem.answer, found[0].solution) == ("1 + 1?", "2", "One and one.")


def test_what_follows_gsm8k_s_mark_is_the_answer_and_what_precedes_it_the_solution(tmp_path):
    row = {"problem": "Eggs?", "answer": "9 * 2 = 18 dollars.\n#### 18"}
    found, _ = one_row(tmp_path, row, solution_field="answer")
    assert (found[0].problem.answer, found[0].solution) == ("18", "9 * 2 = 18 dollars.")


def test_only_as_many_problems_are_taken_as_asked(tmp_path):
    (tmp_path / "sums.jsonl").write_bytes(jsonl(ROWS))
    found, _ = read(tmp_path / "sums.jsonl", problems=1)
    assert [one.problem.prompt for one in found] == ["1 + 1?"]


def test_all_of_gsm8k_is_read(klear_shared):
    found, drops = read(klear_shared / "data" / "gsm8k_test.jsonl", prompt_field="question", solution_field="answer")
    assert (len(found), drops.total()) == (1319, 0)
