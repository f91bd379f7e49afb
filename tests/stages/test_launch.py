"""The first process of a trainer pod. Ranks are small programs of the test; torchrun, signals and codes are real."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from klearctl.errors import BackendError
from klearctl.stages.launch import Place, exit_code, wait_for_name
from tests.fixtures.ports import free_port

TREE = Path(__file__).parents[2]
LAUNCHER = """
import json, sys
from klearctl.stages import program
from klearctl.stages.launch import Place, run_ranks
sys.exit(program.run(lambda: run_ranks(Place(**json.loads(sys.argv[1])), ["-c", sys.argv[2]])))
"""
HANG = "signal.pause()"
RANK = """
import os, signal, sys
sys.stdout.write('x'); sys.stdout.flush()
if os.environ['RANK'] == '1':
    {second}
else:
    {first}
"""


def start(second, first=HANG, *, nodes=1, node=0, ranks=2, port=None):
    """A launcher with its ranks; each writes an x when it runs."""
    place = (
        f'{{"nodes": {nodes}, "ranks": {ranks}, "node": {node}, "host": "127.0.0.1", "port": {port or free_port()}}}'
    )
    return subprocess.Popen(
        [sys.executable, "-c", LAUNCHER, place, RANK.format(second=second, first=first)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(TREE), "OMP_NUM_THREADS": "1"},
    )


def test_the_code_is_that_of_the_first_rank_that_failed():
    words = {
        0: start("sys.exit(0)", "sys.exit(0)"),
        2: start("sys.exit(2)"),  # the other hangs, and must not hold it up
        85: start("sys.exit(85)"),
        137: start("os.kill(os.getpid(), signal.SIGKILL)"),
    }
    assert {code: process.wait(timeout=300) for code, process in words.items()} == {code: code for code in words}


def test_sigterm_reaches_every_rank():
    listen = "signal.signal(signal.SIGTERM, lambda *_: os._exit(85)); os.write(1, b'y'); signal.pause()"
    process = start(listen, listen)
    heard = b""
    while heard.count(b"y") < 2:
        heard += os.read(process.stdout.fileno(), 1)
    process.terminate()
    assert process.wait(timeout=300) == 85


def test_a_rank_that_sigterm_ends_before_it_listens_counts_as_stopped():
    process = start(HANG)
    os.read(process.stdout.fileno(), 1)
    os.read(process.stdout.fileno(), 1)
    process.terminate()
    assert process.wait(timeout=300) == 85


def test_trainers_on_other_ports_run_side_by_side_and_two_nodes_meet_on_one():
    report = "os.write(2, b' rank%s of %s.' % (os.environ['RANK'].encode(), os.environ['WORLD_SIZE'].encode()))"
    port = free_port()
    runs = [
        start(report, report),
        start(report, report, nodes=2, node=0, ranks=1, port=port),
        start(report, report, nodes=2, node=1, ranks=1, port=port),
    ]
    said = [process.communicate(timeout=300)[1] for process in runs]
    seen = [sorted(word for word in (b"rank0 of 2", b"rank1 of 2") if word in text) for text in said]
    assert seen == [[b"rank0 of 2", b"rank1 of 2"], [b"rank0 of 2"], [b"rank1 of 2"]]


def test_a_taken_port_is_said():
    with socket.create_server(("0.0.0.0", 0)) as taken:
        process = start(HANG, port=taken.getsockname()[1])
        _, said = process.communicate(timeout=300)
    assert process.returncode == 3
    assert b"error: the ranks cannot meet at 127.0.0.1:" in said


def test_ranks_do_not_outlive_a_killed_launcher():
    stop = "from klearctl.train.stop import Stop; Stop(); os.write(1, b'%d\\n' % os.getpid()); signal.pause()"
    process = start(stop, stop)
    said = b""
    while said.count(b"\n") < 2:
        said += os.read(process.stdout.fileno(), 100)
    watched = [os.pidfd_open(int(pid)) for pid in said.replace(b"x", b"").split()]
    process.kill()
    ended = [_ends(fd) for fd in watched]
    assert ended == [True, True]


def _ends(pidfd):
    import select

    return bool(select.select([pidfd], [], [], 120)[0])


def test_sigterm_while_the_master_has_no_name_ends_as_stopped(tmp_path):
    config = tmp_path / "config.json"
    config.write_text('{"run": "r", "stage": "sft", "bucket": "s3://b", "config": {}, "layout": {}}')
    env = {**os.environ, "PYTHONPATH": str(TREE), "PET_NNODES": "2", "PET_MASTER_ADDR": "nowhere.invalid"}
    process = subprocess.Popen(
        [sys.executable, "-m", "klearctl.stages.launch", "sft", "--config", str(config)], env=env
    )
    _until_it_listens(process.pid)
    process.terminate()
    assert process.wait(timeout=300) == 85


def _until_it_listens(pid):
    """SIGTERM's bit among the caught signals."""
    while not int(Path(f"/proc/{pid}/status").read_text().partition("SigCgt:")[2].split()[0], 16) >> 14 & 1:
        os.sched_yield()


@pytest.mark.parametrize(
    ("code", "told", "seen"),
    [
        (2, False, 2),
        (85, True, 85),
        (-signal.SIGKILL, False, 137),
        (-signal.SIGTERM, False, 143),
        (-signal.SIGTERM, True, 85),  # we told it, before it could listen
    ],
)
def test_codes_are_those_of_a_shell(code, told, seen):
    assert exit_code(code, told=told) == seen


def test_a_name_without_an_address_is_said():
    with pytest.raises(BackendError, match=r"nowhere\.invalid has no address after 0 s"):
        wait_for_name("nowhere.invalid", 0.0)


def test_without_torchrun_variables_there_is_one_rank():
    assert Place.from_env({}) == Place(nodes=1, ranks=1, node=0, host="127.0.0.1", port=29500)


def test_a_config_that_is_wrong_ends_with_2(tmp_path):
    config = tmp_path / "config.json"
    config.write_text('{"run": "r", "stage": "sft", "bucket": "s3://b", "config": {"epoch": 1}, "layout": {}}')
    done = subprocess.run(
        [sys.executable, "-m", "klearctl.stages.launch", "sft", "--config", str(config)],
        env={**os.environ, "PYTHONPATH": str(TREE)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert (done.returncode, done.stderr) == (2, "error: epoch is not a setting\n  try: did you mean epochs?\n")
