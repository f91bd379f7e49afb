"""Checkpoints of a run: in goes its prefix, out come the steps that can be resumed, and their files.

    PREFIX/checkpoints/step-N/{model/..., state/..., manifest.json, COMMIT}

The manifest holds the size and SHA-256 of each file. COMMIT is written last; without it the rest does not exist.
"""

import hashlib
import re
import time
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from klearctl import records, storage
from klearctl.errors import ConfigError, RunFailed
from klearctl.run import run_prefix

MANIFEST, COMMIT = "manifest.json", "COMMIT"
_NAME = re.compile(r"step-(\d+)/(.+)")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A whole one."""

    step: int
    address: str
    bytes: int
    time: float
    """When it was committed, in seconds since 1970."""


def save(prefix: str, step: int, directory: Path) -> None:
    """Commit the directory as the checkpoint of this step: its files, the manifest, COMMIT.

    What a killed writer left of this step is replaced. A step that is committed stays as it is.
    """
    address = _address(prefix, step)
    left = storage.names(address)
    if COMMIT in left:
        return
    if left:
        storage.delete(address)
    manifest = {"step": step, "files": _describe(directory)}
    storage.upload(directory, address)
    storage.write_json(storage.join(address, MANIFEST), manifest)
    storage.write_bytes(storage.join(address, COMMIT), f"{time.time()}\n".encode())


def committed(prefix: str) -> list[Checkpoint]:
    """The checkpoints that are whole, the newest last. One listing, however many there are."""
    sizes: dict[int, int] = {}
    times: dict[int, float] = {}
    for entry in storage.entries(storage.join(prefix, "checkpoints")):
        if not (match := _NAME.fullmatch(entry.name)):
            continue
        step = int(match[1])
        sizes[step] = sizes.get(step, 0) + entry.bytes
        if match[2] == COMMIT:
            times[step] = entry.time
    return [Checkpoint(step, _address(prefix, step), sizes[step], times[step]) for step in sorted(times)]


def latest(prefix: str) -> Checkpoint | None:
    """The checkpoint a resume starts from, if there is one."""
    found = committed(prefix)
    return found[-1] if found else None


def fetch(checkpoint: Checkpoint, directory: Path, *, part: str = "") -> None:
    """Put the checkpoint into the folder, checked against the manifest; of a `part` its files alone, as `model`'s.

    Raises:
        RunFailed: a file is missing, short or changed.
    """
    files = {name: told for name, told in _files(checkpoint).items() if not part or name.startswith(f"{part}/")}
    places = {name: directory / PurePosixPath(name).relative_to(part) for name in files}
    wrong = [
        line for line in storage.together(lambda name: _get(checkpoint, name, files[name], places[name]), files) if line
    ]
    if wrong:
        raise RunFailed(f"{checkpoint.address} is damaged: {'; '.join(wrong)}", fix="resume from an earlier checkpoint")


def verify(checkpoint: Checkpoint) -> list[str]:
    """What is wrong with the checkpoint, one line for each file; reads all of it."""
    try:
        files = _files(checkpoint)
    except (storage.NotFound, RunFailed) as error:
        return [str(error)]
    return [line for line in storage.together(lambda name: _check(checkpoint, name, files[name]), files) if line]


def resolve_model(address: str, bucket: str) -> str:
    """Where a model lies: `run:NAME` is what that run made, `run:NAME@STEP` one of its checkpoints, others stay.

    Raises:
        NotFound: the run is not done, or has not committed that step.
        ConfigError: the run made no model.
    """
    if not address.startswith("run:"):
        return address
    name, at, step = address.removeprefix("run:").partition("@")
    prefix = run_prefix(bucket, name)
    if not at:
        return _made(prefix, name, "model")
    steps = [found.step for found in committed(prefix)]
    if not step.isdecimal() or int(step) not in steps:
        raise storage.NotFound(
            f"run {name} has no checkpoint of step {step}",
            fix=f"it has {', '.join(map(str, steps)) or 'none yet'}",
        )
    return model_address(prefix, int(step))


def resolve_data(address: str, bucket: str, part: str) -> str:
    """Where data lies: `run:NAME` is what that run made as `part` (sft, rl or heldout), others stay.

    Raises:
        NotFound: the run is not done.
        ConfigError: the run made no such data.
    """
    if not address.startswith("run:"):
        return address
    name = address.removeprefix("run:")
    return _made(run_prefix(bucket, name), name, "data", part)


def model_address(prefix: str, step: int) -> str:
    """Where a step's model lies, whether it is committed or not."""
    return storage.join(_address(prefix, step), "model")


def _address(prefix: str, step: int) -> str:
    return storage.join(prefix, "checkpoints", f"step-{step}")


def _describe(directory: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(path for path in directory.rglob("*") if path.is_file()):
        with open(path, "rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        found[path.relative_to(directory).as_posix()] = {"bytes": path.stat().st_size, "sha256": sha256}
    return found


def _files(checkpoint: Checkpoint) -> dict[str, dict[str, Any]]:
    files: dict[str, dict[str, Any]] = storage.read_json(storage.join(checkpoint.address, MANIFEST))["files"]
    for name in files:
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            raise RunFailed(f"{checkpoint.address}/{MANIFEST} names {name}, which lies outside of it")
    return files


def _get(checkpoint: Checkpoint, name: str, told: dict[str, Any], place: Path) -> str:
    try:
        storage.get(storage.join(checkpoint.address, name), place)
    except storage.NotFound:
        return f"{name} is missing"
    return _compare(name, told, str(place))


def _check(checkpoint: Checkpoint, name: str, told: dict[str, Any]) -> str:
    try:
        return _compare(name, told, storage.join(checkpoint.address, name))
    except storage.NotFound:
        return f"{name} is missing"


def _compare(name: str, told: dict[str, Any], address: str) -> str:
    size, sha256 = storage.digest(address)
    if size != told["bytes"]:
        return f"{name} has {size} bytes instead of {told['bytes']}"
    return "" if sha256 == told["sha256"] else f"{name} has changed: its SHA-256 differs"


def _made(prefix: str, name: str, *keys: str) -> str:
    value: Any = records.read_result(prefix)
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    if not isinstance(value, str):
        raise ConfigError(f"run {name} made no {' '.join(keys)}", fix=f"see {storage.join(prefix, 'result.json')}")
    return value
