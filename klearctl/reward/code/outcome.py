"""What one test comes to: how its program ended in; a verdict and a few words out."""

from dataclasses import dataclass

from klearctl.reward.sandbox.limits import Ended, How, Limits
from klearctl.reward.verdict import Verdict

LONGEST = 300  # characters of a message
STARVED = 0.01  # CPU seconds a second; who only sleeps has none

_LIMITS = {
    How.CPU: Verdict.TIME_LIMIT,
    How.WALL: Verdict.TIME_LIMIT,
    How.MEMORY: Verdict.MEMORY_LIMIT,
    How.OUTPUT: Verdict.OUTPUT_LIMIT,
    How.SCRATCH: Verdict.OUTPUT_LIMIT,
    How.VIOLATION: Verdict.SANDBOX_VIOLATION,
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one test."""

    verdict: Verdict
    message: str = ""
    final: bool = False
    """All tests of this program come to the same: it does not even load."""

    starved: bool = False
    """It ran out of time on the clock though it was computing: the machine has too much to do."""


ACCEPTED = Outcome(Verdict.ACCEPTED)


def wrong(message: str) -> Outcome:
    """It gave something else than it should."""
    return Outcome(Verdict.WRONG_ANSWER, trimmed(message))


def raised(kind: str, message: str, *, final: bool = False) -> Outcome:
    """The program raised an exception that nothing in it caught."""
    verdict = Verdict.MEMORY_LIMIT if kind == "MemoryError" else Verdict.RUNTIME_ERROR
    return Outcome(verdict, trimmed(f"{kind}: {message}" if message else kind), final)


def ended(end: Ended, limits: Limits) -> Outcome:
    """The program ended before its answer."""
    if end.how is How.EXITED:
        return Outcome(Verdict.RUNTIME_ERROR, f"it exits with {end.code} before it answers")
    if end.how is How.SIGNALLED:
        return Outcome(Verdict.RUNTIME_ERROR, f"signal {end.code - 128} ends it")
    starved = end.how is How.WALL and end.cpu_s > STARVED * end.wall_s
    return Outcome(_LIMITS[end.how], _over(end.how, limits), starved=starved)


def trimmed(message: str) -> str:
    """The message on one line, not too long, and printable."""
    words = " ".join(message[: 4 * LONGEST].split())
    words = "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in words)
    return words if len(words) <= LONGEST else words[: LONGEST - 3] + "..."


def _over(how: How, limits: Limits) -> str:
    return {
        How.CPU: f"more than {limits.cpu_s:g} s of CPU time",
        How.WALL: f"more than {limits.clock_s():g} s on the clock",
        How.MEMORY: f"more than {limits.memory_mb} MiB of memory",
        How.OUTPUT: f"more than {limits.output_bytes} bytes of output",
        How.SCRATCH: f"more than {limits.scratch_mb} MiB or {limits.scratch_files} files in its scratch folder",
        How.VIOLATION: "it asks the kernel for what no program needs",
    }[how]
