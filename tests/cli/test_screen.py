"""What a person sees, at 80 and 120 columns. Golden: tests/golden/screens; UPDATE_GOLDEN=1 writes them."""

import os
from pathlib import Path

import pytest
from rich.console import Console

from klearctl.cli.screen import Line, details, listing, live, plain
from klearctl.kube.status import Status

GOLDEN = Path(__file__).parents[1] / "golden/screens"

CURATE = Status(name="smoke-k3x9ab-curate", stage="curate", state="succeeded", why="", step=6, steps=6, attempt=0)
SFT = Status(
    name="smoke-k3x9ab-sft",
    stage="sft",
    state="running",
    why="",
    step=120,
    steps=300,
    attempt=0,
    checkpoint=100,
    loss=0.4321,
)
RL = Status(
    name="smoke-k3x9ab-rl",
    stage="rl",
    state="restarting",
    why="trainer-0: trainer exited with 137",
    step=7,
    steps=40,
    attempt=1,
    checkpoint=5,
    loss=0.0123,
    reward=0.6789,
)
PICTURES = {
    "live": lambda width: live(
        "smoke-k3x9ab",
        [
            Line(stage="curate", status=CURATE),
            Line(stage="sft", status=SFT, left_s=72),
            Line(stage="rl", status=RL, left_s=3700),
            Line(stage="eval", status=None),
        ],
        elapsed_s=3661,
        width=width,
    ),
    "listing": lambda width: listing([CURATE, SFT, RL]),
    "details": lambda width: details(RL, "s3://klear"),
}


def drawn(picture, width):
    """The picture as a terminal of that width shows it, without colours."""
    console = Console(width=width, force_terminal=True, color_system=None, legacy_windows=False)
    with console.capture() as capture:
        console.print(picture)
    return "\n".join(line.rstrip() for line in capture.get().splitlines()) + "\n"


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", PICTURES)
def test_a_screen_is_that_of_the_golden_file(name, width):
    file, text = GOLDEN / f"{name}-{width}.txt", drawn(PICTURES[name](width), width)
    if os.environ.get("UPDATE_GOLDEN"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    assert text == file.read_text()


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", PICTURES)
def test_no_line_is_wider_than_the_terminal(name, width):
    assert max(len(line) for line in drawn(PICTURES[name](width), width).splitlines()) <= width


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
