"""A run from submit to delete, as a user goes through it, on the local backend with the real curate stage."""

import json
import os
import re
import signal
import subprocess
import time

import pytest

from klearctl.local.s3 import server as s3
from tests.e2e.klear import KLEARCTL, fresh, wait_for

pytestmark = pytest.mark.timeout(600)

SMALL = """
seed = 0
sft_share = 0.6

[[sources]]
address = "reasoning_gym:chain_sum"
problems = 300
settings = { min_terms = 3, max_terms = 4, min_digits = 1, max_digits = 1 }

[heldout]
problems = 32

[teacher]
kind = "procedural"
wrong = 0.3
"""
LONG = "sources=[{address = 'reasoning_gym:chain_sum', problems = 300000, settings = {min_terms = 3, max_terms = 6}}]"


@pytest.fixture(scope="module")
def klear(tmp_path_factory):
    """A home in which the run `done` has succeeded; its S3 server stays up, so that each command need not start it."""
    with fresh(tmp_path_factory.mktemp("runs")) as found, s3.use(found.home):
        (found.home / "small.toml").write_text(SMALL)
        first = found.run("submit", "curate", "--name", "done", "-f", "small.toml", "--wait")
        assert first.returncode == 0, first.stderr + found.run("logs", "done").stdout
        yield found


def test_status_as_json_has_the_documented_fields(klear):
    assert list(klear.status("done")) == ["name", "stage", "state", "why", "step", "steps", "attempt", "checkpoint"]


def test_a_finished_run_has_succeeded_in_all_its_steps(klear):
    status = klear.status("done")
    assert (status["state"], status["step"]) == ("succeeded", status["steps"])


def test_the_same_name_and_config_change_nothing(klear):
    again = klear.run("submit", "curate", "--name", "done", "-f", "small.toml")
    assert (again.returncode, again.stdout) == (0, "curate run done unchanged\n")


def test_the_same_name_with_another_config_is_refused_with_the_difference(klear):
    other = klear.run("submit", "curate", "--name", "done", "-f", "small.toml", "--set", "seed=7")
    assert (other.returncode, "seed: 0 -> 7" in other.stderr) == (2, True)


def test_a_random_name_says_its_stage(klear):
    started = klear.run("submit", "curate", "-f", "small.toml", "--wait")
    assert re.search(r"curate run curate-[a-z0-9]{6} created", started.stderr)


def test_metrics_have_a_row_for_each_step(klear):
    rows = klear.metrics("done")
    assert [row["step"] for row in rows] == list(range(rows[0]["step"], rows[-1]["steps"] + 1))


def test_logs_name_role_and_rank(klear):
    assert "curate-0/curate" in klear.run("logs", "done").stdout


def test_a_run_that_has_succeeded_cannot_be_cancelled_or_resumed(klear):
    said = [klear.run(word, "done").stdout for word in ("cancel", "resume")]
    assert ["nothing to cancel" in said[0], "nothing to resume" in said[1]] == [True, True]


def test_a_run_without_checkpoints_says_so(klear):
    listed = klear.run("checkpoints", "done")
    assert (listed.returncode, listed.stderr) == (0, "no checkpoint is committed\n")


def test_a_bad_config_in_the_pod_fails_the_run_at_once_and_says_why(klear):
    done = klear.run("submit", "curate", "--name", "bad", "--set", "sources=[{address = 'absent.jsonl'}]", "--wait")
    status = klear.status("bad")
    assert (done.returncode, status["state"], "absent.jsonl" in status["why"]) == (1, "failed", True)


def test_a_cancelled_run_goes_on_when_it_is_resumed(klear):
    klear.run("submit", "curate", "--name", "paused", "-f", "small.toml", "--set", LONG)
    cancelled = klear.run("cancel", "paused")
    before = klear.status("paused")["state"]
    again = klear.run("submit", "curate", "--name", "paused", "-f", "small.toml", "--set", LONG)
    resumed = klear.run("resume", "paused")
    after = klear.status("paused")["state"]
    klear.run("cancel", "paused")
    assert (cancelled.returncode, before, resumed.returncode) == (0, "cancelled", 0)
    assert "klearctl resume paused" in again.stderr
    assert after in ("pending", "running")


