"""The trainer's processes as one: who am I, and values that all ranks agree on. Between ranks goes JSON, no pickle."""

import json
import os
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist

PATIENCE = timedelta(hours=1)  # rank 0 uploads a checkpoint while the others wait


def join(*, gpus: bool) -> None:
    """Meet the other ranks, as torchrun placed them; a rank alone opens no port."""
    for name, value in (("RANK", "0"), ("LOCAL_RANK", "0"), ("WORLD_SIZE", "1")):
        os.environ.setdefault(name, value)  # DeepSpeed reads them too
    rank, world_size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    backend = "nccl" if gpus else "gloo"
    mine = torch.device("cuda", local_rank()) if gpus else None
    if mine:
        torch.cuda.set_device(mine)
    store = dist.HashStore() if world_size == 1 else None
    dist.init_process_group(backend, store=store, rank=rank, world_size=world_size, timeout=PATIENCE, device_id=mine)
    # torchrun's word to use its own store; a second meeting, to push weights, would wait for it for ever
    os.environ["TORCHELASTIC_USE_AGENT_STORE"] = "False"


def leave() -> None:
    """Part from the other ranks, all at once."""
    dist.barrier()
    dist.destroy_process_group()


def rank() -> int:
    """This process among all, from 0; rank 0 alone writes."""
    return dist.get_rank()


def world_size() -> int:
    """How many processes train."""
    return dist.get_world_size()


def local_rank() -> int:
    """This process among those of its pod, and the GPU it has."""
    return int(os.environ.get("LOCAL_RANK", "0"))


def node() -> int:
    """The pod among the trainer's pods."""
    return int(os.environ.get("GROUP_RANK", "0"))


def device() -> torch.device:
    """Where this rank's tensors live."""
    return torch.device("cuda", local_rank()) if dist.get_backend() == "nccl" else torch.device("cpu")


def barrier() -> None:
    """Wait until every rank is here."""
    dist.barrier()


def share(value: Any) -> Any:
    """Rank 0's value on every rank; what the others pass is ignored. It must survive JSON."""
    if world_size() == 1:
        return json.loads(json.dumps(value))
    data = json.dumps(value).encode() if rank() == 0 else b""
    size = torch.tensor([len(data)], device=device())
    dist.broadcast(size, 0)
    body = torch.zeros(int(size), dtype=torch.uint8, device=device())
    if rank() == 0:
        body.copy_(torch.frombuffer(bytearray(data), dtype=torch.uint8))
    dist.broadcast(body, 0)
    return json.loads(body.cpu().numpy().tobytes())


def total(values: Sequence[float]) -> list[float]:
    """Each value summed over the ranks."""
    tensor = torch.tensor(list(values), dtype=torch.float64, device=device())
    dist.all_reduce(tensor)
    sums: list[float] = tensor.tolist()
    return sums


def largest(value: float) -> float:
    """The largest value of any rank."""
    tensor = torch.tensor(value, dtype=torch.float64, device=device())
    dist.all_reduce(tensor, dist.ReduceOp.MAX)
    return tensor.item()


def any_rank(flag: bool) -> bool:
    """Whether the flag is set on any rank; the same answer on all."""
    return bool(largest(float(flag)))
