"""A checkpoint's files: the model as Hugging Face has it, the optimizer as whole float32 tensors, the rest as JSON.

Nothing is pickled, and no file depends on how many ranks or which ZeRO stage wrote it.

    model/  config.json, model.safetensors, tokenizer files      what transformers and vLLM load
    state/  optimizer.safetensors                                NAME:exp_avg, NAME:exp_avg_sq; bfloat16: NAME:master
            rng.safetensors, state.json                          generators, optimizer steps, the stage's own `extra`
"""

import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from deepspeed import utils as fragments
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from klearctl.errors import RunFailed
from klearctl.train.shards import read_shards, write_shards

if TYPE_CHECKING:
    from klearctl.train.engine import Engine

MOMENTS = ("exp_avg", "exp_avg_sq")
MASTER = "master"
WEIGHTS = (".safetensors", ".bin", ".pt", ".pth", ".gguf", ".index.json")
MODEL, STATE = "model", "state"


def save(directory: Path, engine: "Engine", deepspeed: Any, extra: dict[str, Any]) -> None:
    """Called by all ranks, as reading a divided tensor is a meeting; rank 0 writes."""
    write = engine.rank == 0
    write_shards(directory / MODEL, "model", engine.parameters(), write=write)
    write_shards(
        directory / STATE,
        "optimizer",
        _optimizer_tensors(engine, deepspeed),
        write=write,
    )
    if write:
        _copy_beside(engine.model_dir, directory / MODEL)
        config = deepspeed.module.model.config
        config.dtype = engine.dtype
        config.save_pretrained(directory / MODEL)
        save_file(_torch_generators(), directory / STATE / "rng.safetensors")
        (directory / STATE / "state.json").write_text(
            json.dumps({"updates": engine.updates, "extra": extra, **_other_generators()})
        )


def load(directory: Path, engine: "Engine", deepspeed: Any) -> dict[str, Any]:
    """Set what `save` wrote, whole tensors into this rank's parts of them, and return `extra`.

    Raises:
        RunFailed: the files belong to another model.
    """
    wanted = {f"{name}:{key}" for name in engine.names for key in _keys(engine)}
    for full_name, tensor in read_shards(directory / STATE, "optimizer"):
        name, _, key = full_name.rpartition(":")
        if full_name in wanted:
            _set(deepspeed, engine.names[name], key, tensor)
            wanted.discard(full_name)
    if wanted:
        raise RunFailed(
            f"{directory / STATE} lacks {min(wanted)}",
            fix="resume with the model it was saved with",
        )
    saved = json.loads((directory / STATE / "state.json").read_text())
    engine.updates = saved["updates"]
    set_adam_step(deepspeed, engine.updates)
    _set_generators(saved, load_file(directory / STATE / "rng.safetensors"))
    extra: dict[str, Any] = saved["extra"]
    return extra


def set_adam_step(deepspeed: Any, step: int) -> None:
    """AdamW counts its steps once for each tensor it holds, for the bias correction."""
    for held in deepspeed.basic_optimizer.state.values():
        held["step"].fill_(step)


def _optimizer_tensors(engine: "Engine", deepspeed: Any) -> Iterator[tuple[str, Tensor]]:
    for name, parameter in engine.names.items():
        for key in _keys(engine):
            yield f"{name}:{key}", _get(deepspeed, parameter, key)


def _keys(engine: "Engine") -> tuple[str, ...]:
    """In float32 the model is its own master copy."""
    return MOMENTS if engine.dtype == torch.float32 else (*MOMENTS, MASTER)


def _get(deepspeed: Any, parameter: nn.Parameter, key: str) -> Tensor:
    if key == MASTER:
        whole: Tensor = fragments.safe_get_full_fp32_param(parameter)
    elif _divided(parameter):
        whole = fragments.safe_get_full_optimizer_state(parameter, key)
    else:
        whole = deepspeed.optimizer.state[parameter][key]
    return whole


def _set(deepspeed: Any, parameter: nn.Parameter, key: str, whole: Tensor) -> None:
    if key == MASTER:
        fragments.safe_set_full_fp32_param(parameter, whole)
    elif _divided(parameter):
        fragments.safe_set_full_optimizer_state(parameter, whole, key)
    else:
        deepspeed.optimizer.state[parameter][key].copy_(whole)


def _divided(parameter: nn.Parameter) -> bool:
    """ZeRO 1 to 3 keep moments in flat parts; stage 0 leaves them where torch puts them."""
    return hasattr(parameter, "ds_id") or hasattr(parameter, "_hp_mapping")


def _copy_beside(source: Path, target: Path) -> None:
    """The tokenizer and whatever else lies beside the weights."""
    for file in source.iterdir():
        if file.is_file() and not file.name.endswith(WEIGHTS):
            shutil.copyfile(file, target / file.name)


def _torch_generators() -> dict[str, Tensor]:
    found = {"cpu": torch.get_rng_state()}
    return found | ({"cuda": torch.cuda.get_rng_state()} if torch.cuda.is_initialized() else {})


def _other_generators() -> dict[str, Any]:
    name, keys, *rest = np.random.get_state(legacy=True)
    return {
        "python": random.getstate(),
        "numpy": [name, [int(key) for key in keys], *rest],
    }


def _set_generators(saved: dict[str, Any], tensors: dict[str, Tensor]) -> None:
    version, numbers, gauss = saved["python"]
    random.setstate((version, tuple(numbers), gauss))
    name, keys, *rest = saved["numpy"]
    np.random.set_state((name, np.array(keys, dtype=np.uint32), *rest))
    torch.set_rng_state(tensors["cpu"])
    if "cuda" in tensors and torch.cuda.is_initialized():
        torch.cuda.set_rng_state(tensors["cuda"])
