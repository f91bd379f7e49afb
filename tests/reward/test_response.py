"""What a response says: after its thought, in its last box, in its last block of code."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klearctl.reward.response import last_boxed, last_code, spoken

MEGABYTE = 1_000_000
pieces = st.lists(
    st.sampled_from(["</think>", "<think>", r"\boxed{", "}", "{", "```python\n", "\n```\n", "x"]) | st.text(max_size=20)
)


@pytest.mark.parametrize(
    ("text", "must_think", "said"),
    [
        ("<think>a</think>b", True, "b"),
        ("<think>a</think>b</think>c", True, "c"),  # the last end of thought counts
        ("a</think>b", True, "b"),  # the opening mark may stand in the prompt
        ("b", False, "b"),  # no mark at all
        ("b", True, None),
        ("<think>a", False, None),  # cut while thinking
        ("", False, ""),
    ],
)
def test_a_response_speaks_after_its_thought(text, must_think, said):
    assert spoken(text, must_think=must_think) == said


@pytest.mark.parametrize(
    ("said", "boxed"),
    [
        (r"\boxed{7}", "7"),
        (r"\boxed{6} no, \boxed{7}", "7"),  # the last one counts
        (r"\boxed{\frac{1}{2}}", r"\frac{1}{2}"),  # braces balance
        (r"\boxed{}", ""),  # an empty box is a box
        (r"\boxed{7", None),  # cut
        (r"\boxed {7}", "7"),
        (r"\boxed{7} \boxed {8", None),
        (r"\boxed{7} \boxed{8", None),  # an older box does not stand in for a cut one
        ("boxed{7}", None),
        ("", None),
    ],
)
def test_the_last_box_is_the_answer(said, boxed):
    assert last_boxed(said) == boxed


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("```python\na\n```", "a\n"),
        ("```py\na\n```\n```python3\nb\n```\n", "b\n"),  # the last one counts
        ("```Python \na\n```", "a\n"),
        ("1. So:\n   ```python\n   if a:\n\n       b\n   ```", "if a:\n\n    b\n"),  # in a list
        ("  ```python\na\n  b\n  ```", "a\n  b\n"),  # not as far in as its fence
        ("~~~python\na\n~~~", "a\n"),
        ("````python\na\n```\nb\n````", "a\n```\nb\n"),  # a longer fence holds shorter ones
        ("```python\na\n~~~\nb\n```", "a\n~~~\nb\n"),  # a text of the program
        ("````markdown\n```python\na\n```\n````", "a\n"),
        ("```python\na\n```\n```text\nout\n```", "a\n"),  # what it prints is no code
        ("```\na\n```", None),  # of no language
        ('```Python title="f.py"\na\n```', "a\n"),
        ("```pythonic\na\n```", None),
        ("```python\na", None),  # cut
        ("```python\na\n```\n```python\nb", None),  # an older block does not stand in for a cut one
        ("```python\na\n```python\nb\n```", "b\n"),  # the first was never closed
        ("```python\n```", ""),
        ("`python`", None),
        ("", None),
    ],
)
def test_the_last_block_of_python_is_the_code(said, code):
    assert last_code(said) == code


@given(pieces.map("".join))
def test_no_text_makes_it_raise(text):
    said = spoken(text, must_think=False) or ""
    assert {type(last_boxed(said)), type(last_code(said))} <= {str, type(None)}


@pytest.mark.timeout(60)  # were it quadratic, it would take hours
@pytest.mark.parametrize("piece", [r"\boxed{", "{", "```python\n", "```\n", "</think>", "` "])
def test_a_long_text_costs_time_in_proportion(piece):
    said = spoken(piece * (4 * MEGABYTE // len(piece)), must_think=False) or ""
    assert {type(last_boxed(said)), type(last_code(said))} <= {str, type(None)}
