"""What a run can go on from: `PREFIX/checkpoints/step-N/{model/, state/, manifest.json, COMMIT}`.

`COMMIT` is written last, so a checkpoint whose writer was killed is not there for any reader. `model/` is a plain
Hugging Face directory that transformers and vLLM load.
"""

import hashlib
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from klearctl import records, storage
from klearctl.errors import ConfigError, RunFailed
from klearctl.run import run_prefix

_STEP = re.compile(r"step-(\d+)/COMMIT")
_RUN = re.compile(r"run:([^@]+)(?:@(\d+))?")
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A committed checkpoint."""

    step: int
    address: str
    bytes: int
    """Size of its files, together."""

    time: float
    """When it was committed, in seconds of the epoch."""


def save(prefix: str, step: int, directory: Path) -> None:
    """Puts the directory's files, then their manifest, then COMMIT.

    What a killed writer of the same step left is written over; only files of the manifest count.
    """
    address = _address(prefix, step)
    files = {
        file.relative_to(directory).as_posix(): {"bytes": file.stat().st_size, "sha256": _digest(file)}
        for file in sorted(directory.rglob("*"))
        if file.is_file()
    }
    storage.upload(directory, address)
    storage.write_json(storage.join(address, "manifest.json"), {"step": step, "files": files})
    total = sum(int(str(file["bytes"])) for file in files.values())
    storage.write_json(storage.join(address, "COMMIT"), {"step": step, "bytes": total, "time": time.time()})


def committed(prefix: str) -> list[Checkpoint]:
    """Every committed checkpoint, the newest step last."""
    root = storage.join(prefix, "checkpoints")
    steps = sorted(int(found[1]) for name in storage.names(root) if (found := _STEP.fullmatch(name)))
    return [_read(prefix, step) for step in steps]


def latest(prefix: str) -> Checkpoint | None:
    """The committed checkpoint of the highest step, or None."""
    root = storage.join(prefix, "checkpoints")
    steps = [int(found[1]) for name in storage.names(root) if (found := _STEP.fullmatch(name))]
    return _read(prefix, max(steps)) if steps else None


def fetch(checkpoint: Checkpoint, directory: Path, *, part: str = "") -> Path:
    """Downloads a checkpoint, or its folder `part` alone, and checks every size and checksum.

    Returns:
        The directory, or the part in it.

    Raises:
        RunFailed: a file is missing or differs from the manifest.
    """
    wanted = {name: file for name, file in _manifest(checkpoint).items() if not part or name.startswith(f"{part}/")}
    storage.download(storage.join(checkpoint.address, part) if part else checkpoint.address, directory / part)
    problems = [found for name, file in wanted.items() if (found := _compare(directory / name, name, file))]
    if problems:
        raise RunFailed(f"{checkpoint.address} is damaged: {'; '.join(problems)}", fix="resume from an earlier step")
    return directory / part if part else directory


def verify(checkpoint: Checkpoint) -> list[str]:
    """What is wrong with a checkpoint, file by file; empty if it is whole. Reads every byte, one file at a time."""
    sizes = storage.sizes(checkpoint.address)
    return [found for name, file in _manifest(checkpoint).items() if (found := _verify(checkpoint, name, file, sizes))]


def resolve_model(address: str, bucket: str) -> str:
    """`run:NAME` as the model that the run handed over, `run:NAME@STEP` as that of one step; else the address itself.

    Raises:
        ConfigError: the run has not handed over a model, or has no such step.
    """
    found = _RUN.fullmatch(address)
    if not found:
        return address
    prefix = run_prefix(bucket, found[1])
    if found[2] is not None:
        if not storage.exists(storage.join(_address(prefix, int(found[2])), "COMMIT")):
            raise ConfigError(
                f"{found[1]} has no checkpoint of step {found[2]}", fix=f"klearctl checkpoints {found[1]}"
            )
        return storage.join(_address(prefix, int(found[2])), "model")
    return str(_handed_over(address, found[1], prefix, "model"))


def resolve_data(address: str, bucket: str, part: str) -> str:
    """`run:NAME` as the data that a curate run handed over, `part` of sft, rl and heldout; else the address itself.

    Raises:
        ConfigError: the run has not handed over such data.
    """
    found = _RUN.fullmatch(address)
    if not found:
        return address
    data = _handed_over(address, found[1], run_prefix(bucket, found[1]), "data")
    if part not in data:
        raise ConfigError(f"{address} handed over no data for {part}", fix=f"it has {', '.join(data)}")
    return str(data[part])


def _handed_over(address: str, run: str, prefix: str, key: str) -> Any:
    try:
        result = records.read_result(prefix)
    except storage.NotFound as error:
        raise ConfigError(f"{address} has handed over nothing yet", fix=f"klearctl status {run}") from error
    if key not in result:
        raise ConfigError(f"{address} handed over no {key}", fix=f"it has {', '.join(result)}")
    return result[key]


def _address(prefix: str, step: int) -> str:
    return storage.join(prefix, f"checkpoints/step-{step}")


def _read(prefix: str, step: int) -> Checkpoint:
    address = _address(prefix, step)
    commit = storage.read_json(storage.join(address, "COMMIT"))
    return Checkpoint(step, address, commit["bytes"], commit["time"])


def _manifest(checkpoint: Checkpoint) -> dict[str, dict[str, Any]]:
    files = storage.read_json(storage.join(checkpoint.address, "manifest.json"))["files"]
    assert isinstance(files, dict)
    return files


def _compare(path: Path, name: str, file: dict[str, Any]) -> str:
    if not path.is_file():
        return f"{name} is missing"
    if path.stat().st_size != file["bytes"]:
        return f"{name} has {path.stat().st_size} bytes, not {file['bytes']}"
    return "" if _digest(path) == file["sha256"] else f"{name} differs from its checksum"


def _verify(checkpoint: Checkpoint, name: str, file: dict[str, Any], sizes: dict[str, int]) -> str:
    if name not in sizes:
        return f"{name} is missing"
    if sizes[name] != file["bytes"]:
        return f"{name} has {sizes[name]} bytes, not {file['bytes']}"
    digest = hashlib.sha256()
    for block in storage.blocks(storage.join(checkpoint.address, name), _BLOCK):
        digest.update(block)
    return "" if digest.hexdigest() == file["sha256"] else f"{name} differs from its checksum"


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
