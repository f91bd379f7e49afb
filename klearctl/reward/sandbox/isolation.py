"""What confines programs on this machine: a wish in, the strongest that works out, proven by a program that tries.

It fails closed: a machine that offers neither runs no program, unless that is asked for by name.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from klearctl.errors import ConfigError
from klearctl.reward.sandbox import bubblewrap, interpreter
from klearctl.reward.sandbox.lane import Lane
from klearctl.reward.sandbox.launch import Confinement, reachable_folder
from klearctl.reward.sandbox.limits import Limits, SandboxFault

Isolation = Literal["auto", "bubblewrap", "landlock"]

_ENVIRONMENT = ("HOME", "LANG", "PYTHONHASHSEED", "TMPDIR")
# Prints what it should not have been able to do. {outside} is a folder that every user can read and write.
_TRIES = """
import os, socket

def works(what, *arguments):
    try:
        what(*arguments)
    except OSError:
        return False
    return True

if os.getuid() == 0:
    print("is root")
if set(os.environ) - {environment!r}:
    print("sees our environment")
if works(open, {outside!r} + "/told"):
    print("reads a file of ours")
if works(open, {outside!r} + "/made", "w"):
    print("writes a file outside its scratch folder")
if works(os.listdir, "/proc/1"):
    print("sees processes")
if works(socket.socket):
    print("opens a socket")
if works(os.kill, os.getppid(), 0):
    print("signals another process")
if works(os.setsid):
    print("leaves its session")
with open("scratch", "w") as file:
    file.write("confined")
print(open("scratch").read())
"""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What confines programs, for a person to read, and a first lane that is proven to."""

    name: str
    confinement: Confinement
    lane: Lane


def choose(wish: Isolation, libraries: Sequence[str], *, unsafe: bool, landlock_abi: int | None = None) -> Chosen:
    """The strongest isolation that works here, of those that are wished for.

    Raises:
        ConfigError: none does, and unsafe is not said; or a library is not installed.
    """
    interpreter.packages(libraries)
    wanted = {
        "bubblewrap": Confinement(namespaces=True, landlock=False),
        "landlock": Confinement(namespaces=False, landlock=True, abi=landlock_abi),
    }
    missing = []
    for name, confinement in wanted.items():
        if wish in ("auto", name):
            try:
                return _prove(confinement, libraries)
            except (SandboxFault, OSError) as error:
                missing.append(f"{name}: {error}")
    if unsafe:
        return _prove(Confinement(namespaces=False, landlock=False), libraries)
    raise ConfigError(
        "this machine offers no isolation for code that a model wrote: " + "; ".join(missing),
        fix="install bubblewrap, or a kernel with Landlock (5.13 or newer); on a machine that holds nothing: --unsafe",
    )


def _prove(confinement: Confinement, libraries: Sequence[str]) -> Chosen:
    """Starts a lane and has a program try to leave it.

    Raises:
        SandboxFault: it does not start, or the program could do what it must not.
    """
    lane = Lane(confinement, libraries)
    try:
        with _outside() as folder:
            source = _TRIES.format(outside=folder, environment=set(_ENVIRONMENT)).encode()
            with lane.program("script", source, Limits(), stdin=b"") as program:
                ended = program.end()
        printed = ended.stdout.decode("utf-8", "replace").splitlines()
        if printed != ["confined"] and not confinement.is_none():
            raise SandboxFault(
                "; ".join(printed[:-1]) or f"its first program ended with {ended.code}: {ended.stderr_tail}"
            )
        if libraries:
            _import(libraries, lane)
        return Chosen(name=_name(confinement, lane), confinement=confinement, lane=lane)
    except BaseException:
        lane.close()
        raise


def _import(libraries: Sequence[str], lane: Lane) -> None:
    source = "\n".join(f"import {name}" for name in libraries).encode()
    with lane.program("script", source, Limits(), stdin=b"") as program:
        ended = program.end()
    if ended.code:
        raise SandboxFault(f"a library cannot be imported in it: {ended.stderr_tail}")


@contextlib.contextmanager
def _outside() -> Iterator[str]:
    """A folder that only confinement keeps a program from."""
    folder = tempfile.mkdtemp(prefix="klear-outside-", dir=reachable_folder())
    try:
        Path(folder, "told").write_text("ours\n")
        os.chmod(Path(folder, "told"), 0o644)
        os.chmod(folder, 0o777)
        yield folder
    finally:
        shutil.rmtree(folder)


def _name(confinement: Confinement, lane: Lane) -> str:
    if confinement.namespaces:
        return f"{bubblewrap.version()}: user, process, mount, network, IPC and UTS namespaces; seccomp"
    if confinement.landlock:
        return f"Landlock ABI {lane.landlock_abi()}; seccomp; limits of a process group"
    return "none, as --unsafe says"
