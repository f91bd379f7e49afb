"""The keeper of the embedded S3 server: starts it, again if it dies, and ends it when nobody uses it any more.

`python -m klearctl.local.s3.keeper FOLDER REPORT LOCK`: REPORT is the writing end
of the pipe to the starter, LOCK the start lock.
Nothing on the pipe means that the server is ready and that FOLDER/endpoint says where.
"""

import fcntl
import os
import subprocess
import sys
import threading
from pathlib import Path

from klearctl.errors import BackendError
from klearctl.local.s3 import weed
from klearctl.local.s3.server import BUCKET, credentials, locked

RESTARTS = 5  # of a server that dies; one that keeps dying is broken
LINGER_S = 2.0  # the next command often follows; and the server deletes freed chunks a second after their objects


def main(folder: Path, report: int, lock: int) -> None:
    """Keep one server: from its start to its end."""
    if os.fork():
        return  # the starter waits for this half only
    os.umask(0o077)
    with locked(folder / "keeper.lock", fcntl.LOCK_EX):
        (folder / "endpoint").unlink(missing_ok=True)
        try:
            server = weed.start(folder, *credentials(folder), bucket=BUCKET)
        except (BackendError, OSError) as error:
            os.write(report, str(error).encode())
            return
        _publish(folder / "endpoint", server.url)
        os.close(lock)
        os.close(report)
        for _ in range(RESTARTS + 1):
            idle = threading.Event()
            threading.Thread(target=_end_when_idle, args=(folder, server.process, idle), daemon=True).start()
            server.process.wait()
            weed.sweep(server)
            if idle.is_set():
                break
            try:  # it died while runs use it: they find the next one on the same ports
                server = weed.start(folder, *credentials(folder), bucket=BUCKET)
            except (BackendError, OSError):
                break  # the next user asks again, and is told why
            _publish(folder / "endpoint", server.url)
        (folder / "endpoint").unlink(missing_ok=True)
        os._exit(0)  # a thread may still wait for the users of a server that died


def _publish(path: Path, url: str) -> None:
    draft = path.with_suffix(".new")
    draft.write_text(url)
    draft.replace(path)


def _end_when_idle(folder: Path, process: subprocess.Popen[bytes], idle: threading.Event) -> None:
    """Kill the server as soon as nobody has used it for a while, say so, and let nobody in before it is gone.

    Killed, not asked: on SIGTERM it waits 15 s for streams to itself (measured); what it acknowledged is written.
    """
    users = os.open(folder / "users.lock", os.O_RDWR)
    while True:
        fcntl.flock(users, fcntl.LOCK_EX)
        fcntl.flock(users, fcntl.LOCK_UN)
        try:
            process.wait(LINGER_S)
            return
        except subprocess.TimeoutExpired:
            pass
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)  # kept until this process ends
        except BlockingIOError:
            continue
        idle.set()
        process.kill()
        return


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
