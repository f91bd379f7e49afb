"""Many things at once: in their order, as they get done, and never more of them in memory than a slow one allows."""

import itertools
import threading

import pytest

from klearctl.in_order import AHEAD, in_order

pytestmark = pytest.mark.timeout(60)


def test_results_keep_the_order_of_the_things():
    second_is_done = threading.Event()

    def work(thing):
        if thing == 0:
            assert second_is_done.wait(30)
        if thing == 1:
            second_is_done.set()
        return -thing

    assert list(in_order(work, range(5), at_once=2)) == [0, -1, -2, -3, -4]


def test_a_result_does_not_wait_for_the_next_thing():
    more = threading.Event()

    def things():
        yield from range(3)
        assert more.wait(30)  # as a pipe whose writer is busy
        yield 3

    results = in_order(str, things(), at_once=2)
    first = list(itertools.islice(results, 3))
    more.set()
    assert (first, list(results)) == (["0", "1", "2"], ["3"])


def test_a_slow_one_lets_a_bounded_number_pass():
    given_out, most, as_many_as_may = 0, 0, threading.Event()

    def things():
        nonlocal most
        for number in range(3 * AHEAD):
            most = max(most, number + 1 - given_out)
            if most == AHEAD:
                as_many_as_may.set()
            yield number

    for _ in in_order(lambda thing: thing or as_many_as_may.wait(30), things(), at_once=2):
        given_out += 1
    assert (given_out, most) == (3 * AHEAD, AHEAD)


def test_no_thing_is_no_result():
    assert list(in_order(str, [], at_once=4)) == []


@pytest.mark.parametrize("at", [0, 7])
def test_what_the_work_raises_is_raised_while_another_hangs(at):
    never = threading.Event()

    def work(thing):
        if thing == at:
            raise ZeroDivisionError
        if thing == at + 1:
            never.wait(30)

    with pytest.raises(ZeroDivisionError):
        list(in_order(work, range(20), at_once=2))
    never.set()


def test_what_the_things_raise_is_raised():
    def things():
        yield 1
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        list(in_order(str, things(), at_once=2))


def test_no_thread_goes_on_when_the_results_are_no_longer_taken():
    before = set(threading.enumerate())
    results = in_order(str, itertools.count(), at_once=3)
    assert next(results) == "0"
    started = set(threading.enumerate()) - before
    results.close()
    for thread in started:
        thread.join(30)
    assert (len(started), [thread for thread in started if thread.is_alive()]) == (3, [])
