"""What a person sees, on a pseudo-terminal of 80 and 120 columns. UPDATE_GOLDEN=1 writes tests/golden/screens."""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pyte
import pytest

from klearctl.cli.screen import Line, plain
from tests.cli.pictures import CURATE, PICTURES, RL, SFT

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests/golden/screens"
ROWS = 12


def drawn(name, width):
    """The picture as a terminal of that width shows it."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, width, 0, 0))
    env = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    env |= {"TERM": "xterm-256color"}
    command = [sys.executable, "-m", "tests.cli.pictures", name]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, cwd=ROOT, env=env):
        os.close(theirs)
        screen = pyte.Screen(width, ROWS)
        stream = pyte.ByteStream(screen)
        for data in read_all(ours):
            stream.feed(data)
    os.close(ours)
    return "\n".join(line.rstrip() for line in screen.display).rstrip() + "\n"


def read_all(terminal):
    """Everything until the other end is closed."""
    while True:
        try:
            data = os.read(terminal, 65536)
        except OSError:  # what Linux says of a terminal that nobody holds open
            return
        yield data


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", PICTURES)
def test_a_screen_is_that_of_the_golden_file(name, width):
    file, text = GOLDEN / f"{name}-{width}.txt", drawn(name, width)
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(text)
    assert text == file.read_text()


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (CURATE, "curate succeeded 6/6"),
        (SFT, "sft running 120/300 loss 0.432"),
        (RL, "rl restarting 7/40 loss 0.012  reward 0.679 trainer-0: trainer exited with 137"),
    ],
)
def test_without_a_terminal_a_stage_is_one_line(status, text):
    assert plain(Line(stage=status.stage, status=status)) == text
