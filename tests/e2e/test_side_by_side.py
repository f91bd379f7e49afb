"""Trainers side by side on one machine: each has a store that listens on every address, so each needs a port."""

import os
import socket
import subprocess

import pytest

from klearctl.data.table import Solved, write_solved
from klearctl.kube.labels import RUN
from klearctl.kube.render import store_port
from klearctl.local.backend import LocalBackend
from klearctl.local.node.ports import listeners
from tests.e2e.klear import fresh, wait_for

pytestmark = pytest.mark.timeout(600)
LIMIT_S = 300  # of a machine that does much else
SFT = """
model = "new"
data = "{data}"
steps = 6
batch_samples = 4

[new]
hidden_size = 32
layers = 1
heads = 2
kv_heads = 1
head_dim = 16
intermediate_size = 64
max_tokens = 128

[trainer]
zero_stage = 1
dtype = "float32"
row_tokens = 64
cpu_processes = 2
"""


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    """What starts a trainer of two ranks, up to its name."""
    folder = tmp_path_factory.mktemp("data")
    sums = [(a, b, f"<think>\n{a}+{b}={a + b}\n</think>\n\\boxed{{{a + b}}}") for a in range(5) for b in range(6)]
    write_solved(str(folder / "sft.parquet"), [Solved(f"{a}+{b}", "sum", f"{a} + {b} =", text) for a, b, text in sums])
    (folder / "sft.toml").write_text(SFT.format(data=folder / "sft.parquet"))
    return "submit", "sft", "-f", str(folder / "sft.toml"), "--name"


@pytest.fixture(scope="module")
def homes(tmp_path_factory):
    """Two homes."""
    with fresh(tmp_path_factory.mktemp("one")) as one, fresh(tmp_path_factory.mktemp("other")) as other:
        yield one, other


def end_of(home, name):
    """How the run ended."""
    for _, found in LocalBackend(home.home).watch("JobSet", {RUN: name}, LIMIT_S):
        if end := found.get("status", {}).get("terminalState"):
            return end
    raise AssertionError(f"{name} has not ended: {home.run('logs', name).stdout[-2000:]}")


def test_trainers_of_one_home_and_of_two_run_side_by_side(homes, words):
    one, other = homes
    runs = {"left": one, "right": one, "third": other}
    lasting = ("--set", "steps=5000")  # until they are cancelled
    started = [home.start(*words, name, *lasting, stdout=subprocess.DEVNULL) for name, home in runs.items()]
    assert [command.wait(timeout=LIMIT_S) for command in started] == [0, 0, 0]
    ports = {store_port(name) for name in runs}
    wait_for(lambda: ports <= {listener.port for listener in listeners()}, LIMIT_S)  # all at the same moment
    for name, home in runs.items():
        wait_for(lambda home=home, name=name: home.status(name)["step"], LIMIT_S)  # and each of them trains
    codes = [home.run("cancel", name).returncode for name, home in runs.items()]
    assert (codes, {home.status(name)["state"] for name, home in runs.items()}) == ([0, 0, 0], {"cancelled"})


def test_a_run_of_the_same_name_in_another_home_is_told_who_has_its_port(homes, words):
    one, other = homes
    for home in (one, other):  # the first has its port until it is cancelled
        home.run(*words, "twin", "--set", "trainer.cpu_processes=1", "--set", "steps=5000")
    end = end_of(other, "twin")
    one.run("cancel", "twin")
    why = other.status("twin")["why"]
    holder = "klearctl.local.supervisor --kind JobSet --name twin"
    assert (end, f"port {store_port('twin')}" in why, holder in why) == ("Failed", True, True)


def test_a_port_that_another_program_has_is_an_error_that_names_it(homes, words):
    with socket.create_server(("0.0.0.0", store_port("blocked"))):
        homes[0].run(*words, "blocked")
        end = end_of(homes[0], "blocked")
    why = homes[0].status("blocked")["why"]
    assert (end, f"port {store_port('blocked')}" in why, f"process {os.getpid()} " in why) == ("Failed", True, True)
