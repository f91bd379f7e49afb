"""Verdicts on mathematics for each CPU second, children included, beside bare math-verify; and 20,000 rubbish answers.

    .venv/bin/python -m bench.maths

The responses are chains of thought of about 1,000 characters with their box at the end: solutions of GSM8K, and
answers of MATH, OlympiadBench, HMMT and AIME under texts of the same kind; a third of the answers are those of another
problem, a third are spelled in another way. Bare math-verify is used as its README says: parse, parse, verify.
Needs the shared data. Exits 1 below a bar.
"""

import argparse
import json
import logging
import os
import random
import resource
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from klearctl.reward.maths.pool import Workers
from klearctl.reward.maths.verdict import strict
from klearctl.reward.verdict import Verdict

ITEMS = 1_500
RUBBISH = 20_000
LEAST_PER_CPU_S = 350.0
LEAST_RATIO = 0.9
LENGTH = 1_000  # characters

Item = tuple[str, str]  # the known answer, the response


def main() -> int:
    """Prints the table; 1 where a bar is missed."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--shared", type=Path, default=Path(os.environ.get("KLEAR_SHARED", "../shared")))
    words.add_argument("--seed", type=int, default=0)
    told = words.parse_args()
    rng = random.Random(told.seed)
    items = responses(told.shared / "data", rng)
    ours, right = rate(items, judge_ours)
    bare, bare_right = rate(items, judge_bare)
    rewarded, slowest_s = rubbish(rng)
    rows = [
        ("verdicts / CPU s, klearctl", f"{ours:.0f}", f">= {LEAST_PER_CPU_S:.0f}", ours >= LEAST_PER_CPU_S),
        ("verdicts / CPU s, math-verify", f"{bare:.0f}", "", True),
        ("ratio", f"{ours / bare:.1f}", f">= {LEAST_RATIO}", ours >= LEAST_RATIO * bare),
        ("judged as made, klearctl", f"{right} of {len(items)}", f">= {len(items)}", right == len(items)),
        ("judged as made, math-verify", f"{bare_right} of {len(items)}", "", True),
        (f"rubbish of {RUBBISH:,} rewarded", f"{rewarded}", "<= 0", rewarded == 0),
        ("slowest rubbish, s", f"{slowest_s:.2f}", "<= 2", slowest_s <= 2.0),
    ]
    for name, found, bar, _ in rows:
        print(f"{name:<34}{found:>14}  {bar}")
    return 0 if all(met for *_, met in rows) else 1


def responses(data: Path, rng: random.Random) -> list[Item]:
    """Known answers with right and wrong responses to them."""
    grade_school = [json.loads(line)["answer"] for line in (data / "gsm8k_test.jsonl").read_text().splitlines()]
    thoughts = [answer.rpartition("####")[0] for answer in grade_school]
    golds = [answer.rpartition("####")[2].strip() for answer in grade_school]
    golds += [str(row["answer"]) for row in json.loads((data / "rllm_math_train.json").read_text()) if row["answer"]]
    golds += [row["answer"] for row in json.loads((data / "rllm_math500.json").read_text())]
    golds += [row["answer"][0].replace("$", "") for row in json.loads((data / "rllm_olympiad.json").read_text())]
    return [(gold, respond(gold, rng.choice(golds), at, thoughts, rng)) for at, gold in enumerate(pick(golds, rng))]


def pick(golds: Sequence[str], rng: random.Random) -> list[str]:
    """So many of them."""
    return rng.sample(golds, ITEMS)


def respond(gold: str, other: str, at: int, thoughts: Sequence[str], rng: random.Random) -> str:
    """A chain of thought; its answer is right in two of three, and spelled anew in one of them."""
    thought = ""
    while len(thought) < LENGTH:
        thought += rng.choice(thoughts)
    answer = [gold, respelled(gold), other][at % 3]
    return f"<think>{thought[:LENGTH]}</think>\nAll in all, the answer is $\\boxed{{{answer}}}$."


def respelled(gold: str) -> str:
    """The same in another spelling."""
    spelled = gold.replace(r"\frac", r"\dfrac").replace(r"\left", "").replace(r"\right", "").replace("+", " + ")
    return rf"\displaystyle {spelled}" if spelled == gold else spelled


def rate(items: Sequence[Item], judge: Callable[[Sequence[Item]], list[bool]]) -> tuple[float, int]:
    """Verdicts for each CPU second, and how many are as they were made."""
    before = cpu_s()
    found = judge(items)
    spent = cpu_s() - before
    made = [f"\\boxed{{{gold}}}" in response or at % 3 == 1 for at, (gold, response) in enumerate(items)]
    return len(items) / spent, sum(one == other for one, other in zip(found, made, strict=True))


def judge_ours(items: Sequence[Item]) -> list[bool]:
    """By workers, whose start counts."""
    with Workers(2) as workers:
        return [workers.judge_response(gold, text, must_think=True).passed == 1 for gold, text in items]


def judge_bare(items: Sequence[Item]) -> list[bool]:
    """By math-verify in this process; its import does not count."""
    from math_verify import parse, verify

    logging.disable()
    return [verify(parse(f"${gold}$"), parse(text.rpartition("</think>")[2])) for gold, text in items]


def rubbish(rng: random.Random) -> tuple[int, float]:
    """How many rubbish answers were rewarded, and the seconds of the slowest."""
    golds = ["73", r"\frac{41}{97}", r"3\sqrt{13}", r"\frac{n(n+1)}{2}", "(2,61]", r"1 \pm \sqrt{19}", "x=83", "B"]
    rewarded, slowest_s = 0, 0.0
    for _ in range(RUBBISH):
        gold, answer = rng.choice(golds), soup(rng)
        start = time.process_time()
        rewarded += strict(gold, answer) == Verdict.ACCEPTED
        slowest_s = max(slowest_s, time.process_time() - start)
    return rewarded, slowest_s


PIECES = (
    r"\frac \sqrt \pm \text{ \left \right { } ( ) [ ] ^ _ + - * / = < \le \in \cup \{ \} , ; 1 12 0 999 .5 x y n e i"
    r" \pi \infty \% ! | \binom \begin{pmatrix} \end{pmatrix} & \\ \ldots \approx : \sin \log or and million cm \$ $"
)


def soup(rng: random.Random) -> str:
    """Pieces of LaTeX, one piece over and over, or random bytes."""
    pieces = PIECES.split(" ")
    kind = rng.random()
    if kind < 0.7:
        return " ".join(rng.choice(pieces) for _ in range(rng.randint(1, 50)))
    if kind < 0.8:
        return rng.choice(pieces) * rng.randint(1, 2_000)
    return rng.randbytes(rng.randint(1, 100)).decode("latin-1")


def cpu_s() -> float:
    """User and system time of this process and of its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


if __name__ == "__main__":
    sys.exit(main())
