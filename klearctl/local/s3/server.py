"""The embedded S3 server: in goes the home folder, out come an endpoint and keys, for as long as they are used.

Whoever uses the server holds a shared lock on `s3/users.lock`; the keeper (`keeper.py`) ends the server once it gets
that lock for itself. A lock vanishes with its holder, so even a killed command leaves no server behind.
"""

import contextlib
import fcntl
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from klearctl.errors import BackendError
from klearctl.local.node.process import unmarked

BUCKET = "klear"


@contextlib.contextmanager
def use(home: Path) -> Iterator[dict[str, str]]:
    """The environment that reaches the S3 server of this home. The server runs, and its bucket exists, until the end.

    Raises:
        BackendError: the server does not start; the message ends with what it said.
    """
    folder = home / "s3"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        access, secret = credentials(folder)
    except OSError as error:
        raise BackendError(
            f"the folder of the S3 server, {folder}, cannot be used: {error.strerror}",
            fix="make room or set KLEAR_HOME to a folder you may write",
        ) from error
    with locked(folder / "users.lock", fcntl.LOCK_SH):  # waits while the keeper is ending the server
        url = _running(folder) or _start(folder)
        yield {"AWS_ACCESS_KEY_ID": access, "AWS_SECRET_ACCESS_KEY": secret, "AWS_ENDPOINT_URL": url}


@contextlib.contextmanager
def locked(path: Path, how: int) -> Iterator[int]:
    """An open file under flock. The lock goes with the last process that holds the file open.

    Raises:
        BlockingIOError: `how` has LOCK_NB and somebody else holds the lock.
    """
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, how)
        yield file
    finally:
        os.close(file)


def credentials(folder: Path) -> tuple[str, str]:
    """The key's id and the secret, made once at random and kept in a file that only its owner reads."""
    path = folder / "credentials.json"
    with locked(folder / "credentials.lock", fcntl.LOCK_EX):
        if not path.exists():
            draft = path.with_suffix(".new")
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                json.dump({"id": secrets.token_hex(10), "secret": secrets.token_urlsafe(30)}, file)
            draft.replace(path)
    kept = json.loads(path.read_text())
    return kept["id"], kept["secret"]


def _running(folder: Path) -> str | None:
    """The endpoint of the server that runs, if one does."""
    try:
        with locked(folder / "keeper.lock", fcntl.LOCK_SH | fcntl.LOCK_NB):
            return None  # what an endpoint file says is stale: its keeper is gone
    except BlockingIOError:
        return _endpoint(folder)


def _endpoint(folder: Path) -> str | None:
    try:
        return (folder / "endpoint").read_text()
    except FileNotFoundError:
        return None


def _start(folder: Path) -> str:
    """The endpoint of a new server, or of the one that somebody else started meanwhile."""
    with locked(folder / "start.lock", fcntl.LOCK_EX) as lock:
        if url := _running(folder):
            return url
        error = _launch(folder, lock)
        if url := _endpoint(folder):
            return url
    raise BackendError(
        f"the S3 server does not start: {error or 'its keeper was killed'}",
        fix=f"read {folder}/weed.log; a full disk and an unwritable KLEAR_HOME are the usual reasons",
    )


def _launch(folder: Path, lock: int) -> str:
    """Start a keeper and wait until it reports: nothing when the server is ready, else what went wrong.

    The keeper inherits the start lock and lets go of it when it reports, so that a starter which is killed
    half-way does not let a second keeper in.
    """
    reader, writer = os.pipe()
    tree = Path(__file__).parents[3]
    with open(reader) as report:
        try:
            subprocess.run(
                [sys.executable, "-m", "klearctl.local.s3.keeper", str(folder), str(writer), str(lock)],
                cwd=tree,
                env=unmarked(os.environ),  # it outlives the pod that it may be started from
                pass_fds=(writer, lock),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        finally:
            os.close(writer)
        return report.read()
