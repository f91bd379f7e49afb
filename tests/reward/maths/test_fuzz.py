"""Rubbish as an answer: never an exception, never a hang, never a reward. bench/maths.py does it 20,000 times."""

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from klearctl.reward.maths.verdict import at_a_glance, strict, verdict
from klearctl.reward.response import last_boxed
from klearctl.reward.verdict import Verdict

GOLDS = ["73", r"\frac{41}{97}", r"3\sqrt{13}", r"\frac{n(n+1)}{2}", "(2,61]", r"1 \pm \sqrt{19}", "x=83", "east", "B"]
SPELLED = (
    r"\frac \sqrt \pm \text{ \mathrm \left \right { } ( ) [ ] ^ _ + - * / = < \le \ne \in \cup \setminus \{ \} , ; 1 12"
    r" 0 999 .5 3.14 x y n e i E \pi \infty \% ! | \binom \begin{pmatrix} \end{pmatrix} & \\ \ldots \approx : \sin \log"
    r" or and million cm \$ $ \overline \lfloor \rfloor ^\circ 5:30 pm (A) \boxed{ \mathbb{R} \operatorname{ \lceil ^{"
)
PIECES = SPELLED.split(" ")

soup = st.lists(st.sampled_from([*PIECES, " ", "\n", "\x00", "\ud800", "½"]), min_size=1, max_size=60).map("".join)
repeated = st.builds(lambda piece, count: piece * count, st.sampled_from(PIECES), st.integers(1, 2000))
noise = st.text(max_size=100) | st.binary(max_size=100).map(lambda raw: raw.decode("latin-1"))


@settings(max_examples=1_500)
@given(st.sampled_from(GOLDS), soup | repeated | noise)
@example("73", "73\u2075")
@example("73", "\\text{" * 700)
@example("73", "or;" * 900)
def test_rubbish_is_judged_in_a_moment_and_earns_nothing(gold, answer):
    start = time.process_time()
    assert strict(gold, answer) in {Verdict.WRONG_ANSWER, Verdict.NO_ANSWER}
    assert time.process_time() - start < 2.0


@given(soup | noise)
def test_rubbish_as_a_known_answer_raises_nothing(gold):
    assert strict(gold, "(1, 2)") in {*Verdict, None}


@given(noise)
def test_a_rubbish_response_boxes_nothing(response):
    assert at_a_glance("73", last_boxed(response)) in {Verdict.NO_ANSWER, None}


@pytest.mark.parametrize("answer", ["7" * 4_001, "x" * 4_001, "(" * 100_000, "\\frac" * 100_000])
def test_what_is_longer_than_any_answer_is_not_read(answer):
    assert verdict("73", answer) == Verdict.WRONG_ANSWER
