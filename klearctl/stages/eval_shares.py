"""The shares of an eval run: where each index writes what it judged, and all of them as one."""

from klearctl import storage
from klearctl.config.eval import EvalConfig
from klearctl.config.pod import PodConfig
from klearctl.stages.eval_table import Judged


def address(pod: PodConfig[EvalConfig], label: str, index: int) -> str:
    """Where the index writes what the model of that label made of its problems."""
    return storage.join(pod.prefix, "shares", f"{index}-of-{pod.layout.indexes}", f"{label}.json")


def whole(pod: PodConfig[EvalConfig]) -> dict[str, list[Judged]] | None:
    """Every model's judgements in the order of the data; None while a share is missing."""
    judgements = {}
    for label in pod.config.models:
        shares = [address(pod, label, index) for index in range(pod.layout.indexes)]
        if not all(map(storage.exists, shares)):
            return None
        judged = [Judged(**row) for share in shares for row in storage.read_json(share)]
        judgements[label] = sorted(judged, key=lambda one: one.place)
    return judgements
