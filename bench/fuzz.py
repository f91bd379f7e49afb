"""Rubbish as code, through the sandbox: `python -m bench.fuzz [--cases 20000] [--seed 0]`.

Random bytes, random text, a program cut, changed and mixed with hostile lines, and tests that are rubbish themselves.
What the tests expect is drawn anew for each case and stands nowhere else, so that whatever passes a test is a hole.
Prints how often each verdict came, and each case that broke a promise: no exception, no hang, no fault of ours, no
test passed. Exits 1 if one did.
"""

import argparse
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from klearctl.reward.code.judge import CodeJudge
from klearctl.reward.sandbox.pool import Sandbox
from klearctl.reward.verdict import Judged, Verdict

LANES = len(os.sched_getaffinity(0))
LONGEST_S = 60.0  # of one case, on a busy machine; its own limits end it in two seconds
RULES = {"timeout": 0.2, "memory_mb": 128}

PROGRAM = '''
import os, sys
from collections import Counter

class Solution:
    def f(self, words, k=2):
        """The k most common words."""
        counts = Counter(words)
        return sorted(counts, key=lambda word: (-counts[word], word))[:k]

def f(words, k=2):
    return Solution().f(words, k)

if __name__ == "__main__":
    print(*f(input().split()))
'''
HOSTILE = r"""
os._exit(0)
sys.exit()
raise SystemExit(0)
raise MemoryError
print("accepted")
while True: pass
def f(*a, **k): return True
def f(*a, **k): return f(*a, **k)
def f(*a, **k): yield from a
f = Solution = candidate = lambda *a, **k: (lambda *a, **k: a)
class Solution(str): __eq__ = lambda a, b: True
__builtins__ = None
import builtins; builtins.print = builtins.len = None
os.write(3, b'\x12\0\0\0{"n": 1, "value": 1}')
os.close(1); os.close(3)
os.fork()
os.kill(os.getpid(), 9)
sys.stdout = sys.stderr = None
sys.setrecursionlimit(10**9)
sys.modules.clear()
del f, Solution
@f
global f
return 1
    pass
""".strip("\n").split("\n")
MARKS = [
    "```",
    "```python\n",
    "```py\n",
    "\n```\n",
    "<think>",
    "</think>",
    "\0",
    "\ud800",
    "\u2028",
    "é",
    "\\",
    "'''",
    "(",
]


@dataclass(frozen=True, slots=True)
class Case:
    """A response, and tests that it cannot pass."""

    response: str
    tests: Any


def main() -> int:
    """Prints the table; 0 if each promise held."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    verdicts: Counter[str] = Counter()
    broken = 0
    with Sandbox(lanes=LANES) as sandbox:
        print(sandbox.isolation)
        for case, judged, seconds in judgements(sandbox, cases(args.cases, args.seed)):
            verdicts[judged.verdict] += 1
            if fault := broken_promise(judged, seconds):
                broken += 1
                print(f"{fault}: {judged} of {case!r:.1000}")
    for verdict, count in verdicts.most_common():
        print(f"{count:7} {verdict}")
    print(f"{args.cases} cases of seed {args.seed}: {broken} broke a promise")
    return 1 if broken else 0


def judgements(sandbox: Sandbox, some: Iterator[Case]) -> Iterator[tuple[Case, Judged, float]]:
    """Each case, what it comes to, and in how many seconds."""
    judge = CodeJudge(sandbox)

    def one(case: Case) -> tuple[Case, Judged, float]:
        start = time.monotonic()
        return case, judge.judge(case.response, case.tests), time.monotonic() - start

    with ThreadPoolExecutor(LANES) as pool:
        yield from pool.map(one, some)


def broken_promise(judged: Judged, seconds: float) -> str:
    """What no case may come to; nothing where all is well."""
    if judged.passed or judged.verdict is Verdict.ACCEPTED:
        return "it passes a test"
    if judged.verdict is Verdict.INFRASTRUCTURE_FAULT:
        return "a fault of ours"
    return f"it takes {seconds:.0f} s" if seconds > LONGEST_S else ""


def cases(count: int, seed: int) -> Iterator[Case]:
    """Equal seeds give equal cases."""
    dice = random.Random(seed)
    for _ in range(count):
        code = dice.choice([_noise, _text, _cut, _changed, _mixed, _mixed])(dice)
        tests = _rubbish(dice, 3) if dice.random() < 0.1 else _tests(dice) | RULES
        yield Case(_response(code, dice), tests)


def _tests(dice: random.Random) -> dict[str, Any]:
    secret = dice.getrandbits(128)
    compare = {"compare": dice.choice(["exact", "float", "unordered"])}
    return dice.choice(
        [
            {"inputs": ["b a b c\n"], "outputs": [f"{secret}\n"]} | compare,
            {"function": "f", "inputs": [[["b", "a"]]], "outputs": [[str(secret)]]} | compare,
            {"function": "Solution().f", "inputs": [{"words": ["b", "a"]}], "outputs": [secret]} | compare,
            {"asserts": [f"assert candidate(['b', 'a']) == [{secret}]"], "entry_point": "f"},
            {
                "asserts": [f"assert abs(candidate(['b']) - {secret}) < 1", f"assert {secret} in f('b')"],
                "entry_point": "f",
            },
        ]
    )


def _rubbish(dice: random.Random, depth: int) -> Any:
    """What JSON may hold, with the words of tests in it."""
    keys = ["inputs", "outputs", "function", "asserts", "setup", "entry_point", "timeout", "compare", "$set", "x"]
    if depth == 0 or dice.random() < 0.3:
        leaf = [None, True, 0, -1, 1e308, "", "f", "Solution().f", "[1]\n2", "assert f() == 1 and 0", _text(dice)]
        return dice.choice(leaf)
    if dice.random() < 0.5:
        return [_rubbish(dice, depth - 1) for _ in range(dice.randrange(3))]
    return {dice.choice(keys): _rubbish(dice, depth - 1) for _ in range(dice.randrange(5))}


def _response(code: str, dice: random.Random) -> str:
    if dice.random() < 0.8:
        return f"<think></think>\n```python\n{code}\n```"
    return dice.choice(MARKS) + code + dice.choice(MARKS)


def _noise(dice: random.Random) -> str:
    return dice.randbytes(dice.randrange(300)).decode(dice.choice(["latin-1", "ascii"]), "surrogateescape")


def _text(dice: random.Random) -> str:
    letters = [*MARKS, *"abf(){}[]:=+-*/.,'\"# \n\t0123456789", "def ", "return ", "lambda: ", "import "]
    return "".join(dice.choices(letters, k=dice.randrange(60)))


def _cut(dice: random.Random) -> str:
    start, end = sorted(dice.choices(range(len(PROGRAM)), k=2))
    return PROGRAM[start:] if dice.random() < 0.3 else PROGRAM[:end]


def _changed(dice: random.Random) -> str:
    letters = list(PROGRAM)
    for _ in range(dice.randrange(1, 9)):
        letters[dice.randrange(len(letters))] = dice.choice([*MARKS, *"=()[]:1 \n", ""])
    return "".join(letters)


def _mixed(dice: random.Random) -> str:
    lines = PROGRAM.split("\n")
    for _ in range(dice.randrange(1, 4)):
        lines.insert(dice.randrange(len(lines) + 1), dice.choice(["", "    ", "        "]) + dice.choice(HOSTILE))
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
