"""`klearctl --help` is quick because it imports next to nothing; bench/help.py has the time."""

import sys

from tests.setup.conftest import ROOT, run

SCRIPT = """
import sys
before = set(sys.modules)
from klearctl.cli.main import main
sys.argv = ["klearctl", "--help"]
try:
    main()
except SystemExit:
    pass
print("LOADED", *(set(sys.modules) - before))
"""


def test_help_imports_nothing_but_click_and_the_standard_library():
    loaded = run(sys.executable, "-c", SCRIPT, cwd=ROOT).stdout.splitlines()[-1].split()
    others = {name.partition(".")[0] for name in loaded} - sys.stdlib_module_names
    assert others == {"LOADED", "click", "klearctl"}
