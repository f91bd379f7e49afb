"""The Makefile and .ci/run: what they refuse, and what they never do."""

import pytest

from tests.setup.conftest import ROOT, run

UGLY = "import  os\nx = {  'a':1 }\n"


@pytest.fixture
def tree(clone):
    """A clone that borrows this tree's tools."""
    made = clone("tree")
    (made / ".venv").symlink_to(ROOT / ".venv")
    return made


@pytest.mark.parametrize("target", ["format", "lint"])
def test_a_check_finds_what_is_ugly_and_leaves_it_as_it_is(tree, target):
    file = tree / "klearctl" / "ugly.py"
    file.write_text(UGLY)
    code = run("make", target, cwd=tree).returncode
    assert (code, file.read_text()) == (2, UGLY)


def test_fix_formats(tree):
    file = tree / "scripts" / "ugly.py"
    file.write_text('"""Ugly."""\n\n\nx = {  "a":1 }\n')
    run("make", "fix", cwd=tree)
    assert file.read_text() == '"""Ugly."""\n\nx = {"a": 1}\n'


def test_a_layer_that_sees_what_is_above_it_is_found(tree):
    (tree / "klearctl" / "errors.py").write_text("from klearctl import run\n")
    said = run("make", "layers", cwd=tree)
    assert (said.returncode, "klearctl.errors is not allowed to import klearctl.run" in said.stdout) == (2, True)


def test_a_check_without_an_environment_says_what_to_try(clone):
    said = run("make", cwd=clone("tree"))
    assert (said.returncode, "  try: make setup" in said.stderr) == (2, True)


def test_ci_fails_at_once_without_the_shared_data(tree):
    (tree / "Makefile").write_text("test:\n\t@touch begun\n")
    said = run(".ci/run", cwd=tree, KLEAR_SHARED="/nonexistent")
    assert (said.returncode, "/nonexistent" in said.stderr, (tree / "begun").exists()) == (2, True, False)


@pytest.mark.parametrize(
    ("summary", "code"),
    [
        ("===== 3 passed in 1.20s =====", 0),
        ("===== 1 failed, 2 passed in 1.20s =====", 1),  # make says "Error 1" after it
    ],
)
def test_ci_ends_with_the_summary_of_the_tests_and_fails_as_they_do(tree, tmp_path, summary, code):
    (tmp_path / "shared" / "data").mkdir(parents=True)
    (tmp_path / "shared" / "kube").mkdir()
    (tree / "Makefile").write_text(f"test:\n\t@echo '{summary}'; exit {code}\n")
    said = run(".ci/run", cwd=tree, KLEAR_SHARED="../shared")
    assert (said.stdout.splitlines()[-1], said.returncode != 0) == (summary, code != 0)
