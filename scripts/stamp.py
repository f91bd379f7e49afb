"""What an environment was made from, kept inside it: where nothing of that changed, there is nothing to set up."""

import hashlib
import json
import sys
import tomllib
from pathlib import Path

Stamp = dict[str, str]
NAME = "klear-setup.json"
INSTALLED_TABLES = ("build-system", "project")  # the rest of pyproject.toml are settings of tools, read where it stands


def of_tree(tree: Path) -> Stamp:
    """The stamp that an environment of this tree as it is now carries."""
    pyproject = tomllib.loads((tree / "pyproject.toml").read_text())
    installed = [pyproject.get(table) for table in INSTALLED_TABLES] + [pyproject.get("tool", {}).get("setuptools")]
    return {
        "tree": str(tree),
        "python": f"{sys.version_info.major}.{sys.version_info.minor} of {Path(sys.base_prefix).resolve()}",
        "lock": _hash((tree / "requirements" / "cpu.txt").read_bytes()),
        "project": _hash(json.dumps(installed, sort_keys=True).encode()),
        "extension": _hash((tree / "klearctl" / "train" / "extensions.py").read_bytes()),
    }


def read(venv: Path) -> Stamp:
    """The stamp of an environment; empty where it has none or cannot run."""
    if not (venv / "bin" / "python").exists():  # also where the Python it points to is gone
        return {}
    try:
        return dict(json.loads((venv / NAME).read_text()))
    except (OSError, ValueError):
        return {}


def write(venv: Path, stamp: Stamp) -> None:
    """Marks the environment as whole."""
    (venv / NAME).write_text(json.dumps(stamp, indent=1) + "\n")


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
