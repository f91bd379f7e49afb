"""A caller that is not root. Where the tests run as root this is the place that shows it; else all of them do."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import klearctl
from tests.reward.sandbox.conftest import BACK_ENDS, needs_bubblewrap

NOBODY = 65534
# The interpreter and the packages are mounted where nobody can reach them, wherever they lie.
_AS_NOBODY = """
mount --bind "$HOME_FROM" "$THERE/home" && mount --bind "$CODE_FROM" "$THERE/code" &&
mount --bind "$SITE_FROM" "$THERE/site" &&
exec setpriv --reuid "$NOBODY" --regid "$NOBODY" --clear-groups --bounding-set -all --no-new-privs -- "$@"
"""
_RUN = """
import json, sys
from klearctl.reward.sandbox.limits import Limits
from klearctl.reward.sandbox.pool import Sandbox

sources = [
    b"import numpy; print(int(numpy.arange(4).sum()))",
    b"import os; print(os.getuid())",
    b"import os\\nwhile True: os.fork()",
    b"open('/etc/passwd')",
    b"import os; os.kill(os.getppid(), 9)",
]
with Sandbox(lanes=1, libraries=("numpy",), **json.loads(sys.argv[1])) as sandbox:
    before = len(sandbox.processes())
    ended = [sandbox.script(source, b"", Limits()) for source in sources]
    left = len(sandbox.processes()) - before
print(json.dumps([*([each.how, each.code, each.stdout.decode()] for each in ended), left]))
"""


@pytest.fixture
def there() -> Iterator[Path]:
    """A folder that every user can reach, with places to mount on."""
    folder = Path(tempfile.mkdtemp(prefix="klear-nobody-", dir="/tmp"))
    os.chmod(folder, 0o755)
    for name in ("home", "code", "site"):
        (folder / name).mkdir()
    yield folder
    shutil.rmtree(folder)


@pytest.mark.skipif(os.getuid() != 0, reason="the tests do not run as root: then all of them show this")
@pytest.mark.parametrize("back_end", BACK_ENDS)
def test_a_user_without_any_right_has_a_sandbox_that_holds(back_end: str, there: Path):
    if back_end == "bubblewrap":
        needs_bubblewrap()
    places = {
        "HOME_FROM": sys.base_prefix,
        "CODE_FROM": str(Path(klearctl.__file__).parents[1]),
        "SITE_FROM": sysconfig.get_path("purelib"),
        "THERE": str(there),
        "NOBODY": str(NOBODY),
        "PYTHONPATH": f"{there}/code:{there}/site",
        "LD_LIBRARY_PATH": f"{there}/home/lib",
        "PATH": os.environ["PATH"],
    }
    python = f"{there}/home/bin/python{sys.version_info.major}.{sys.version_info.minor}"
    inner = [python, "-c", _RUN, json.dumps(BACK_ENDS[back_end])]
    command = ["unshare", "--mount", "sh", "-c", _AS_NOBODY, "sh", *inner]
    said = subprocess.run(command, env=places, capture_output=True, text=True, check=False)
    assert json.loads(said.stdout or "[]") == [
        ["exited", 0, "6\n"],
        ["exited", 0, f"{NOBODY}\n"],
        ["exited", 1, ""],  # it cannot fork for ever
        ["exited", 1, ""],  # nor read
        ["exited", 1, ""],  # nor kill the server, which is of the same user
        0,
    ], said.stderr
