"""What a program returned beside what was expected: equal by type and value, and nothing that it made up counts."""

import contextlib
import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klearctl.reward.code.compare import Unreadable, close, near, read, same, same_unordered
from klearctl.reward.sandbox.inside.plain import pack, unpack

NAN, INF = float("nan"), float("inf")

numbers = st.integers() | st.floats(allow_nan=False) | st.complex_numbers(allow_nan=False)
scalars = st.none() | st.booleans() | numbers | st.text() | st.binary()
keys = scalars | st.tuples(scalars, scalars)
values = st.recursive(
    scalars | st.sets(keys) | st.frozensets(keys),
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(keys, inner),
    max_leaves=10,
)


@pytest.mark.parametrize(
    ("answer", "expected", "equal"),
    [
        (2, 2, True),
        (2, 2.0, True),  # as Python has it
        (10**30, 1e30, False),  # 1e30 is not exactly that
        (2**80, float(2**80), True),
        (0.0, -0.0, True),
        (0.1 + 0.2, 0.3, False),
        (True, 1, False),
        (1, True, False),
        (False, 0, False),
        (True, True, True),
        (True, 1.0, False),
        (None, 0, False),
        ("1", 1, False),
        ("a", "a", True),
        ("", None, False),
        (b"a", "a", False),
        (b"a", b"a", True),
        (NAN, NAN, False),
        (INF, INF, True),
        (INF, -INF, False),
        (INF, 10**400, False),
        (10**4000, 10**4000, True),
        (10**4000, 10**4000 + 1, False),
        (2 + 0j, 2, True),
        (2 + 1j, 2, False),
        (complex(NAN, 1), complex(NAN, 1), False),
        ([1, 2], [1, 2], True),
        ([1, 2], [2, 1], False),
        ([1, 2], (1, 2), False),
        ((1, 2), (1, 2), True),
        ((1,), 1, False),
        ([], (), False),
        ([True], [1], False),
        ({1, 2}, {2, 1}, True),
        ({1, 2}, frozenset([1, 2]), True),  # as Python has it
        ({1}, [1], False),
        (set(), {}, False),
        ({1: 2, 3: 4}, {3: 4, 1: 2}, True),
        ({1: 2}, {"1": 2}, False),
        ({1: 2}, {1.0: 2}, True),
        ({True: 2}, {1: 2}, False),  # here stricter than Python
        ({"a": [1, (2,)]}, {"a": [1, (2,)]}, True),
        ({"$set": [1]}, {1}, False),  # a key that looks like a tag
        ([NAN], [NAN], False),
        ({NAN}, {NAN}, False),
    ],
)
def test_values_are_equal_by_type_and_value(answer, expected, equal):
    assert same(pack(answer), pack(expected), as_json=False) is equal


def test_a_number_that_python_refuses_to_print_is_compared_all_the_same():
    assert same(pack(10**5000), pack(10**5000), as_json=False)


@pytest.mark.parametrize(("answer", "equal"), [((1, (2, 3)), True), ([1, (2, 3)], True), ([1, [3, 2]], False)])
def test_in_json_a_tuple_is_a_list(answer, equal):
    assert same(pack(answer), pack([1, [2, 3]]), as_json=True) is equal


@given(values)
def test_a_value_equals_itself_after_its_journey(value):
    assert same(pack(unpack(pack(value))), pack(value), as_json=False)


@given(values, values)
def test_what_is_equal_here_is_equal_in_python(one, other):
    assert not same(pack(one), pack(other), as_json=False) or one == other


@given(st.lists(st.integers(-3, 3)), st.randoms())
def test_unordered_forgets_the_order_alone(value, dice):
    shuffled = dice.sample(value, len(value))
    assert same_unordered(shuffled, value, as_json=True)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [([1, 1, 2], [1, 2, 2]), ([1, 2], [1, 2, 2]), ([[2, 1]], [[1, 2]]), (12, 21), ([True], [1]), ({"a": 1}, [])],
)
def test_unordered_does_not_forget_more(answer, expected):
    assert not same_unordered(pack(answer), pack(expected), as_json=True)


