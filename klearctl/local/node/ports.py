"""The ports that pods listen on, and who else has them.

In: a pod, its address and the environments of its containers. Out: nothing, or who is in the way, as a sentence.
A pod listens seconds after it was let in. Until then, and until it ends, a port that it needs on every address is
claimed for it; at its own address nobody but itself is.
"""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from klearctl.local.node.addresses import claim, claimant
from klearctl.local.objects import Object, name_of

_LISTEN = "0A"  # the state in /proc/net/tcp


class Ports:
    """The ports that are claimed for the pods of one workload."""

    def __init__(self) -> None:
        self._held: dict[str, ExitStack] = {}

    def take(self, pod: Object, environments: Mapping[str, Mapping[str, str]]) -> str:
        """Claim what the pod needs. Who is in the way, as a sentence; empty if nobody is."""
        address = pod["status"]["podIP"]
        with ExitStack() as stack:
            for container, port, everywhere in _needed(pod, environments):
                text = _claim(port, stack) if everywhere else ""
                if text := text or conflict(address, port, everywhere=everywhere):
                    return f"container {container} of pod {name_of(pod)}: port {port} at {address} is in use: {text}"
            self._held[pod["metadata"]["uid"]] = stack.pop_all()
        return ""

    def give_back(self, uid: str) -> None:
        """The pod has ended; others may have its ports."""
        if uid in self._held:
            self._held.pop(uid).close()


@dataclass(frozen=True, slots=True)
class Listener:
    """A socket that waits for connections."""

    address: str
    """As a dotted quad; 0.0.0.0 is every address, also of an IPv6 socket."""

    port: int
    inode: int


def conflict(address: str, port: int, *, everywhere: bool) -> str:
    """Who listens where a pod wants to listen, as a sentence; empty if nobody does.

    With `everywhere` the pod will listen on every address, so a listener on any address is in its way.
    """
    for listener in listeners():
        if listener.port == port and (everywhere or listener.address in (address, "0.0.0.0")):
            where = "every address" if listener.address == "0.0.0.0" else listener.address
            return f"{holder_of(listener.inode)} listens on {where}"
    return ""


def listeners() -> Iterator[Listener]:
    """Every listening TCP socket of this machine."""
    for table in ("tcp", "tcp6"):
        path = Path("/proc/net") / table
        lines = path.read_text(encoding="ascii").splitlines()[1:] if path.exists() else []
        for line in lines:
            words = line.split()
            if words[3] == _LISTEN:
                address, port = words[1].split(":")
                yield Listener(_address(address), int(port, 16), int(words[9]))


def holder_of(inode: int) -> str:
    """The process that has the socket open: its pid and its command."""
    for folder in Path("/proc").glob("[0-9]*"):
        if f"socket:[{inode}]" in _links(folder / "fd"):
            return f"process {folder.name} ({_command_of(folder)})"
    return "a process of another user"


def _command_of(folder: Path) -> str:
    try:
        words = (folder / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return "which has just ended"
    return b" ".join(words).decode(errors="replace").strip()[:200]


def _needed(pod: Object, environments: Mapping[str, Mapping[str, str]]) -> Iterator[tuple[str, int, bool]]:
    """Container, port and whether on every address. The store of a torch master listens so, whatever it is told."""
    stores: set[int] = set()
    for entry in (pod["spec"].get("initContainers") or []) + pod["spec"]["containers"]:
        env = environments[entry["name"]]
        store = env.get("PET_MASTER_PORT", "") if env.get("PET_MASTER_ADDR") == pod["status"]["podIP"] else ""
        if store.isdigit() and int(store) not in stores:
            stores.add(int(store))
            yield entry["name"], int(store), True
        for port in {int(declared["containerPort"]) for declared in entry.get("ports") or []} - stores:
            yield entry["name"], port, False


def _claim(port: int, stack: ExitStack) -> str:
    """Claim the port for as long as the stack is open. Who has it, as a sentence, if another has."""
    name = f"port/{port}"
    if holder := claim(name):
        stack.enter_context(holder)
        return ""
    return f"{holder_of(claimant(name))} has it for a pod"


def _links(folder: Path) -> Iterator[str]:
    with suppress(OSError):  # of another user, or gone
        for path in list(folder.iterdir()):
            with suppress(OSError):  # closed meanwhile
                yield os.readlink(path)


def _address(text: str) -> str:
    """/proc/net/tcp's hexadecimal, each word of it in host order (little endian), as a dotted quad."""
    if re.fullmatch("0+", text):
        return "0.0.0.0"
    return ".".join(str(byte) for byte in reversed(bytes.fromhex(text[-8:])))
