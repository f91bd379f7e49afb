"""GPUs of this machine for the containers that ask for them, each to one container at a time, as a device plug-in does.

In: how many a pod's containers ask for. Out: which ones each gets, or nothing while too few are free.
"""

import re
import socket
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path

from klearctl.local.node.addresses import claim
from klearctl.local.objects import Object

RESOURCE = "nvidia.com/gpu"


class Gpus:
    """The GPUs that the pods of one workload hold. What is held here is taken for every other workload too."""

    def __init__(self, devices: Iterable[int]) -> None:
        self._devices = list(devices)
        self._held: dict[str, ExitStack] = {}

    def take(self, uid: str, wanted: Mapping[str, int]) -> dict[str, list[int]] | None:
        """The GPUs of each container of the pod, or None if so many are not free now."""
        with ExitStack() as stack:
            mine: list[int] = []
            for device in self._devices:
                if len(mine) < sum(wanted.values()) and (holder := _claim(device)):
                    stack.enter_context(holder)
                    mine.append(device)
            if len(mine) < sum(wanted.values()):
                return None
            self._held[uid] = stack.pop_all()
        parts = iter(mine)
        return {name: [next(parts) for _ in range(count)] for name, count in wanted.items()}

    def give_back(self, uid: str) -> None:
        """The pod has ended; others may have its GPUs."""
        if uid in self._held:
            self._held.pop(uid).close()


def devices(folder: Path = Path("/dev")) -> list[int]:
    """The numbers of the machine's NVIDIA GPUs."""
    found = (re.fullmatch(r"nvidia(\d+)", path.name) for path in folder.glob("nvidia*"))
    return sorted(int(match.group(1)) for match in found if match)


def wanted_by(pod: Object) -> dict[str, int]:
    """How many GPUs each container asks for that runs beside the others."""
    sidecars = [one for one in pod["spec"].get("initContainers") or [] if one.get("restartPolicy") == "Always"]
    counts = {one["name"]: _limit(one) for one in sidecars + pod["spec"]["containers"]}
    return {name: count for name, count in counts.items() if count}


def visible(declared: str | None, mine: list[int]) -> str:
    """CUDA_VISIBLE_DEVICES for a container. What the manifest declares counts within the container's own GPUs."""
    places = [int(word) for word in (declared or "").split(",") if word.isdigit()]
    chosen = [mine[place] for place in places if place < len(mine)]
    return ",".join(str(device) for device in chosen or mine)


def _limit(container: Object) -> int:
    resources = container.get("resources") or {}
    return int((resources.get("limits") or {}).get(RESOURCE, 0))


def _claim(device: int) -> socket.socket | None:
    return claim(f"gpu/{device}")
