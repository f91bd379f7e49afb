"""The program that judges a file: a row for each line, in their order, and an exit code that says what was wrong."""

import json
import os
import re
import select
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from klearctl.stages.judges import Judges
from tests.e2e.klear import wait_for

pytestmark = pytest.mark.timeout(400)
PROGRAM = [sys.executable, "-m", "klearctl.stages.verify"]
ROOT = Path(__file__).parents[2]

STDIN = {"inputs": ["3\n", "5\n"], "outputs": ["6\n", "10\n"], "function": None}
CALL = {"function": "Solution().add", "inputs": [[1, 2], {"a": 3, "b": 4}, "5\n6"], "outputs": [3, 7, 11]}
ASSERTS = {"asserts": ["assert add(1, 2) == 3", "assert add(0, 0) < 1"], "setup": "", "entry_point": "add"}
METHOD = "```python\nclass Solution:\n    def add(self, a, b):\n        return a + b\n```"
SLEEPER = "```python\nimport time\ntime.sleep(1000)\n```"


def maths(answer, response):
    """A row of maths."""
    return json.dumps({"kind": "math", "answer": answer, "response": response})


def code(tests, response):
    """A row of code."""
    return json.dumps({"kind": "code", "tests": tests, "response": response})


def script(source):
    """A response that is a program and no more."""
    return f"<think>a program</think>\n```python\n{source}\n```"


SLEEPS = code({"inputs": [""], "outputs": [""], "timeout": 100}, SLEEPER)

# line -> reward, verdict, passed, tests
LINES = [
    (maths("1/2", r"<think>a</think>\boxed{0.5}"), 1.0, "accepted", 1, 1),
    (code(STDIN, script("print(2 * int(input()))")), 1.0, "accepted", 2, 2),
    (code(STDIN, script("print(3 + int(input()))")), 0.0, "wrong_answer", 1, 2),
    ("{", 0.0, "bad_row", 0, 0),
    (maths("7", r"<think>a</think>\boxed{8}"), 0.0, "wrong_answer", 0, 1),
    (code(CALL, METHOD), 1.0, "accepted", 3, 3),
    (code(CALL, METHOD.replace("a + b", "a / 0")), 0.0, "runtime_error", 0, 3),
    (code(ASSERTS, script("add = lambda a, b: a + b")), 1.0, "accepted", 2, 2),
    ('{"kind": "poem", "response": ""}', 0.0, "bad_row", 0, 0),
    (code({"inputs": [], "outputs": []}, METHOD), 0.0, "vacuous", 0, 0),
    (code(STDIN, "<think>```python\nprint(1)\n```"), 0.0, "no_code", 0, 2),
    (maths("7", r"<think>\boxed{7}"), 0.0, "no_answer", 0, 1),
    (code({"inputs": [""], "outputs": ["1"], "timeout": 0.2}, script("while True: pass")), 0.0, "time_limit", 0, 1),
    (code(STDIN, script("import os; os._exit(0)")), 0.0, "wrong_answer", 0, 2),
    (code(STDIN, script("import sys; sys.exit(3)")), 0.0, "runtime_error", 0, 2),
]
BLANK = "  "
FILE = "\n".join(line for line, *_ in LINES[:4]) + f"\n{BLANK}\n" + "\n".join(line for line, *_ in LINES[4:])  # no \n


def run(text, *words):
    """The program's rows, exit code and words about that text."""
    done = subprocess.run([*PROGRAM, "-", *words], input=text.encode(), capture_output=True, cwd=ROOT)
    return [json.loads(line) for line in done.stdout.splitlines()], done.returncode, done.stderr.decode()


@pytest.fixture(scope="module")
def judged():
    """The rows and the exit code of the whole file."""
    return run(FILE)


def test_every_row_has_its_verdict_in_the_order_of_the_file(judged):
    rows, _, _ = judged
    found = [(row["reward"], row["verdict"], row["passed"], row["tests"]) for row in rows]
    assert found == [tuple(expected) for _, *expected in LINES]


def test_a_row_has_the_fields_that_are_promised(judged):
    assert {tuple(row) for row in judged[0]} == {("reward", "verdict", "passed", "tests", "detail")}


def test_a_bad_line_has_its_row_and_the_code_2_at_the_end(judged):
    rows, status, _ = judged
    assert (status, [row["detail"] for row in rows if row["verdict"] == "bad_row"]) == (
        2,
        [
            "line 4: it is not JSON: Expecting property name enclosed in double quotes at character 1",
            "line 10: kind is math or code, not 'poem'",  # the blank one is counted, but is no row
        ],
    )


def test_the_isolation_is_named_once(judged):
    assert re.fullmatch(r"code runs in (bubblewrap|landlock).*\n", judged[2])


def test_without_a_bad_line_it_is_0_whatever_the_verdicts():
    assert run(maths("7", r"\boxed{8}"))[1] == 0


def test_an_empty_file_is_no_row():
    assert run("\n\n") == ([], 0, "")


