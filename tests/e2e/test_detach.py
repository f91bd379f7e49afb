"""Ctrl-C detaches: the run goes on, and the `cancel` that is printed ends it and all that came with it."""

import fcntl
import os
import pty
import re
import select
import signal
import subprocess
import termios
import time

import pytest

from tests.e2e.klear import fresh, wait_for
from tests.e2e.test_runs import LONG, SMALL

pytestmark = pytest.mark.timeout(600)
CURATE = ["-f", "small.toml", "--set", LONG]
RECIPE = {
    "recipe.toml": 'stages = ["curate", "sft"]',
    "curate.toml": SMALL,
    "sft.toml": """
model = "new"
data = "stage:curate"
steps = 5000
batch_samples = 16

[trainer]
zero_stage = 1
dtype = "float32"
row_tokens = 512
checkpoint_every = 5000
metrics_interval_s = 1.0
""",
}


@pytest.fixture
def klear(tmp_path):
    """A command line with an empty home."""
    with fresh(tmp_path) as found:
        (tmp_path / "small.toml").write_text(SMALL)
        yield found


def read_until(terminal, pattern, limit_s=240):
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
    assert command.wait(timeout=120) == 130
    assert "detached; long goes on" in shown
    left = list(klear.processes().values())
    assert sum("klearctl.local.supervisor" in line for line in left) == 1
    assert all(re.search(r"local\.supervisor|local\.s3\.keeper|weed|stages\.curate", line) for line in left), left
    assert klear.run("cancel", "long").returncode == 0
    wait_for(lambda: klear.processes() == {})
    assert klear.status("long")["state"] == "cancelled"


def take_terminal():
    """In the child: its standard input becomes the terminal that its Ctrl-C comes from."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def test_ctrl_c_leaves_a_recipe_running_and_what_it_prints_leads_back_and_ends_it(klear):
    (klear.home / "pair").mkdir()
    for name, text in RECIPE.items():
        (klear.home / "pair" / name).write_text(text)
    ours, theirs = pty.openpty()
    command = klear.start("run", "pair", stdin=theirs, stdout=theirs, stderr=theirs, preexec_fn=take_terminal)
    os.close(theirs)
    before = read_until(ours, r"sft\s+.*running.*\d+/5000")
    os.write(ours, b"\x03")  # the terminal makes it a SIGINT to its foreground group
    shown = read_until(ours, r"klearctl cancel \S+\s")
    code = command.wait(timeout=120)
    name = re.findall(r"recipe run (\S+) created", before)[0]
    assert (code, f"detached; {name} goes on" in shown) == (130, True)
    back, cancel = (line.split() for line in re.findall(r"^  klearctl (.+?)\s*$", shown, re.MULTILINE))

    left = list(klear.processes().values())
    supervised = {found[1] for line in left if (found := re.search(r"local\.supervisor .*--name (\S+)", line))}
    others = r"local\.supervisor|local\.s3\.keeper|weed|cli\.drive|stages\.launch sft|stages\.sft"
    assert (supervised, [line for line in left if not re.search(others, line)]) == ({name, f"{name}-sft"}, [])
    step = klear.status(f"{name}-sft")["step"]
    wait_for(lambda: klear.status(f"{name}-sft")["step"] > step)

    watching = klear.start(*back, stderr=subprocess.PIPE, text=True)
    following = klear.start("logs", name, "-f", stdout=subprocess.PIPE)
    read_until(following.stdout.fileno(), r"trainer-0/trainer#0")
    assert klear.run(*cancel).returncode == 0
    assert (watching.wait(timeout=180), f"{name} cancelled" in watching.stderr.read()) == (1, True)
    assert following.wait(timeout=180) == 0
    wait_for(lambda: klear.processes() == {})
    assert [klear.status(run)["state"] for run in (name, f"{name}-sft")] == ["cancelled", "cancelled"]

    kept = klear.status(f"{name}-sft")["checkpoint"]
    again = klear.start("run", "pair", stderr=subprocess.PIPE, text=True)
    assert again.stderr.readline() == f"{name} was cancelled; going on with sft from step {kept}\n"
    wait_for(lambda: (klear.status(f"{name}-sft")["step"] or 0) > kept)
    again.send_signal(signal.SIGINT)
    assert again.wait(timeout=180) == 130
    assert klear.run("cancel", f"{name}-sft").returncode == 0  # a recipe goes with the stage it is at
    wait_for(lambda: klear.processes() == {})
    assert [klear.status(run)["state"] for run in (name, f"{name}-sft")] == ["cancelled", "cancelled"]
