"""The processes: a stuck one is replaced, one that dies is tried again, and none outlives whoever started it."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import psutil
import pytest

from klearctl.reward.maths.lane import PROGRAM
from klearctl.reward.maths.pool import Workers
from klearctl.reward.verdict import Verdict

T = TypeVar("T")
LIMIT_S = 4.0  # for what takes a tenth of a second on an idle machine
STUCK = r"\int_{0}^{1} x^{x^{x}} dx"  # math-verify is asked, and integrates
GIANT = "9^{9^{9^9}}"
HOLDING = f"""
from klearctl.reward.maths.pool import Workers
with Workers(1, limit_s=300) as workers:
    workers.judge({STUCK!r}, "(1, 2)")
    print("ready", flush=True)
    workers.judge({STUCK!r}, {GIANT!r})
"""


@pytest.fixture(scope="module")
def quick() -> Iterator[Workers]:
    """Two workers with little patience, each of which has judged by all means."""
    with Workers(2, limit_s=LIMIT_S) as workers:
        workers.judge(STUCK, "(1, 2)")
        yield workers


def processes(root: int, *means: str) -> list[psutil.Process]:
    """The warm processes under a process, and their workers."""
    return [p for p in psutil.Process(root).children(recursive=True) if (found := command(p)) and found & set(means)]


def command(process: psutil.Process) -> set[str]:
    """The words it was started with, where it is one of ours."""
    try:
        words = set(process.cmdline())
    except psutil.Error:
        return set()  # it has just ended
    return words if PROGRAM in words else set()


def at_work(root: int) -> list[psutil.Process]:
    """The workers that are at something with math-verify."""
    second = processes(root, "second")
    parents = {process.pid for process in second}
    return [process for process in second if is_running(process) and process.ppid() in parents]


def is_running(process: psutil.Process) -> bool:
    """Whether it computes."""
    try:
        return process.status() == psutil.STATUS_RUNNING
    except psutil.NoSuchProcess:
        return False


def until(found: Callable[[], T], within_s: float = 300.0) -> T:
    """What it finds at last."""
    deadline, pause = time.monotonic() + within_s, threading.Event()
    while not (value := found()):
        assert time.monotonic() < deadline, "it never came"
        pause.wait(0.02)
    return value


def test_no_input_holds_a_worker_beyond_its_limit(quick):
    answers = [GIANT, "(10^{10})!", "(" * 38 + "1" + ")" * 38, r"\operatorname{eye}(1000000)"]

    def judge(answer: str) -> tuple[Verdict, bool]:
        start = time.monotonic()
        found = quick.judge(STUCK, answer).verdict
        return found, time.monotonic() - start < 60.0  # it would take days

    with ThreadPoolExecutor(2) as threads:
        verdicts, in_time = zip(*threads.map(judge, answers), strict=True)
    assert all(in_time)
    assert {Verdict.TIME_LIMIT} <= set(verdicts) <= {Verdict.TIME_LIMIT, Verdict.MEMORY_LIMIT, Verdict.WRONG_ANSWER}


def test_a_stuck_item_is_lost_to_the_limit_and_the_others_are_not(quick):
    found: list[Verdict] = []
    stuck = threading.Thread(target=lambda: found.append(quick.judge(STUCK, GIANT).verdict))
    stuck.start()
    others = {quick.judge("x+1", f"{n}+x").verdict for n in range(2, 40)}
    stuck.join()
    assert (found, others) == ([Verdict.TIME_LIMIT], {Verdict.WRONG_ANSWER})


def test_many_threads_share_the_workers(quick):
    def judge(n: int) -> Verdict:
        return quick.judge(f"x+{n}", f"{n}+x").verdict

    with ThreadPoolExecutor(16) as threads:
        assert set(threads.map(judge, range(2, 500))) == {Verdict.ACCEPTED}


def test_asyncio_goes_on_while_workers_judge(quick):
    async def judge() -> tuple[list[Verdict], int]:
        items = [quick.judging(STUCK, GIANT), *(quick.judging(f"x+{n}", f"{n}+x") for n in range(2, 40))]
        tasks = asyncio.gather(*items)
        turns = 0
        while not tasks.done():
            await asyncio.sleep(0.01)
            turns += 1
        return [judged.verdict for judged in await tasks], turns

    verdicts, turns = asyncio.run(judge())
    assert verdicts == [Verdict.TIME_LIMIT] + [Verdict.ACCEPTED] * 38
    assert turns > 10


def test_an_item_that_is_given_up_leaves_the_workers_whole(quick):
    async def give_up() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(quick.judging(STUCK, GIANT), 0.1)

    asyncio.run(give_up())
    assert quick.judge("x+1", "1+x").verdict == Verdict.ACCEPTED


def test_a_memory_bomb_earns_nothing_and_harms_no_other(quick):
    bomb = quick.judge(r"\sum_{k=1}^{n} k", r"\operatorname{ones}(40000, 40000)").verdict
    assert bomb in {Verdict.WRONG_ANSWER, Verdict.MEMORY_LIMIT, Verdict.TIME_LIMIT}
    assert quick.judge("x+1", "1+x").verdict == Verdict.ACCEPTED


def test_a_death_is_tried_again_and_two_are_an_infrastructure_fault():
    with Workers(1, limit_s=300.0) as workers, ThreadPoolExecutor(1) as threads:
        workers.judge(STUCK, "(1, 2)")
        judged = threads.submit(workers.judge, STUCK, GIANT)
        first = until(lambda: at_work(os.getpid()))[0]
        first.kill()
        until(lambda: [process for process in at_work(os.getpid()) if process.pid != first.pid])[0].kill()
        assert judged.result().verdict == Verdict.INFRASTRUCTURE_FAULT
        assert workers.judge("x+1", "1+x").verdict == Verdict.ACCEPTED


def test_the_warm_process_may_die_too():
    before = {process.pid for process in processes(os.getpid(), "strict")}
    with Workers(3, limit_s=120.0) as workers:
        workers.judge("x+1", "1+x")
        for process in processes(os.getpid(), "strict"):
            if process.ppid() == os.getpid() and process.pid not in before:
                process.kill()
        assert workers.judge("x+1", "1+x").verdict == Verdict.ACCEPTED


def test_leaving_ends_the_processes():
    before = {process.pid for process in processes(os.getpid(), "strict")}
    with Workers(2, limit_s=120.0) as workers:
        workers.judge("x+1", "1+x")
        workers.judge("x+1", "2+x")
        started = [process for process in processes(os.getpid(), "strict") if process.pid not in before]
    _, alive = psutil.wait_procs(started, timeout=60.0)
    assert len(started) >= 2
    assert not alive


@pytest.mark.parametrize("ended_by", [signal.SIGKILL, signal.SIGINT])
def test_nothing_outlives_whoever_started_it(ended_by):
    """SIGINT as Ctrl-C gives it: to all of the group, while a worker is stuck."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDING], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    ) as program:
        assert program.stdout.readline() == b"ready\n"
        until(lambda: at_work(program.pid))
        started = processes(program.pid, "strict", "second")
        if ended_by == signal.SIGINT:
            os.killpg(program.pid, ended_by)
        else:
            program.send_signal(ended_by)
        _, alive = psutil.wait_procs([psutil.Process(program.pid), *started], timeout=120.0)
    assert len(started) == 4  # two warm ones, and a worker of each
    assert not alive