@pytest.mark.parametrize(("rewards", "worth"), [("soft", 0.5), ("klear", -0.5)])
def test_the_scheme_is_that_of_the_command_line(rewards, worth):
    response = "```python\nprint(3 + int(input()))\n```"  # half of the tests pass; there is no </think>
    rows, _, _ = run(code(STDIN, response), "--rewards", rewards)
    assert [row["reward"] for row in rows] == [worth]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"\xff", "it is not JSON"),
        (b'{"kind": "math", "answer": ' + b"9" * 5000 + b"}", "4300 digits"),
        (b"[" * 200_000, "brackets are too deep"),
        (b'"' + b"x" * (64 << 20) + b'"', "more than 64 MiB"),
        (b"[]", "a row is an object, not a list"),
    ],
)
def test_no_line_stops_the_program(line, why, tmp_path):
    file = tmp_path / "rows.jsonl"
    file.write_bytes(line + b"\n" + maths("7", r"\boxed{7}").encode())
    done = subprocess.run([*PROGRAM, file], capture_output=True, cwd=ROOT)
    bad, good = map(json.loads, done.stdout.splitlines())
    assert (bad["verdict"], why in bad["detail"], good["verdict"], done.returncode) == ("bad_row", True, "accepted", 2)


def test_a_file_that_cannot_be_read_is_2_with_what_and_what_to_try(tmp_path):
    done = subprocess.run([*PROGRAM, tmp_path / "absent"], capture_output=True, cwd=ROOT, text=True)
    assert (done.returncode, done.stderr) == (
        2,
        f"error: {tmp_path}/absent cannot be read: No such file or directory\n  try: check the path\n",
    )


def test_the_rows_on_the_page_give_what_the_page_says():
    rows_in, rows_out = re.findall(r"```json\n(.*?)\n```\n", (ROOT / "docs/verify.md").read_text(), re.DOTALL)[:2]
    assert run(rows_in)[0] == [json.loads(line) for line in rows_out.splitlines()]


def started(*words):
    """The program under way, reading from us."""
    pipe = subprocess.PIPE
    return subprocess.Popen([*PROGRAM, *words], stdin=pipe, stdout=pipe, stderr=pipe, cwd=ROOT)


def children(pid):
    """The processes that it started, and those that these started, by id: when they started."""
    found, listed = {}, [pid]
    for parent in listed:
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            with suppress(OSError):
                listed += map(int, task.read_text().split())
    for child in listed[1:]:
        with suppress(OSError):
            found[child] = birth(child)
    return found


def birth(pid):
    """When the process was started, in clock ticks; it tells it from a later one of the same id."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]


def living(processes):
    """Those that still run, a zombie that someone else must bury aside."""
    found = set()
    for pid, born in processes.items():
        with suppress(OSError):
            if birth(pid) == born and Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
                found.add(pid)
    return found


def test_a_row_is_answered_before_the_next_one_comes():
    with started("-") as program:
        for answer in ("7", "8"):
            program.stdin.write(maths(answer, r"\boxed{7}").encode() + b"\n")
            program.stdin.flush()
            assert select.select([program.stdout], [], [], 60)[0]
            assert json.loads(program.stdout.readline())["reward"] == float(answer == "7")
        program.stdin.close()
    assert program.returncode == 0


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_a_signal_ends_it_and_all_that_it_started(number, status):
    with started("-") as program:
        program.stdin.write(f"{maths('7', '7')}\n{SLEEPS}\n{SLEEPS}\n".encode())
        program.stdin.flush()  # it stays open: more rows may come
        program.stdout.readline()
        before = wait_for(lambda: len(found := children(program.pid)) > 4 and found)
        program.send_signal(number)
        assert program.wait(120) == status
    wait_for(lambda: not living(before), limit_s=120)


def test_where_the_reader_has_gone_it_ends():
    with started("-") as program:
        program.stdout.close()
        program.stdin.write(f"{maths('7', '7')}\n{SLEEPS}\n".encode())
        program.stdin.close()
        assert program.wait(60) == 141


def test_a_sandbox_that_dies_again_and_again_is_a_fault_and_no_score():
    with started("-", "--rewards", "klear") as program:
        program.stdin.write(SLEEPS.encode())
        program.stdin.close()
        assert program.stderr.readline().startswith(b"code runs in")
        while program.poll() is None:
            for pid in children(program.pid):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            select.select([], [], [], 0.05)
        row = json.loads(program.stdout.read())
    assert (row["verdict"], row["reward"], program.returncode) == ("infrastructure_fault", None, 1)


def test_a_sandbox_that_is_just_starting_goes_with_the_judges():
    tests, before = json.loads(SLEEPS)["tests"], children(os.getpid())
    asking = threading.Thread(target=lambda: judges.code(SLEEPER, tests), daemon=True)
    with Judges(isolation="auto", unsafe=False) as judges:
        asking.start()
        wait_for(lambda: children(os.getpid()).items() - before.items())
    asking.join(60)
    assert not living(dict(children(os.getpid()).items() - before.items()))
