"""What is left when the process that uses a sandbox ends, in whatever way: nothing."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator

import pytest

from tests.reward.sandbox.conftest import BACK_ENDS, needs_bubblewrap
from tests.reward.sandbox.waiting import until

_USE = """
import json, sys, threading
from klearctl.reward.sandbox.limits import Limits
from klearctl.reward.sandbox.pool import Sandbox

sandbox = Sandbox(lanes=1, libraries=(), **json.loads(sys.argv[1]))
idle = len(sandbox.processes())
source = b"import os, time\\nfor _ in range(3): os.fork()\\nopen('made', 'w').write('x')\\ntime.sleep(600)"
threading.Thread(target=sandbox.script, args=(source, b"", Limits(cpu_s=600)), daemon=True).start()
while len(sandbox.processes()) < idle + 8:
    pass
print(json.dumps(sandbox.processes()), flush=True)
if sys.argv[2] == "waits":
    sys.stdin.read()
if sys.argv[2] == "closes":
    sandbox.close()
"""


class User:
    """A process that uses a sandbox in which a program and its children sleep, and its folder for temporary files."""

    def __init__(self, back_end: str, how: str, folder: str) -> None:
        self._folder = folder
        command = [sys.executable, "-c", _USE, json.dumps(BACK_ENDS[back_end]), how]
        environment = {**os.environ, "TMPDIR": folder}
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
        self._pids = json.loads(self.process.stdout.readline())

    def left(self) -> list[str]:
        """Processes and files."""
        return [pid for pid in self._pids if os.path.exists(f"/proc/{pid}")] + os.listdir(self._folder)


@pytest.fixture(params=BACK_ENDS)
def start(request: pytest.FixtureRequest) -> Iterator[Callable[[str], User]]:
    """Starts one; the word says what it does in the end."""
    if request.param == "bubblewrap":
        needs_bubblewrap()
    started = []
    folder = tempfile.mkdtemp(prefix="klear-gone-", dir="/tmp")  # every user must reach it
    os.chmod(folder, 0o1777)  # as /tmp is

    def start(how: str) -> User:
        started.append(User(request.param, how, folder))
        return started[-1]

    yield start
    for each in started:
        each.process.kill()
        each.process.communicate()
    shutil.rmtree(folder)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_is_left_of_a_sandbox_whose_user_is_sent(start: Callable[[str], User], number: signal.Signals):
    user = start("waits")
    user.process.send_signal(number)
    user.process.wait()
    until(lambda: not user.left())


@pytest.mark.parametrize("how", ["ends", "closes"])
def test_nothing_is_left_of_a_sandbox_whose_user(start: Callable[[str], User], how: str):
    user = start(how)
    user.process.wait()
    until(lambda: not user.left())
