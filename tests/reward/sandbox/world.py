"""What lies outside the sandbox for attacks to reach: files, listeners, a process; and whether it was touched."""

import os
import select
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psutil

from klearctl.reward.code.scripts import Scripts
from klearctl.reward.code.tests import Rules, Script
from klearctl.reward.sandbox.launch import reachable_folder
from klearctl.reward.sandbox.limits import Limits
from klearctl.reward.sandbox.pool import Sandbox
from klearctl.reward.verdict import Verdict
from tests.reward.sandbox.attacks import ANSWER, Attack
from tests.reward.sandbox.waiting import until

_LIMITS: dict[str, Any] = {"cpu_s": 2.0, "wall_s": 30.0, "memory_mb": 256}  # this machine may do much else
_NEXT = b"import os, json; print(json.dumps(os.listdir('.')), input()[::-1])"
_SECRET, _OWN = "a secret\n", "a file of the programs' user\n"


class World:
    """The outside of one sandbox that has one lane."""

    def __init__(self, sandbox: Sandbox, folder: Path, listeners: dict[str, socket.socket], victim: int):
        self._sandbox, self._folder, self._listeners, self._victim = sandbox, folder, listeners, victim
        self._processes = set(sandbox.processes())
        self._state = self._seen()
        self.facts: dict[str, Any] = {
            "folder": str(folder),
            "secret": str(folder / "secret"),
            "own": str(folder / "own"),
            "tests": str(Path(__file__).parent),
            "client": os.getpid(),
            "server": server_of(sandbox),
            "victim": victim,
            "tcp4": listeners["tcp4"].getsockname()[1],
            "tcp6": listeners["tcp6"].getsockname()[1],
            "udp": listeners["udp"].getsockname()[1],
            "unix": listeners["unix"].getsockname(),
            "abstract": listeners["abstract"].getsockname()[1:].decode(),
            "datagrams": listeners["datagrams"].getsockname()[1:].decode(),
        }

    def attack(self, attack: Attack) -> Verdict:
        """What the attack comes to."""
        limits = Limits(**{**_LIMITS, **attack.limits})
        runs = Scripts(self._sandbox, attack.source(self.facts), Rules(), limits, alone=False)
        return runs.run(Script("", ANSWER)).verdict

    def touched(self) -> list[str]:
        """What is not as it was; to be asked as soon as the verdict is there."""
        changed = [name for name, was in self._state.items() if self._seen()[name] != was]
        extra = set(self._sandbox.processes()) - self._processes
        return changed + [f"process {pid}" for pid in extra] + [f"listener {name}" for name in self._reached()]

    def goes_on(self) -> bool:
        """The next program on the same lane runs as ever, in the same server."""
        ended = self._sandbox.script(_NEXT, b"abc\n", Limits(**_LIMITS))
        return ended.stdout == b"[] cba\n" and set(self._sandbox.processes()) == self._processes

    def _seen(self) -> dict[str, Any]:
        status = {name: os.stat(self._folder / name) for name in ("secret", "own")}
        kept = {
            name: (found.st_mode, found.st_uid, found.st_size, found.st_mtime_ns, found.st_nlink)
            for name, found in status.items()
        }
        return kept | {
            "folder": sorted(os.listdir(self._folder)),
            "victim": state_of(self._victim),
            "priority": os.getpriority(os.PRIO_PROCESS, self._victim),
        }

    def _reached(self) -> list[str]:
        poll = select.poll()
        for listener in self._listeners.values():
            poll.register(listener, select.POLLIN)
        ready = {fd for fd, _ in poll.poll(0)}
        return [name for name, listener in self._listeners.items() if listener.fileno() in ready]


def server_of(sandbox: Sandbox) -> int:
    """A warm server of it, while it runs nothing: a process that no other comes from. Process ids start anew."""
    processes = set(sandbox.processes())
    return (processes - {psutil.Process(pid).ppid() for pid in processes}).pop()


def state_of(pid: int) -> bytes:
    """What the kernel says that the process does, as one letter; proc(5)."""
    return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0]


@contextmanager
def around(sandbox: Sandbox) -> Iterator[World]:
    """The outside of a sandbox with one lane, of which one server has started."""
    user = int(Path(f"/proc/{server_of(sandbox)}/status").read_text().partition("Uid:")[2].split()[0])
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="klear-world-", dir=reachable_folder()))
        stack.callback(shutil.rmtree, folder)
        (folder / "secret").write_text(_SECRET)
        (folder / "own").write_text(_OWN)
        os.chmod(folder / "secret", 0o644)
        os.chown(folder / "own", user, -1)
        listeners = {name: stack.enter_context(made) for name, made in _listeners(folder)}
        os.chmod(folder, 0o777)
        as_user = user if os.getuid() == 0 else None
        victim = stack.enter_context(subprocess.Popen(["sleep", "3600"], start_new_session=True, user=as_user))
        stack.callback(victim.kill)
        until(lambda: state_of(victim.pid) == b"S")  # it sleeps, and is seen to do so to the end
        yield World(sandbox, folder, listeners, victim.pid)


def _listeners(folder: Path) -> Iterator[tuple[str, socket.socket]]:
    for name, family, kind, address in (
        ("tcp4", socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)),
        ("tcp6", socket.AF_INET6, socket.SOCK_STREAM, ("::1", 0)),
        ("udp", socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)),
        ("unix", socket.AF_UNIX, socket.SOCK_STREAM, str(folder / "socket")),
        ("abstract", socket.AF_UNIX, socket.SOCK_STREAM, f"\0klear-world-{folder.name}"),
        ("datagrams", socket.AF_UNIX, socket.SOCK_DGRAM, f"\0klear-world-datagrams-{folder.name}"),
    ):
        made = socket.socket(family, kind)
        made.bind(address)
        if kind == socket.SOCK_STREAM:
            made.listen()
        yield name, made
    os.chmod(folder / "socket", 0o777)
