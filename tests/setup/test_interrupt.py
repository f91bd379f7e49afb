"""Ctrl-C in `make setup`: nothing of it is left in the tree or among the processes, and the next run works."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.e2e.klear import wait_for
from tests.setup.conftest import run

DEAF_CHILD = """
import signal, subprocess, sys
subprocess.Popen(["sleep", "600"])
signal.signal(signal.SIGTERM, signal.SIG_IGN)  # as a compiler may be
signal.pause()
"""


@pytest.mark.parametrize(
    ("title", "number"),
    [
        ("environment", signal.SIGINT),
        ("packages", signal.SIGINT),  # with an empty cache, so in the middle of what it fetches
        ("klearctl", signal.SIGINT),
        ("DeepSpeed's", signal.SIGINT),
        ("DeepSpeed's", signal.SIGTERM),  # make passes it on: it comes twice
        ("DeepSpeed's", signal.SIGHUP),
    ],
)
def test_leaves_nothing_behind(clone, tmp_path, title, number):
    tree = clone("tree")
    (tree / "klearctl" / "train" / "extensions.py").write_text(DEAF_CHILD)
    before = sorted(os.listdir(tree))
    session = interrupt_at(title, tree, number, cache=tmp_path / "cache")
    wait_for(lambda: processes_of(session) == [], limit_s=60)  # what was killed takes its time to die
    assert sorted(os.listdir(tree)) == before


def test_the_next_set_up_works(clone, tmp_path):
    tree = clone("tree")
    interrupt_at("packages", tree, signal.SIGINT, cache=tmp_path / "cache")
    run("make", "setup", cwd=tree, UV_CACHE_DIR=str(tmp_path / "cache"))
    assert run(".venv/bin/klearctl", "--version", cwd=tree).returncode == 0


def interrupt_at(title: str, tree: Path, number: int, *, cache: Path) -> int:
    """Runs the set-up in a session of its own, as a terminal does, and signals all of it when the step begins."""
    process = subprocess.Popen(
        ["make", "setup"],
        cwd=tree,
        env={**os.environ, "UV_CACHE_DIR": str(cache)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    assert process.stdout
    said = b""
    while f"  {title}".encode() not in said:
        byte = process.stdout.read(1)
        assert byte, f"it ended before that step: {said.decode()}"
        said += byte
    os.killpg(process.pid, number)
    process.communicate(timeout=180)
    return process.pid


def processes_of(session: int) -> list[str]:
    """What still runs in that session, whatever process group it is in."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, _, _, of_session = (folder / "stat").read_text().rpartition(")")[2].split()[:4]
            if int(of_session) == session and state != "Z":
                found.append((folder / "cmdline").read_text())
        except (FileNotFoundError, ProcessLookupError):
            continue  # ended while we looked
    return found
