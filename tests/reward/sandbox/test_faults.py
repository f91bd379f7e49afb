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

SLEEP = b"import os, time\nos.fork()\ntime.sleep(60)"


@pytest.fixture(params=BACK_ENDS)
def own(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """A sandbox that a test may break."""
    if request.param == "bubblewrap":
        needs_bubblewrap()
    with Sandbox(lanes=1, libraries=(), **BACK_ENDS[request.param]) as sandbox:
        yield sandbox


def idle(sandbox: Sandbox) -> set[int]:
    """Its processes while it runs nothing; the warm server is the last that was started."""
    return set(sandbox.processes())


def kill(pids: Iterable[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def test_a_program_whose_server_is_killed_runs_once_more(own: Sandbox):
    old = idle(own)
    with ThreadPoolExecutor() as threads:
        future = threads.submit(own.script, SLEEP, b"", Limits(wall_s=3.0))
        until(lambda: len(own.processes()) >= len(old) + 2)
        kill([max(old)])
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
    server = max(idle(own))

    def ask() -> None:
        with own.program("calls", b"", Limits()) as program:
            kill([server])
            program.receive()

    with pytest.raises(SandboxFault):
        ask()


def test_a_server_that_hangs_is_replaced(own: Sandbox, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(warm, "END_S", 0.5)
    server = max(idle(own))
    os.kill(server, signal.SIGSTOP)
    ended = own.script(b"print(1)", b"", Limits(wall_s=5.0))
    assert ended.stdout == b"1\n" and server not in own.processes()


def test_a_server_that_hangs_is_gone_when_the_sandbox_closes(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(warm, "END_S", 0.5)
    with Sandbox(lanes=1, libraries=()) as sandbox:
        servers = idle(sandbox)
        os.kill(max(servers), signal.SIGSTOP)
    assert not [pid for pid in servers if alive(pid)]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0] not in ("Z", "X")
