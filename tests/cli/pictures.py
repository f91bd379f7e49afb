"""The screens that are kept as golden files: `python -m tests.cli.pictures NAME` draws one on the terminal it has."""

import sys

from rich.console import Console

from klearctl.cli.screen import Line, details, listing, live
from klearctl.cli.tally import Tally, progress, table
from klearctl.kube.status import Status

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
LINES = [
    Line(stage="curate", status=CURATE),
    Line(stage="sft", status=SFT, left_s=72),
    Line(stage="rl", status=RL, left_s=3700),
    Line(stage="eval", status=None),
]
JUDGED = Tally(total=300)
for verdict, count, reward in [("accepted", 81, 1.0), ("wrong_answer", 30, 0.25), ("infrastructure_fault", 9, None)]:
    for _ in range(count):
        JUDGED.add({"verdict": verdict, "reward": reward, "detail": ""})
PICTURES = {
    "live": lambda width: live("smoke-k3x9ab", LINES, elapsed_s=3661, width=width),
    "listing": lambda width: listing([CURATE, SFT, RL]),
    "details": lambda width: details(RL, "s3://klear"),
    "verifying": lambda width: progress(JUDGED, "answers.jsonl", elapsed_s=48, width=width),
    "verified": lambda width: table(JUDGED),
}

if __name__ == "__main__":
    console = Console()
    console.print(PICTURES[sys.argv[1]](console.width))
