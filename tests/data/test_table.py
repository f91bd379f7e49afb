"""The Parquet tables: rows come back, equal rows give equal bytes, foreign tables are read or refused by name."""

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from klearctl.data.table import (
    Problem,
    Solved,
    problem_id,
    read_problems,
    read_solved,
    write_problems,
    write_solved,
)
from klearctl.errors import ConfigError

PROBLEM = Problem("sum-1", "sum", "1 + 1 =", "2")
words = st.text(st.characters(exclude_categories=["Cs"]))
problems = st.lists(st.builds(Problem, words.filter(bool), words, words, words), max_size=5)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # each example overwrites the file
@given(problems)
def test_problems_come_back(tmp_path, rows):
    write_problems(f"{tmp_path}/x.parquet", rows)
    assert read_problems(f"{tmp_path}/x.parquet") == rows


def test_solved_problems_come_back(tmp_path):
    rows = [Solved("sum-1", "sum", "1 + 1 =", "<think>\n1+1=2\n</think>\n\\boxed{2}")]
    write_solved(f"{tmp_path}/x.parquet", rows)
    assert read_solved(f"{tmp_path}/x.parquet") == rows


def test_equal_rows_give_equal_bytes(tmp_path):
    for name in ("one", "two"):
        write_problems(f"{tmp_path}/{name}", [PROBLEM] * 100)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_table_of_prompts_and_answers_alone_gets_names(tmp_path):
    pyarrow.parquet.write_table(pyarrow.table({"prompt": ["1 + 1 ="], "answer": ["2"]}), tmp_path / "x.parquet")
    expected = Problem(problem_id("problem", "1 + 1 ="), "", "1 + 1 =", "2")
    assert read_problems(f"{tmp_path}/x.parquet") == [expected]


@pytest.mark.parametrize(
    ("table", "what"),
    [
        ({"prompt": ["1 + 1 ="]}, "no column answer"),
        ({"prompt": ["1 + 1 ="], "answer": [2]}, "answer that is not text"),
        ({"prompt": [None], "answer": ["2"]}, "prompt that is not text"),
    ],
)
def test_a_table_of_another_kind_is_refused_by_name(table, what, tmp_path):
    pyarrow.parquet.write_table(pyarrow.table(table), tmp_path / "x.parquet")
    with pytest.raises(ConfigError, match=what):
        read_problems(f"{tmp_path}/x.parquet")


def test_what_is_no_parquet_is_refused(tmp_path):
    (tmp_path / "x.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(ConfigError, match="is not a Parquet file"):
        read_problems(f"{tmp_path}/x.parquet")
