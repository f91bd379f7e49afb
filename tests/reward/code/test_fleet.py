"""Sandbox servers that are full, refuse us, break or are killed: each submission has one verdict all the same."""

import json
import time
from concurrent.futures import ThreadPoolExecutor, as_completed

import pytest

from klearctl.errors import RunFailed
from klearctl.reward.code.fleet import Fleet
from klearctl.reward.code.remote import MOST_BYTES
from klearctl.reward.verdict import Judged, Verdict
from tests.reward.code.serving import TOKEN, serving, until
from tests.rollout.wire import be_well, break_off, fail, hang_up, wire

pytestmark = pytest.mark.timeout(300)
NOBODY = "http://127.0.0.1:9"  # the port of discard: nothing listens there
ACCEPTED = {"verdict": "accepted"}


@pytest.fixture(scope="module")
def served():
    """One server with room for all."""
    with serving() as [one]:
        yield one


def say(code, **more):
    """As a server that answers so."""

    def answer(request):
        body = json.dumps(more.get("body", "")).encode()
        request.send_response(code)
        for name, value in {"Content-Length": str(len(body)), **more.get("headers", {})}.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(body)

    return answer


ACCEPT = say(200, body={"verdict": "accepted", "passed": 1, "tests": 1, "detail": ""})
FULL = say(429, headers={"Retry-After": "1"})
AWAY = say(307, headers={"Location": "http://127.0.0.1:9/"})


def in_turn(*answers):
    """As a server that answers its first request so, then the next."""
    left = iter(answers)
    return lambda request: next(left)(request)


def verdict(*addresses, tests=ACCEPTED, patience_s=20.0):
    return Fleet(addresses, TOKEN, patience_s=patience_s).judge("x", tests).verdict


@pytest.mark.parametrize("name", [name for name in Verdict if name != "infrastructure_fault"])
def test_a_verdict_comes_back_as_the_judge_gave_it(served, name):
    fleet = Fleet([served.address], TOKEN)
    judged = fleet.judge("the response", {"verdict": name}, subset=[4, 5], must_think=True)
    assert judged == Judged(name, 1, 2, "the response True")


@pytest.mark.parametrize("text", ["\ud800", "\0", "\u2028", "\U0001f600", "\r\n"])
def test_no_text_is_changed_on_the_way(served, text):
    assert Fleet([served.address], TOKEN).judge(text, ACCEPTED).detail == f"{text} False"


def test_numbers_that_json_does_not_know_reach_the_judge(served):
    assert verdict(served.address, tests=ACCEPTED | {"outputs": [float("nan"), float("inf")]}) == "accepted"


def test_tests_that_are_too_large_are_a_bad_row():
    assert verdict(NOBODY, tests={"outputs": ["x" * MOST_BYTES]}) == "bad_row"


@pytest.mark.parametrize(
    "fault",
    [
        hang_up,  # killed before it answers
        break_off,  # killed while it answers
        fail,  # it says that it broke
        be_well,  # it answers no verdict
        say(200, body={"verdict": "excellent", "passed": 1, "tests": 1, "detail": ""}),
        say(401),  # it has another token
        AWAY,  # nobody is followed elsewhere with our token
    ],
)
def test_what_a_server_breaks_at_is_judged_by_another(served, fault):
    with wire(fault) as broken:
        assert verdict(broken, served.address) == "accepted"


def test_what_a_dead_server_does_not_take_is_judged_by_another(served):
    assert verdict(NOBODY, served.address) == "accepted"


def test_a_server_that_comes_back_is_asked_again():
    with wire(in_turn(hang_up, fail, ACCEPT)) as alone:
        assert verdict(alone) == "accepted"


def test_a_full_server_is_asked_again_when_it_said_and_is_no_fault():
    with wire(in_turn(FULL, FULL, ACCEPT)) as alone:
        began = time.monotonic()
        assert verdict(alone, patience_s=0.5) == "accepted"
        assert time.monotonic() - began >= 2.0


def test_a_full_server_is_left_for_another(served):
    with wire(in_turn(FULL)) as other:
        fleet = Fleet([other, served.address], TOKEN)
        assert [fleet.judge("x", ACCEPTED).verdict for _ in range(5)] == ["accepted"] * 5


@pytest.mark.parametrize("name", ["fault", "infrastructure_fault", "no verdict"])
def test_where_no_server_does_better_it_is_an_infrastructure_fault(served, name):
    assert verdict(served.address, NOBODY, tests={"verdict": name}, patience_s=0.5) == "infrastructure_fault"


def test_an_infrastructure_fault_comes_after_the_whole_deadline_and_names_the_last_fault():
    began = time.monotonic()
    judged = Fleet([NOBODY], TOKEN, patience_s=1.0).judge("x", ACCEPTED)
    assert judged.detail.startswith(f"no sandbox server is left; the last: {NOBODY}/judge does not answer: ")
    assert 1.0 <= time.monotonic() - began < 30.0


def test_those_who_wait_for_dead_servers_give_up_together():
    fleet = Fleet([NOBODY], TOKEN, patience_s=3.0)
    began = time.monotonic()
    with ThreadPoolExecutor(16) as pool:
        found = [judged.verdict for judged in pool.map(lambda _: fleet.judge("x", ACCEPTED), range(16))]
    assert (set(found), time.monotonic() - began < 30.0) == ({"infrastructure_fault"}, True)  # one by one: 48 s


def test_a_request_that_every_server_would_refuse_ends_the_run():
    with wire(say(400, body="no submission")) as one, pytest.raises(RunFailed, match="refuses a submission: 400"):
        verdict(one)


def test_submissions_are_spread_over_all_servers(tmp_path):
    with serving(3) as found, ThreadPoolExecutor(6) as pool:
        fleet = Fleet([one.address for one in found], TOKEN)
        for _ in range(6):
            pool.submit(fleet.judge, "x", ACCEPTED | {"file": str(tmp_path / "go")})
        until(lambda: sum(one.metrics()["klear_sandbox_running"] for one in found) == 6)
        (tmp_path / "go").touch()


def test_a_full_server_gets_the_next_submission_as_soon_as_it_gave_an_answer():
    with serving(lanes=1, queue=0) as [one], ThreadPoolExecutor(8) as pool:
        fleet = Fleet([one.address], TOKEN)
        began = time.monotonic()
        list(pool.map(lambda _: fleet.judge("x", ACCEPTED | {"seconds": 0.05}), range(60)))
        assert time.monotonic() - began < 45.0  # each but the first was told to wait 1 s: it would take 59 s


def test_a_server_that_is_killed_half_way_costs_no_verdict():
    with serving(3) as found, ThreadPoolExecutor(16) as pool:
        fleet = Fleet([one.address for one in found], TOKEN)
        names = ["accepted", "wrong_answer", "time_limit"] * 100
        work = [pool.submit(fleet.judge, str(at), {"verdict": name, "seconds": 0.02}) for at, name in enumerate(names)]
        for done, _ in enumerate(as_completed(work)):
            if done == 100:
                found[1].process.kill()
        given = [(one.result().detail, str(one.result().verdict)) for one in work]
    assert given == [(f"{at} False", name) for at, name in enumerate(names)]


def test_a_fleet_is_ready_with_its_first_server(served):
    assert Fleet([NOBODY, served.address], TOKEN).wait_ready(timeout_s=0.0) == "told"


def test_a_fleet_without_a_server_in_time_is_no_fleet():
    with pytest.raises(RunFailed, match=f"no sandbox server is ready after 0 s: {NOBODY}/health does not answer"):
        Fleet([NOBODY], TOKEN).wait_ready(timeout_s=0.0)
