"""What the judging of a response comes to: a verdict, how many tests passed, and a few words."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """Of a row; where it has tests, that of the first that fails."""

    ACCEPTED = "accepted"
    WRONG_ANSWER = "wrong_answer"
    TIME_LIMIT = "time_limit"
    MEMORY_LIMIT = "memory_limit"
    OUTPUT_LIMIT = "output_limit"
    RUNTIME_ERROR = "runtime_error"
    COMPILE_ERROR = "compile_error"
    NO_CODE = "no_code"
    """The response has no code to run."""

    NO_ANSWER = "no_answer"
    """The response has no boxed answer."""

    UNPARSABLE_GOLD = "unparsable_gold"
    """The known answer cannot be read: the problem is bad, not the response."""

    SANDBOX_VIOLATION = "sandbox_violation"
    """The program asked the kernel for what ends a program."""

    INFRASTRUCTURE_FAULT = "infrastructure_fault"
    """We failed, not the response. Never a score."""

    VACUOUS = "vacuous"
    """There is no test at all."""

    BAD_ROW = "bad_row"
    """The row is not of a form that can be judged."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One response, judged. For maths there is one test."""

    verdict: Verdict
    passed: int = 0
    tests: int = 0
    detail: str = ""
    """Which test failed first, and a trimmed message."""
