"""A problem whose answer is no number: no response could earn a reward, so rl and eval refuse it when they start."""

import json
import subprocess
import sys

import pytest

from klearctl.data.table import Problem, write_problems


@pytest.fixture
def data(tmp_path):
    """A table of two problems; the answer of the second is a word."""
    address = str(tmp_path / "problems.parquet")
    write_problems(address, [Problem("sum-1", "sum", "1 + 1 =", "2"), Problem("sum-2", "sum", "1 + 2 =", "three")])
    return address


@pytest.mark.parametrize("stage", ["rl", "eval"])
def test_an_answer_that_is_no_number_is_refused_by_the_name_of_its_problem(stage, data, tmp_path):
    config = tmp_path / "config.json"
    pod = {"run": "x", "stage": stage, "bucket": str(tmp_path), "config": {"data": data}, "layout": {}}
    config.write_text(json.dumps(pod))
    command = [sys.executable, "-m", f"klearctl.stages.{stage}", "--config", str(config)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr.splitlines()) == (
        2,
        ["error: the answer of sum-2 is no number: 'three'", "  try: klearctl submit curate drops such problems"],
    )
