"""What is left when the process that uses a sandbox ends, in whatever way: nothing."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from klearctl.reward.sandbox import session
from tests.reward.sandbox.conftest import BACK_ENDS, needs_bubblewrap
from tests.reward.sandbox.waiting import until

_USE = """
import json, sys, threading
from klearctl.reward.sandbox.limits import Limits
from klearctl.reward.sandbox.pool import Sandbox

sandbox = Sandbox(lanes=1, libraries=(), **json.loads(sys.argv[1]))
idle = len(sandbox.processes())
source = b"import os, time\\nfor _ in range(3): os.fork()\\nopen('made', 'w').write('x')\\ntime.sleep(60)"
threading.Thread(target=sandbox.script, args=(source, b"", Limits()), daemon=True).start()
while len(sandbox.processes()) < idle + 8:
    pass
warm, = sandbox._lanes[0]._warm.values()
print(json.dumps([warm.session, warm._launch.folder]), flush=True)
if sys.argv[2] == "waits":
    sys.stdin.read()
if sys.argv[2] == "closes":
    sandbox.close()
"""


@pytest.fixture(params=BACK_ENDS)
def user(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Starts a process that uses a sandbox in which a program and its children sleep."""
    started = []
    if request.param == "bubblewrap":
        needs_bubblewrap()

    def start(how: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", _USE, json.dumps(BACK_ENDS[request.param]), how]
        started.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def is_gone(number: int, folder: str | None) -> bool:
    """No process of the session is there, and no scratch folder."""
    return not session.members(number) and not (folder and os.path.exists(folder))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_is_left_of_a_sandbox_whose_user_is_sent(user: Any, number: signal.Signals):
    process = user("waits")
    left = json.loads(process.stdout.readline())
    process.send_signal(number)
    process.wait()
    until(lambda: is_gone(*left))


@pytest.mark.parametrize("how", ["ends", "closes"])
def test_nothing_is_left_of_a_sandbox_whose_user(user: Any, how: str):
    process = user(how)
    left = json.loads(process.stdout.readline())
    process.wait()
    until(lambda: is_gone(*left))
