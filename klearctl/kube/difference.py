"""What differs between an object as it stands and as it would be sent. Pure."""

import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from klearctl.kube.labels import VERSION

_MINE = ("spec", "data")
_CONFIGS = ("data.config.json", "data.recipe.json")
_FOLLOWS = ("layout.servers", "layout.indexes", "layout.sandboxes", "layout.weights_")  # from the GPUs and the name
_MISSING = ": missing"
_SHOWN, _WIDTH = 10, 100


def differences(standing: Mapping[str, Any] | None, wanted: Mapping[str, Any]) -> list[str]:
    """One line for each value that would change, `path: old -> new`.

    What only the standing object has is no difference, as servers fill in defaults; but in a run's config it is.
    Nor is the version of us that made it.
    """
    if standing is None:
        return [f"{wanted['kind']} {wanted['metadata']['name']}{_MISSING}"]
    return [line for part in _MINE if part in wanted for line in _compare(standing.get(part), wanted[part], part)]


def _compare(old: Any, new: Any, path: str) -> Iterator[str]:
    if path in _CONFIGS:
        yield from _compare_config(json.loads(old or "{}"), json.loads(new))
    elif isinstance(new, Mapping) and isinstance(old, Mapping):
        for key in (key for key in new if key != VERSION):
            yield from _compare(old.get(key), new[key], f"{path}.{key}")
    elif isinstance(new, list) and isinstance(old, list) and len(new) == len(old):
        for place, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from _compare(before, after, f"{path}[{place}]")
    elif old != new and path != "spec.suspend":  # a queue or `cancel` changes that one
        yield f"{path}: {json.dumps(old)} -> {json.dumps(new)}"


def _compare_config(old: Any, new: Any, path: str = "") -> Iterator[str]:
    if isinstance(new, Mapping) and isinstance(old, Mapping):
        for key in dict.fromkeys([*old, *new]):
            inner = f"{path}.{key}".removeprefix(".").removeprefix("config.").removeprefix("stages.")
            if key not in new:
                yield f"{inner}: {json.dumps(old[key])} -> nothing"
            elif key not in old:
                yield f"{inner}: nothing -> {json.dumps(new[key])}"
            else:
                yield from _compare_config(old[key], new[key], inner)
    elif old != new:
        yield f"{path}: {json.dumps(old)} -> {json.dumps(new)}"


def shortened(lines: Sequence[str]) -> str:
    """The settings among the differences, in one line; where none differs, what differs in the objects."""
    own = [line for line in lines if not line.startswith(("spec.", *_FOLLOWS)) and not line.endswith(_MISSING)]
    settings = [line.removeprefix("layout.") for line in own]
    shown = settings or list(lines)
    more = [f"and {len(shown) - _SHOWN} more"] if len(shown) > _SHOWN else []
    return "; ".join([*(textwrap.shorten(line, _WIDTH, placeholder=" ...") for line in shown[:_SHOWN]), *more])
