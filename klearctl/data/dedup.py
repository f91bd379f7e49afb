"""Equal problems: which of them are kept, and which are too near to the held-out set to train on."""

import unicodedata
from collections.abc import Iterable

from klearctl.data.candidate import Candidate
from klearctl.data.drops import Drops


def deduplicate(candidates: Iterable[Candidate], drops: Drops) -> list[Candidate]:
    """The first of each set of problems with the same normalised prompt."""
    seen: set[str] = set()

    def new(one: Candidate) -> bool:
        prompt = normalise(one.problem.prompt)
        known = prompt in seen
        seen.add(prompt)
        return not known

    return drops.keep("duplicate", candidates, new)


def decontaminate(candidates: Iterable[Candidate], heldout: Iterable[Candidate], drops: Drops) -> list[Candidate]:
    """The candidates whose normalised prompt is none of the held-out ones."""
    forbidden = {normalise(one.problem.prompt) for one in heldout}
    return drops.keep("in the held-out set", candidates, lambda one: normalise(one.problem.prompt) not in forbidden)


def normalise(prompt: str) -> str:
    """The prompt without what two copies of a problem may differ in: Unicode form, case and white space."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", prompt).casefold())  # folding can undo NFKC
    return " ".join(folded.split())
