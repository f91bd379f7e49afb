"""Programs of every verdict, as a stream that is the same for one seed: what determinism is measured on."""

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from klearctl.reward.code.scripts import Scripts
from klearctl.reward.code.tests import Rules, Script
from klearctl.reward.sandbox.limits import Limits
from klearctl.reward.sandbox.pool import Sandbox
from klearctl.reward.verdict import Verdict

EXPECTED = "42"
_LIMITS = Limits(cpu_s=0.5, wall_s=30.0, memory_mb=256)
_LATE = Limits(cpu_s=30.0, wall_s=0.5, memory_mb=256)

# How many of a hundred, what runs, what it must come to.
_KINDS: list[tuple[int, str, Verdict, Limits]] = [
    (40, "print(int(input()) + {n} - {n})", Verdict.ACCEPTED, _LIMITS),
    (8, "import collections, heapq, json, re; print(json.dumps(42))", Verdict.ACCEPTED, _LIMITS),
    (6, "import os\nif os.fork(): os.wait(); print(42)", Verdict.ACCEPTED, _LIMITS),
    (6, "open('f', 'w').write('x' * {n}); print(open('f').read().count('x') - {n} + 42)", Verdict.ACCEPTED, _LIMITS),
    (10, "print({n} + 42)", Verdict.WRONG_ANSWER, _LIMITS),
    (3, "import sys; sys.exit(0)", Verdict.WRONG_ANSWER, _LIMITS),
    (8, "raise ValueError({n})", Verdict.RUNTIME_ERROR, _LIMITS),
    (3, "import os; os._exit({n} % 100 + 1)", Verdict.RUNTIME_ERROR, _LIMITS),
    (3, "import os; os.kill(os.getpid(), 9)", Verdict.RUNTIME_ERROR, _LIMITS),
    (3, "import ctypes; ctypes.string_at(0)", Verdict.RUNTIME_ERROR, _LIMITS),
    (2, "x = (", Verdict.COMPILE_ERROR, _LIMITS),
    (2, "print('x' * 3_000_000)", Verdict.OUTPUT_LIMIT, _LIMITS),
    (2, "bytes(1 << 36)", Verdict.MEMORY_LIMIT, _LIMITS),
    (2, "import ctypes, platform; ctypes.CDLL(None).mount(b'', b'', b'', 0, 0)", Verdict.SANDBOX_VIOLATION, _LIMITS),
    (1, "while True: pass", Verdict.TIME_LIMIT, _LIMITS),
    (1, "import time; time.sleep(60)", Verdict.TIME_LIMIT, _LATE),
]


def programs(count: int, *, seed: int) -> list[tuple[bytes, Limits, Verdict]]:
    """So many of them, with what each must come to."""
    drawn = random.Random(seed)
    weights = [weight for weight, *_ in _KINDS]
    kinds = drawn.choices(_KINDS, weights, k=count)
    return [(text.format(n=drawn.randrange(1, 10_000)).encode(), limits, verdict) for _, text, verdict, limits in kinds]


def verdicts(sandbox: Sandbox, count: int, *, seed: int, threads: int) -> Iterator[tuple[Verdict, Verdict]]:
    """What each comes to, and what it must."""

    def verdict(source: bytes, limits: Limits) -> Verdict:
        runs = Scripts(sandbox, source, Rules(), limits, alone=False)
        return runs.run(Script("42\n", EXPECTED)).verdict

    drawn = programs(count, seed=seed)
    with ThreadPoolExecutor(threads) as pool:
        found = pool.map(verdict, [source for source, _, _ in drawn], [limits for _, limits, _ in drawn])
        yield from zip(found, [must for _, _, must in drawn], strict=True)
