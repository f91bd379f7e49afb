"""What stands at the end of a recipe's run: where all lies, and commands that can be copied."""

import sys
from pathlib import Path

import pytest

from klearctl.cli.report import print_report
from klearctl.config.recipe import load_recipe

SMOKE = Path(__file__).parents[2] / "workflows/smoke"
BESIDE = """\
Everything lies under s3://klear/runs/smoke-en65cv-*, in /home. Next:
  .venv/bin/klearctl status smoke-en65cv                      its stages
  .venv/bin/klearctl metrics smoke-en65cv-rl                  its numbers
  .venv/bin/klearctl checkpoints smoke-en65cv-rl --get model  the model
  .venv/bin/klearctl explain rl                               what can be set
  .venv/bin/klearctl run workflows/smoke --name smoke-en65cv  this table again
  .venv/bin/klearctl delete smoke-en65cv --data               remove it all
"""


@pytest.fixture
def shown(monkeypatch, capsys):
    """The end at 80 columns, of a command that was called by that path."""

    def show(called):
        monkeypatch.setattr(sys, "argv", [called])
        monkeypatch.setenv("COLUMNS", "80")
        monkeypatch.setenv("PATH", "/usr/bin")
        name = "smoke-en65cv"
        again = f"run workflows/smoke --name {name}"
        print_report(name, load_recipe(SMOKE), "s3://klear", None, place=Path("/home"), again=again)
        return capsys.readouterr().out

    return show


def test_make_demo_ends_with_a_line_for_each_command(shown):
    assert shown(".venv/bin/klearctl") == BESIDE


def test_a_command_that_is_too_long_has_its_meaning_under_it(shown):
    lines = shown("/a/folder/of/some/depth/in/a/home/.venv/bin/klearctl").splitlines()
    assert lines[1:3] == [
        "  /a/folder/of/some/depth/in/a/home/.venv/bin/klearctl status smoke-en65cv",
        "      its stages",
    ]
