"""The program of a sandbox pod, as it is started there: real programs in a real sandbox, asked over HTTP."""

import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager

import psutil
import pytest
import requests

from klearctl.config.load import to_dict
from klearctl.config.pod import Layout, PodConfig
from klearctl.config.rl import RLConfig, SandboxConfig
from klearctl.reward.code.fleet import Fleet
from klearctl.stages.sandbox import code_judge
from tests.reward.code.serving import until

pytestmark = pytest.mark.timeout(300)
TOKEN = "the-token-of-this-test"
ECHO = {"inputs": ["1\n", "2\n"], "outputs": ["1\n", "2\n"], "function": None}
CALL = {"function": "f", "inputs": [[1], [2]], "outputs": [2, 4]}


@contextmanager
def started(config, *words, token=TOKEN):
    """The program with these words; ended after the block."""
    env = {name: value for name, value in os.environ.items() if name != "KLEAR_SANDBOX_TOKEN"}
    env |= {"KLEAR_SANDBOX_TOKEN": token} if token else {}
    command = [sys.executable, "-m", "klearctl.stages.sandbox", "--config", str(config), *words]
    with subprocess.Popen(command, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.terminate()


@pytest.fixture(scope="session")
def config(tmp_path_factory):
    """The config of an rl run whose sandbox pods have two CPUs."""
    settings = RLConfig(sandbox=SandboxConfig(cpus=2))
    file = tmp_path_factory.mktemp("etc") / "config.json"
    text = {"run": "rl-x", "stage": "rl", "bucket": "s3://klear", "config": to_dict(settings), "layout": {}}
    file.write_text(json.dumps(text))
    return file


@pytest.fixture(scope="module")
def address(config):
    """A server that is ready."""
    with started(config, "--port", "0") as process:
        yield address_of(process)


@pytest.fixture(scope="module")
def fleet(address):
    return Fleet([address], TOKEN)


def address_of(process):
    """Where it listens, once it does."""
    return process.stdout.readline().split()[3].rstrip(",")


def block(*lines):
    return "\n".join(["<think>Hm.</think>", "```python", *lines, "```"])


@pytest.mark.parametrize(
    ("response", "tests", "expected"),
    [
        (block("print(input())"), ECHO, ("accepted", 2, 2)),
        (block("print(1)"), ECHO, ("wrong_answer", 1, 2)),
        (block("print(1 / 0)"), ECHO, ("runtime_error", 0, 2)),
        (block("print("), ECHO, ("compile_error", 0, 2)),
        (block("def f(x): return 2 * x"), CALL, ("accepted", 2, 2)),
        (block("def f(x): return True"), CALL, ("wrong_answer", 0, 2)),
        (block("def f(x): return 2 * x"), {"asserts": ["assert f(1) < 3"], "entry_point": "f"}, ("accepted", 1, 1)),
        ("nothing", ECHO, ("no_code", 0, 2)),
        (block("print(1)"), {"inputs": 3}, ("bad_row", 0, 0)),
        (block("print(1)"), {"inputs": [], "outputs": []}, ("vacuous", 0, 0)),
    ],
)
def test_a_response_gets_its_verdict_from_afar(fleet, response, tests, expected):
    judged = fleet.judge(response, tests, must_think=True)
    assert (str(judged.verdict), judged.passed, judged.tests) == expected


def test_the_tests_of_a_subset_alone_are_run(fleet):
    judged = fleet.judge(block("print(1)"), ECHO, subset=[0])
    assert (str(judged.verdict), judged.tests) == ("accepted", 1)


def test_a_response_that_must_think_and_does_not_has_no_code(fleet):
    assert fleet.judge("```python\nprint(input())\n```", ECHO, must_think=True).verdict == "no_code"


def test_a_program_sees_neither_the_token_nor_the_config(fleet, config):
    spy = block("import os", "print(sorted(os.environ.values()))", f"print(os.path.exists({str(config)!r}))")
    judged = fleet.judge(spy, {"inputs": [""], "outputs": [""]})
    assert TOKEN not in judged.detail and "True" not in judged.detail and "False" in judged.detail


def test_it_says_what_confines_programs(address):
    assert requests.get(f"{address}/health", timeout=60).json().startswith(("bubblewrap", "Landlock"))


def test_it_lets_nobody_ask_without_the_token(address):
    assert requests.post(f"{address}/judge", data=b"{}", timeout=60).status_code == 401


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_it_exits_143_and_leaves_no_process(config, number):
    with started(config, "--port", "0") as process:
        fleet = Fleet([address_of(process)], TOKEN)
        fleet.judge(block("print(input())"), ECHO)
        below = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(number)
        assert (process.wait(120), psutil.wait_procs(below, 60)[1], bool(below)) == (143, [], True)


def test_told_to_stop_while_a_program_runs_it_stops_at_once(config):
    with started(config, "--port", "0") as process:
        address = address_of(process)
        tests = ECHO | {"timeout": 100}
        body = {"response": block("while True: pass"), "tests": tests, "subset": None, "must_think": False}
        with socket.create_connection(address.removeprefix("http://").split(":")) as wire:
            data = json.dumps(body).encode()
            head = f"POST /judge HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: {len(data)}"
            wire.sendall(head.encode() + b"\r\n\r\n" + data)
            until(lambda: "klear_sandbox_running 1.0" in requests.get(f"{address}/metrics", timeout=60).text)
            process.terminate()
            assert process.wait(60) == 143  # its own time limit is 100 s


def test_told_to_stop_before_it_listens_it_exits_143(config):
    with started(config, "--port", "0") as process:
        until(psutil.Process(process.pid).children)  # the first warm server
        process.terminate()
        assert process.wait(60) == 143


def test_without_a_token_it_serves_nobody(config):
    with started(config, token="") as process:
        assert (process.wait(), process.stderr.read().splitlines()) == (
            2,
            [
                "error: KLEAR_SANDBOX_TOKEN is not set",
                "  try: `klearctl submit` makes the Secret RUN-sandbox that holds it",
            ],
        )


def test_a_port_that_is_taken_is_named(config):
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        with started(config, "--port", str(port)) as process:
            assert (process.wait(), f"cannot listen at 127.0.0.1:{port}" in process.stderr.read()) == (3, True)


def pod(*sandboxes):
    return PodConfig("rl-x", "rl", "s3://klear", RLConfig(), Layout(sandboxes=sandboxes))


def test_a_trainer_asks_the_sandboxes_of_its_run(address, monkeypatch):
    monkeypatch.setenv("KLEAR_SANDBOX_TOKEN", TOKEN)
    with code_judge(pod(address)) as judge:
        assert judge.judge(block("print(input())"), ECHO).verdict == "accepted"


def test_a_trainer_without_sandboxes_runs_code_in_a_sandbox_of_its_own():
    with code_judge(pod()) as judge:
        assert judge.judge(block("print(input())"), ECHO).verdict == "accepted"
