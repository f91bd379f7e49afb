"""Tensors in, safetensors files of bounded size out: rank 0 never holds more than one file's worth."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

SHARD_BYTES = 4 * 2**30


class ShardWriter:
    """Collects tensors and writes a file whenever it is full. A single file is named STEM.safetensors."""

    def __init__(self, directory: Path, stem: str, *, shard_bytes: int = SHARD_BYTES) -> None:
        self.directory, self.stem, self.shard_bytes = directory, stem, shard_bytes
        self._held: dict[str, Tensor] = {}
        self._held_bytes = 0
        self._total_bytes = 0
        self._files: dict[str, list[str]] = {}
        directory.mkdir(parents=True, exist_ok=True)

    def add(self, name: str, tensor: Tensor) -> None:
        """Copies the tensor; it may change afterwards."""
        if self._held and self._held_bytes + tensor.nbytes > self.shard_bytes:
            self._write()
        self._held[name] = tensor.to("cpu", copy=True).contiguous()
        self._held_bytes += tensor.nbytes
        self._total_bytes += tensor.nbytes

    def close(self) -> None:
        """The last file, and an index as Hugging Face has it if there is more than one."""
        self._write()
        if len(self._files) == 1:
            (self.directory / next(iter(self._files))).rename(self.directory / f"{self.stem}.safetensors")
            return
        weight_map = {name: file for file, names in self._files.items() for name in names}
        index = {
            "metadata": {"total_size": self._total_bytes},
            "weight_map": weight_map,
        }
        (self.directory / f"{self.stem}.safetensors.index.json").write_text(json.dumps(index, indent=1))

    def _write(self) -> None:
        file = f"{self.stem}-{len(self._files) + 1:05d}.safetensors"
        save_file(self._held, self.directory / file, metadata={"format": "pt"})
        self._files[file] = list(self._held)
        self._held, self._held_bytes = {}, 0


def write_shards(directory: Path, stem: str, tensors: Iterable[tuple[str, Tensor]], *, write: bool) -> None:
    """Go through the tensors, which all ranks must do together, and write them if `write`."""
    writer = ShardWriter(directory, stem) if write else None
    for name, tensor in tensors:
        if writer:
            writer.add(name, tensor)
    if writer:
        writer.close()


def read_shards(directory: Path, stem: str) -> Iterator[tuple[str, Tensor]]:
    """Every tensor, one at a time."""
    for file in sorted(directory.glob(f"{stem}*.safetensors")):
        with safe_open(file, framework="pt") as opened:
            for name in opened.keys():  # noqa: SIM118 (not a dict)
                yield name, opened.get_tensor(name)
