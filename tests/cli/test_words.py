"""Words in, exit code and two lines out; never a traceback."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from klearctl.cli.session import home, uninterrupted

SMOKE = str(Path(__file__).parents[2] / "workflows/smoke")
KLEARCTL = str(Path(sys.executable).parent / "klearctl")


@pytest.fixture
def klearctl(tmp_path):
    """Runs the command in an empty folder, with a home of its own."""

    def run(*words, **env):
        environment = {"PATH": "/usr/bin:/bin", "KLEAR_HOME": str(tmp_path / "home"), "HOME": str(tmp_path), **env}
        return subprocess.run([KLEARCTL, *words], capture_output=True, text=True, cwd=tmp_path, env=environment)

    return run


@pytest.mark.parametrize(
    ("words", "what", "fix"),
    [
        (["sbmit"], "there is no command sbmit; did you mean submit?", "klearctl --help"),
        (["xyz"], "there is no command xyz", "klearctl --help"),
        (["submit"], "Missing argument 'STAGE'", "klearctl submit --help"),
        (["submit", "stf"], "stf is not a stage", "one of curate, sft, rl, eval"),
        (["submit", "rl", "--gpus", "12"], "12 GPUs do not fill whole nodes of 8", "--gpus 8 or --gpus 16"),
        (["submit", "rl", "--gpus", "1"], "1 GPU cannot hold both", "--gpus 2, or --gpus 0 for CPU"),
        (["submit", "rl", "--gpus", "many"], "'many' is not a valid integer", "klearctl submit --help"),
        (["submit", "rl", "-f", "absent.toml"], "absent.toml cannot be read", "check the path"),
        (["submit", "rl", "--set", "stps=1"], "stps is not a setting", "did you mean steps?"),
        (["submit", "rl", "--set", "model=stage:sft"], "stage:sft is known only in a recipe", "run:NAME"),
        (["submit", "rl", "--name", "RL_1"], "'RL_1' cannot be the name of a run", "small letters"),
        (["submit", "rl", "--name", ""], "'' cannot be the name of a run", "small letters"),
        (["submit", "sft", "--set", "sft.steps=3"], "here keys carry no stage", "--set KEY=VALUE without sft."),
        (["submit", "eval", "--set", "samples=1"], "pass_at has 4 and samples is 1", "samples = 4"),
        (["render", "rl", "--name", ""], "'' cannot be the name of a run", "small letters"),
        (["submit", "rl", "--gpus", "64"], "--gpus is 64, this machine has ", "--gpus 0 for CPU, or "),
        (["run", SMOKE, "--gpus", "64"], "--gpus is 64, this machine has ", "--gpus 0 for CPU"),
        (["submit", "rl", "--name", "a" * 41], "has 41 characters", "at most 40"),
        (["submit", "rl", "--wait", "--timeout", "soon"], "soon is no duration", "klearctl submit --help"),
        (["submit", "rl", "--timeout", "5m"], "--timeout ends the waiting of --wait", "klearctl submit --help"),
        (["submit", "rl", "--set", "loss.clip_high=nan"], "loss.clip_high is nan", "at least 0.0"),
        (["run", SMOKE, "--gpus", "12"], "12 GPUs do not fill whole nodes of 8", "--gpus 8 or --gpus 16"),
        (["run", SMOKE, "--name", "a" * 36], "has 43 characters", "at most 40"),
        (["run", SMOKE, "--name", "My-Run"], "'My-Run' cannot be the name of a run", "small letters"),
        (["run", SMOKE, "--name", ""], "'' cannot be the name of a run", "small letters"),
        (["checkpoints", "x", "--verify", "--get", "y"], "--verify reads all and writes nothing", "checkpoints --help"),
        (["checkpoints", "x", "--step", "3"], "--step says which one --get writes", "klearctl checkpoints --help"),
        (["logs", "absent", "--role", "nope"], "nope is not a role", "one of trainer, rollout"),
        (["explain", "rl.nope"], "rl.nope is not a setting", "klearctl explain rl has them all"),
        (["explain", "optimizer.lr"], "is not a setting", "did you mean sft.optimizer.lr or rl.optimizer.lr?"),
        (["run", "absent"], "cannot be read", "check the path"),
        (["status", "absent"], "there is no run absent", "klearctl status"),
        (["status", "--watch"], "--watch needs the NAME of a run", "klearctl status"),
        (["cancel", "absent"], "there is no run absent", "klearctl status"),
        (["logs", "absent"], "there is no run absent", "klearctl status"),
        (["explain", "rl.loss.clip_hihg"], "rl.loss.clip_hihg is not a setting", "did you mean rl.loss.clip_high?"),
    ],
)
def test_wrong_words_exit_2_with_what_and_what_to_try(klearctl, words, what, fix):
    done = klearctl(*words)
    error, attempt = done.stderr.strip().splitlines()
    assert (done.returncode, what in error, fix in attempt) == (2, True, True)


def test_what_to_type_next_can_be_typed_here(klearctl):
    by_path, by_name = (
        klearctl("status", "absent"),
        klearctl("status", "absent", PATH=f"{Path(KLEARCTL).parent}:/usr/bin:/bin"),
    )
    assert [done.stderr.splitlines()[1] for done in (by_path, by_name)] == [
        f"  try: {KLEARCTL} status lists the runs",
        "  try: klearctl status lists the runs",
    ]


def test_no_word_at_all_is_the_help(klearctl):
    assert (klearctl().returncode, klearctl().stdout) == (0, klearctl("--help").stdout)


def test_a_recipe_is_found_by_its_name_in_workflows(klearctl, tmp_path):
    (tmp_path / "workflows").mkdir()
    (tmp_path / "workflows/mine").symlink_to(SMOKE)
    assert "  try: workflows/mine" in klearctl("run", "mine").stderr


@pytest.mark.parametrize("stage", ["curate", "sft", "rl", "eval", "klear"])
def test_every_setting_is_explained_with_its_default(klearctl, stage):
    found, text = json.loads(klearctl("explain", stage, "-o", "json").stdout), klearctl("explain", stage).stdout
    tables = [one["key"] for one in found if one["type"] == "table" and one["default"] is None]
    assert [
        one["key"] for one in found if one["key"] not in tables and f"{one['key']}  {one['type']}" not in text
    ] == []
    assert "see below" not in text


def test_a_cluster_that_cannot_be_reached_exits_3(klearctl):
    done = klearctl("submit", "rl", "--backend", "cluster")
    assert (done.returncode, len(done.stderr.strip().splitlines())) == (3, 2)


def test_a_home_that_is_no_folder_exits_3(klearctl, tmp_path):
    (tmp_path / "file").write_text("")
    done = klearctl("status", KLEAR_HOME=str(tmp_path / "file"))
    error, attempt = done.stderr.strip().splitlines()
    assert (done.returncode, "cannot hold the state of runs" in error, "KLEAR_HOME" in attempt) == (3, True, True)


@pytest.mark.parametrize(("word", "folder"), [("state", "state"), ("~/state", "home/state")])
def test_a_home_is_a_folder_of_here_or_of_the_user(word, folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KLEAR_HOME", word)
    assert home() == tmp_path / folder


def test_ctrl_c_waits_for_what_must_not_be_left_half_way():
    done = []

    def work():
        with uninterrupted():
            os.kill(os.getpid(), signal.SIGINT)
            done.append("all of it")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert (done, signal.getsignal(signal.SIGINT)) == (["all of it"], signal.default_int_handler)


@pytest.mark.parametrize("stage", ["curate", "sft", "rl", "eval"])
def test_a_dry_run_prints_what_render_prints(klearctl, stage):
    words = [stage, "--gpus", "64", "--name", "same"]
    assert klearctl("submit", *words, "--backend", "cluster", "--dry-run").stdout == klearctl("render", *words).stdout


def test_a_dry_run_prints_nothing_but_documents(klearctl):
    done = klearctl("submit", "rl", "--gpus", "64", "--backend", "cluster", "--dry-run")
    kinds = [item["kind"] for item in yaml.safe_load_all(done.stdout)]
    assert (kinds, done.stderr) == (["ConfigMap", "NetworkPolicy", "NetworkPolicy", "JobSet"], "")


def test_json_is_one_list(klearctl):
    shown = json.loads(klearctl("render", "rl", "-o", "json").stdout)
    assert (shown["apiVersion"], shown["kind"], len(shown["items"])) == ("v1", "List", 3)


def test_render_writes_one_file_for_each_object(klearctl, tmp_path):
    klearctl("render", "rl", "--name", "rl-x", "--to", "out")
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == [
        "rl-x-config-configmap.yaml",
        "rl-x-jobset.yaml",
        "rl-x-networkpolicy.yaml",
    ]


def test_the_namespace_of_the_command_line_counts(klearctl):
    shown = yaml.safe_load_all(klearctl("render", "sft", "-n", "team").stdout)
    assert {item["metadata"]["namespace"] for item in shown} == {"team"}


def test_a_path_of_this_machine_becomes_absolute(klearctl, tmp_path):
    (tmp_path / "here.parquet").write_bytes(b"")
    config = next(yaml.safe_load_all(klearctl("render", "sft", "--set", "data=here.parquet").stdout))
    assert json.loads(config["data"]["config.json"])["config"]["data"] == str(tmp_path / "here.parquet")


def test_help_names_every_command(klearctl):
    shown = klearctl("--help").stdout
    assert all(f"\n  {word} " in shown for word in ("run", "submit", "render", "status", "logs", "metrics", "explain"))


def loaded_by(code):
    """Top-level modules that are loaded after the code has run."""
    script = f"import sys\nsys.argv = ['klearctl', '--help']\ntry:\n    {code}\nexcept SystemExit: pass\n"
    script += "print('|'.join(sorted({name.partition('.')[0] for name in sys.modules})), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-S", "-c", _SITE + script], capture_output=True, text=True)
    return set(done.stderr.strip().splitlines()[-1].split("|"))


_SITE = f"import sys; sys.path[:0] = {[path for path in sys.path if path]!r}\n"


def test_render_loads_nothing_heavy():
    loaded = loaded_by("import klearctl.cli.render, klearctl.cli.submit")
    assert loaded & {"torch", "transformers", "vllm", "deepspeed", "kubernetes", "s3fs", "fsspec"} == set()
