"""DeepSpeed's one compiled part for CPUs, built once per set of versions: nothing in, a folder out.

DeepSpeed compiles it at its first start and takes a lock file at every start; a process that is killed then leaves
the lock, and the next one waits for ever. Here it is compiled into a folder of its own, which is renamed when it is
whole, under a lock that dies with its holder; afterwards the ranks load the file and DeepSpeed compiles nothing.
"""

import contextlib
import fcntl
import importlib.metadata
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from klearctl.errors import BackendError

OP = "deepspeed_shm_comm"
_BUILD = "from deepspeed.ops.op_builder.cpu import ShareMemCommBuilder as B; B().load(verbose=False)"


def build() -> Path:
    """The folder with the compiled part, for TORCH_EXTENSIONS_DIR; compiled first where it is missing.

    Raises:
        BackendError: it cannot be compiled here.
    """
    folder = location()
    if _library(folder).exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _locked(folder.with_name(f"{folder.name}.lock")):
        if not _library(folder).exists():
            _compile_into(folder)
    return folder


def location() -> Path:
    """Outside the tree, one folder for each set of versions."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    versions = [f"{name}{importlib.metadata.version(name)}" for name in ("torch", "deepspeed")]
    key = "-".join([f"python{platform.python_version()}", *versions, platform.machine()])
    return cache / "klearctl" / "torch_extensions" / key


def use(folder: Path) -> None:
    """Give DeepSpeed the compiled part, so that it neither compiles nor locks anything in this process."""
    from deepspeed.ops.op_builder.builder import OpBuilder

    spec = importlib.util.spec_from_file_location(OP, _library(folder))
    if spec is None or spec.loader is None:
        raise BackendError(f"{_library(folder)} cannot be loaded", fix=f"remove {folder} and start again")
    import torch  # noqa: F401 (the library needs its symbols)

    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    OpBuilder._loaded_ops[OP] = module


def _library(folder: Path) -> Path:
    return folder / OP / f"{OP}.so"


def _compile_into(folder: Path) -> None:
    fresh = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)  # what a killed builder left
    env = os.environ | {
        "DS_ACCELERATOR": "cpu",
        "TORCH_EXTENSIONS_DIR": str(fresh),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",  # ninja
    }
    _check_compiler(env["PATH"])
    done = subprocess.run([sys.executable, "-c", _BUILD], env=env, capture_output=True, text=True)
    if done.returncode or not _library(fresh).exists():
        tail = "\n".join(done.stderr.strip().splitlines()[-12:])
        raise BackendError(f"DeepSpeed's part for CPUs does not compile:\n{tail}", fix="check the C++ compiler")
    shutil.rmtree(folder, ignore_errors=True)
    fresh.rename(folder)


def _check_compiler(path: str) -> None:
    for tool in (os.environ.get("CXX", "g++"), "ninja"):
        if not shutil.which(tool, path=path):
            raise BackendError(
                f"DeepSpeed's part for CPUs must be compiled once, and there is no {tool}",
                fix="install a C++ compiler and ninja (Debian: apt install g++ ninja-build)",
            )


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    try:
        sys.stdout.write(f"{build()}\n")
    except BackendError as error:
        sys.stderr.write(f"error: {error}\n  try: {error.fix}\n")
        sys.exit(error.exit_code)
