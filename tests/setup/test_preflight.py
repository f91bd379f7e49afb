"""The lines before the demo."""

import os
import re
import socket
import sys
from pathlib import Path

import pytest

from scripts import preflight
from tests.setup.conftest import ROOT, run

NAMES = ["python", "processor", "system", "disk", "disk", "memory", "ports"]


def test_one_line_for_each_check():
    lines = run(sys.executable, "-m", "scripts.preflight", cwd=ROOT).stdout.splitlines()
    assert [line.split()[1] for line in lines if re.match(r"(ok|FAIL)  ", line)] == NAMES


def test_a_check_that_fails_says_what_to_try_and_ends_the_demo(tmp_path):
    run("ln", "-s", "/proc", "full", cwd=tmp_path)  # a file system without a free byte
    ended = run("make", "demo", cwd=ROOT, KLEAR_HOME=str(tmp_path / "full"))
    lines = ended.stdout.splitlines()
    assert (ended.returncode, *(line.split()[0] for line in lines[4:6])) == (2, "FAIL", "try:")


@pytest.mark.parametrize(("needed_gb", "ok"), [(0.0, True), (1e9, False)])
def test_disk_and_memory_are_measured_against_what_is_needed(tmp_path, needed_gb, ok):
    folder = tmp_path / "not" / "there" / "yet"
    assert [preflight.disk(folder, needed_gb=needed_gb).ok, preflight.memory(needed_gb=needed_gb).ok] == [ok, ok]


def test_a_port_that_someone_holds_on_every_address_is_found():
    with socket.socket() as holder:
        holder.bind(("0.0.0.0", 0))
        holder.listen()
        port = holder.getsockname()[1]
        check = preflight.ports(port)
    assert (check.ok, f":{port}'" in check.fix) == (False, True)


def test_needs_nothing_that_is_not_in_the_standard_library():
    script = "import sys; import scripts.preflight; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = run(sys.executable, "-S", "-c", script, cwd=ROOT, PYTHONPATH=os.curdir).stdout.split()
    assert set(loaded) - sys.stdlib_module_names - {"scripts", "__main__"} == set()


def test_python_is_found_by_name_and_has_a_version_that_fits():
    found = run("scripts/find-python", cwd=ROOT).stdout.strip()
    said = run(found, "-c", "import sys; print(*sys.version_info[:2])", cwd=Path("/")).stdout.strip()
    assert said in {"3 11", "3 12"}


def test_what_lies_on_one_disk_is_counted_together(monkeypatch):
    monkeypatch.setenv("KLEAR_HOME", str(ROOT / "home-of-nobody"))
    tree, home = (check for check in preflight.checks(ROOT) if check.name == "disk")
    needed = [float(re.findall(r"([0-9]+) GB needed", check.says)[0]) for check in (tree, home)]
    assert needed[1] >= needed[0] + preflight.RUN_GB
