"""LiveCodeBench's rows: all their tests are read, and a pickle of anything but one text runs nothing."""

import base64
import json
import os
import pickle  # noqa: TID251  the hostile files are made with it
import zlib

import pytest

from klearctl.reward.code import tests
from klearctl.reward.code.dialects import problem
from klearctl.reward.code.livecodebench import MOST_BYTES, text_of_pickle
from klearctl.reward.code.malformed import Malformed

PUBLIC = [{"input": "[1, 2]\n3\n", "output": "[4, 5]", "testtype": "functional"}]
PRIVATE = [{"input": '["a"]\n0', "output": '"b"', "testtype": "functional"}]


def packed(value, protocol=4):
    """As LiveCodeBench writes private tests."""
    return base64.b64encode(zlib.compress(pickle.dumps(value, protocol))).decode()


def row(private, metadata='{"func_name": "addAll"}', public=PUBLIC):
    return {
        "question_title": "add all",
        "question_content": "Add.",
        "platform": "leetcode",
        "question_id": "3243",
        "contest_date": "2025-01-05T00:00:00",
        "starter_code": "class Solution: ...",
        "difficulty": "easy",
        "public_test_cases": json.dumps(public),
        "private_test_cases": private,
        "metadata": metadata,
    }


@pytest.mark.parametrize("private", [packed(json.dumps(PRIVATE)), json.dumps(PRIVATE)])
def test_public_and_private_tests_of_a_function_are_all_read(private):
    assert problem(row(private)).tests == {
        "function": "Solution().addAll",
        "inputs": ["[1, 2]\n3\n", '["a"]\n0'],
        "outputs": [[4, 5], "b"],
    }


def test_its_inputs_are_arguments_one_a_line():
    known = tests.read(problem(row(packed(json.dumps(PRIVATE)))).tests)
    assert [case.args for case in known.cases] == [[[1, 2], 3], [["a"], 0]]


def test_tests_of_stdin_compare_numbers_as_numbers_and_keep_their_text():
    cases = [{"input": "2\n1 2\n", "output": "0.50\n", "testtype": "stdin"}]
    known = problem(row(packed(json.dumps(cases)), "{}", cases))
    told = {"inputs": ["2\n1 2\n"] * 2, "outputs": ["0.50\n"] * 2, "function": None}
    assert known.tests == told | {"compare": "float", "tolerance": 0.0}


def test_what_else_a_row_says_is_kept():
    known = problem(row(packed("[]")))
    assert (known.id, known.prompt, known.about["contest_date"]) == ("3243", "Add.", "2025-01-05T00:00:00")


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("text", ["", "é" * 100, "x" * 300, "\ud800 half", "y" * 100_000])
def test_a_pickle_of_one_text_is_read_by_hand(text, protocol):
    assert text_of_pickle(pickle.dumps(text, protocol)) == text


class Hostile:
    """Unpickled, it runs a command."""

    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


@pytest.mark.parametrize("protocol", range(6))
def test_a_hostile_pickle_is_refused_and_runs_nothing(tmp_path, protocol):
    private = packed(Hostile(f"touch {tmp_path}/ran"), protocol)
    with pytest.raises(Malformed):
        problem(row(private))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "data",
    [
        pickle.dumps(["a text in a list"]),
        pickle.dumps(("[]", "[]")),
        pickle.dumps(b"[]"),
        pickle.dumps({"a": 1}),
        pickle.dumps(1),
        b"\x80\x04X\x02\x00\x00\x00[]",  # no end
        b"\x80\x04X\xff\xff\xff\x7f[].",  # longer than what is there
        b"\x80\x04X\x02\x00",
        b"\x80\x04\x95\x02",
        b"\x80\x04.",  # nothing at all
        b"\x80\x04X\x02\x00\x00\x00[]X\x02\x00\x00\x00[].",  # two
        b"\x80\x04cos\nsystem\nX\x02\x00\x00\x00id\x85R.",
        b"\x80\x04\x8c\x02[]\x94cos\nsystem\n.",
        b"[].",
        b"",
    ],
)
def test_any_other_pickle_is_refused(data):
    with pytest.raises(Malformed):
        text_of_pickle(data)


@pytest.mark.parametrize(
    "private",
    [
        "not base64!",
        base64.b64encode(b"no zlib").decode(),
        base64.b64encode(zlib.compress(b"no pickle")).decode(),
        packed("no json"),
        packed('{"input": 1}'),
        packed('[{"input": "1"}]'),
        packed("[" * 100_000),
        "[1, 2]",
        None,
        7,
    ],
)
def test_broken_private_tests_are_malformed(private):
    with pytest.raises(Malformed):
        problem(row(private))


@pytest.mark.parametrize(
    "changes", [{"metadata": "{"}, {"metadata": 5}, {"public_test_cases": "1"}, {"question_id": ...}]
)
def test_a_row_with_another_broken_field_is_malformed(changes):
    broken = {name: value for name, value in (row(packed("[]")) | changes).items() if value is not ...}
    with pytest.raises(Malformed):
        problem(broken)


def test_a_bomb_of_zeros_is_not_unpacked_whole():
    deflate = zlib.compressobj(1)
    megabytes = [deflate.compress(bytes(1 << 20)) for _ in range((MOST_BYTES >> 20) + 1)]
    bomb = base64.b64encode(b"".join(megabytes) + deflate.flush()).decode()
    with pytest.raises(Malformed) as error:
        problem(row(bomb))
    assert f"more than {MOST_BYTES} bytes" in str(error.value)
