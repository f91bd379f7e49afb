"""A sandbox server over real HTTP: whom it answers, what it refuses, and what it counts."""

import json
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from klearctl.reward.code.remote import MOST_BYTES
from tests.reward.code.serving import TOKEN, serving, until

pytestmark = pytest.mark.timeout(300)
KNOWN = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture(scope="module")
def served():
    """A server with one lane and one place to wait."""
    with serving(lanes=1, queue=1) as [one]:
        yield one


def post(served, *, data=None, headers=KNOWN, timeout=60, **tests):
    body = {"response": "x", "tests": {"verdict": "accepted"} | tests, "subset": None, "must_think": True}
    return requests.post(f"{served.address}/judge", data=data or json.dumps(body), headers=headers, timeout=timeout)


def holds(served):
    """How many submissions run there, and how many wait."""
    found = served.metrics()
    return found["klear_sandbox_running"], found["klear_sandbox_waiting"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer another"},
        {"Authorization": f"Bearer {TOKEN}x"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": TOKEN},
        {"Authorization": "Bearer \xe4"},
    ],
)
def test_who_does_not_know_the_token_is_not_answered(served, headers):
    assert post(served, headers=headers).status_code == 401


def test_who_knows_it_gets_a_verdict(served):
    assert post(served).json() == {"verdict": "accepted", "passed": 1, "tests": 3, "detail": "x True"}


@pytest.mark.parametrize("data", ["", "{", "[]", "null", '{"response": "x"}', '{"tests": {}, "subset": null}'])
def test_what_is_no_submission_is_refused(served, data):
    assert post(served, data=data or b"\n").status_code == 400


def test_a_submission_without_a_length_is_refused(served):
    assert post(served, data=iter([b"{}"])).status_code == 411


def test_a_submission_that_is_too_large_is_refused_before_it_is_read(served):
    host, port = served.address.removeprefix("http://").split(":")
    words = [f"POST /judge HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}", f"Content-Length: {MOST_BYTES + 1}"]
    with socket.create_connection((host, int(port))) as wire:
        wire.sendall("\r\n".join([*words, "\r\n"]).encode())
        assert wire.recv(4096).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(("verdict", "code"), [("fault", 503), ("infrastructure_fault", 503), ("no verdict", 500)])
def test_a_fault_of_ours_is_no_verdict(served, verdict, code):
    assert post(served, verdict=verdict).status_code == code


def test_a_full_server_says_when_to_come_back_and_serves_on(served, tmp_path):
    with ThreadPoolExecutor(2) as pool:
        held = [pool.submit(post, served, file=str(tmp_path / "go")) for _ in range(2)]
        until(lambda: holds(served) == (1, 1))
        refused = post(served)
        (tmp_path / "go").touch()
        assert (refused.status_code, int(refused.headers["Retry-After"]) >= 1) == (429, True)
        assert [one.result().status_code for one in held] == [200, 200]


def test_what_a_client_sent_that_has_gone_is_not_begun(served, tmp_path):
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(post, served, file=str(tmp_path / "go"))
        until(lambda: holds(served) == (1, 0))
        before = served.metrics()['klear_sandbox_verdicts_total{verdict="wrong_answer"}']
        with pytest.raises(requests.ReadTimeout):
            post(served, verdict="wrong_answer", timeout=3)
        until(lambda: holds(served)[1] == 0)
        (tmp_path / "go").touch()
        assert held.result().status_code == post(served).status_code == 200
    assert served.metrics()['klear_sandbox_verdicts_total{verdict="wrong_answer"}'] == before


def test_anyone_may_ask_how_it_is_and_what_it_counted(served):
    before = served.metrics()
    post(served, seconds=0.2)
    after = served.metrics()
    names = ['verdicts_total{verdict="accepted"}', "seconds_count", "waiting", "running", "seconds_sum"]
    *counts, seconds = [after[f"klear_sandbox_{name}"] - before[f"klear_sandbox_{name}"] for name in names]
    assert requests.get(f"{served.address}/health", timeout=60).json() == "told"
    assert (counts, seconds >= 0.2) == ([1, 1, 0, 0], True)
