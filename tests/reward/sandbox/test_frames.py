"""Programs that answer frames. Their sources write to the channel themselves, so that no driver is in the way."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from klearctl.reward.sandbox.limits import Ended, How, Limits
from klearctl.reward.sandbox.pool import Sandbox
from klearctl.reward.sandbox.program import Program

LOAD = b'{"n": 0, "do": "load"}'  # the driver runs the source
TALK = b"""
import os, struct, time

def send(*frames): os.write(3, b"".join(struct.pack("<I", len(frame)) + frame for frame in frames))

def receive():
    length, = struct.unpack("<I", os.read(3, 4))
    frame = b""
    while len(frame) < length: frame += os.read(3, length - len(frame))
    return frame

def send_long(frame):
    left = struct.pack("<I", len(frame)) + frame
    while left: left = left[os.write(3, left):]
"""
ECHO = TALK + b"send(b'ready')\nwhile True: send_long(receive()[::-1])\n"


@contextmanager
def loaded(sandbox: Sandbox, source: bytes, limits: Limits) -> Iterator[Program]:
    """The program when it is ready."""
    with sandbox.program("calls", source, limits) as program:
        program.send(LOAD)
        assert program.receive() == b"ready"
        yield program


def test_frames_go_both_ways_and_may_be_long(sandbox: Sandbox):
    frames = [b"", b"abc", bytes(range(256)) * 8000]
    with loaded(sandbox, ECHO, Limits(output_bytes=4 << 20)) as program:
        answers = []
        for frame in frames:
            program.send(frame)
            answers.append(program.receive())
    assert answers == [frame[::-1] for frame in frames]


def test_each_answer_has_the_whole_time(sandbox: Sandbox):
    burn = b"until = time.process_time() + 0.3\n    while time.process_time() < until: pass\n"
    source = TALK + b"send(b'ready')\nwhile True:\n    receive()\n    " + burn + b"    send(b'done')\n"
    with loaded(sandbox, source, Limits(cpu_s=0.5, wall_s=30)) as program:
        answers = []
        for _ in range(4):  # 1.2 s together
            program.send(b"")
            answers.append(program.receive())
    assert answers == [b"done"] * 4


def test_each_answer_has_the_whole_output(sandbox: Sandbox):
    source = (
        TALK + b"send(b'ready')\nwhile True:\n    receive()\n    print('x' * 700_000, flush=True)\n    send(b'done')\n"
    )
    with loaded(sandbox, source, Limits(output_bytes=1_000_000)) as program:
        answers = []
        for _ in range(4):
            program.send(b"")
            answers.append(program.receive())
    assert answers == [b"done"] * 4


def test_an_answer_that_burns_too_long_ends_the_program(sandbox: Sandbox):
    source = TALK + b"send(b'ready')\nreceive(); send(b'one'); receive()\nwhile True: pass\n"
    with loaded(sandbox, source, Limits(cpu_s=0.3, wall_s=30)) as program:
        program.send(b"")
        first = program.receive()
        program.send(b"")
        second = program.receive()
    assert first == b"one" and isinstance(second, Ended) and second.how is How.CPU


def test_a_limit_may_be_said_for_one_answer(sandbox: Sandbox):
    source = TALK + b"send(b'ready')\nreceive(); time.sleep(60)\n"
    with loaded(sandbox, source, Limits()) as program:
        program.send(b"")
        ended = program.receive(wall_s=0.2)
    assert isinstance(ended, Ended) and ended.how is How.WALL


def test_a_frame_that_nobody_asked_for_answers_nothing(sandbox: Sandbox):
    source = TALK + b"send(b'ready', b'forged')\nwhile True: send(receive()[::-1])\n"
    with loaded(sandbox, source, Limits()) as program:
        program.send(b"abc")
        assert program.receive() == b"cba"


def test_a_program_that_ended_says_so_as_often_as_it_is_asked(sandbox: Sandbox):
    with loaded(sandbox, TALK + b"send(b'ready'); os._exit(7)", Limits()) as program:
        program.send(b"")
        first = program.receive()
        program.send(b"")
        second = program.receive()
    assert isinstance(first, Ended) and first.code == 7 and second == first


def test_a_program_that_closes_its_channel_runs_until_its_limit(sandbox: Sandbox):
    with loaded(sandbox, TALK + b"send(b'ready'); os.close(3); time.sleep(60)", Limits()) as program:
        program.send(b"x" * 1_000_000)
        ended = program.receive(wall_s=0.3)
    assert isinstance(ended, Ended) and ended.how is How.WALL


def test_the_tests_program_runs_beside_the_models_program_on_one_lane(sandbox: Sandbox):
    with sandbox.pair(ECHO, b"", Limits()) as (program, checks):
        program.send(LOAD)
        ready = program.receive()
        checks.send(b'{"n": 0, "do": "load", "names": {}}')
        said = checks.receive()
    assert (ready, said) == (b"ready", json.dumps({"n": 0, "passed": True}).encode())


def test_no_process_is_left_when_the_block_ends(sandbox: Sandbox):
    before = sandbox.processes()
    source = (
        TALK + b"first = os.getpid(); os.fork(); os.fork()\nif os.getpid() == first: send(b'ready')\ntime.sleep(60)"
    )
    with loaded(sandbox, source, Limits()):
        during = sandbox.processes()
    assert len(during) > len(before) and sandbox.processes() == before
