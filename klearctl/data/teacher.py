r"""Who writes the worked solutions that sft learns from.

A response has one form: `<think>`, the work, `</think>`, and the answer in `\boxed{}` or the code in a fenced block.
"""

import random
import re

from klearctl.data import functions
from klearctl.data.candidate import Candidate
from klearctl.data.table import Solved

LONGEST_SUM = 200  # characters; longer work is nothing to learn from

_SUM = re.compile(r"[-+]?[0-9]+(?:\s*[-+]\s*[-+]?[0-9]+)+\s*$")
_TERM = re.compile(r"([-+]?)\s*([-+]?)([0-9]+)")


def from_solution(one: Candidate) -> Solved | None:
    """The source's own solution as a response; None where it has none."""
    if not one.solution:
        return None
    return _solved(one, one.solution, _box(one.problem.answer))


def running_totals(one: Candidate, *, seed: int, wrong: float) -> Solved | None:
    """The steps of a signed sum, a share of them with one wrong total that carries through to the answer.

    The mistake depends on the seed and the problem alone. None where the prompt holds no sum with that answer.
    """
    terms = signed_terms(one.problem.prompt)
    if not terms or str(sum(terms)) != one.problem.answer:
        return None
    dice = random.Random(f"{seed}/teacher/{one.problem.id}")
    slip = dice.randrange(1, len(terms)) if dice.random() < wrong else 0
    lines = []
    total = terms[0]
    for place, term in enumerate(terms[1:], start=1):
        right = total + term
        following = right + dice.choice((-2, -1, 1, 2)) if place == slip else right
        lines.append(f"{total}{term:+d}={following}")
        total = following
    return _solved(one, "\n".join(lines), _box(str(total)))


def written_function(one: Candidate, *, seed: int, wrong: float) -> Solved | None:
    """The steps of a small function and its code, a share of them with one wrong operation that carries through.

    The mistake depends on the seed and the problem alone. None where the prompt asks for no such function.
    """
    operations = functions.operations_of(one.problem.prompt)
    if not operations:
        return None
    dice = random.Random(f"{seed}/teacher/{one.problem.id}")
    if dice.random() < wrong:
        place = dice.randrange(len(operations))
        operations[place] = functions.mistaken(operations[place], dice)
    work = "\n".join(functions.expressions(operations))
    return _solved(one, work, f"```python\n{functions.source_code(operations)}```")


def signed_terms(prompt: str) -> list[int]:
    """The terms of the sum before the prompt's last `=`, each with its sign; empty where there is no such sum."""
    match = _SUM.search(prompt.rpartition("=")[0][-LONGEST_SUM:])
    if not match:
        return []
    return [
        -int(digits) if (operator == "-") != (sign == "-") else int(digits)
        for operator, sign, digits in _TERM.findall(match[0])
    ]


def _box(answer: str) -> str:
    return f"\\boxed{{{answer}}}"


def _solved(one: Candidate, work: str, said: str) -> Solved:
    response = f"<think>\n{work}\n</think>\n{said}"
    return Solved(id=one.problem.id, task=one.problem.task, prompt=one.problem.prompt, response=response)
