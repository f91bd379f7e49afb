import os
import signal
import subprocess
import sys
from pathlib import Path

from klearctl.train import extensions

TREE = Path(__file__).parents[2]
BUILD = [sys.executable, "-m", "klearctl.train.extensions"]


def _compiler(path, last_words):
    """A compiler that answers questions about itself, and does something else when it is to compile."""
    path.write_text(f'#!/bin/sh\ncase "$*" in *-c*) {last_words};; *) exec g++ "$@";; esac\n')
    path.chmod(0o755)
    return str(path)


def _env(cache, compiler):
    return {**os.environ, "XDG_CACHE_HOME": str(cache), "CXX": compiler, "PYTHONPATH": str(TREE)}


def test_the_compiled_part_lies_outside_the_tree_and_names_the_versions(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = extensions.location()
    assert folder.parent == tmp_path / "klearctl" / "torch_extensions"
    assert all(word in folder.name for word in ("python3", "torch2", "deepspeed0"))


def test_without_a_compiler_the_error_says_what_to_install(tmp_path):
    done = subprocess.run(BUILD, env=_env(tmp_path, "no-such-compiler"), capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (
        3,
        "error: DeepSpeed's part for CPUs must be compiled once, and there is no no-such-compiler\n"
        "  try: install a C++ compiler and ninja (Debian: apt install g++ ninja-build)\n",
    )


def test_a_build_that_was_killed_leaves_no_lock(tmp_path):
    reached = tmp_path / "reached"
    os.mkfifo(reached)
    stuck = _compiler(tmp_path / "stuck", f"echo compiling > {reached}; exec tail -f /dev/null")
    killed = subprocess.Popen(BUILD, env=_env(tmp_path, stuck), start_new_session=True)
    reached.read_text()  # until the compiler runs, and torch holds its lock file
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    broken = _compiler(tmp_path / "broken", "echo no space left >&2; exit 1")
    done = subprocess.run(BUILD, env=_env(tmp_path, broken), capture_output=True, text=True, timeout=300)
    assert done.returncode == 3
    assert "error: DeepSpeed's part for CPUs does not compile:" in done.stderr
