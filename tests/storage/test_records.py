"""Attempts, metrics, results: nothing lost, nothing doubled."""

import json
import math
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klearctl import records, storage
from klearctl.errors import BackendError
from tests.storage.proxy import Proxy

NEVER = 1e6  # seconds
LIFE = st.lists(st.sampled_from(["step", "flush", "commit", "read"]), max_size=12)


@settings(max_examples=60, deadline=None)
@given(lives=st.lists(LIFE, min_size=1, max_size=4))
def test_every_committed_step_has_one_row_whatever_was_flushed_and_killed(lives: list[list[str]]) -> None:
    with tempfile.TemporaryDirectory() as prefix, ExitStack() as killed:
        reader, committed = records.MetricsReader(prefix), -1
        expected: dict[int, int] = {}
        for attempt, life in enumerate(lives):
            writer = records.MetricsWriter(prefix, stage="rl", attempt=attempt, steps=99, interval_s=NEVER)
            killed.callback(writer.close)  # after the last look, only to end its thread
            step, waiting = committed, []
            for act in life:
                if act == "step":
                    step += 1
                    writer.write(step=step, loss=1.0)
                    waiting.append(step)
                elif act == "read":
                    reader.rows()
                else:
                    writer.flush()
                    expected |= dict.fromkeys(waiting, attempt)
                    committed, waiting = step if act == "commit" else committed, []
        found = [(row["step"], row["attempt"]) for row in reader.rows()]
        assert (found, set(range(committed + 1)) <= set(expected)) == (sorted(expected.items()), True)


def test_a_reader_that_looks_often_sees_what_a_new_one_sees(bucket: str) -> None:
    often = records.MetricsReader(bucket)
    for attempt, steps in ((0, range(5)), (1, range(3, 8))):
        with records.MetricsWriter(bucket, stage="sft", attempt=attempt, steps=8) as writer:
            for step in steps:
                writer.write(step=step, loss=attempt + step / 10)
                writer.flush()
                often.rows()
    assert often.rows() == records.MetricsReader(bucket).rows()


def test_a_reader_reads_each_object_once(wire: Proxy, bucket: str) -> None:
    reader = records.MetricsReader(bucket)
    with records.MetricsWriter(bucket, stage="sft", attempt=0, steps=8) as writer:
        writer.write(step=0)
    reader.rows()
    wire.requests.clear()
    reader.rows()
    assert len(wire.requests) == 1  # the listing


def test_a_row_has_every_key_and_null_where_it_does_not_apply(bucket: str) -> None:
    with records.MetricsWriter(bucket, stage="rl", attempt=2, steps=9) as writer:
        writer.write(step=1, loss=math.nan, clip_fraction=0.25)
    (row,) = records.MetricsReader(bucket).rows()
    assert row | {"time": 0} == {
        "time": 0,
        "stage": "rl",
        "attempt": 2,
        "step": 1,
        "steps": 9,
        "loss": None,
        "reward": None,
        "tokens_per_s": None,
        "clip_fraction": 0.25,
    }


def test_parts_are_named_by_attempt_and_number(bucket: str) -> None:
    with records.MetricsWriter(bucket, stage="rl", attempt=3, steps=9) as writer:
        for step in range(2):
            writer.write(step=step)
            writer.flush()
            writer.flush()  # nothing new, no object
    assert storage.names(f"{bucket}/metrics") == ["0003-000000.jsonl", "0003-000001.jsonl"]


def test_rows_reach_the_bucket_though_no_row_follows(bucket: str) -> None:
    with records.MetricsWriter(bucket, stage="rl", attempt=0, steps=9, interval_s=0.1) as writer:
        writer.write(step=0)
        assert _soon(lambda: len(records.MetricsReader(bucket).rows()) == 1)


def test_a_failed_flush_keeps_the_rows_for_the_next(wire: Proxy, bucket: str) -> None:
    with records.MetricsWriter(bucket, stage="rl", attempt=0, steps=9, interval_s=NEVER) as writer:
        writer.write(step=0)
        wire.cut = True
        with pytest.raises(BackendError):
            writer.flush()
        writer.write(step=1)
        wire.cut = False
    assert [row["step"] for row in records.MetricsReader(bucket).rows()] == [0, 1]


def test_an_object_that_was_tried_once_never_changes(wire: Proxy, bucket: str) -> None:
    with records.MetricsWriter(bucket, stage="rl", attempt=0, steps=9, interval_s=NEVER) as writer:
        writer.write(step=0)
        wire.cut = True
        with pytest.raises(BackendError):
            writer.flush()
        writer.write(step=1)
        wire.cut = False
    assert len(storage.read_bytes(f"{bucket}/metrics/0000-000000.jsonl").splitlines()) == 1


def test_a_failed_background_flush_is_raised_at_the_next_write(wire: Proxy, bucket: str) -> None:
    wire.cut = True
    writer = records.MetricsWriter(bucket, stage="rl", attempt=0, steps=9, interval_s=0.05)
    writer.write(step=0)
    raised = _soon(lambda: _raises(writer))
    wire.cut = False
    writer.close()
    assert (raised, records.MetricsReader(bucket).rows()[0]["step"]) == (True, 0)


def test_a_row_that_is_not_json_fails_where_it_is_written(tmp_path: Path) -> None:
    with (
        records.MetricsWriter(str(tmp_path), stage="rl", attempt=0, steps=9, interval_s=NEVER) as writer,
        pytest.raises(TypeError, match="not JSON serializable"),
    ):
        writer.write(step=0, strange=object())


def test_ten_at_once_claim_ten_attempts(bucket: str) -> None:
    with ThreadPoolExecutor(10) as pool:
        assert sorted(pool.map(lambda _: records.claim_attempt(bucket), range(10))) == list(range(10))


def test_attempts_are_counted_on(bucket: str) -> None:
    assert [records.claim_attempt(bucket) for _ in range(3)] == [0, 1, 2]


def test_a_result_comes_back(bucket: str) -> None:
    records.write_result(bucket, {"model": "s3://b/m"})
    assert records.read_result(bucket) == {"model": "s3://b/m"}


def test_a_run_that_is_not_done_has_no_result(bucket: str) -> None:
    with pytest.raises(storage.NotFound):
        records.read_result(bucket)


def test_what_a_writer_leaves_is_lines_of_json(tmp_path: Path) -> None:
    with records.MetricsWriter(str(tmp_path), stage="rl", attempt=0, steps=9) as writer:
        writer.write(step=0, text="two\nlines")
    (line,) = (tmp_path / "metrics" / "0000-000000.jsonl").read_text().splitlines()
    assert json.loads(line)["text"] == "two\nlines"


def _raises(writer: records.MetricsWriter) -> bool:
    try:
        writer.write(step=1)
    except BackendError:
        return True
    return False


def _soon(condition: Callable[[], bool]) -> bool:
    never, deadline = threading.Event(), time.monotonic() + 120  # of a machine that does much else
    while not condition():
        if time.monotonic() > deadline:
            return False
        never.wait(0.05)
    return True
