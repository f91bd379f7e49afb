"""What curation dropped and why: one count for each rule and source, and a limit on what one rule may take."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from klearctl.data.candidate import Candidate
from klearctl.errors import RunFailed


@dataclass(slots=True)
class Count:
    """How many problems of one source a rule saw, and how many of them it removed."""

    seen: int = 0
    dropped: int = 0


@dataclass(slots=True)
class Drops:
    """The drop table, filled rule by rule."""

    counts: dict[tuple[str, str], Count] = field(default_factory=dict)

    def saw(self, rule: str, source: str, *, kept: bool) -> None:
        """Counts one problem that the rule looked at."""
        count = self.counts.setdefault((rule, source), Count())
        count.seen += 1
        count.dropped += not kept

    def keep(self, rule: str, candidates: Iterable[Candidate], right: Callable[[Candidate], bool]) -> list[Candidate]:
        """Those candidates that are right by the rule; the others are counted."""
        kept = []
        for one in candidates:
            good = right(one)
            self.saw(rule, one.source, kept=good)
            if good:
                kept.append(one)
        return kept

    def of(self, source: str) -> "Drops":
        """What was dropped of one source."""
        return Drops({key: count for key, count in self.counts.items() if key[1] == source})

    def add(self, other: "Drops") -> None:
        """Counts what another table has counted too."""
        for key, count in other.counts.items():
            mine = self.counts.setdefault(key, Count())
            mine.seen += count.seen
            mine.dropped += count.dropped

    def total(self) -> int:
        """Problems dropped so far, by any rule."""
        return sum(count.dropped for count in self.counts.values())

    def check(self, max_drop: float) -> None:
        """Raises RunFailed, with the table, where a rule removed more than its share of what it saw in all sources."""
        for rule in dict.fromkeys(rule for rule, _ in self.counts):
            seen = sum(count.seen for (name, _), count in self.counts.items() if name == rule)
            dropped = sum(count.dropped for (name, _), count in self.counts.items() if name == rule)
            if dropped > max_drop * seen:
                raise RunFailed(
                    f"{rule!r} removed {dropped} of {seen} problems, more than max_drop = {max_drop}\n{self.table()}",
                    fix="mend the source, or raise max_drop",
                )

    def rows(self) -> list[dict[str, str | int]]:
        """The table as JSON holds it."""
        return [
            {"rule": rule, "source": source, "seen": count.seen, "dropped": count.dropped}
            for (rule, source), count in self.counts.items()
        ]

    def table(self) -> str:
        """The table as a terminal shows it."""
        lines = [("rule", "source", "seen", "dropped")]
        lines += [(rule, source, str(c.seen), str(c.dropped)) for (rule, source), c in self.counts.items()]
        rule_width, source_width = (max(len(line[column]) for line in lines) for column in (0, 1))
        return "\n".join(
            f"{rule:<{rule_width}}  {source:<{source_width}}  {seen:>8}  {dropped:>8}"
            for rule, source, seen, dropped in lines
        )
