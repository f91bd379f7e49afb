"""New weights into running servers, through vLLM's RL routes: named tensors, or safetensors files, in.

    meeting = Gloo(fleet, described, host=..., port=...)  or  Nccl(...)     once
    meeting.push(tensors, version="7")                           after every batch
    push_files(fleet, files, version="sft")                      eval, which has no trainer

While weights go in, a server is paused: requests in flight wait, and go on with the new weights.
A server that fails ends the push with its name in the error, by a deadline at the latest.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from klearctl.rollout.client import Fleet
from klearctl.rollout.meeting import broadcast, meet
from klearctl.rollout.server import Server
from klearctl.rollout.together import together

if TYPE_CHECKING:
    from torch import Tensor

TIMEOUT_S = 300.0  # of each call of a push


@dataclass(frozen=True, slots=True)
class Described:
    """A tensor that will be sent."""

    name: str
    """Its Hugging Face name."""

    dtype: str
    """As torch has it, such as `bfloat16`."""

    shape: tuple[int, ...]


def describe(tensors: "Iterable[tuple[str, Tensor]]") -> list[Described]:
    """What the tensors are; the servers are told before any comes."""
    return [Described(name, str(one.dtype).removeprefix("torch."), tuple(one.shape)) for name, one in tensors]


def push_files(fleet: Fleet, files: Sequence[Path], *, version: str) -> None:
    """Loads safetensors files, which the servers can read under the same paths, into all servers.

    Raises:
        RunFailed: a server failed; its name is in the message.
    """
    _each(fleet, "init_weight_transfer_engine", {"init_info": {}})
    with _update(fleet, version):
        _each(fleet, "update_weights", {"update_info": {"files": [str(file) for file in files]}})


class Gloo:
    """The trainer's side of our engine `klear`: a broadcast over TCP, for servers on CPUs. Rank 0 alone has it."""

    def __init__(self, fleet: Fleet, described: Sequence[Described], *, host: str, port: int) -> None:
        """Meets all servers at an address of this host.

        Raises:
            RunFailed: a server did not come; its name is in the message.
        """
        self._fleet, self._described = fleet, described
        size = 1 + len(fleet.servers)

        def invite(server: Server, place: int) -> None:
            where = {"host": host, "port": port, "size": size, "rank": 1 + place, "timeout_s": TIMEOUT_S}
            _post(server, "init_weight_transfer_engine", {"init_info": where})

        def open_here() -> None:
            self._group = meet(host, port, rank=0, size=size, timeout_s=TIMEOUT_S)

        together(fleet.servers, invite, open_here, timeout_s=TIMEOUT_S)

    def push(self, tensors: "Iterable[tuple[str, Tensor]]", *, version: str) -> None:
        """Sends the tensors, which are as described and in that order, to all servers.

        Raises:
            RunFailed: a server failed; its name is in the message.
        """
        update = _columns(self._described, dtypes="dtypes") | {"timeout_s": TIMEOUT_S}
        whole = (tensor.cpu().contiguous() for _, tensor in tensors)
        with _update(self._fleet, version):
            _receive(self._fleet, update, lambda: broadcast(self._group, whole, timeout_s=TIMEOUT_S))


class Nccl:
    """The trainer's side of vLLM's own engine `nccl`, for servers on GPUs. Rank 0 alone has it.

    Written after vLLM 0.32 (`vllm.distributed.weight_transfer.nccl_engine`). Unproven: no test of ours has run it,
    as it takes a GPU for the trainer and another for a server. Tensors go one by one, not packed: a tensor that
    ZeRO-3 gathered is valid until the next one alone.
    """

    def __init__(self, fleet: Fleet, described: Sequence[Described], *, host: str, port: int) -> None:
        """Meets all servers at an address of this host.

        Raises:
            RunFailed: a server did not come; its name is in the message.
        """
        import torch
        from vllm.distributed.weight_transfer.nccl_common import trainer_init

        self._fleet, self._described = fleet, described
        self._device = torch.cuda.current_device()
        meeting = {"master_address": host, "master_port": port, "world_size": 1 + len(fleet.servers)}

        def invite(server: Server, place: int) -> None:
            where = meeting | {"rank_offset": 1 + place, "packed": False}
            _post(server, "init_weight_transfer_engine", {"init_info": where})

        def open_here() -> None:
            torch.cuda.set_device(self._device)  # a thread begins at GPU 0
            self._group = trainer_init(meeting)

        together(fleet.servers, invite, open_here, timeout_s=TIMEOUT_S)

    def push(self, tensors: "Iterable[tuple[str, Tensor]]", *, version: str) -> None:
        """Sends the tensors, which are as described and in that order, to all servers.

        Raises:
            RunFailed: a server failed; its name is in the message.
        """
        with _update(self._fleet, version):
            _receive(self._fleet, _columns(self._described, dtypes="dtype_names"), lambda: self._send(tensors))

    def _send(self, tensors: "Iterable[tuple[str, Tensor]]") -> None:
        import torch

        torch.cuda.set_device(self._device)
        stream = torch.cuda.current_stream()
        for _, tensor in tensors:
            self._group.broadcast(tensor.contiguous(), src=0, stream=stream)
        stream.synchronize()


def _columns(described: Sequence[Described], *, dtypes: str) -> dict[str, Any]:
    return {
        "names": [one.name for one in described],
        dtypes: [one.dtype for one in described],
        "shapes": [one.shape for one in described],
    }


def _receive(fleet: Fleet, update: dict[str, Any], send: Callable[[], None]) -> None:
    body = {"update_info": update}
    together(fleet.servers, lambda server, _: _post(server, "update_weights", body), send, timeout_s=TIMEOUT_S)


@contextmanager
def _update(fleet: Fleet, version: str) -> Iterator[None]:
    """The servers are paused, take weights inside, and go on as `version`."""
    _each(fleet, "pause?mode=keep")
    _each(fleet, "start_weight_update")
    yield
    _each(fleet, "finish_weight_update", {"weight_version": version})
    _each(fleet, "reset_prefix_cache")  # its entries are of the old weights
    _each(fleet, "resume")
    fleet.version = version


def _each(fleet: Fleet, route: str, body: dict[str, Any] | None = None) -> None:
    together(fleet.servers, lambda server, _: _post(server, route, body), timeout_s=TIMEOUT_S)


def _post(server: Server, route: str, body: dict[str, Any] | None = None) -> None:
    server.post(route, body, timeout_s=TIMEOUT_S)
