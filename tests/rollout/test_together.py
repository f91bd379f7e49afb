"""One thing done by all servers and by us: it ends when all are done, or with the name of the one that failed."""

import re
import threading

import pytest

from klearctl.errors import RunFailed
from klearctl.rollout import together as module
from klearctl.rollout.server import Server
from klearctl.rollout.together import together
from tests.rollout.wire import be_well, fail, hang_up

SOON_S = 0.3
LATE_S = 4.0  # by then whoever answers has answered, on a machine that does much else


@pytest.fixture
def silent(answering):
    """A server that does not answer before the test is over."""
    over = threading.Event()
    yield Server(answering(lambda request: over.wait(60.0)))
    over.set()


@pytest.fixture
def well(answering):
    return Server(answering(be_well))


def ask(server, _):
    server.post("update_weights", timeout_s=60.0)


def test_it_returns_when_every_server_has_done_its_part(answering):
    servers = [Server(answering(be_well)) for _ in range(3)]
    done = {}
    together(servers, lambda server, place: done.update({place: server.post("x", timeout_s=60.0)}), timeout_s=60.0)
    assert done == {0: {}, 1: {}, 2: {}}


def test_our_part_is_done_while_theirs_are(well):
    met = threading.Barrier(2)  # each waits for the other, as in a broadcast
    together([well], lambda server, place: met.wait(60.0), lambda: met.wait(60.0), timeout_s=60.0)
    assert not met.broken


@pytest.mark.parametrize("fault", [fail, hang_up])
def test_a_server_that_fails_is_named(fault, well, answering):
    broken = Server(answering(fault))
    with pytest.raises(RunFailed, match=f"did not reach a server: {re.escape(broken.address)}/"):
        together([well, broken], ask, timeout_s=60.0)


def test_a_server_that_does_not_answer_is_named_by_the_deadline(well, silent):
    with pytest.raises(RunFailed, match=f"from {re.escape(silent.address)}$"):
        together([well, silent], ask, timeout_s=LATE_S)


def test_a_server_that_fails_ends_it_while_others_are_silent(silent, answering):
    broken = Server(answering(fail))
    with pytest.raises(RunFailed, match=re.escape(broken.address)):
        together([silent, broken], ask, timeout_s=60.0)


def test_we_are_named_where_we_alone_are_not_done(well):
    over = threading.Event()
    with pytest.raises(RunFailed, match=r"from this trainer$"):
        together([well], ask, lambda: over.wait(60.0), timeout_s=LATE_S)
    over.set()


def test_a_broadcast_that_breaks_is_blamed_on_the_server_whose_call_breaks_too(well, answering):
    broke = threading.Event()

    def fail_later(request):
        broke.wait(60.0)
        fail(request)

    late = Server(answering(fail_later))
    with pytest.raises(RunFailed, match=f"did not reach a server: {re.escape(late.address)}"):
        together([well, late], ask, lambda: _break(broke), timeout_s=60.0)


def test_a_broadcast_that_breaks_with_every_server_well_is_told_as_torch_tells_it(well):
    with pytest.raises(RunFailed, match="the broadcast of weights broke: Connection closed by peer"):
        together([well], ask, lambda: _break(threading.Event()), timeout_s=60.0)


def test_a_broadcast_that_breaks_is_not_waited_for_as_long_as_one_that_goes_on(silent, monkeypatch):
    monkeypatch.setattr(module, "BLAME_S", SOON_S)
    with pytest.raises(RunFailed, match="the broadcast of weights broke"):
        together([silent], ask, lambda: _break(threading.Event()), timeout_s=3600.0)


def test_a_fault_of_ours_is_no_server_s(well):
    with pytest.raises(ZeroDivisionError):
        together([well], ask, lambda: 1 / 0, timeout_s=60.0)


def _break(event):
    event.set()
    raise RuntimeError("Connection closed by peer")
