"""What a program printed beside what was expected."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klearctl.reward.code.text import close, same, same_unordered


@pytest.mark.parametrize(
    ("printed", "expected", "equal"),
    [
        ("1\n2\n", "1\n2\n", True),
        ("1\n2", "1\n2\n\n", True),  # the end
        ("1 \n 2\r\n", "1\n2", True),  # around lines
        ("\n\n1", "1", True),
        ("1\n\n2", "1\n2", False),
        ("1 2", "1  2", False),  # within a line
        ("1 2", "1\n2", False),
        ("1.0", "1", False),
        ("YES", "yes", False),
        ("", "", True),
        ("", "0", False),
        ("1\n2\n3", "1\n2", False),
        ("1\x0b", "1", True),
        ("1\x00", "1", False),
        ("1\u2028 2", "1\n2", False),
    ],
)
def test_lines_are_equal_without_what_stands_around_them(printed, expected, equal):
    assert same(printed, expected) is equal


@pytest.mark.parametrize(
    ("printed", "expected", "tolerance", "equal"),
    [
        ("0.3333333", "0.33333333", 1e-6, True),
        ("0.334", "0.333", 1e-6, False),
        ("1000001", "1000000", 1e-6, True),
        ("x 0.5", "x 0.5000001", 1e-6, True),
        ("y 0.5", "x 0.5", 1e-6, False),
        ("0.5 0.5", "0.5", 1e-6, False),
        ("0.5\n0.5", "0.5 0.5", 1e-6, False),
        ("nan", "0.5", 1e-6, False),
        ("nan", "nan", 1e-6, True),  # the same word
        ("inf", "0.5", 1e-6, False),
        ("1e999", "0.5", 1e-6, False),
        ("1e999", "2e999", 1e-6, False),
        ("1e999", "1e308", 1e-6, False),
        ("9" * 5000, "9" * 4999 + "8", 1e-6, False),
        ("٣", "3", 1e-6, False),
        ("1_0", "10", 1e-6, False),
        ("0x10", "16", 1e-6, False),
        ("1.0", "1", 0.0, True),  # as LiveCodeBench
        ("1e2", "100", 0.0, True),
        ("0.1", "0.10000000000000000001", 0.0, False),
        ("1e9999", "1E+9999", 0.0, True),
        ("sNaN", "1", 0.0, False),
    ],
)
def test_numbers_may_differ_by_the_tolerance(printed, expected, tolerance, equal):
    assert close(printed, expected, tolerance) is equal


@pytest.mark.parametrize(
    ("printed", "expected", "equal"),
    [("2\n1", "1\n2", True), ("1\n1\n2", "1\n2\n2", False), ("1 2", "2 1", False), ("1\n2", "1", False)],
)
def test_unordered_forgets_the_order_of_lines_alone(printed, expected, equal):
    assert same_unordered(printed, expected) is equal


@pytest.mark.timeout(60)  # were a number matched in quadratic time, it would take minutes
def test_long_rubbish_costs_time_in_proportion():
    printed = " ".join(["9" * 9_999 + "x"] * 100)
    assert not close(printed, printed.replace("x", "y"), 1e-6)


@given(st.text(), st.text(), st.sampled_from([0.0, 1e-6]))
def test_no_text_raises(printed, expected, tolerance):
    answers = {same(printed, expected), same_unordered(printed, expected), close(printed, expected, tolerance)}
    assert answers <= {True, False}


@given(st.text())
def test_a_text_equals_itself(text):
    assert same(text, text) and same_unordered(text, text) and close(text, text, 0.0)
