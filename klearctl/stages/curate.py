"""The curate stage: sources in, Parquet for sft and rl, a held-out set and a drop table out.

    sources -> readable -> new -> held out | clean -> sft | rl -> solved -> Parquet

Equal settings write equal bytes, so a pod that is started again overwrites its objects with themselves.
"""

import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace

from klearctl import checkpoints, records, storage
from klearctl.config.curate import CurateConfig, SourceConfig, TeacherConfig
from klearctl.config.pod import PodConfig, read
from klearctl.data import dedup, files, functions, generated, table, teacher
from klearctl.data.candidate import Candidate
from klearctl.data.drops import Drops
from klearctl.data.table import Solved
from klearctl.errors import RunFailed
from klearctl.stages import program
from klearctl.stages.rewards import faults

STEPS = 6  # one row of metrics each


def main(argv: Sequence[str] | None = None) -> int:
    """Curates the run of `--config`; returns the exit code."""
    words = program.arguments("curate").parse_args(argv)
    return program.run(lambda: curate(read(words.config, CurateConfig)))


def curate(pod: PodConfig[CurateConfig]) -> None:
    """Reads, cleans and divides the problems, and writes them below the run's prefix.

    Raises:
        RunFailed: a rule removed more than its share, or too few problems are left.
    """
    attempt = records.claim_attempt(pod.prefix)
    with records.MetricsWriter(pod.prefix, stage="curate", attempt=attempt, steps=STEPS) as metrics:
        progress = Progress(metrics, Drops(), pod.config.max_drop)
        sets = divide(pod.config, pod.bucket, progress)
        data = _write(pod.prefix, sets, progress)
    print(progress.drops.table())
    print(f"sft {len(sets.sft)}, rl {len(sets.rl)}, held out {len(sets.heldout)}")
    records.write_result(pod.prefix, {"data": data})


@dataclass(frozen=True, slots=True)
class Sets:
    """What curation makes of the sources."""

    sft: list[Solved]
    rl: list[Candidate]
    heldout: list[Candidate]


@dataclass(slots=True)
class Progress:
    """The drops so far, and a row of metrics for each step of the pipeline."""

    metrics: records.MetricsWriter
    drops: Drops
    max_drop: float
    step: int = 0

    def done(self, kept: int) -> None:
        """Ends a step that kept so many problems.

        Raises:
            RunFailed: a rule removed more than its share.
        """
        self.step += 1
        self.metrics.write(step=self.step, kept=kept, dropped=self.drops.total())
        self.drops.check(self.max_drop)


def divide(config: CurateConfig, bucket: str, progress: Progress) -> Sets:
    """The sets for sft, rl and the held-out problems, disjoint by construction and by check."""
    drops = progress.drops
    found = _read(config.sources, "sources", "rl", config.seed, bucket, drops)
    progress.done(len(found))

    new = dedup.deduplicate(found, drops)
    progress.done(len(new))

    heldout, forbidden, rest = _hold_out(config, new, bucket, progress)
    progress.done(len(heldout))

    clean = dedup.decontaminate(rest, forbidden, drops)
    progress.done(len(clean))
    if not clean:
        raise RunFailed("no problem is left to train on", fix="lower heldout.problems or add sources")

    clean = _shuffled(clean, f"{config.seed}/split")
    cut = round(config.sft_share * len(clean))
    sft = _teach(clean[:cut], config.teacher, config.seed, drops)
    progress.done(len(sft))
    return Sets(sft=sft, rl=clean[cut:], heldout=heldout)


def _read(
    sources: Sequence[SourceConfig], kind: str, part: str, seed: int, bucket: str, drops: Drops
) -> list[Candidate]:
    """The problems of the sources that our rewards can judge an answer to."""
    found: list[Candidate] = []
    for place, source in enumerate(sources):
        if source.generated:
            make = generated.generate if source.task else functions.generate
            found += make(source, seed=f"{seed}/{kind}/{place}")
        else:
            address = checkpoints.resolve_data(source.address, bucket, part)
            found += files.read_file(replace(source, address=address), drops)
    wrong = dict(zip(map(id, found), faults([one.problem for one in found]), strict=True))
    return drops.keep("no answer can be judged", found, lambda one: not wrong[id(one)])


def _hold_out(
    config: CurateConfig, new: list[Candidate], bucket: str, progress: Progress
) -> tuple[list[Candidate], list[Candidate], list[Candidate]]:
    """The held-out problems, all problems that must not be trained on, and the problems that remain."""
    wanted, own = config.heldout.problems, config.heldout.sources
    if own:
        theirs = _read_heldout(own, config.seed, bucket, progress)
        return _shuffled(theirs, f"{config.seed}/heldout")[:wanted], theirs, new
    if len(new) <= wanted:
        raise RunFailed(
            f"{wanted} problems are to be held out, and the sources have {len(new)}",
            fix="lower heldout.problems or add sources",
        )
    drawn = _shuffled(new, f"{config.seed}/heldout")
    return drawn[:wanted], drawn[:wanted], drawn[wanted:]


def _read_heldout(sources: Sequence[SourceConfig], seed: int, bucket: str, progress: Progress) -> list[Candidate]:
    """The problems of the held-out set's own sources, each of which is under the limit on drops by itself.

    Raises:
        RunFailed: a rule removed more than its share of one of them, or nothing is left.
    """
    own = Drops()
    theirs = dedup.deduplicate(_read(sources, "heldout", "heldout", seed, bucket, own), own)
    for source in {source for _, source in own.counts}:
        own.of(source).check(progress.max_drop)
    progress.drops.add(own)
    if not theirs:
        raise RunFailed(f"the held-out sources have no problem\n{own.table()}", fix="mend heldout.sources")
    return theirs


def _shuffled(candidates: list[Candidate], seed: str) -> list[Candidate]:
    return random.Random(seed).sample(candidates, len(candidates))


def _teach(candidates: list[Candidate], config: TeacherConfig, seed: int, drops: Drops) -> list[Solved]:
    """The problems with a worked solution; those that the teacher cannot solve are counted."""
    solved = []
    for one in candidates:
        if config.kind == "procedural":
            write = teacher.written_function if one.problem.tests else teacher.running_totals
            lesson = write(one, seed=seed, wrong=config.wrong)
        else:
            lesson = teacher.from_solution(one)
        drops.saw("has no worked solution", one.source, kept=lesson is not None)
        if lesson:
            solved.append(lesson)
    return solved


def _write(prefix: str, sets: Sets, progress: Progress) -> dict[str, str]:
    """The addresses of the three sets, each written, with the drop table beside them."""
    data = {name: storage.join(prefix, "data", f"{name}.parquet") for name in ("sft", "rl", "heldout")}
    table.write_solved(data["sft"], sets.sft)
    table.write_problems(data["rl"], [one.problem for one in sets.rl])
    table.write_problems(data["heldout"], [one.problem for one in sets.heldout])
    storage.write_json(storage.join(prefix, "data", "drops.json"), progress.drops.rows())
    progress.done(len(sets.sft) + len(sets.rl) + len(sets.heldout))
    return data


if __name__ == "__main__":
    sys.exit(main())
