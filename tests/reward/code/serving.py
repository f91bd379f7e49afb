"""Sandbox servers in processes of their own: the real service, around a judge that says what it is told.

python -m tests.reward.code.serving --lanes 2 --queue 8        prints its address and answers until it is killed
"""

import argparse
import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import requests

from klearctl.reward.code.service import Service
from klearctl.reward.sandbox.limits import SandboxFault
from klearctl.reward.verdict import Judged, Verdict

TOKEN = "the-token-of-this-test"
TOKEN_ENV = "TOKEN"


class Told:
    """Gives the verdict that the tests name, after the seconds that they name and once the file that they name is
    there; the detail is what reached it."""

    def judge(self, response, tests, *, subset=None, must_think=False):
        threading.Event().wait(tests.get("seconds", 0.0))
        until(lambda: os.path.exists(tests.get("file", "/")))
        if tests["verdict"] == "fault":
            raise SandboxFault("its lane is gone")
        return Judged(
            Verdict(tests["verdict"]), passed=1, tests=len(subset or [0, 1, 2]), detail=f"{response[-80:]} {must_think}"
        )


@dataclass(frozen=True)
class Served:
    """A server that runs."""

    process: "subprocess.Popen[str]"
    address: str

    def metrics(self) -> dict[str, float]:
        """What it counts."""
        lines = requests.get(f"{self.address}/metrics", timeout=60).text.splitlines()
        return {name: float(value) for name, value in (line.split() for line in lines if not line.startswith("#"))}


@contextmanager
def serving(count: int = 1, *, lanes: int = 2, queue: int = 64) -> Iterator[list[Served]]:
    """So many servers that listen; killed at the end of the block."""
    words = [sys.executable, "-m", "tests.reward.code.serving", "--lanes", str(lanes), "--queue", str(queue)]
    with ExitStack() as stack:
        started = [stack.enter_context(_killed_after(words)) for _ in range(count)]
        yield [Served(process, process.stdout.readline().strip()) for process in started]


def until(holds: Callable[[], object], *, within_s: float = 120.0) -> None:
    """Returns when the condition holds."""
    never, deadline = threading.Event(), time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, f"it does not hold after {within_s} s"
        never.wait(0.02)


@contextmanager
def _killed_after(words: list[str]) -> Iterator["subprocess.Popen[str]"]:
    env = os.environ | {TOKEN_ENV: TOKEN}
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=env) as process:
        try:
            yield process
        finally:
            process.kill()


async def _serve(service: Service) -> None:
    async with service.listening("127.0.0.1", 0) as address:
        print(address, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--lanes", type=int)
    parser.add_argument("--queue", type=int)
    parsed = parser.parse_args()
    told = Service(Told(), token=os.environ[TOKEN_ENV], isolation="told", lanes=parsed.lanes, queue=parsed.queue)
    asyncio.run(_serve(told))
