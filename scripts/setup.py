"""A tree in, its environment `.venv/` out, whole or not at all.

It is built in `.venv.partial` and renamed when it is complete; a failure or an interrupt removes it. What it is made
from lies in caches outside the tree (uv's own, ~/.cache/klearctl), and those hold dependencies only.
"""

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from scripts import stamp, system
from scripts.step import StepFailed, ignore_interrupts, interrupt_on_signals, step

UV = "uv==0.13.9"  # installed where there is none
REGISTRY_FIX = "look whether PyPI can be reached, then run it again: what was fetched is kept"


def main() -> int:
    """Makes the environment of the tree that this file stands in."""
    tree = Path(__file__).resolve().parent.parent
    interrupt_on_signals()
    start = time.monotonic()
    try:
        with one_at_a_time(tree):
            shutil.rmtree(tree / ".venv.old", ignore_errors=True)  # of a set-up that was killed at its end
            if stamp.read(tree / ".venv") == stamp.of_tree(tree):
                return 0
            print(f"set-up of {tree}", flush=True)
            make(tree)
    except StepFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nset-up interrupted; nothing is left behind", file=sys.stderr)
        return 130
    print(f"set-up took {time.monotonic() - start:.0f} s", flush=True)
    return 0


@contextlib.contextmanager
def one_at_a_time(tree: Path) -> Iterator[None]:
    """Holds the tree, so that a second set-up waits for the first."""
    folder = os.open(tree, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def make(tree: Path) -> None:
    """All steps; what is unfinished at the end of them is removed."""
    partial, described = tree / ".venv.partial", tree / "klearctl.egg-info"
    was_described = described.exists()
    try:
        shutil.rmtree(partial, ignore_errors=True)  # of a set-up that was killed
        install_system_packages(tree)
        build(tree, partial)
        ignore_interrupts()  # between two renames there is no environment at all
        put_in_place(partial, tree / ".venv")
    except BaseException:
        ignore_interrupts()
        shutil.rmtree(partial, ignore_errors=True)
        if not was_described:
            shutil.rmtree(described, ignore_errors=True)
        raise


def install_system_packages(tree: Path) -> None:
    """By apt-get, where something is missing and we may."""
    packages = system.missing()
    if not packages:
        return
    if not system.may_install():
        raise StepFailed(
            f"error: missing here: {', '.join(packages)}\n  try: sudo apt-get install {' '.join(packages)}"
        )
    script = f"dpkg --configure -a && apt-get update && apt-get install -y --no-install-recommends {' '.join(packages)}"
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    step(f"Debian packages {' '.join(packages)}", ["sh", "-c", script], fix="apt-get update", cwd=tree, env=env)


def build(tree: Path, venv: Path) -> None:
    """The environment with its dependencies, the tree itself and DeepSpeed's compiled op."""
    uv, python = find_uv(tree), str(venv / "bin" / "python")
    env = {"UV_HTTP_TIMEOUT": "180", **os.environ, "UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1"}
    env.pop("PYTHONDONTWRITEBYTECODE", None)  # what is imported here is compiled for all later starts
    # Relocatable, as it is renamed. In "compat" mode the tree is a line in a .pth file: the other mode's import hook
    # costs each start of Python 27 ms.
    make_venv = [uv, "venv", "--relocatable", "--python", sys.executable, str(venv)]
    sync = [uv, "pip", "sync", "--python", python, "requirements/cpu.txt"]
    editable = ["--no-deps", "--no-build-isolation", "--config-setting", "editable_mode=compat", "-e", "."]
    install = [uv, "pip", "install", "--python", python, *editable]
    step("environment", make_venv, fix="make clean", cwd=tree, env=env)
    step("packages of requirements/cpu.txt (5 GB at first)", sync, fix=REGISTRY_FIX, cwd=tree, env=env)
    step("klearctl", install, fix="look at pyproject.toml", cwd=tree, env=env)
    step("its first start", [str(venv / "bin" / "klearctl"), "--help"], fix="git status", cwd=tree, env=env)
    op_env = {**env, "PATH": f"{venv / 'bin'}:{os.environ['PATH']}"}
    op = [python, "-m", "klearctl.train.extensions"]
    step("DeepSpeed's compiled op (1 min at first)", op, fix="g++ --version", cwd=tree, env=op_env)
    stamp.write(venv, stamp.of_tree(tree))


def find_uv(tree: Path) -> str:
    """The uv of this machine, or one of our own in the cache, so that no other Python is changed."""
    found = shutil.which("uv")
    if found and subprocess.run([found, "--version"], capture_output=True).returncode == 0:
        return found
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "klearctl")
    folder, partial = cache / UV, cache / f"{UV}.partial"
    if not (folder / "bin" / "uv").exists():
        shutil.rmtree(partial, ignore_errors=True)
        pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--target", str(partial), UV]
        step("uv", pip, fix=REGISTRY_FIX, cwd=tree, env=os.environ)
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    return str(folder / "bin" / "uv")


def put_in_place(partial: Path, venv: Path) -> None:
    """Renames; an older environment goes only now."""
    old = venv.with_name(".venv.old")
    shutil.rmtree(old, ignore_errors=True)
    if venv.exists():
        venv.rename(old)
    partial.rename(venv)
    shutil.rmtree(old, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
