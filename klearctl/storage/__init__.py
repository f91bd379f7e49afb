"""Bytes at addresses: in goes a path or `s3://BUCKET/KEY`, out come bytes, names and files.

Nothing is cached: a listing shows what is there now. Every failure is a BackendError that names the address.
"""

import contextlib
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from klearctl.errors import RunFailed
from klearctl.storage.wire import NotFound as NotFound
from klearctl.storage.wire import asking, code_of
from klearctl.storage.wire import is_s3 as is_s3

AT_ONCE = 4  # files on their way together; each large one adds its own parts
_BLOCK = 8 * 2**20
_DRAFT = ".draft-"  # how a local file is called until it is whole

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Entry:
    """One object of a listing."""

    name: str
    bytes: int
    time: float


def read_bytes(address: str) -> bytes:
    """What lies there.

    Raises:
        NotFound: nothing does.
    """
    with asking(address) as (files, path):
        return bytes(files.cat_file(path))


def write_bytes(address: str, data: bytes) -> None:
    """Put it there, whole or not at all, over what was there."""
    with asking(address) as (files, path):
        if is_s3(address):
            files.pipe_file(path, data)
            return
        with _draft(Path(path), data) as draft:
            draft.replace(path)


def write_new(address: str, data: bytes) -> bool:
    """Put it there unless something is there already; whether it was put. Of many writers one gets True."""
    with asking(address) as (files, path):
        try:
            if is_s3(address):
                files.pipe_file(path, data, mode="create")
                return True
            with _draft(Path(path), data) as draft:
                os.link(draft, path)
                return True
        except OSError as error:
            if isinstance(error, FileExistsError) or code_of(error) == "PreconditionFailed":
                return False
            raise


def read_json(address: str) -> Any:
    """The JSON value that lies there.

    Raises:
        NotFound: nothing does.
        RunFailed: it is not JSON.
    """
    try:
        return json.loads(read_bytes(address))
    except ValueError as error:
        raise RunFailed(f"{address} is not JSON: {error}", fix="was it written by something else?") from error


def write_json(address: str, value: Any) -> None:
    """Put a value there as JSON."""
    write_bytes(address, json.dumps(value, indent=1, allow_nan=False).encode() + b"\n")


def exists(address: str) -> bool:
    """Whether there is an object, or anything below this prefix."""
    with asking(address) as (files, path):
        return bool(files.exists(path))


def names(prefix: str) -> list[str]:
    """All names below the prefix, relative to it, sorted; [] if there are none."""
    return [entry.name for entry in entries(prefix)]


def entries(prefix: str) -> list[Entry]:
    """All objects below the prefix in one listing, sorted by name."""
    with asking(prefix) as (files, path):
        found = files.find(path, detail=True)
    root = path.rstrip("/") + "/"
    return sorted(
        (
            Entry(name.removeprefix(root), item["size"], _time(item))
            for name, item in found.items()
            if name.startswith(root) and item["type"] == "file" and not Path(name).name.startswith(_DRAFT)
        ),
        key=lambda entry: entry.name,
    )


def digest(address: str) -> tuple[int, str]:
    """How many bytes lie there, and their SHA-256."""
    total, sha256 = 0, hashlib.sha256()
    with asking(address) as (files, path), files.open(path, "rb", block_size=_BLOCK) as file:
        while block := file.read(_BLOCK):
            total += len(block)
            sha256.update(block)
    return total, sha256.hexdigest()


def upload(directory: Path, prefix: str) -> None:
    """Put all files of the directory below the prefix, several at a time, large ones in parts."""
    found = [file.relative_to(directory).as_posix() for file in sorted(directory.rglob("*")) if file.is_file()]
    together(lambda name: _put(directory / name, join(prefix, name)), found)


def download(prefix: str, directory: Path) -> None:
    """Write everything below the prefix into the directory, several files at a time.

    Raises:
        NotFound: there is nothing below it.
    """
    found = names(prefix)
    if not found:
        raise NotFound(f"there is nothing below {prefix}", fix="check the address")
    together(lambda name: get(join(prefix, name), directory / name), found)


def get(address: str, file: Path) -> None:
    """Write one object into a file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with asking(address) as (files, path):
        files.get_file(path, str(file))


def together(act: Callable[[str], T], found: Iterable[str]) -> list[T]:
    """The act on each, a few at a time, in order."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(act, found))


def delete(prefix: str) -> None:
    """Remove the object and everything below the prefix; nothing there is fine."""
    with asking(prefix) as (files, path):
        if is_s3(prefix):
            if found := files.find(path):
                files.rm(found)
        elif Path(path).is_dir():
            shutil.rmtree(path)
        else:
            Path(path).unlink(missing_ok=True)


def join(prefix: str, *parts: str) -> str:
    """The address of something below the prefix."""
    return "/".join((prefix.rstrip("/"), *(part.strip("/") for part in parts)))


def local_path(address: str, directory: Path) -> Path:
    """A file or folder of this machine with what lies there: a path as it is, else a copy in the directory."""
    if not is_s3(address):
        return Path(address)
    target = directory / address.rstrip("/").rpartition("/")[2]
    if names(address):
        download(address, target)
    else:
        get(address, target)
    return target


def check_bucket(bucket: str) -> None:
    """Make sure that the bucket, or the folder that stands for one, is there and answers.

    Raises:
        BackendError: it is missing, refuses or cannot be reached.
    """
    with asking(bucket, attempts=1) as (files, path):
        if is_s3(bucket):
            files.call_s3("head_bucket", Bucket=path.partition("/")[0])
        else:
            Path(path).mkdir(parents=True, exist_ok=True)


def _put(file: Path, address: str) -> None:
    with asking(address) as (files, path):
        if is_s3(address):
            files.put_file(str(file), path)
            return
        with _draft(Path(path), b"") as draft:
            shutil.copyfile(file, draft)
            draft.replace(path)


@contextlib.contextmanager
def _draft(target: Path, data: bytes) -> Iterator[Path]:
    """A file beside the target, to be renamed to it: a reader never sees half of it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f"{_DRAFT}{secrets.token_hex(8)}")
    try:
        draft.write_bytes(data)
        yield draft
    finally:
        draft.unlink(missing_ok=True)


def _time(item: dict[str, Any]) -> float:
    changed = item.get("LastModified")
    return changed.timestamp() if changed else float(item["mtime"])