@pytest.mark.parametrize(
    ("answer", "expected", "equal"),
    [
        (0.3000001, 0.3, True),
        (0.31, 0.3, False),
        (3, 3.0000001, True),
        (1_000_001, 1_000_000, True),  # relative
        (1_000_002, 1_000_000, False),
        ([0.3000001, "a"], [0.3, "a"], True),
        ([0.3, "b"], [0.3, "a"], False),
        ((0.3,), [0.3], True),  # JSON
        ({"a": 0.3000001}, {"a": 0.3}, True),
        ({"a": 0.3}, {"b": 0.3}, False),
        ({1: 0.3000001, 2: 1}, {2: 1, 1: 0.3}, True),
        ([0.3], [0.3, 0.3], False),
        (True, 1, False),
        (1, True, False),
        (NAN, 1, False),
        (NAN, NAN, False),
        (INF, 1, False),
        (INF, INF, True),
        (-INF, INF, False),
        (1, INF, False),
        (10**400, INF, False),
        (10**400, 10**400, True),
        (10**400 + 1, 10**400, False),  # beyond all floats there is no tolerance
        ("0.3", 0.3, False),
        ({0.3}, {0.3000001}, False),  # nor in a set
    ],
)
def test_numbers_may_differ_by_the_tolerance(answer, expected, equal):
    assert close(pack(answer), pack(expected), 1e-6, as_json=True) is equal


@given(st.floats() | st.integers(), st.floats() | st.integers(), st.floats(0, 1e300))
def test_no_tolerance_lets_anything_infinite_pass(value, expected, tolerance):
    finite = all(isinstance(each, int) or math.isfinite(each) for each in (value, expected))
    assert not near(value, expected, tolerance) or finite or value == expected


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"1",
        b"[]",
        b"null",
        b'{"value": NaN}',
        b'{"value": Infinity}',
        b'{"value": 1e999}',
        b'{"value": ' + b"9" * 5000 + b"}",  # more digits than Python reads
        b'{"value": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"value": ' + b"[" * 400 + b"]" * 400 + b"}",
        b'{"value": ' + b'{"$tuple":' * 400 + b"1" + b"}" * 400 + b"}",
        b'{"value": "\xff"}',
        b'{"n": 1} {"n": 2}',
        b"\0",
    ],
)
def test_an_answer_that_is_no_plain_data_is_unreadable(frame):
    with pytest.raises(Unreadable):
        read(frame)


@pytest.mark.parametrize(
    "forged",
    [
        {"$int": "zz"},
        {"$int": 5},
        {"$int": None},
        {"$float": "x"},
        {"$float": [1]},
        {"$complex": [1]},
        {"$complex": 1},
        {"$complex": [{"$int": "0x" + "f" * 1000}, 1]},
        {"$set": 5},
        {"$dict": [[1]]},
        {"$dict": 5},
        {"$other": "int"},
        {"$unheard": 5},
        {"$held": 0},
        {"$bytes": 5},
        {"$list_node": 5},
    ],
)
def test_a_forged_tag_equals_nothing(forged):
    equal: list[object] = []
    expected: object
    for expected in (5, [], {5}, 0.5, {}, None, "int", b"\5"):
        with contextlib.suppress(Unreadable):
            equal += [expected] if same(forged, pack(expected), as_json=True) else []
    assert equal == []


@pytest.mark.timeout(60)  # in a set of Python's, these would take hours
def test_numbers_chosen_to_collide_cost_no_more_than_others():
    colliding = [{"$int": hex(k * (2**61 - 1))} for k in range(20_000)]
    start = time.process_time()
    assert not same({"$set": colliding}, pack({1}), as_json=False)
    assert time.process_time() - start < 5
