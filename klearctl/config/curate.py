"""Settings of the curate stage: where problems come from, what is kept, who writes the solutions."""

from dataclasses import dataclass, field

from klearctl.config.limits import at_least, between, one_of
from klearctl.errors import ConfigError

GENERATED = "reasoning_gym:"
"""Opens the address of a generated task."""

FUNCTIONS = "klear:functions"
"""Address of our own generator of small programming problems."""

NUMBER_TASKS = (
    "aiw",
    "basic_arithmetic",
    "chain_sum",
    "count_bits",
    "count_primes",
    "decimal_chain_sum",
    "dice",
    "gcd",
    "gsm_symbolic",
    "largest_island",
    "lcm",
    "leg_counting",
    "letter_counting",
    "number_sequence",
    "products",
    "rectangle_count",
    "rotten_oranges",
    "self_reference",
    "simple_equations",
    "simple_geometry",
)
"""Generated tasks whose answer is one exact number, so that our own reward can judge it (a test checks each)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceConfig:
    """One source of problems."""

    address: str = "s3://klear/data/problems.parquet"
    """`reasoning_gym:TASK`, `klear:functions`, or a JSONL, JSON or Parquet file: a path, `s3://...` or `run:NAME`."""

    problems: int = 0
    """Problems to take, the first of a file; 0 takes all (a generated task needs a number)."""

    prompt_field: str = "problem"
    """Field of a file that holds the problem's text."""

    answer_field: str = "answer"
    """Field of a file that holds the answer; where the text has `####`, what follows it (GSM8K)."""

    solution_field: str = ""
    """Field of a file that holds a worked solution, for `teacher.kind = "solutions"`; read up to `####` (GSM8K)."""

    tests_field: str = "tests"
    """Field of a file that holds a programming problem's tests (docs/verify.md has the form); it may be absent."""

    settings: dict[str, int | float | bool | str] = field(default_factory=dict)
    """Settings of a generated task, such as `min_terms = 3`; of `klear:functions` `min_steps` and `max_steps`."""

    @property
    def task(self) -> str:
        """The generated task's name; empty for a file."""
        return self.address.removeprefix(GENERATED) if self.address.startswith(GENERATED) else ""

    @property
    def generated(self) -> bool:
        """Whether it is made here rather than read from a file."""
        return self.address == FUNCTIONS or self.address.startswith(GENERATED)

    def __post_init__(self) -> None:
        at_least("problems", self.problems, 0)
        if not self.generated:
            return
        if self.address != FUNCTIONS and self.task not in NUMBER_TASKS:
            raise ConfigError(
                f"{self.task!r} is not a generated task with a number for an answer",
                fix=f"one of {', '.join(NUMBER_TASKS)}",
            )
        at_least(f"problems of {self.address}", self.problems, 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldoutConfig:
    """The problems that nothing is trained on."""

    problems: int = 256
    """How many problems are held out, drawn by the seed from the sources; of `sources` of their own at most so many."""

    sources: tuple[SourceConfig, ...] = ()
    """Sources of their own for the held-out set, such as a public benchmark."""

    def __post_init__(self) -> None:
        at_least("heldout.problems", self.problems, 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class TeacherConfig:
    """Who writes the worked solutions that sft learns from."""

    kind: str = "solutions"
    """`solutions` takes each problem's `solution_field`; `procedural` works out signed sums and `klear:functions`."""

    wrong: float = 0.0
    """Share of solutions with a wrong step and answer (procedural only), as a real teacher has them."""

    def __post_init__(self) -> None:
        one_of("teacher.kind", self.kind, ("solutions", "procedural"))
        between("teacher.wrong", self.wrong, 0.0, 1.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class CurateConfig:
    """The curate stage: problems in, Parquet for sft and rl and a held-out set out."""

    seed: int = 0
    """Draws the generated problems, the split, the order and the teacher's mistakes."""

    sources: tuple[SourceConfig, ...] = (SourceConfig(),)
    """Where the problems come from, in this order; of equal problems the first is kept."""

    heldout: HeldoutConfig = field(default_factory=HeldoutConfig)
    """The problems that nothing is trained on."""

    teacher: TeacherConfig = field(default_factory=TeacherConfig)
    """Who writes the worked solutions."""

    sft_share: float = 0.5
    """Share of the kept problems that go to sft; the rest goes to rl."""

    max_drop: float = 0.5
    """The run fails when one rule removes more than this share of the problems it saw."""

    def __post_init__(self) -> None:
        between("sft_share", self.sft_share, 0.0, 1.0)
        between("max_drop", self.max_drop, 0.0, 1.0)
        if not self.sources:
            raise ConfigError("sources is empty", fix='for example sources = [{address = "s3://klear/problems.jsonl"}]')
