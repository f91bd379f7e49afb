"""Submissions under load, one server killed half-way: `python -m bench.sandbox_load [--submissions 10000]`.

Several sandbox servers as a pod starts them, with a short queue so that they are often full, and 64 clients that know
each other as little as the trainers of 64 runs. Real programs in the real sandbox, each with numbers of its own, so
that a verdict that was given to another's is seen. Half-way one server is killed with SIGKILL.
Prints what became of the submissions, and exits 1 where a promise broke: a submission has no verdict or another than
its program's, or met an infrastructure fault.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import requests

from klearctl.config.load import to_dict
from klearctl.config.rl import RLConfig, SandboxConfig
from klearctl.reward.code.fleet import Fleet
from klearctl.reward.verdict import Judged
from klearctl.stages.sandbox import TOKEN

SERVERS, CLIENTS, CPUS, QUEUE = 3, 64, 1, 16
PATIENCE_S = 120.0


@dataclass(frozen=True, slots=True)
class Submission:
    """A response, its tests, and what its verdict must be."""

    response: str
    tests: Mapping[str, Any]
    verdict: str


@dataclass(frozen=True, slots=True)
class Served:
    """A sandbox server."""

    process: subprocess.Popen[str]
    address: str

    def counts(self) -> dict[str, float]:
        """What it counted."""
        lines = requests.get(f"{self.address}/metrics", timeout=60).text.splitlines()
        return {name: float(value) for name, value in (line.split() for line in lines if not line.startswith("#"))}


def main() -> int:
    """Runs the bench; 0 if every promise held."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--submissions", type=int, default=10_000)
    words = parser.parse_args()
    wanted = [submission(number) for number in range(words.submissions)]
    token = os.urandom(16).hex()
    with servers(token) as served:
        left = served[1:]
        began, cpu_s = time.monotonic(), spent_s(left)
        given = judge_all(wanted, served, token)
        wall_s, cpu_s = time.monotonic() - began, spent_s(left) - cpu_s
        refused = sum(one.counts()["klear_sandbox_refused_total"] for one in left)
    print(f"{len(given)} submissions from {CLIENTS} clients to {SERVERS} servers, one killed half-way")
    print(f"{wall_s:.1f} s, {len(given) / wall_s:.0f} a second; {cpu_s:.0f} CPU seconds of the servers that were left")
    print(f"they said {refused:.0f} times that they were full")
    print("verdicts: " + ", ".join(f"{name} {count}" for name, count in Counter(map(named, given)).most_common()))
    broken = list(broken_promises(wanted, given))
    print("\n".join(broken) or "each has its own verdict")
    return 1 if broken else 0


def judge_all(wanted: list[Submission], served: list[Served], token: str) -> list[Judged]:
    """The verdicts, in the order of the submissions; the first server is killed when half of them are there."""
    half = threading.Semaphore(0)
    mine = threading.local()

    def judge(one: Submission) -> Judged:
        if not hasattr(mine, "fleet"):
            mine.fleet = Fleet([server.address for server in served], token, patience_s=PATIENCE_S)
        judged: Judged = mine.fleet.judge(one.response, one.tests)
        half.release()
        return judged

    with ThreadPoolExecutor(CLIENTS) as clients:
        work = [clients.submit(judge, one) for one in wanted]
        try:
            for _ in range(len(wanted) // 2):
                half.acquire()
            served[0].process.kill()
            return [one.result() for one in work]
        except BaseException:
            clients.shutdown(wait=False, cancel_futures=True)
            raise


def broken_promises(wanted: list[Submission], given: list[Judged]) -> Iterator[str]:
    """A line for each submission whose verdict is not its own."""
    for place, (one, judged) in enumerate(zip(wanted, given, strict=True)):
        if judged.verdict != one.verdict:
            yield f"submission {place} is {judged.verdict} instead of {one.verdict}: {judged.detail}"


def submission(number: int) -> Submission:
    """One of six sorts in turn; the numbers in its program and tests are its own."""
    stdin = {"inputs": [f"{number}\n"], "outputs": [f"{number * number + 7}\n"], "function": None}
    call = {"function": "f", "inputs": [[number], [1]], "outputs": [number + 3, 4]}
    check = {"asserts": [f"assert f({number}) == {number * 2} and f(1) < 3"], "setup": "", "entry_point": "f"}
    kinds: list[tuple[str, dict[str, Any], str]] = [
        (f"print(int(input()) * {number} + 7)", stdin, "accepted"),
        (f"print(int(input()) * {number} + 8)", stdin, "wrong_answer"),
        (f"def f(x):\n    return x + 3  # {number}", call, "accepted"),
        (f"raise ValueError({number})", stdin, "runtime_error"),
        (f"def f(x):\n    return x * 2  # {number}", check, "accepted"),
        (f"print({number}", stdin, "compile_error"),
    ]
    code, tests, verdict = kinds[number % len(kinds)]
    return Submission(f"```python\n{code}\n```", tests, verdict)


@contextmanager
def servers(token: str) -> Iterator[list[Served]]:
    """Servers that are ready; killed at the end."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        config = Path(folder, "config.json")
        settings = RLConfig(sandbox=SandboxConfig(cpus=CPUS, queue=QUEUE))
        text = {"run": "load", "stage": "rl", "bucket": "s3://klear", "config": to_dict(settings), "layout": {}}
        config.write_text(json.dumps(text))
        started = [stack.enter_context(running(config, token)) for _ in range(SERVERS)]
        yield [Served(process, address_of(process)) for process in started]


@contextmanager
def running(config: Path, token: str) -> Iterator[subprocess.Popen[str]]:
    """A server's program; killed at the end."""
    words = [sys.executable, "-m", "klearctl.stages.sandbox", "--config", str(config), "--port", "0"]
    with subprocess.Popen(words, env=os.environ | {TOKEN: token}, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def address_of(process: subprocess.Popen[str]) -> str:
    """Where it listens, once it does."""
    assert process.stdout
    return process.stdout.readline().split()[3].rstrip(",")


def spent_s(served: list[Served]) -> float:
    """CPU seconds of the servers and all their processes."""
    trees = [[psutil.Process(one.process.pid), *psutil.Process(one.process.pid).children(True)] for one in served]
    times = [each.cpu_times() for tree in trees for each in tree]
    return sum(one.user + one.system + one.children_user + one.children_system for one in times)


def named(judged: Judged) -> str:
    """Its name."""
    return str(judged.verdict)


if __name__ == "__main__":
    sys.exit(main())
