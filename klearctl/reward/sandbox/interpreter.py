"""The interpreter that programs run in, as files: what of this machine they may read, and nothing else.

It is the one that runs us, without its environment: the base of a virtual environment, its standard library, the shared
libraries of the system, and the packages that were asked for by name.
"""

import functools
import importlib.util
import os
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

from klearctl.errors import ConfigError

INSIDE = Path(__file__).parent / "inside"

_COMMAND = "import sys; sys.path.insert(0, {folder!r}); from inside import server; server.main()"


def command(executable: str, folder: str, config: str) -> list[str]:
    """The command line of a warm server; `folder` is where the package `inside` lies.

    Without the user's packages, the site's, and the current folder. Not isolated (-I), as that would not heed
    PYTHONHASHSEED; the environment is ours alone.
    """
    return [executable, "-s", "-S", "-P", "-B", "-c", _COMMAND.format(folder=folder), config]


def environment() -> dict[str, str]:
    """Of the warm server. Its programs see LANG and PYTHONHASHSEED of it.

    One arena of malloc: each thread's own would take 64 MiB of the address space, which is limited; mallopt(3).
    """
    return {"LANG": "C.UTF-8", "PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}


def executable() -> Path:
    """The program itself."""
    return Path(sys._base_executable).resolve()  # type: ignore[attr-defined]


def standard_library() -> list[Path]:
    """Its folder, and the shared library that the interpreter itself may be."""
    shared = shared_library()
    return [Path(os.__file__).parent.resolve(), *([shared] if shared else [])]


def shared_library() -> Path | None:
    """Where libpython lies, if the program is linked to it; the folder that it was built for may be another."""
    name = sysconfig.get_config_var("INSTSONAME") if sysconfig.get_config_var("Py_ENABLE_SHARED") else None
    folders = (Path(sys.base_prefix, "lib"), Path(sysconfig.get_config_var("LIBDIR") or "/nowhere"))
    return next((folder.resolve() / name for folder in folders if name and (folder / name).exists()), None)


@functools.cache
def system_libraries() -> list[Path]:
    """Where the dynamic linker looks, ld.so(8): folders that any user reads, and its list of them."""
    kind = sysconfig.get_config_var("MULTIARCH") or ""
    names = [f"/lib/{kind}", f"/usr/lib/{kind}"] if kind else []
    return [Path(name) for name in (*names, "/lib64", "/usr/lib64", "/etc/ld.so.cache") if Path(name).exists()]


def packages(libraries: Sequence[str]) -> dict[Path, list[Path]]:
    """For each folder to import from, the packages in it that were asked for, with the shared libraries of wheels.

    Raises:
        ConfigError: one is not installed.
    """
    found: dict[Path, list[Path]] = {}
    for name in libraries:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            raise ConfigError(
                f"the sandbox cannot offer the library {name}: it is not installed", fix=f"pip install {name}"
            )
        place = Path(spec.origin)
        if spec.submodule_search_locations:
            place = place.parent
        beside = place.with_name(f"{name}.libs")
        found.setdefault(place.parent, []).extend(path for path in (place, beside) if path.exists())
    return found
