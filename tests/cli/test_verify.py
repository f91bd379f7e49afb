"""klearctl verify as a person has it: a table or rows, a bar on a terminal, and nothing left after Ctrl-C."""

import json
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from klearctl.cli.judging import Display, count_rows
from klearctl.cli.tally import Tally
from tests.e2e.klear import KLEARCTL, wait_for
from tests.e2e.test_detach import read_until, take_terminal
from tests.stages.test_verify import BLANK, SLEEPS, children, code, living, maths, script

pytestmark = pytest.mark.timeout(400)
SQUARE = {"inputs": ["3\n"], "outputs": ["9\n"], "function": None}
ROWS = [
    maths("7", r"<think>a</think>\boxed{7}"),
    maths("7", r"<think>a</think>\boxed{8}"),
    maths("7", r"<think>a</think>\boxed{6}"),
    code(SQUARE, script("print(int(input()) ** 2)")),
]
TABLE = """\
VERDICT       COUNT    SHARE  MEAN REWARD
accepted          2   50.0 %        1.000
wrong_answer      2   50.0 %       -1.000
all               4  100.0 %        0.000
"""
LAPTOP = ("click", "rich", "pygments", "markdown_it", "mdurl", "klearctl")


@pytest.fixture
def answers(tmp_path):
    """A file of four rows."""
    (tmp_path / "answers.jsonl").write_text("\n".join(ROWS) + "\n")
    (tmp_path / "json.py").write_text("raise ImportError('a module of the user')\n")  # harms nobody
    return tmp_path / "answers.jsonl"


def verify(file, *words, **options):
    """The finished command."""
    command = [KLEARCTL, "verify", file.name, *words]
    return subprocess.run(command, capture_output=True, text=True, cwd=file.parent, **options)


def test_the_table_counts_verdicts_and_their_rewards(answers):
    done = verify(answers, "--rewards", "klear")
    assert (done.returncode, re.sub(r" +\n", "\n", done.stdout)) == (0, TABLE)


def test_json_is_the_rows_and_nothing_else_and_without_a_terminal_there_is_no_bar(answers):
    done = verify(answers, "-o", "json")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert ([row["reward"] for row in rows], set("\x1b━\r") & set(done.stderr)) == ([1.0, 0.0, 0.0, 1.0], set())


@pytest.mark.parametrize("isolation", ["bubblewrap", "landlock"])
def test_the_isolation_is_that_of_the_command_line(answers, isolation):
    done = verify(answers, "--isolation", isolation)
    assert (done.returncode, f"code runs in {isolation}" in done.stderr.lower()) == (0, True)


def test_standard_input_is_a_file_too(answers):
    done = subprocess.run([KLEARCTL, "verify", "-"], input="\n".join(ROWS[:3]), capture_output=True, text=True)
    assert (done.returncode, "all               3" in done.stdout) == (0, True)


def test_a_bad_line_is_2_at_the_end_with_what_and_what_to_try(answers):
    answers.write_text("\n".join([ROWS[0], "{", *ROWS[1:3]]))
    done = verify(answers)
    error, attempt = done.stderr.splitlines()[-2:]
    assert (done.returncode, "line 2: it is not JSON" in error, "docs/verify.md" in attempt) == (2, True, True)
    assert re.search(r"^all +4 ", done.stdout, re.MULTILINE)


def test_a_file_that_is_absent_is_2_with_what_and_what_to_try(tmp_path):
    done = verify(tmp_path / "absent.jsonl")
    assert (done.returncode, done.stderr, done.stdout) == (
        2,
        "error: absent.jsonl cannot be read: No such file or directory\n  try: check the path\n",
        "",
    )


def test_without_the_packages_of_a_pod_it_says_which_and_what_to_try(answers, tmp_path):
    packages = tmp_path / "packages"  # a laptop's
    packages.mkdir()
    for name in LAPTOP:
        (packages / name).symlink_to(Path(str(find_spec(name).origin)).parent)
    main = f"import sys; sys.path[:0] = [{str(packages)!r}]; from klearctl.cli.main import main; main()"
    command = [sys.executable, "-I", "-S", "-c", main, "verify", str(answers)]
    done = subprocess.run(command, capture_output=True, text=True)
    error = "error: verify needs klearctl[pod]: math_verify is not installed\n  try: pip install 'klearctl[pod]'\n"
    assert (done.returncode, done.stderr) == (2, error)


def test_a_file_without_rows_is_a_table_of_none(answers):
    answers.write_text("")
    done = verify(answers)
    assert (done.returncode, re.findall(r"^all +0 +0.0 % +-", done.stdout, re.MULTILINE) != []) == (0, True)


def test_a_reader_that_has_enough_ends_it_without_a_word(answers):
    answers.write_text("\n".join(ROWS[:3] * 3000))
    command = f"{KLEARCTL} verify {answers} -o json | head -n 1"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True)
    assert (json.loads(done.stdout)["verdict"], re.findall("error|Traceback", done.stderr)) == ("accepted", [])


class Terminal:
    """The command on a terminal of its own, as wide as a person's."""

    def __init__(self, *words, cwd):
        self.ours, theirs = os.openpty()
        env = os.environ | {"TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"}
        on = {"stdin": theirs, "stdout": theirs, "stderr": theirs, "cwd": cwd, "env": env}
        self.command = subprocess.Popen(
            [KLEARCTL, "verify", *words], start_new_session=True, preexec_fn=take_terminal, **on
        )
        os.close(theirs)


def test_a_terminal_shows_a_bar_then_the_table(answers):
    terminal = Terminal("answers.jsonl", cwd=answers.parent)
    shown = read_until(terminal.ours, "0.500")
    seen = [re.search(text, shown) is not None for text in ("━", r" [0-4]/4 ", "code runs in")]  # it may be quick
    assert (terminal.command.wait(60), seen) == (0, [True, True, True])


def test_ctrl_c_is_130_and_leaves_nothing_running(answers):
    answers.write_text("\n".join([ROWS[0], SLEEPS, SLEEPS]))
    terminal = Terminal("answers.jsonl", cwd=answers.parent)
    read_until(terminal.ours, r"1/3")
    before = wait_for(lambda: len(found := children(terminal.command.pid)) > 5 and found)
    os.write(terminal.ours, b"\x03")
    assert terminal.command.wait(60) == 130
    wait_for(lambda: not living(before), limit_s=120)  # what had to be killed dies a moment later


@pytest.mark.parametrize(("every_s", "said"), [(0.0, ["1/2 accepted 1", "2/2 accepted 2"]), (3600.0, [])])
def test_a_log_has_at_most_one_line_in_a_time(capsys, every_s, said):
    tally = Tally(total=2)
    with Display("x", tally, rows=False, every_s=every_s) as display:
        for _ in range(2):
            tally.add({"verdict": "accepted", "reward": 1.0, "detail": ""})
            display.news()
    assert capsys.readouterr().err.splitlines() == said


@pytest.mark.parametrize(
    ("text", "rows"),
    [("", 0), ("a", 1), ("a\n", 1), ("a\nb", 2), (f"a\n{BLANK}\nb\n", 3)],  # a blank line is counted: it is a glance
)
def test_rows_are_counted_by_their_lines(tmp_path, text, rows):
    (tmp_path / "file").write_text(text)
    assert count_rows(str(tmp_path / "file")) == rows


def test_what_can_be_read_but_once_is_not_counted(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert (count_rows("-"), count_rows(str(tmp_path / "pipe"))) == (None, None)
