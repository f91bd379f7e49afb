"""SIGKILL of a trainer: the group restarts by the manifest's rules, no step is lost or doubled, the run finishes.

bench/killed.py does the same to rl, at ten moments.
"""

import json
import os
import signal
from itertools import pairwise

import pytest

from klearctl import storage
from klearctl.local.s3 import server as s3
from tests.e2e.klear import fresh, wait_for
from tests.e2e.test_runs import SMALL

pytestmark = pytest.mark.timeout(1500)
STEPS = 300  # long enough that three kills find it at work
SFT = f"""
model = "new"
data = "run:data"
steps = {STEPS}
batch_samples = 16

[optimizer]
lr = 1e-3
warmup_steps = 2

[trainer]
zero_stage = 1
dtype = "float32"
row_tokens = 512
checkpoint_every = 10
metrics_interval_s = 1.0
"""


@pytest.fixture(scope="module")
def klear(tmp_path_factory):
    """A home with curated data."""
    with (
        fresh(tmp_path_factory.mktemp("killed")) as found,
        s3.use(found.home) as keys,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in keys.items():
            patch.setenv(name, value)
        (found.home / "small.toml").write_text(SMALL)
        (found.home / "sft.toml").write_text(SFT)
        done = found.run("submit", "curate", "--name", "data", "-f", "small.toml", "--wait")
        assert done.returncode == 0, done.stderr
        yield found


def trainers(klear):
    """The launchers of trainer pods: the first process of each, and with it of the whole pod."""
    return [pid for pid, line in klear.processes().items() if "klearctl.stages.launch sft" in line]


def committed(klear, run):
    """The committed steps."""
    return [item["step"] for item in json.loads(klear.run("checkpoints", run, "-o", "json").stdout)]


def test_a_trainer_killed_at_start_up_and_between_steps_loses_nothing(klear):
    klear.run("submit", "sft", "--name", "victim", "-f", "sft.toml")
    seen: list[list[int]] = [[]]
    killed: set[int] = set()
    for new in (0, 2, 2):  # at start-up, then at work: checkpoints since the last kill tell
        known = len(seen[-1]) + new
        wait_for(lambda: set(trainers(klear)) - killed)
        wait_for(lambda known=known: not known or len(committed(klear, "victim")) >= known)
        pid = wait_for(lambda: sorted(set(trainers(klear)) - killed))[0]
        os.kill(pid, signal.SIGKILL)
        killed.add(pid)
        seen.append(committed(klear, "victim"))
    wait_for(lambda: klear.status("victim")["state"] in ("succeeded", "failed"))
    seen.append(committed(klear, "victim"))
    rows = [row for row in klear.metrics("victim") if row["step"]]
    assert klear.status("victim")["state"] == "succeeded", klear.run("logs", "victim").stdout[-6000:]
    assert all(set(before) <= set(after) for before, after in pairwise(seen)), seen
    assert [row["step"] for row in rows] == list(range(1, STEPS + 1))
    assert klear.status("victim")["attempt"] >= 2  # the first kill may come before there is an attempt
    written = raw_rows("s3://klear/runs/victim/metrics")
    assert len(set(written)) == len(written)


def raw_rows(folder):
    """Attempt and step of every row in every object, as the reader has not merged them yet."""
    parts = [storage.read_bytes(storage.join(folder, name)) for name in storage.names(folder)]
    return [(row["attempt"], row["step"]) for part in parts for row in map(json.loads, part.splitlines())]


def test_a_cancelled_trainer_writes_a_checkpoint_and_goes_on_from_it(klear):
    klear.run(
        "submit",
        "sft",
        "--name",
        "paused",
        "-f",
        "sft.toml",
        "--set",
        "steps=4000",
        "--set",
        "trainer.checkpoint_every=1000",
    )
    wait_for(lambda: (klear.status("paused")["step"] or 0) >= 2)
    assert klear.run("cancel", "paused").returncode == 0
    stopped = klear.status("paused")
    assert klear.run("resume", "paused").returncode == 0
    wait_for(lambda: (klear.status("paused")["step"] or 0) > stopped["step"])
    after = klear.status("paused")
    klear.run("cancel", "paused")
    assert stopped["checkpoint"] is not None and stopped["checkpoint"] >= 2
    assert (after["attempt"], after["checkpoint"]) == (stopped["attempt"] + 1, stopped["checkpoint"])
