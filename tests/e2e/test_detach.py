"""Ctrl-C detaches: the run goes on, and the `cancel` that is printed ends it and all that came with it."""

import os
import pty
import re
import select
import signal
import time

import pytest

from tests.e2e.klear import fresh, wait_for
from tests.e2e.test_runs import LONG, SMALL

pytestmark = pytest.mark.timeout(300)
CURATE = ["-f", "small.toml", "--set", LONG]


@pytest.fixture
def klear(tmp_path):
    """A command line with an empty home."""
    with fresh(tmp_path) as found:
        (tmp_path / "small.toml").write_text(SMALL)
        yield found


def read_until(terminal, pattern, limit_s=120):
    """What the terminal shows until the pattern is in it."""
    seen, end = "", time.monotonic() + limit_s
    while not re.search(pattern, seen):
        ready, _, _ = select.select([terminal], [], [], max(0, end - time.monotonic()))
        assert ready, f"{pattern} did not come; seen: {seen[-2000:]}"
        try:
            seen += os.read(terminal, 65536).decode(errors="replace")
        except OSError:  # the other end is closed
            break
    assert re.search(pattern, seen), seen[-2000:]
    return seen


def test_ctrl_c_detaches_and_the_printed_cancel_ends_everything(klear):
    ours, theirs = pty.openpty()
    command = klear.start(
        "submit", "curate", "--name", "long", *CURATE, "--wait", stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    read_until(ours, r"curate\s+.*running")
    os.killpg(command.pid, signal.SIGINT)
    shown = read_until(ours, r"klearctl cancel long")
    assert command.wait(timeout=30) == 130
    assert "detached; long goes on" in shown
    left = list(klear.processes().values())
    assert sum("klearctl.local.supervisor" in line for line in left) == 1
    assert all(re.search(r"local\.supervisor|local\.keeper|weed|stages\.curate", line) for line in left), left
    assert klear.run("cancel", "long").returncode == 0
    wait_for(lambda: klear.processes() == {})
    assert klear.status("long")["state"] == "cancelled"
