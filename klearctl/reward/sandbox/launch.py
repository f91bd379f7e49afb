"""How a warm server is started: what confines it in; a command line, a config and the descriptors it gets out."""

import fcntl
import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from klearctl.reward.sandbox import bubblewrap, interpreter, users
from klearctl.reward.sandbox.bubblewrap import DEVICES
from klearctl.reward.sandbox.inside import scratch, watch

_BEYOND = 10  # descriptors that a server gets from us are none of the first, which are its programs'
_COUNTS_BY_NAMESPACE = (5, 14)  # from this Linux on RLIMIT_NPROC counts for each user namespace


@dataclass(frozen=True, slots=True)
class Confinement:
    """What confines the programs of a server."""

    namespaces: bool
    landlock: bool
    abi: int | None = None
    """The version of Landlock to use at most."""

    def is_none(self) -> bool:
        """Nothing keeps a program from the user's files."""
        return not self.namespaces and not self.landlock


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """What to start."""

    command: list[str]
    environment: dict[str, str]
    descriptors: tuple[int, ...]
    user: int | None
    """Whom to start it as."""


def prepare(
    confinement: Confinement, libraries: Sequence[str], control: int, *, lent: ExitStack, kept: ExitStack
) -> Launch:
    """What to start. `lent` takes what must stay open here until it is started, `kept` what must until it has ended.

    Raises:
        ConfigError: a library is not installed.
        OSError: there is no user for it.
    """
    packages = interpreter.packages(libraries)
    config = {
        "control": beyond_the_first(control, lent),
        "user": kept.enter_context(users.claimed()) if users.is_root() else None,
        "libraries": list(libraries),
        "landlock": confinement.landlock,
        "abi": confinement.abi,
        "unsafe": confinement.is_none(),
    }
    if confinement.namespaces:
        return _in_namespaces(config, packages)
    return _beside_us(config, packages, lent=lent, kept=kept)


def _in_namespaces(config: dict[str, Any], packages: dict[Path, list[Path]]) -> Launch:
    """It sees nothing but what it may, so the paths are as they are here. It drops to its user inside."""
    config |= {
        "others": _others(config["user"]),
        "folder": None,
        "readable": [],
        "keep": [],
        "sites": [str(site) for site in packages],
    }
    inner = interpreter.command(str(interpreter.executable()), str(interpreter.INSIDE.parent), json.dumps(config))
    seen = [path for paths in packages.values() for path in paths]
    environment = interpreter.environment() | _linked({})
    command = bubblewrap.command(inner, environment, seen, as_root=config["user"] is not None)
    return Launch(command=command, environment={}, descriptors=(config["control"],), user=None)


def _beside_us(config: dict[str, Any], packages: dict[Path, list[Path]], *, lent: ExitStack, kept: ExitStack) -> Launch:
    """It is confined by no path, so its user may not reach the interpreter, which may lie in root's own folder.

    So it gets folders as open descriptors, and finds what lies in them as /proc/self/fd/N/... (proc(5)): that asks for
    no right on the folders above.
    """
    user = config["user"]
    home, ours = _folder(sys.base_prefix, lent), _folder(interpreter.INSIDE.parent, lent)
    site_fds = [_folder(site, lent) for site in packages]
    roots = {Path(sys.base_prefix).resolve(): home} | dict(zip(packages, site_fds, strict=True))
    seen = [*interpreter.standard_library(), *(path for paths in packages.values() for path in paths)]
    folder = tempfile.mkdtemp(prefix="klear-sandbox-", dir=reachable_folder() if user is not None else None)
    kept.callback(_remove, folder)
    if user is not None:
        os.chown(folder, user, user)
    config |= {
        "others": None if user is None else 0,
        "folder": folder,
        "readable": [*(_through(path, roots) for path in seen), *map(str, (*interpreter.system_libraries(), *DEVICES))],
        "keep": [home, *site_fds],
        "sites": [_at(fd) for fd in site_fds],
    }
    environment = interpreter.environment() | {"PYTHONHOME": _at(home)} | _linked(roots)
    command = interpreter.command(_through(interpreter.executable(), roots), _at(ours), json.dumps(config))
    descriptors = (config["control"], home, ours, *site_fds)
    return Launch(command=command, environment=environment, descriptors=descriptors, user=user)


def _remove(folder: str) -> None:
    """Where the server ended as it should it has done so."""
    if os.path.exists(folder):
        scratch.remove(folder)


def reachable_folder() -> str:
    """A folder for temporary files that every user can reach.

    Raises:
        FileNotFoundError: there is none.
    """
    for name in (tempfile.gettempdir(), "/tmp", "/var/tmp"):
        path = Path(name)
        if path.is_dir() and all(place.stat().st_mode & 0o001 for place in (path, *path.parents)):
            return name
    raise FileNotFoundError("no folder for temporary files that every user can reach")


def beyond_the_first(fd: int, lent: ExitStack) -> int:
    """The descriptor again, with a number that a server can keep."""
    again = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _BEYOND)
    lent.callback(os.close, again)
    return again


def _folder(path: str | Path, lent: ExitStack) -> int:
    fd = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return beyond_the_first(fd, lent)
    finally:
        os.close(fd)


def _at(fd: int) -> str:
    return f"/proc/self/fd/{fd}"


def _through(path: Path, roots: Mapping[Path, int]) -> str:
    """The path by way of the open folder that it lies in, if it lies in one."""
    for root, fd in roots.items():
        if path.is_relative_to(root):
            return f"{_at(fd)}/{path.relative_to(root)}"
    return str(path)


def _linked(roots: Mapping[Path, int]) -> dict[str, str]:
    """Where the linker finds libpython; ld.so(8)."""
    shared = interpreter.shared_library()
    return {"LD_LIBRARY_PATH": _through(shared.parent, roots)} if shared else {}


def _others(user: int | None) -> int:
    """Tasks that the kernel counts for the user beside a program's own."""
    if user is not None or _linux() >= _COUNTS_BY_NAMESPACE:
        return 0
    return 2 * watch.tasks_of(os.getuid()) + 64  # more may come


def _linux() -> tuple[int, ...]:
    return tuple(int(word) for word in os.uname().release.split("-")[0].split(".")[:2])
