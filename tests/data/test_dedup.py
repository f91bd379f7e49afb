"""Deduplication and decontamination: what counts as equal, which copy stays, what the drop table says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klearctl.data.candidate import candidate
from klearctl.data.dedup import decontaminate, deduplicate, normalise
from klearctl.data.drops import Drops
from klearctl.errors import RunFailed

prompts = st.lists(st.text("aAÅ \t1①ß", max_size=3), max_size=12)


def problem(prompt, source="a"):
    return candidate(source, "sum", prompt, "1")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("What is  1+1?\n", "what IS 1+1?"),  # case and white space
        ("ﬁve\uff0b①", "five+1"),  # NFKC: ligature, full width, circled
        ("STRASSE", "straße"),  # casefold
        ("A\u030a", "Å"),  # composed or not
    ],
)
def test_copies_that_look_alike_are_equal(one, other):
    assert normalise(one) == normalise(other)


@pytest.mark.parametrize(("one", "other"), [("1 + 1", "1 - 1"), ("1 1", "11"), ("a", "b")])
def test_other_problems_are_not_equal(one, other):
    assert normalise(one) != normalise(other)


@given(st.text())
def test_normalising_twice_changes_nothing(text):
    assert normalise(normalise(text)) == normalise(text)


@given(prompts)
def test_the_first_of_each_set_of_copies_stays(texts):
    kept = [one.problem.prompt for one in deduplicate(map(problem, texts), Drops())]
    assert kept == [text for place, text in enumerate(texts) if normalise(text) not in map(normalise, texts[:place])]


@given(prompts, prompts)
def test_nothing_of_the_held_out_set_is_trained_on(texts, heldout):
    kept = decontaminate(map(problem, texts), map(problem, heldout), Drops())
    assert {normalise(one.problem.prompt) for one in kept}.isdisjoint(map(normalise, heldout))


def test_each_drop_is_counted_by_rule_and_source():
    drops = Drops()
    left = deduplicate([problem("x", "a"), problem("X", "b"), problem("y", "b")], drops)
    decontaminate(left, [problem("y")], drops)
    assert drops.rows() == [
        {"rule": "duplicate", "source": "a", "seen": 1, "dropped": 0},
        {"rule": "duplicate", "source": "b", "seen": 2, "dropped": 1},
        {"rule": "in the held-out set", "source": "a", "seen": 1, "dropped": 0},
        {"rule": "in the held-out set", "source": "b", "seen": 1, "dropped": 1},
    ]


def test_a_rule_may_remove_its_share():
    drops = Drops()
    deduplicate([problem("x"), problem("x")], drops)
    drops.check(0.5)
    assert drops.total() == 1


def test_a_rule_that_removes_more_than_its_share_ends_the_run_with_the_table():
    drops = Drops()
    deduplicate([problem("x", "s3://b/one.jsonl"), problem("x", "two"), problem("x", "two")], drops)
    with pytest.raises(RunFailed) as caught:
        drops.check(0.5)
    assert str(caught.value).splitlines() == [
        "'duplicate' removed 2 of 3 problems, more than max_drop = 0.5",
        "rule       source                seen   dropped",
        "duplicate  s3://b/one.jsonl         1         0",
        "duplicate  two                      2         2",
    ]