def test_a_run_whose_supervisor_was_killed_is_lost_its_orphans_end_and_it_can_go_on(klear):
    klear.run("submit", "curate", "--name", "orphan", "-f", "small.toml", "--set", LONG)
    supervisors = [pid for pid, line in klear.processes().items() if "local.supervisor" in line and "orphan" in line]
    os.kill(supervisors[0], signal.SIGKILL)
    shown = klear.run("status", "orphan")
    left = [line for line in klear.processes().values() if "stages.curate" in line]
    resumed = klear.run("resume", "orphan")
    after = klear.status("orphan")["state"]
    klear.run("cancel", "orphan")
    assert ("lost" in shown.stdout, "klearctl resume orphan" in shown.stderr, left) == (True, True, [])
    assert (resumed.returncode, after in ("pending", "running")) == (0, True)


def test_waiting_has_an_end(klear):
    waited = klear.run(
        "submit", "curate", "--name", "slow", "-f", "small.toml", "--set", LONG, "--wait", "--timeout", "1s"
    )
    klear.run("cancel", "slow")
    assert (waited.returncode, "has not ended after 1 s" in waited.stderr) == (4, True)


def test_without_a_terminal_progress_is_at_most_one_line_in_ten_seconds(klear):
    start = time.monotonic()
    waited = klear.run("submit", "curate", "--name", "quiet", "-f", "small.toml", "--set", "seed=5", "--wait")
    most = 3 + (time.monotonic() - start) // 10
    lines = [line for line in waited.stderr.splitlines() if line.startswith("curate ") and " run " not in line]
    assert (waited.returncode, len(lines) <= most) == (0, True)


def test_a_deleted_run_is_gone_and_its_data_with_it(klear):
    klear.run("submit", "curate", "--name", "old", "-f", "small.toml", "--wait")
    removed = klear.run("delete", "old", "--data")
    assert (removed.returncode, klear.run("status", "old").returncode) == (0, 2)


def test_what_a_deleted_run_left_in_the_bucket_can_still_be_removed(klear):
    klear.run("submit", "curate", "--name", "older", "-f", "small.toml", "--wait")
    done = [klear.run("delete", "older", *words) for words in ([], ["--data"], ["--data"])]
    assert [one.returncode for one in done] == [0, 0, 2]
    assert ("s3://klear/runs/older removed" in done[1].stdout, "there is no run older" in done[2].stderr) == (
        True,
        True,
    )


def test_a_run_of_a_name_nobody_gave_has_no_checkpoints(klear):
    done = klear.run("checkpoints", "nobody")
    assert (done.returncode, "there is no run nobody" in done.stderr) == (2, True)


def test_beside_a_klear_toml_for_a_cluster_local_runs_are_reached_by_backend_local(klear, tmp_path):
    (tmp_path / "klear.toml").write_text('backend = "cluster"\nbucket = "s3://theirs"\nstorage_secret = "theirs"\n')
    small = str(klear.home / "small.toml")
    words = ["submit", "curate", "--name", "beside", "-f", small, "--backend", "local"]
    done = subprocess.run([KLEARCTL, *words], cwd=tmp_path, env=klear.env, capture_output=True, text=True)
    hint = re.findall(r"^  klearctl (status .+)$", done.stderr, re.MULTILINE)[0].split()
    wait_for(lambda: klear.status("beside")["state"] == "succeeded")
    shown = subprocess.run([KLEARCTL, *hint], cwd=tmp_path, env=klear.env, capture_output=True, text=True)
    assert (done.returncode, shown.returncode, "succeeded" in shown.stdout) == (0, 0, True)


def test_a_recipe_that_fails_says_which_stage_and_why(klear):
    folder = klear.home / "broken"
    folder.mkdir()
    (folder / "recipe.toml").write_text('stages = ["curate"]\n')
    (folder / "curate.toml").write_text('[[sources]]\naddress = "/absent.jsonl"\n')
    done = klear.run("run", str(folder), "--name", "broken")
    assert done.returncode == 1
    assert re.search(r"^broken-curate: .*/absent.jsonl.*\n  klearctl logs broken-curate$", done.stderr, re.MULTILINE)


def test_a_bucket_that_is_missing_exits_3(klear, tmp_path):
    (tmp_path / "klear.toml").write_text('backend = "local"\nbucket = "s3://absent"\n')
    done = klear.start("submit", "curate", "-f", str(klear.home / "small.toml"), cwd=tmp_path)
    assert done.wait(timeout=180) == 3


def test_every_run_is_listed(klear):
    rows = json.loads(klear.run("status", "-o", "json").stdout)
    assert {"done", "bad", "paused", "orphan"} <= {row["name"] for row in rows}


def test_nothing_but_the_server_is_left_running(klear):
    server = r"klearctl\.local\.s3\.keeper|weed"
    wait_for(lambda: all(re.search(server, line) for line in klear.processes().values()))
