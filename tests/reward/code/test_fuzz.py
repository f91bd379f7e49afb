"""Rubbish as responses, as tests and as frames: a verdict or a refusal, never an exception, never a passed test."""

import contextlib
import json

from hypothesis import given
from hypothesis import strategies as st

from bench.fuzz import broken_promise, cases, judgements
from klearctl.reward.code.compare import Unreadable, close, read, same, same_unordered
from klearctl.reward.code.dialects import problem
from klearctl.reward.code.malformed import Malformed
from klearctl.reward.code.tests import read as read_tests
from klearctl.reward.sandbox.inside.plain import pack

CASES = 200  # bench/fuzz.py judges 20,000

words = st.sampled_from(
    ["inputs", "outputs", "function", "asserts", "setup", "entry_point", "timeout", "memory_mb", "compare", "tolerance"]
)
tags = st.sampled_from(
    ["$int", "$float", "$tuple", "$set", "$dict", "$complex", "$bytes", "$list_node", "$held", "$", "x"]
)
leaves = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["f", "exact", "1\n2", "0x1"])
)


def trees(keys):
    return st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(keys, inner), max_leaves=12)


def test_no_rubbish_is_rewarded_and_none_breaks_the_judge(sandbox):
    broken = [
        (case, told) for case, told, seconds in judgements(sandbox, cases(CASES, 0)) if broken_promise(told, seconds)
    ]
    assert broken == []


@given(st.dictionaries(words, trees(words)) | trees(words))
def test_tests_of_any_form_are_read_or_refused(told):
    with contextlib.suppress(Malformed):
        assert len(read_tests(told)) >= 0


ROWS = ["public_test_cases", "private_test_cases", "metadata", "question_id", "question_content", "problem", "tests"]


@given(st.dictionaries(st.sampled_from(ROWS), trees(words) | trees(words).map(json.dumps)))
def test_rows_of_any_form_are_read_or_refused(row):
    with contextlib.suppress(Malformed):
        assert problem(row).tests is not None


@given(trees(tags), trees(tags), st.booleans())
def test_answers_of_any_form_are_compared_or_refused(answer, value, as_json):
    expected = pack(value)
    with contextlib.suppress(Unreadable):
        told = read(json.dumps({"n": 1, "value": answer}).encode())["value"]
        equal = {same(told, expected, as_json=as_json), same_unordered(told, expected, as_json=as_json)}
        assert equal | {close(told, expected, 1e-6, as_json=as_json)} <= {True, False}


@given(st.binary())
def test_bytes_of_any_form_are_an_answer_or_refused(frame):
    with contextlib.suppress(Unreadable):
        assert isinstance(read(frame), dict)
