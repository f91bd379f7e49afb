"""What counts as the same answer, and what does not though it looks so."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klearctl.reward.maths.number import plain
from klearctl.reward.maths.verdict import verdict
from klearctl.reward.verdict import Verdict

SAME = [
    # numbers
    ("33", "033"),  # AIME writes three digits
    ("10000", "10,000"),
    ("10000", "10{,}000"),
    ("10000", r"10\,000"),
    ("11111111100", r"11,\! 111,\! 111,\! 100"),
    (r"\$32,\!348", "32348"),
    ("5", r"\$5.00"),
    ("-3", "\N{MINUS SIGN}3"),
    ("120000", r"1.2 \times 10^{5}"),
    ("5000000", "5 million"),
    ("0.1", r"10\%"),
    ("62.5%", r"\frac58"),
    (r"\frac13", r"0.\overline{3}"),
    (r"\frac16", r"0.1\overline{6}"),
    (r"\frac16", r"0.1\bar{6}"),
    ("1/3", "0.333333"),  # six digits are meant as the fraction
    ("-2/3", "-0.666666"),  # cut
    ("-2/3", "-0.666667"),  # rounded
    (r"\sqrt{2}", "1.41421356"),
    (r"\pi", r"\pi \approx 3.14"),  # it says the number itself
    # fractions and radicals
    (r"\frac12", "0.5"),
    (r"\frac12", r"\dfrac{1}{2}"),
    (r"\frac{1}{2}", r"\frac24"),
    (r"\frac{270}7\text{ degrees}", r"\tfrac{270}{7}"),
    ("7/2", r"3\frac12"),
    ("7/2", "3 1/2"),
    (r"\sqrt{\frac{7}{2}}", r"\sqrt{3\frac12}"),
    (r"137 \frac{1}{2}", "137.5"),
    (r"-\frac{35}{9}", r"\frac{-35}{9}"),
    (r"\frac{\sqrt{3}}{3}", r"\frac{1}{\sqrt{3}}"),
    (r"3\sqrt{13}", r"\sqrt{117}"),
    (r"5 \sqrt[3]{4}", r"\sqrt[3]{500}"),
    (r"\frac{15-8 \sqrt{3}}{33}", r"-\frac{8\sqrt{3}-15}{33}"),
    (r"2^{25} \cdot 26!", r"26! \times 2^{25}"),
    (r"\frac{100!}{2^{50}}", r"100! \cdot 2^{-50}"),
    ("1/2004!", r"\frac{1}{2004!}"),
    (r"1-1/\mathrm e", r"1-\frac{1}{e}"),
    ("6 - 5i", "-5i+6"),
    # formulas
    (r"\frac{n(n+1)}{2}", r"\frac{n^2+n}{2}"),
    (r"\frac{n(n+1)}{2}", r"\binom{n+1}{2}"),
    (r"\lceil n / 2\rceil+1", r"\lfloor (n+1)/2 \rfloor + 1"),  # for whole numbers, as the known one has a rounding
    (r"\cot x", r"\frac{\cos x}{\sin x}"),
    (r"\frac{\log 2}{\log 2-\log 3}", r"\frac{\ln 2}{\ln 2-\ln 3}"),
    (r"\sqrt{ab}", r"\sqrt{a}\sqrt{b}"),  # where both are real
    ("(a+5)(b+2)", "ab+2a+5b+10"),
    ("f(x)=2 x", "f(t)=2t"),
    ("f(x)=2 x", "2x"),
    ("y = 2x + 3", "2x - y + 3 = 0"),
    ("5x - 7y + 11z + 4 = 0", "10x - 14y + 22z + 8 = 0"),
    ("x=5", "5"),
    ("7", "m+n=7"),
    ("7", "m+n = 3+4 = 7"),  # every side but the name is 7
    ("5", "5 = x"),
    # units and words
    ("5", "5 cm"),
    ("5", r"5\text{ cm}"),
    (r"15\mbox{ cm}^2", "15"),
    (r"15\mbox{ cm}^2", r"15 \text{ square centimeters}"),
    (r"5.4 \text{ cents}", "5.4"),
    (r"90^\circ", "90"),
    ("90", r"90^{\circ}"),
    (r"90^\circ", r"90\text{ degrees}"),
    ("8", "8 apples"),
    ("8", "8 eggs per day"),
    ("8", r"8\text{ km/h}"),
    ("8", r"8\mathrm{~cm}"),
    ("8", r"8 \\"),
    ("8", r"\text{The answer is } 8"),
    (r"\text{Evelyn}", "Evelyn"),
    ("east", r"\textbf{East}"),
    ("No", r"\text{no}."),  # two letters, and no product
    (r"\text{ellipse}", r"\text{an ellipse}"),
    (r"8\!:\!34 \text{ p.m.}", "8:34 PM"),
    (r"\text{October 30}", "October 30"),
    # choices
    ("B", "(B)"),
    (r"\text{(C)}", "C"),
    (r"\text{(C)}", r"\textbf{(C)}\ 42"),
    ("C", "Choice C"),
    ("C", r"\text{Option C}"),
    ("C", r"\mathrm{C}"),
    # several answers
    ("1,-2", "-2, 1"),
    ("3, 5, 7", r"\{7, 5, 3\}"),
    (r"1 \pm \sqrt{19}", r"1+\sqrt{19}, 1-\sqrt{19}"),
    (r"\{1\pm\sqrt{5},-2\}", r"-2, 1-\sqrt5, 1+\sqrt5"),
    ("$69$,$84$", r"84 \text{ and } 69"),
    ("A,C", r"\text{C and A}"),
    (r"\text{Ann and Bob}", r"\text{Bob, Ann}"),
    ("2, 3", r"x = 2 \text{ or } x = 3"),
    ("$f(x)=x,f(x)=-x$", "-x, x"),
    ("100,150", "150,100"),  # it may be one number, and may be two
    ("(3,2),(-3,2),(3,-2),(-3,-2)", r"(\pm 3, \pm 2)"),
    (r"1,2,\ldots,n", r"1, 2, \dots, n"),
    # tuples, sets, intervals
    (r"\left( 3, \frac{\pi}{2} \right)", r"(3, \pi/2)"),
    (r"(2,\infty)", "x > 2"),
    (r"(2,\infty)", "2 < x"),
    (r"x \in [-2,7]", r"-2 \le x \le 7"),
    (r"[-2,7]", r"x \in [-2, 7]"),
    (r"k \geqslant 2", r"[2, \infty)"),
    (r"(-\infty, 2) \cup (3, \infty)", r"x < 2 \text{ or } x > 3"),
    (r"(-\infty, 2) \cup (3, \infty)", r"(3,\infty)\cup(-\infty,2)"),
    (r"(2,12) \cup (12,102)", r"2 < x < 102, x \ne 12"),
    (r"\mathbb{R} \setminus \{1\}", r"(-\infty, 1) \cup (1, \infty)"),
    (r"(2,5)", r"\{x \mid 2 < x < 5\}"),
    # matrices, bases
    (r"\begin{pmatrix} -1/3 \\ 2/3 \end{pmatrix}", r"\begin{bmatrix}-\frac13\\ \frac23\end{bmatrix}"),
    (r"\begin{pmatrix} 1 & 2 \end{pmatrix}", r"\left(\begin{array}{cc}1&2\end{array}\right)"),
    ("204_5", "204_{5}"),
    ("204_5", "(204)_5"),
    ("4210_{5}", "4210_5"),
]

DIFFERENT = [
    ("10", r"10\%"),  # 0.1
    (r"10\%", "10"),
    ("5 cm", "5 m"),
    (r"15\mbox{ cm}^2", r"15\text{ cm}"),
    ("6m", "6"),  # m is a name here
    ("5", "5 million"),
    ("[1,2]", "(1,2)"),
    ("(1,2)", "(2,1)"),
    ("(1,2)", r"\{1,2\}"),
    ("1+i", r"1+i \approx 1.0"),
    ("1/3", "0.333334"),  # neither rounded nor cut
    (r"\pi", r"\pi \approx 3.15"),
    ("-2,-2", "-2"),
    ("10,000", "0, 10"),  # no list: none has 000 in it
    ("C", r"\text{Option C or D}"),
    ("A,C", r"\text{A or B}"),
    (r"(2,\infty)", r"x \ge 2"),
    (r"(2,\infty)", "2x > 4"),  # not solved
    ("x=5", "y=5"),
    ("x=5", "2x=10"),  # not solved
    ("$N=n$", "$f(n)=n$"),
    ("x=1, y=2", "x=2, y=1"),
    ("5x - 7y + 11z + 4 = 0", "5x - 7y + 11z - 4 = 0"),
    ("f(x)=2x", "g(x)=2x"),
    ("|x|", "x"),
    (r"\sqrt{x^2}", "x"),
    ("n", "N"),
    (r"10^{100}", r"10^{100}+1"),
    (r"\frac13", "0.33"),
    (r"\text{east}", r"\text{seat}"),
    ("xyz", "xy"),
    ("1+2i", "1-2i"),
    (r"\begin{pmatrix} 1 & 2 \end{pmatrix}", r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}"),
    (r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}", r"\begin{pmatrix} 1 & 2 \\ 3 & 5 \end{pmatrix}"),
    (r"\lceil n / 2\rceil", r"\lfloor n/2 \rfloor"),
    (r"\log 2", r"\ln 2"),
    (r"8\!:\!34 \text{ p.m.}", "8:34 am"),
]


@pytest.mark.parametrize(("gold", "answer"), SAME)
def test_an_answer_may_be_written_in_many_ways(gold, answer):
    assert verdict(gold, answer) == Verdict.ACCEPTED


@pytest.mark.parametrize(("gold", "answer"), DIFFERENT)
def test_another_value_is_another_answer(gold, answer):
    assert verdict(gold, answer) == Verdict.WRONG_ANSWER


@pytest.mark.parametrize("gold", ["", "  ", "$$", r"\frac{1}{", r"\begin{pmatrix} 1", "(1, 2"])
def test_a_known_answer_that_cannot_be_read_is_named(gold):
    assert verdict(gold, "3") == Verdict.UNPARSABLE_GOLD


@pytest.mark.parametrize(
    ("gold", "answer", "found"),
    [
        (r"\sum_{k=1}^{4} k", "10", Verdict.ACCEPTED),
        (r"\sum_{k=1}^{4} k", "11", Verdict.WRONG_ANSWER),
        (r"s^2 \le 8r^2", r"8r^2 \ge s^2", Verdict.ACCEPTED),
        (r"s^2 \le 8r^2", r"s^2 \ge 8r^2", Verdict.WRONG_ANSWER),
    ],
)
def test_what_is_not_read_strictly_is_asked_of_math_verify(workers, gold, answer, found):
    assert workers.judge(gold, answer).verdict == found


@given(st.fractions(), st.fractions())
def test_fractions_are_compared_exactly(one, other):
    gold, answer = rf"\frac{{{one.numerator}}}{{{one.denominator}}}", f"{other.numerator}/{other.denominator}"
    assert (verdict(gold, answer) == Verdict.ACCEPTED) == (one == other)


@given(st.integers(0, 10**12), st.integers(0, 6))
def test_a_number_is_read_as_it_is_written(value, places):
    text = f"{value / 10**places:,.{places}f}"
    assert verdict(text, text.replace(",", "")) == Verdict.ACCEPTED
    assert plain(text) == plain(text.replace(",", ""))
