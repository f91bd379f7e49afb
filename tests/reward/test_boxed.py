"""The reward: which box counts, which texts are numbers, and that no text does more than score."""

import time
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klearctl.reward.boxed import last_boxed, number, reward

MEGABYTE = 1_000_000

texts = st.text(st.characters() | st.sampled_from("{}$,./-+0123456789 "))
pieces = st.lists(st.sampled_from(["</think>", "<think>", r"\boxed{", "}", "{", "7", "-", "/0", "$", " "]) | texts)


@pytest.mark.parametrize(
    ("response", "boxed"),
    [
        (r"<think>4+3=7</think>\boxed{7}", "7"),  # the form of our lessons
        (r"<think></think>\boxed{6} no, \boxed{7}", "7"),  # the last one counts
        (r"<think></think>\boxed{\frac{1}{2}}", r"\frac{1}{2}"),  # braces balance
        (r"<think></think>\boxed{}", ""),  # an empty box is a box
        (r"</think>\boxed{7}", "7"),  # the opening word may stand in the prompt
        (r"<think>\boxed{7}</think>7", None),  # boxed only in the thought
        (r"<think>\boxed{7}", None),  # cut while thinking
        (r"\boxed{7}", None),  # never thought
        (r"<think></think>\boxed{7", None),  # cut in the box
        (r"<think></think>\boxed{7} \boxed{8", None),  # an older box does not stand in for a cut one
        (r"<think></think>\boxed{7}</think>", None),  # the last end of thought counts
        (r"<think></think>boxed{7}", None),  # no box
        ("", None),
    ],
)
def test_the_last_box_after_the_thought_is_the_answer(response, boxed):
    assert last_boxed(response) == boxed


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("18", 18),
        ("-3", -3),
        ("+3", 3),
        ("- 3", -3),
        ("007", 7),
        ("1,234", 1234),
        ("12,345,678.50", Fraction(1234567850, 100)),
        ("0.1", Fraction(1, 10)),  # exact, never a float
        (".5", Fraction(1, 2)),
        ("18.", 18),
        ("3/4", Fraction(3, 4)),
        ("-6 / 8", Fraction(-3, 4)),
        ("$18", 18),
        ("-$18", -18),
        ("$-18$", -18),
        (" 5\n", 5),
        ("", None),
        (".", None),
        ("-", None),
        ("$", None),
        ("1,23", None),  # no thousands
        ("1,2345", None),
        ("1/0", None),
        ("/2", None),
        ("1.5/2", None),
        ("1/2/3", None),
        ("1 2", None),
        ("--1", None),
        ("1e5", None),  # no exponents
        ("1_000", None),
        ("0x10", None),
        ("2**9", None),
        ("nan", None),
        ("inf", None),
        ("٣", None),  # a digit, but none of ours
        ("²", None),
        ("five", None),
        ("9" * 101, None),  # longer than any answer
    ],
)
def test_only_plain_numbers_are_numbers(text, value):
    assert number(text) == value


HOSTILE = [
    "__import__('os').system('touch X')",
    "exec(open('/etc/passwd').read())",
    "9**9**9**9",
    "10**1000000000",
    "1e1000000000",
    "9" * 5000,  # int() would raise
    "1/" + "0" * 50,
    "{" * 1000,
    "[" * 100_000,  # a recursive parser would overflow
    "\x00",
    "\ud800",  # no UTF-8
    "%s%n{0}",
    "🙂",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_answer_is_worth_nothing(text):
    assert reward(f"<think></think>\\boxed{{{text}}}", "7") == 0.0


@pytest.mark.parametrize(
    "text",
    [
        r"\boxed{" * (MEGABYTE // 7),
        "</think>" + r"\boxed{" * (MEGABYTE // 7),
        "</think>" + r"\boxed{" + "{" * MEGABYTE,
        "</think>" + r"\boxed{" + "{}" * (MEGABYTE // 2),
        "</think>" + r"\boxed{" + "1" * MEGABYTE + "}",
        "</think>" * (MEGABYTE // 8),
        "</think>" + r"\boxed{" + " " * MEGABYTE + "}",
        "</think>" + r"\boxed{" + "1," * (MEGABYTE // 2) + "}",
    ],
)
def test_a_megabyte_is_judged_in_a_moment(text):
    start = time.process_time()
    reward(text, "7")
    assert time.process_time() - start < 0.5


@given(pieces.map("".join), texts)
def test_no_text_raises(response, answer):
    assert reward(response, answer) in (0.0, 1.0)


@given(st.integers(-(10**30), 10**30), texts)
def test_a_right_integer_is_worth_one(value, work):
    assert reward(f"<think>{work}</think>\\boxed{{{value}}}", f"{value:,}") == 1.0


@given(st.decimals(-(10**12), 10**12, places=6))
def test_a_decimal_is_read_exactly(value):
    assert number(f"{value:f}") == Fraction(value)


@given(st.integers(-(10**6), 10**6), st.integers(-(10**6), 10**6))
def test_another_number_is_worth_nothing(right, given_):
    assert reward(f"</think>\\boxed{{{given_}}}", str(right)) == float(right == given_)
