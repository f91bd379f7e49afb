"""Objects under an address: a path of this machine, or `s3://bucket/key`. Through fsspec, so both are the same here.

Credentials and endpoint come from the environment alone (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_ENDPOINT_URL).
Every failure is a BackendError that names the address and holds no credential.
"""

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from klearctl.errors import BackendError

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

S3 = "s3://"


class NotFound(BackendError):
    """There is no object at the address."""


def join(prefix: str, *parts: str) -> str:
    """The address below a prefix."""
    return "/".join([prefix.rstrip("/"), *(part.strip("/") for part in parts)])


def read_bytes(address: str) -> bytes:
    """The whole object.

    Raises:
        NotFound: there is none.
    """
    with _speaking_of(address):
        return bytes(_filesystem(address).cat_file(_path(address)))


def write_bytes(address: str, data: bytes) -> None:
    """The object, new or instead of an old one; a reader sees the old one or the new one, never half of it."""
    with _speaking_of(address):
        if address.startswith(S3):
            _filesystem(address).pipe_file(_path(address), data)
            return
        target = Path(address)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(_written(target, data), target)


def write_new(address: str, data: bytes) -> bool:
    """The object, if there is none yet; of many writers one gets True."""
    with _speaking_of(address):
        try:
            if address.startswith(S3):
                _filesystem(address).pipe_file(_path(address), data, mode="create")
                return True
            target = Path(address)
            target.parent.mkdir(parents=True, exist_ok=True)
            part = _written(target, data)
            try:
                os.link(part, target)
            finally:
                part.unlink()
        except FileExistsError:
            return False
        return True


def read_json(address: str) -> Any:
    """The object as JSON.

    Raises:
        NotFound: there is none.
        BackendError: it is not JSON.
    """
    data = read_bytes(address)
    try:
        return json.loads(data)
    except ValueError as error:
        raise BackendError(f"{address} is not JSON: {error}", fix="remove it, or write it again") from error


def write_json(address: str, value: Any) -> None:
    """The value as JSON."""
    write_bytes(address, (json.dumps(value, indent=2) + "\n").encode())


def exists(address: str) -> bool:
    """Whether there is an object, or anything below the address."""
    with _speaking_of(address):
        return bool(_filesystem(address).exists(_path(address)))


def sizes(prefix: str) -> dict[str, int]:
    """Every object below the prefix, by its name from there, with its size in bytes; sorted."""
    with _speaking_of(prefix):
        root = _path(prefix).rstrip("/")
        try:
            found = _filesystem(prefix).find(root, detail=True)
        except FileNotFoundError:
            return {}
        return {name.removeprefix(root).lstrip("/"): int(about["size"]) for name, about in sorted(found.items())}


def names(prefix: str) -> list[str]:
    """Every object below the prefix, by its name from there; sorted."""
    return list(sizes(prefix))


def upload(directory: Path, prefix: str) -> None:
    """Every file below the directory, under the same names."""
    with _speaking_of(prefix):
        files = sorted(file for file in directory.rglob("*") if file.is_file())
        targets = [join(_path(prefix), file.relative_to(directory).as_posix()) for file in files]
        if files:
            _filesystem(prefix).put([str(file) for file in files], targets)


def download(prefix: str, directory: Path) -> None:
    """Every object below the prefix, under the same names.

    Raises:
        NotFound: there is none.
    """
    found = names(prefix)
    if not found:
        raise NotFound(f"there is nothing under {prefix}", fix="check the address")
    with _speaking_of(prefix):
        targets = [directory / name for name in found]
        for target in targets:
            target.parent.mkdir(parents=True, exist_ok=True)
        _filesystem(prefix).get([join(_path(prefix), name) for name in found], [str(target) for target in targets])


def delete(prefix: str) -> None:
    """Everything below the prefix, or the object itself."""
    with _speaking_of(prefix):
        filesystem = _filesystem(prefix)
        if filesystem.exists(_path(prefix)):
            filesystem.rm(_path(prefix), recursive=True)


def local_path(address: str, directory: Path) -> Path:
    """A path as it is; anything else downloaded into the directory, an object or all below a prefix.

    Raises:
        NotFound: there is nothing at the address.
    """
    if not address.startswith(S3):
        if not Path(address).exists():
            raise NotFound(f"there is no {address}", fix="check the path")
        return Path(address)
    if names(address) == [""] or _is_object(address):
        target = directory / address.rsplit("/", 1)[-1]
        directory.mkdir(parents=True, exist_ok=True)
        target.write_bytes(read_bytes(address))
        return target
    download(address, directory)
    return directory


def blocks(address: str, size: int) -> Iterator[bytes]:
    """The object, a block of so many bytes at a time."""
    with _speaking_of(address), _filesystem(address).open(_path(address), "rb", block_size=size) as file:
        while block := file.read(size):
            yield block


def check_bucket(bucket: str) -> None:
    """Returns if the bucket is there and answers.

    Raises:
        BackendError: it is missing, refuses or cannot be reached.
    """
    with _speaking_of(bucket):
        name = _path(bucket).partition("/")[0]
        _filesystem(bucket).call_s3("head_bucket", Bucket=name)


def _is_object(address: str) -> bool:
    with _speaking_of(address):
        return bool(_filesystem(address).isfile(_path(address)))


def _filesystem(address: str) -> "AbstractFileSystem":
    import fsspec

    if not address.startswith(S3):
        return fsspec.filesystem("file", auto_mkdir=True)
    return fsspec.filesystem(
        "s3", use_listings_cache=False, skip_instance_cache=False, config_kwargs={"retries": {"max_attempts": 5}}
    )


def _path(address: str) -> str:
    return address.removeprefix(S3)


def _written(target: Path, data: bytes) -> Path:
    """The data in a file beside its target, on disk before it gets its name."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return Path(name)


@contextmanager
def _speaking_of(address: str) -> Iterator[None]:
    """Turns what fsspec, s3fs and botocore raise into one line with the address and one with what to try."""
    try:
        yield
    except FileNotFoundError as error:
        raise NotFound(f"there is no {address}", fix="check the address; klearctl status lists the runs") from error
    except PermissionError as error:
        raise BackendError(f"{address} refuses these credentials", fix=_CREDENTIALS) from error
    except OSError as error:
        raise BackendError(f"{address} cannot be used: {_reason(error)}", fix=_CREDENTIALS) from error
    except _botocore_errors(address) as error:
        raise BackendError(f"{address} cannot be reached: {_reason(error)}", fix=_CREDENTIALS) from error


_CREDENTIALS = "check AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and the bucket in klear.toml"


def _botocore_errors(address: str) -> tuple[type[Exception], ...]:
    if not address.startswith(S3):
        return ()
    from botocore.exceptions import BotoCoreError, ClientError

    return BotoCoreError, ClientError


def _reason(error: Exception) -> str:
    """The first line of what the library says, which holds an endpoint at most."""
    return (str(error) or type(error).__name__).splitlines()[0]
