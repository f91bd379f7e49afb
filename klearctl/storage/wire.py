"""The way to an address: in goes the address, out come the fsspec file system behind it and its errors in our words.

Keys and the endpoint come from the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN,
AWS_ENDPOINT_URL), else from where botocore finds them.
"""

import contextlib
import functools
import os
from collections.abc import Iterator
from typing import Any

from klearctl.errors import BackendError

ATTEMPTS = 5  # of one request, some 10 s in all: enough for an S3 server that starts anew
_KEYS = "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"


class NotFound(BackendError):
    """There is nothing at this address."""


def is_s3(address: str) -> bool:
    """Whether this is an address in a bucket rather than a path."""
    return address.startswith("s3://")


@contextlib.contextmanager
def asking(address: str, attempts: int = ATTEMPTS) -> Iterator[tuple[Any, str]]:
    """The file system and the path in it; what fails inside becomes an error that names the address, and no key."""
    files, path, wire_errors = _open(address, attempts)
    try:
        yield files, path
    except FileNotFoundError as error:
        if code_of(error) == "NoSuchBucket" or (is_s3(address) and "/" not in path):
            raise NotFound(f"there is no bucket {_bucket(path)}", fix="create it, or say another bucket") from error
        raise NotFound(f"{address} does not exist", fix="check the address, or wait until it is written") from error
    except PermissionError as error:
        fix = _KEYS if is_s3(address) else "check who may write there"
        raise BackendError(f"{address} refuses ({code_of(error)})", fix=fix) from error
    except wire_errors as error:
        fix = f"is {files.endpoint_url or 'S3'} up and has it room?" if is_s3(address) else "is there room on the disk?"
        if code_of(error) == "NoCredentialsError":
            fix = _KEYS
        raise BackendError(f"{address} cannot be reached or used ({code_of(error)})", fix=fix) from error


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


def code_of(error: BaseException) -> str:
    """The S3 error code, else what the system says, else the kind of error: never its text, which may hold anything."""
    response = getattr(error.__cause__ or error, "response", None)
    if response:
        return str(response["Error"]["Code"])
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    return type(error).__name__
