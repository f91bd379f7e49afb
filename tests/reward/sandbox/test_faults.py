"""Warm servers that die or hang, and what becomes of their programs and of the next ones."""

import contextlib
import os
import signal
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from klearctl.reward.sandbox import warm
from klearctl.reward.sandbox.limits import Ended, How, Limits, SandboxFault
from klearctl.reward.sandbox.pool import Sandbox
from tests.reward.sandbox.conftest import BACK_ENDS, needs_bubblewrap
from tests.reward.sandbox.waiting import until
from tests.reward.sandbox.world import server_of, state_of

SLEEP = b"import os, time\nos.fork()\ntime.sleep(60)"


@pytest.fixture(params=BACK_ENDS)
def own(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """A sandbox that a test may break."""
    if request.param == "bubblewrap":
        needs_bubblewrap()
    with Sandbox(lanes=1, libraries=(), **BACK_ENDS[request.param]) as sandbox:
        yield sandbox


def idle(sandbox: Sandbox) -> set[int]:
    """Its processes while it runs nothing."""
    return set(sandbox.processes())


def kill(pids: Iterable[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def test_a_program_whose_server_is_killed_runs_once_more(own: Sandbox):
    old, server = idle(own), server_of(own)
    with ThreadPoolExecutor() as threads:
        future = threads.submit(own.script, SLEEP, b"", Limits(wall_s=6.0))
        until(lambda: len(own.processes()) >= len(old) + 2)
        kill([server])
        ended = future.result()
    assert ended.how is How.WALL and not old & idle(own)


def test_a_program_whose_servers_are_killed_twice_is_a_fault_and_nothing_of_it_is_left(own: Sandbox):
    old = idle(own)
    with ThreadPoolExecutor() as threads:
        future: Future[Ended] = threads.submit(own.script, SLEEP, b"", Limits())
        until(lambda: len(own.processes()) >= len(old) + 2)
        first = idle(own)
        kill(first)
        second = until(lambda: (now := idle(own) - first) and len(now) >= len(old) + 2 and now)
        kill(second)
        with pytest.raises(SandboxFault):
            future.result()
    assert not [pid for pid in first | second if alive(pid)]


def test_the_next_program_runs_in_a_new_server(own: Sandbox):
    kill(idle(own))
    assert own.script(b"print(1)", b"", Limits()).stdout == b"1\n"


def test_a_program_of_frames_whose_server_is_killed_is_a_fault(own: Sandbox):
    server = server_of(own)

    def ask() -> None:
        with own.program("calls", b"", Limits()) as program:
            kill([server])
            program.receive()

    with pytest.raises(SandboxFault):
        ask()


def test_a_server_that_hangs_is_replaced(own: Sandbox, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(warm, "END_S", 3.0)
    server = server_of(own)
    os.kill(server, signal.SIGSTOP)
    ended = own.script(b"print(1)", b"", Limits(wall_s=5.0))
    assert ended.stdout == b"1\n" and server not in own.processes()


def test_a_server_that_hangs_is_gone_when_the_sandbox_closes():
    with Sandbox(lanes=1, libraries=()) as sandbox:
        servers = idle(sandbox)
        os.kill(server_of(sandbox), signal.SIGSTOP)
    assert not [pid for pid in servers if alive(pid)]


def alive(pid: int) -> bool:
    try:
        return state_of(pid) not in (b"Z", b"X")
    except (FileNotFoundError, ProcessLookupError):
        return False
