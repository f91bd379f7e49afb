"""Reference solutions through the sandbox: `python -m bench.references [SET...]`.

Every row of the published sets in shared/data, with all its tests. Prints how many of each set are accepted and each
row that is not, with its reason; exits 1 where a row fails that MISSES does not explain, or passes that it does.
LeetCodeDataset takes minutes: its 23,234 tests are heavy.
"""

import argparse
import gzip
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from klearctl.reward.code import tests
from klearctl.reward.code.dialects import Problem, problem
from klearctl.reward.code.judge import CodeJudge
from klearctl.reward.sandbox.pool import Sandbox
from klearctl.reward.verdict import Judged, Verdict

SHARED = Path(os.environ.get("KLEAR_SHARED") or Path(__file__).parents[2] / "shared")
FILES = {
    "HumanEval": "HumanEval.jsonl.gz",
    "MBPP": "ock_mbpp.jsonl",
    "LeetCodeDataset": "LeetCodeDataset-v0.3.1-test.jsonl.gz",
    "rllm_leetcode": "rllm_leetcode_train.json",
}
LANES = len(os.sched_getaffinity(0))
MISSES: dict[str, dict[str, str]] = {
    "MBPP": {"414": "returns 0 and 1 where False and True are expected, which Python takes for equal"},
}


def main() -> int:
    """Prints the table; 0 if each set comes out as it should."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="*", metavar="SET", help=f"of {', '.join(FILES)}; all where none is named")
    args = parser.parse_args()
    wrong = 0
    with Sandbox(lanes=LANES) as sandbox:
        print(sandbox.isolation)
        for name in args.sets or FILES:
            wrong += _report(name, sandbox)
    return 1 if wrong else 0


def problems(name: str, shared: Path = SHARED) -> list[Problem]:
    """The problems of a set, in the order of its file; those without an id are named by their place."""
    return [problem(row) for row in _rows(shared / "data" / FILES[name])]


def judged(sandbox: Sandbox, some: Sequence[Problem]) -> Iterator[Judged]:
    """What their reference solutions come to, all lanes at work."""
    judge = CodeJudge(sandbox)

    def one(each: Problem) -> Judged:
        known = tests.read(each.tests)
        return judge.run(each.solution or "", known, range(len(known)))

    with ThreadPoolExecutor(LANES) as pool:  # one too many only waits
        yield from pool.map(one, some)


def misses(name: str, some: Sequence[Problem], verdicts: Sequence[Judged]) -> dict[str, Judged]:
    """The rows that are not accepted, by their ids."""
    return {
        each.id or str(place): verdict
        for place, (each, verdict) in enumerate(zip(some, verdicts, strict=True))
        if verdict.verdict is not Verdict.ACCEPTED
    }


def _report(name: str, sandbox: Sandbox) -> int:
    start, some = time.monotonic(), problems(name)
    found = misses(name, some, list(judged(sandbox, some)))
    known: Mapping[str, str] = MISSES.get(name, {})
    print(f"{name:16} {len(some) - len(found):5} of {len(some):5} in {time.monotonic() - start:6.1f} s")
    for row, verdict in found.items():
        print(f"    {row}: {verdict.verdict}, {verdict.detail}\n        {known.get(row, 'NOT EXPLAINED')}")
    for row in known.keys() - found.keys():
        print(f"    {row}: accepted, though it was thought: {known[row]}")
    return len(found.keys() ^ known.keys())


def _rows(path: Path) -> list[dict[str, Any]]:
    text = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text()
    return json.loads(text) if path.suffix == ".json" else [json.loads(line) for line in text.splitlines()]


if __name__ == "__main__":
    sys.exit(main())
