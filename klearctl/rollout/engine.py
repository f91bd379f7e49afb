"""vLLM's side of a push: tensors broadcast by the trainer, or safetensors files, into the running model.

vLLM makes one engine in each worker, and calls it for the routes of `klearctl.rollout.weights`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from safetensors import safe_open
from vllm.distributed.weight_transfer.base import (
    WeightTransferEngine,
    WeightTransferInitInfo,
    WeightTransferUpdateInfo,
)
from vllm.model_executor.layers.vocab_parallel_embedding import ParallelLMHead, UnquantizedEmbeddingMethod
from vllm.model_executor.model_loader.reload import finalize_layerwise_reload, initialize_layerwise_reload

from klearctl.rollout.meeting import broadcast, meet


@dataclass
class Meeting(WeightTransferInitInfo):
    """Where to meet the trainer. Without a port there is no meeting: this server takes files only."""

    host: str = ""
    port: int = 0
    size: int = 1
    rank: int = 0
    """Rank of this server's first worker in the group; the trainer is 0."""

    timeout_s: float = 60.0


@dataclass
class Update(WeightTransferUpdateInfo):
    """What comes: `files`, or the broadcast tensors' names, types and shapes."""

    files: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    dtypes: list[str] = field(default_factory=list)
    shapes: list[list[int]] = field(default_factory=list)
    timeout_s: float = 60.0


class KlearEngine(WeightTransferEngine[Meeting, Update]):
    """Takes weights in Hugging Face names and lets vLLM's layer-wise reload place them."""

    init_info_cls = Meeting
    update_info_cls = Update
    group: "torch.distributed.ProcessGroupGloo | None" = None

    def init_transfer_engine(self, init_info: Meeting) -> None:
        """Joins the trainer's group, if there is one; a group from before is dropped."""
        self.shutdown()
        if init_info.port:
            rank = init_info.rank + self.parallel_config.rank
            self.group = meet(
                init_info.host, init_info.port, rank=rank, size=init_info.size, timeout_s=init_info.timeout_s
            )

    def start_weight_update(self) -> None:
        """Makes the model's layers ready to take weights again."""
        initialize_layerwise_reload(self.model)

    def update_weights(self, update_info: dict[str, object]) -> None:
        """Receives one part of the weights. vLLM's own version then waits for a device, which a CPU does not have."""
        self.receive_weights(self.parse_update_info(update_info))
        if torch.accelerator.is_available():
            torch.accelerator.synchronize()

    def receive_weights(self, update_info: Update) -> None:
        """Loads what comes, tensor by tensor."""
        for file in update_info.files:
            self.model.load_weights(_read(file))
        if update_info.names:
            self.model.load_weights(self._received(update_info))

    def _received(self, update: Update) -> Iterator[tuple[str, torch.Tensor]]:
        if self.group is None:
            raise RuntimeError("a broadcast before the meeting: call init_weight_transfer_engine first")
        for name, dtype, shape in zip(update.names, update.dtypes, update.shapes, strict=True):
            tensor = torch.empty(shape, dtype=getattr(torch, dtype))
            broadcast(self.group, [tensor], timeout_s=update.timeout_s)
            yield name, tensor

    def finish_weight_update(self) -> None:
        """Puts the new weights where the model reads them."""
        finalize_layerwise_reload(self.model, self.model_config)
        for layer in self.model.modules():
            if isinstance(layer, ParallelLMHead) and isinstance(layer.quant_method, UnquantizedEmbeddingMethod):
                # tied to the embedding, nothing is loaded into it, and on a CPU it multiplies by a packed copy
                layer.quant_method.process_weights_after_loading(layer)

    def shutdown(self) -> None:
        """Leaves the group."""
        self.group = None


def _read(file: str) -> Iterator[tuple[str, torch.Tensor]]:
    with safe_open(file, framework="pt") as weights:
        for name in weights.keys():  # noqa: SIM118 (an open file is no dict)
            yield name, weights.get_tensor(name)
