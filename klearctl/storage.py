"""Bytes at addresses: in goes a path or `s3://BUCKET/KEY`, out come bytes, names and files.

Keys and the endpoint come from the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN,
AWS_ENDPOINT_URL), else from where botocore finds them. Nothing is cached: a listing shows what is there now.
"""

import contextlib
import functools
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

from klearctl.errors import BackendError, RunFailed

AT_ONCE = 4  # files on their way together; each large one adds its own parts
ATTEMPTS = 5  # of one request, some 10 s in all: enough for an S3 server that starts anew
_BLOCK = 8 * 2**20
_DRAFT = ".draft-"  # how a local file is called until it is whole
_KEYS = "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"

T = TypeVar("T")


class NotFound(BackendError):
    """There is nothing at this address."""


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
    with _asking(address) as (files, path):
        return bytes(files.cat_file(path))


def write_bytes(address: str, data: bytes) -> None:
    """Put it there, whole or not at all, over what was there."""
    with _asking(address) as (files, path):
        if is_s3(address):
            files.pipe_file(path, data)
            return
        with _draft(Path(path), data) as draft:
            draft.replace(path)


def write_new(address: str, data: bytes) -> bool:
    """Put it there unless something is there already; whether it was put. Of many writers one gets True."""
    with _asking(address) as (files, path):
        try:
            if is_s3(address):
                files.pipe_file(path, data, mode="create")
                return True
            with _draft(Path(path), data) as draft:
                os.link(draft, path)
                return True
        except OSError as error:
            if isinstance(error, FileExistsError) or _code(error) == "PreconditionFailed":
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
    with _asking(address) as (files, path):
        return bool(files.exists(path))


def names(prefix: str) -> list[str]:
    """All names below the prefix, relative to it, sorted; [] if there are none."""
    return [entry.name for entry in entries(prefix)]


def entries(prefix: str) -> list[Entry]:
    """All objects below the prefix in one listing, sorted by name."""
    with _asking(prefix) as (files, path):
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
    with _asking(address) as (files, path), files.open(path, "rb", block_size=_BLOCK) as file:
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
    with _asking(address) as (files, path):
        files.get_file(path, str(file))


def together(act: Callable[[str], T], found: Iterable[str]) -> list[T]:
    """The act on each, a few at a time, in order."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(act, found))


def delete(prefix: str) -> None:
    """Remove the object and everything below the prefix; nothing there is fine."""
    with _asking(prefix) as (files, path):
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


def is_s3(address: str) -> bool:
    """Whether this is an address in a bucket rather than a path."""
    return address.startswith("s3://")


def check_bucket(bucket: str) -> None:
    """Make sure that the bucket, or the folder that stands for one, is there and answers.

    Raises:
        BackendError: it is missing, refuses or cannot be reached.
    """
    with _asking(bucket, attempts=1) as (files, path):
        if is_s3(bucket):
            files.call_s3("head_bucket", Bucket=path.partition("/")[0])
        else:
            Path(path).mkdir(parents=True, exist_ok=True)


def _put(file: Path, address: str) -> None:
    with _asking(address) as (files, path):
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


@contextlib.contextmanager
def _asking(address: str, attempts: int = ATTEMPTS) -> Iterator[tuple[Any, str]]:
    """The file system and the path in it; what fails inside becomes an error that names the address, and no key."""
    files, path, wire_errors = _open(address, attempts)
    try:
        yield files, path
    except FileNotFoundError as error:
        if _code(error) == "NoSuchBucket" or (is_s3(address) and "/" not in path):
            raise NotFound(f"there is no bucket {_bucket(path)}", fix="create it, or say another bucket") from error
        raise NotFound(f"{address} does not exist", fix="check the address, or wait until it is written") from error
    except PermissionError as error:
        fix = _KEYS if is_s3(address) else "check who may write there"
        raise BackendError(f"{address} refuses ({_code(error)})", fix=fix) from error
    except wire_errors as error:
        fix = f"is {files.endpoint_url or 'S3'} up and has it room?" if is_s3(address) else "is there room on the disk?"
        if _code(error) == "NoCredentialsError":
            fix = _KEYS
        raise BackendError(f"{address} cannot be reached or used ({_code(error)})", fix=fix) from error


def _open(address: str, attempts: int) -> tuple[Any, str, tuple[type[Exception], ...]]:
    """The file system, the path in it, and its errors. Imported here: `klearctl --help` needs none of it."""
    import fsspec

    if not is_s3(address):
        return fsspec.filesystem("file"), address, (OSError,)
    from botocore.exceptions import BotoCoreError, ClientError

    told = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL")
    files = _connect(os.getpid(), attempts, *(os.environ.get(name) or None for name in told))
    return files, address.removeprefix("s3://").rstrip("/"), (OSError, BotoCoreError, ClientError)


@functools.lru_cache(maxsize=8)
def _connect(pid: int, attempts: int, key: str | None, secret: str | None, token: str | None, url: str | None) -> Any:
    """One client for all threads of a process; fsspec's own cache would make one for each thread."""
    import s3fs

    return s3fs.S3FileSystem(
        key=key,
        secret=secret,
        token=token,
        endpoint_url=url,
        use_listings_cache=False,
        skip_instance_cache=True,
        config_kwargs={"retries": {"mode": "standard", "total_max_attempts": attempts}, "connect_timeout": 10},
    )


def _bucket(path: str) -> str:
    return f"s3://{path.partition('/')[0]}"


def _code(error: BaseException) -> str:
    """The S3 error code, else what the system says, else the kind of error: never its text, which may hold anything."""
    response = getattr(error.__cause__ or error, "response", None)
    if response:
        return str(response["Error"]["Code"])
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    return type(error).__name__
