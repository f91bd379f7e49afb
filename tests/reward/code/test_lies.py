"""What a program returns to fool a comparison, and what it says on the channel itself: none of it is ever accepted."""

import pytest

from tests.reward.code.lies import KNOWING, LIAR, LIES

CALL = {"function": "f", "inputs": [[]], "outputs": [1], "timeout": 5}
CHECK = {"asserts": ["assert f() == 1 and type(f()) is int"], "entry_point": "f", "timeout": 5}


@pytest.mark.parametrize("tests", [CALL, CHECK], ids=["call", "check"])
@pytest.mark.parametrize("lie", LIES)
def test_no_lie_is_accepted(judge, lie, tests):
    judged = judge(LIES[lie], tests)
    assert judged.passed == 0 and judged.verdict not in ("accepted", "infrastructure_fault", "bad_row"), judged


def test_a_program_that_speaks_for_its_driver_must_know_the_answer_too(judge):
    assert judge(KNOWING, CALL).verdict == "accepted"


@pytest.mark.parametrize(
    ("check", "verdict"),
    [
        ("assert f()", "wrong_answer"),
        ("assert not f()", "wrong_answer"),
        ("assert f() == f()", "wrong_answer"),
        ("assert list(f()) == []", "wrong_answer"),
        ("assert 1 in f()", "wrong_answer"),
        ("assert str(f()) == '1'", "wrong_answer"),
        ("assert isinstance(f(), int)", "wrong_answer"),
        ("assert len(f()) == 1", "wrong_answer"),
        ("assert f() + 1 == 2", "wrong_answer"),
        ("assert sorted([f(), f()])", "wrong_answer"),
        ("assert all(map(f.stop, [1]))", "runtime_error"),  # no end of a loop
    ],
)
def test_an_object_of_the_program_is_good_for_nothing_among_the_tests(judge, check, verdict):
    assert judge(LIAR, {"asserts": [check], "entry_point": "f"}).verdict == verdict
