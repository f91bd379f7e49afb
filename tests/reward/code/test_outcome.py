"""How a program ended, as the outcome of a test; and when a late one is thought to have been held up."""

import pytest

from klearctl.reward.code.outcome import LONGEST, Outcome, ended, raised, trimmed
from klearctl.reward.sandbox.limits import Ended, How, Limits


@pytest.mark.parametrize(
    ("how", "code", "verdict", "message"),
    [
        (How.EXITED, 0, "runtime_error", "it exits with 0 before it answers"),
        (How.SIGNALLED, 139, "runtime_error", "signal 11 ends it"),
        (How.CPU, 137, "time_limit", "more than 10 s of CPU time"),
        (How.WALL, 137, "time_limit", "more than 30 s on the clock"),
        (How.MEMORY, 137, "memory_limit", "more than 1024 MiB of memory"),
        (How.OUTPUT, 137, "output_limit", "more than 1048576 bytes of output"),
        (How.SCRATCH, 137, "output_limit", "more than 64 MiB or 4096 files in its scratch folder"),
        (How.VIOLATION, 159, "sandbox_violation", "it asks the kernel for what no program needs"),
    ],
)
def test_each_end_has_a_verdict_and_words(how, code, verdict, message):
    assert ended(Ended(how=how, code=code), Limits()) == Outcome(verdict, message)


@pytest.mark.parametrize(
    ("how", "cpu_s", "wall_s", "starved"),
    [
        (How.WALL, 0.1, 30.0, False),  # it slept
        (How.WALL, 5.0, 30.0, True),  # it computed, but rarely
        (How.CPU, 10.0, 30.0, False),  # it had all that it may
    ],
)
def test_a_late_program_that_computed_was_held_up_by_others(how, cpu_s, wall_s, starved):
    assert ended(Ended(how=how, code=137, cpu_s=cpu_s, wall_s=wall_s), Limits()).starved is starved


def test_an_exception_of_memory_is_a_limit():
    assert [raised("MemoryError", "").verdict, raised("ValueError", "x").verdict] == ["memory_limit", "runtime_error"]


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("a\n  b\tc", "a b c"),
        ("\x1b[31m red \x07", "\ufffd[31m red \ufffd"),  # no word of a program moves a cursor
        ("x" * 1_000_000, "x" * (LONGEST - 3) + "..."),
        ("", ""),
    ],
)
def test_messages_are_one_short_line(message, told):
    assert trimmed(message) == told
