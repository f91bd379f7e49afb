"""Which tests of a problem a step of rl runs: the problem's id and the step in, at most 16 places out.

All rollouts of a group face the same tests, and a run that is resumed elsewhere faces them again: the choice hangs on
nothing but SHA-256, neither on a process's hash seed nor on the generator of some version of Python. The released code
draws 16 anew for each rollout, which compares rollouts by different tests. Another step sees others, so that all count.
"""

import hashlib
import heapq

MOST = 16


def subset(problem: str, step: int, tests: int) -> list[int]:
    """The places, in order, of the tests that count at this step; all of them where there are no more than 16."""
    if tests <= MOST:
        return list(range(tests))
    name = hashlib.sha256(problem.encode("utf-8", "surrogatepass"))

    def ticket(place: int) -> bytes:
        drawn = name.copy()
        drawn.update(f"\n{step}\n{place}".encode())
        return drawn.digest()

    return sorted(heapq.nsmallest(MOST, range(tests), key=ticket))
