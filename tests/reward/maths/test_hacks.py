"""What earns nothing though it holds the answer somewhere, and what math-verify 0.9.0 gets wrong."""

import time

import pytest

from klearctl.reward.maths.verdict import verdict
from klearctl.reward.verdict import Verdict

GIANT = "9^{9^{9^9}}"
NESTED = "(" * 400 + "3" + ")" * 400


@pytest.mark.parametrize(
    ("gold", "answer"),
    [
        (r"\frac{1}{2004!}", r"\frac{1}{2006!}"),  # math-verify rounds both to 0
        ("1/2^{99}", "1/2^{98}"),
        (r"1-1/\mathrm e", r"1+1/\mathrm e"),
        (r"1,2,\ldots,n", r"1,3,5,\ldots,2n-1"),  # it drops the dots
        ("10", r"10\%"),
        ("3", "2=3"),  # it takes the last side
        ("3", "2=3=3"),
        ("3", "1+1=3"),
        ("204_5", "204"),  # it drops the base
        ("204", "204_5"),
        ("3", "1,2,3"),  # lists for a number
        ("3", r"\{3, 4\}"),
        ("3", r"3 \text{ or } 4"),
        ("3", "3; 4"),
        ("3", "0, 1, 2, 3, 4, 5, 6, 7, 8, 9"),
        ("3", "3 and 4"),
        ("3", "3, 3"),
        ("3", r"\pm 3"),
        ("3", r"3 \approx 4"),
        ("3", r"x \in \{2, 3\}"),
        ("3", "[3, 4]"),
        ("3", "(3)(4)"),
        ("3", r"x \ge 3"),
        ("3", r"\text{not } 3"),
        ("3", r"3 \text{ unless it is } 4"),
        ("3", "3 4"),
        ("B", "A, B, C, D"),  # all choices
        ("B", r"\text{A or B}"),
        ("B", "(A)(B)"),
        ("B", "(A) 1 (B) 2"),
        ("B", "ABCD"),
        ("5", "2+3"),  # the question echoed
        ("391", r"17 \cdot 23"),
        ("1024", "2^{10}"),  # also this: a plain number asks for a plain number
        ("4", r"\sqrt{16}"),
        ("120", "5!"),
        ("120", r"\binom{10}{3}"),
        (r"\frac{1}{2}", r"\int_0^1 x \, dx"),
        (r"\frac{1}{2}", r"\sin 30^\circ"),
        ("55", r"\sum_{k=1}^{10} k"),
        (r"\frac{n(n+1)}{2}", r"\sum_{k=1}^{n} k"),
        (r"\frac{\sqrt{3}}{3}", r"\tan 30^\circ"),
        ("5", "5 + x - x"),
        ("70", r"\text{Find the sum of all integer bases } b>9 \text{ for which } 17_b \text{ divides } 97_b. 70"),
        ("3", "What is 1 + 2? 3"),
        ("3", GIANT),
        ("3", "(10^{10})!"),
        ("3", NESTED),
        (r"\sqrt{2}", GIANT),
        (r"\sqrt{2}", "(10^{10})!"),
        (r"\sqrt{2}", NESTED),
        (r"\sqrt{2}", r"\sqrt" * 300 + "2"),
        (r"\sqrt{2}", "!" * 300),
        (r"\sqrt{2}", "2" + "!" * 300),
        (r"\sqrt{2}", "2" + "^2" * 300),
        (r"\sqrt{2}", r"\sin" * 300 + "2"),
        (r"\sqrt{2}", r"\sin 10^{10000000}"),
        (r"\sqrt{2}", r"\frac{1}{0}"),
        (r"\sqrt{2}", r"\frac{1}{\sqrt{2}-\sqrt{2}}"),
        (r"\sqrt{2}", r"e^{e^{e^{e^{e^{e}}}}}"),
        ("[1,2]", r"\{" * 300 + r"\}" * 300),
        ("x+1", "x" * 4000),
        ("x+1", "x+" * 1999 + "1"),
        ("x+1", GIANT),
        ("x+1", "x^{x^{x^{x^{x}}}}"),
        ("(1,2)", "(" * 2000),
        ("7", "7\ud800"),  # no UTF-8
        ("7", "7\x00"),
        ("7", "\u0667"),  # a seven, but none of ours
    ],
)
def test_it_is_wrong_in_a_moment(gold, answer):
    start = time.process_time()
    assert verdict(gold, answer) == Verdict.WRONG_ANSWER
    assert time.process_time() - start < 1.0


@pytest.mark.parametrize(
    ("gold", "response", "found"),
    [
        ("3", r"\boxed{2}. Hmm wait, \boxed{3}", Verdict.ACCEPTED),  # math-verify joins the boxes
        ("2", r"\boxed{2}. Hmm wait, \boxed{3}", Verdict.WRONG_ANSWER),
        ("3", r"\boxed{3} ... so \boxed{", Verdict.NO_ANSWER),  # cut: the last box is none
        ("3", r"\boxed{}", Verdict.NO_ANSWER),
        ("3", r"\boxed{3} \boxed{ }", Verdict.NO_ANSWER),
        ("3", r"<think>\boxed{3}</think> It is 3.", Verdict.NO_ANSWER),  # boxed in the thought alone
        ("3", r"<think>\boxed{3}", Verdict.NO_ANSWER),
        ("3", "3", Verdict.NO_ANSWER),
        ("3", r"Put the answer in \boxed{}.", Verdict.NO_ANSWER),  # the question echoed
        ("B", r"\boxed{A} \boxed{B} \boxed{C}", Verdict.WRONG_ANSWER),  # each in a box of its own
        ("3", r"<think>hm</think>\boxed{3}", Verdict.ACCEPTED),
    ],
)
def test_the_last_box_after_the_thought_counts(workers, gold, response, found):
    assert workers.judge_response(gold, response, must_think=False).verdict == found


def test_a_response_that_must_think_and_does_not_has_no_answer(workers):
    assert workers.judge_response("3", r"\boxed{3}", must_think=True).verdict == Verdict.NO_ANSWER
