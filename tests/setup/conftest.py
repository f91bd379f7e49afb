"""Clones of this tree that are set up in seconds: the real set-up, with a lock of three packages and no compiled op."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MADE = (".git", ".venv*", "__pycache__", "*.egg-info", ".*_cache", ".hypothesis", "build", "dist")
FEW = ("click==", "setuptools==", "rich==")  # enough for `klearctl --version`, and to install the tree itself


@pytest.fixture(autouse=True)
def _no_make_above(monkeypatch: pytest.MonkeyPatch) -> None:
    """The make of a test is the first, also where `make test` runs it: a make inside another says where it is."""
    for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def clone(tmp_path: Path) -> Callable[[str], Path]:
    """Makes a clone of that name, as it is before `make setup`."""

    def make(name: str) -> Path:
        tree = tmp_path / name
        shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(*MADE))
        lock = tree / "requirements" / "cpu.txt"
        lock.write_text("\n".join(line for line in lock.read_text().splitlines() if line.startswith(FEW)) + "\n")
        (tree / "klearctl" / "train" / "extensions.py").write_text('"""Nothing to compile."""\n')
        return tree

    return make


def run(*command: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Runs it to its end, its words kept."""
    return subprocess.run(command, cwd=cwd, env={**os.environ, **env}, text=True, capture_output=True, check=False)
