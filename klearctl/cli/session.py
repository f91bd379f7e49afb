"""Opens what a command works with: the backend, and the bucket of its runs."""

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from klearctl.config.platform import PlatformConfig
from klearctl.errors import BackendError, ConfigError
from klearctl.kube.backend import Backend


def home() -> Path:
    """Where the local backend keeps state and bucket."""
    return Path(os.environ.get("KLEAR_HOME") or "~/.local/share/klearctl").expanduser().absolute()


def open_backend(platform: PlatformConfig) -> Backend:
    """The platform's backend.

    Raises:
        BackendError: it cannot be reached, or has no place to keep its state.
    """
    if platform.backend == "cluster":
        raise BackendError(
            "this version cannot talk to a cluster yet",
            fix='--backend local, or backend = "local" in klear.toml, or klearctl render STAGE | kubectl apply -f -',
        )
    if sys.platform != "linux":
        raise BackendError(
            f"the local backend needs Linux, this is {sys.platform}", fix="--dry-run and render work everywhere"
        )
    from klearctl.local.backend import LocalBackend

    try:
        return cast(Backend, LocalBackend(home()))
    except OSError as error:
        raise BackendError(
            f"{home()} cannot hold the state of runs: {error.strerror}", fix="KLEAR_HOME names another folder"
        ) from error


def check_gpus(platform: PlatformConfig, gpus: int) -> None:
    """Raises ConfigError where a run would wait for ever for GPUs that this machine does not have."""
    from klearctl.local.node.gpus import devices

    if platform.backend == "local" and gpus > (here := len(devices())):
        fewer = f"--gpus {here}, or --gpus 0 for CPU" if here else "--gpus 0 for CPU"
        raise ConfigError(
            f"--gpus is {gpus}, this machine has {here}", fix=f"{fewer}, or klearctl render STAGE for the manifests"
        )


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Ctrl-C waits until the block is over: half of what it does would be worse than none."""
    pressed: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: pressed.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if pressed:
        raise KeyboardInterrupt


@contextlib.contextmanager
def open_bucket(platform: PlatformConfig) -> Iterator[str]:
    """The bucket, with its server running and its credentials in the environment of this process.

    Raises:
        BackendError: the bucket is missing, refuses or cannot be reached.
    """
    from klearctl import storage
    from klearctl.local.s3 import server as s3

    with s3.use(home()) as credentials:
        os.environ.update(credentials)
        storage.check_bucket(platform.bucket)
        yield platform.bucket
