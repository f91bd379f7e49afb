"""Where a trainer and its servers meet to broadcast tensors over gloo: an address and a rank in, a group out."""

from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor
    from torch.distributed import ProcessGroupGloo


def meet(host: str, port: int, *, rank: int, size: int, timeout_s: float) -> "ProcessGroupGloo":
    """The group of the trainer (rank 0, which listens on the port) and its servers (ranks 1 and up).

    The store is made by hand: torch's rendezvous would, under torchrun, make rank 0 a client of a store nobody serves.
    """
    from torch.distributed import PrefixStore, ProcessGroupGloo, TCPStore

    patience = timedelta(seconds=timeout_s)
    store = TCPStore(host, port, size, is_master=rank == 0, timeout=patience, wait_for_workers=False)
    return ProcessGroupGloo(PrefixStore("weights", store), rank, size, patience)


def broadcast(group: "ProcessGroupGloo", tensors: "Iterable[Tensor]", *, timeout_s: float) -> None:
    """Rank 0's values of these contiguous tensors, into the same tensors of the others."""
    import torch
    from torch.distributed import BroadcastOptions

    options = BroadcastOptions()
    options.rootRank = 0
    options.rootTensor = 0
    options.timeout = timedelta(seconds=timeout_s)
    for tensor in tensors:
        group.broadcast([tensor.view(-1).view(torch.uint8)], options).wait()  # gloo knows few types; bytes it knows
