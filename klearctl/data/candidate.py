"""A problem on its way through curation: with where it came from and, if its source had one, a worked solution."""

from dataclasses import dataclass

from klearctl.data.table import Problem, problem_id


@dataclass(frozen=True, slots=True)
class Candidate:
    """A problem, its source and its solution (empty where there is none)."""

    problem: Problem
    source: str
    solution: str = ""


def candidate(source: str, task: str, prompt: str, answer: str, *, solution: str = "", tests: str = "") -> Candidate:
    """A candidate whose id depends on its task and prompt alone."""
    problem = Problem(id=problem_id(task, prompt), task=task, prompt=prompt, answer=answer, tests=tests)
    return Candidate(problem, source, solution)
