"""Servers that are lost while they work: their requests go to the others, and the run ends with the last of them."""

import re
import threading
import time

import pytest

from klearctl.errors import RunFailed
from klearctl.rollout.client import Ask, Fleet
from klearctl.rollout.seeds import seed_of
from klearctl.rollout.weights import push_files
from tests.fixtures.model import SUMS
from tests.rollout.wire import be_well, break_off, fail, hang_up, refuse

FAULTS = [
    hang_up,  # killed before it answers
    break_off,  # killed while it answers
    fail,  # its engine has died, its HTTP server lives
]


@pytest.fixture(scope="session")
def asks(chat):
    return [Ask(chat.prompt(text), seed_of(1, text), samples=2) for text in SUMS[:6]]


def tokens(addresses, asks, **more):
    fleet = Fleet(addresses)
    return [[one.tokens for one in samples] for samples in fleet.sample(asks, temperature=1.0, max_tokens=40)]


@pytest.mark.parametrize("fault", FAULTS)
def test_requests_of_a_lost_server_are_answered_by_another(fault, vllm, asks, answering):
    assert tokens([answering(fault), vllm.address], asks) == tokens([vllm.address], asks)


def test_requests_go_on_where_a_server_never_came(nobody, vllm, asks):
    assert tokens([nobody, vllm.address], asks) == tokens([vllm.address], asks)


def test_a_lost_server_is_asked_again_with_the_next_batch(vllm, asks, answering):
    asked = []

    def note_and_hang_up(request):
        asked.append(request.path)
        hang_up(request)

    fleet = Fleet([answering(note_and_hang_up), vllm.address])
    for _ in range(2):
        fleet.sample(asks[:1], temperature=1.0, max_tokens=1)
    assert asked == ["/inference/v1/generate"] * 2


def test_without_a_server_left_the_run_fails_with_the_last_fault(nobody, asks, answering):
    with pytest.raises(RunFailed, match=r"no rollout server is left; the last fault: http://127\.0\.0\.1:\d+/"):
        tokens([nobody, answering(fail)], asks)


def test_a_refused_request_is_not_asked_of_another_server(vllm):
    with pytest.raises(RunFailed, match="refuses a request"):
        tokens([vllm.address, vllm.address], [Ask((0,) * 1000, 0)])


def test_a_server_with_other_weights_than_were_sent_was_restarted(vllm, asks):
    fleet = Fleet([vllm.address])
    push_files(fleet, sorted(vllm.model.glob("*.safetensors")), version="7")
    vllm.reset()  # as if it were another server now
    with pytest.raises(RunFailed, match=r"has weights \['first'\], not 7: it was restarted"):
        fleet.sample(asks, temperature=1.0, max_tokens=1)


def test_a_server_that_is_not_ready_in_time_is_named(nobody):
    with pytest.raises(RunFailed, match=rf"a server is not ready after 0 s: {re.escape(nobody)}"):
        Fleet([nobody]).wait_ready(timeout_s=0.0)


def test_a_server_may_take_its_time_to_be_ready(answering):
    answers = iter([fail, hang_up, be_well])
    Fleet([answering(lambda request: next(answers)(request))]).wait_ready(timeout_s=60.0)
    assert next(answers, None) is None


def test_a_refusal_ends_the_sampling_while_another_request_hangs(asks, answering):
    released = threading.Event()

    def hang(request):
        released.wait(60)

    fleet = Fleet([answering(hang), answering(refuse)])
    began = time.monotonic()
    try:
        with pytest.raises(RunFailed):
            fleet.sample(asks, temperature=1.0, max_tokens=1)
        assert time.monotonic() - began < 30
    finally:
        released.set()
