"""Many programs at once, and one that runs alone."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from klearctl.errors import ConfigError
from klearctl.reward.sandbox.limits import How, Limits, SandboxFault
from klearctl.reward.sandbox.pool import Sandbox


@pytest.fixture(scope="module")
def two():
    """A sandbox with two lanes."""
    with Sandbox(lanes=2) as sandbox:
        yield sandbox


def test_many_threads_get_each_its_own_answer(two: Sandbox):
    with ThreadPoolExecutor(16) as threads:
        futures = [threads.submit(two.script, b"print(input() * 2)", b"%d\n" % n, Limits()) for n in range(200)]
    assert [future.result().stdout for future in futures] == [b"%d%d\n" % (n, n) for n in range(200)]


def test_a_program_that_runs_alone_waits_for_all_others_and_they_for_it(two: Sandbox):
    order: list[str] = []
    entered, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with two.program("calls", b"", Limits()):
            entered.set()
            leave.wait(60)
            order.append("others")

    def alone() -> None:
        with two.program("calls", b"", Limits(), alone=True):
            order.append("alone")

    with ThreadPoolExecutor() as threads:
        first = threads.submit(hold)
        entered.wait(60)
        second = threads.submit(alone)
        third = None
        while third is None:
            with two._turn:
                waits = two._waiting_alone
            third = threads.submit(two.script, b"print(1)", b"", Limits()) if waits else None
        assert not third.done()
        leave.set()
        third.result()
        order.append("later")
        first.result(), second.result()
    assert order == ["others", "alone", "later"]


def test_libraries_are_there_for_a_program_that_names_one(two: Sandbox):
    source = b"import numpy as np, sortedcontainers; print(np.arange(6).reshape(2, 3).T @ np.eye(2))"
    assert two.script(source, b"", Limits()).code == 0


def test_packages_that_were_not_asked_for_are_not_there(two: Sandbox):
    source = b"import numpy\ntry: import psutil\nexcept ModuleNotFoundError: print('none')"
    assert two.script(source, b"", Limits()).stdout == b"none\n"


def test_a_library_that_is_not_installed_is_said_at_once():
    with pytest.raises(ConfigError, match="no_such_library"):
        Sandbox(lanes=1, libraries=("no_such_library",))


def test_a_sandbox_that_closes_ends_what_runs_and_takes_no_more():
    with ThreadPoolExecutor() as threads:
        with Sandbox(lanes=1, libraries=()) as sandbox:
            started = threading.Event()

            def sleep() -> None:
                with sandbox.program("calls", b"import time; time.sleep(60)", Limits()) as program:
                    program.send(b'{"n": 0, "do": "load"}')
                    started.set()
                    program.receive()

            future = threads.submit(sleep)
            started.wait(60)
        with pytest.raises(SandboxFault):
            future.result()
    with pytest.raises(SandboxFault, match="closed"):
        sandbox.script(b"", b"", Limits())
    assert not sandbox.processes()


def test_threads_that_end_take_no_server_with_them(two: Sandbox):
    def first() -> None:
        assert two.script(b"import numpy", b"", Limits()).how is How.EXITED

    thread = threading.Thread(target=first)
    thread.start()
    thread.join()
    before = two.processes()
    assert two.script(b"import numpy", b"", Limits()).how is How.EXITED and two.processes() == before
