"""Closing the sandbox: whoever still uses it hears of it at once, and is not waited for."""

import threading

import pytest

from klearctl.reward.sandbox.limits import Limits, SandboxFault
from klearctl.reward.sandbox.pool import Sandbox
from tests.e2e.klear import wait_for

LONG = Limits(cpu_s=1000)


@pytest.mark.timeout(300)  # where the program is waited for it takes 3000 s
@pytest.mark.parametrize(
    "source",
    [
        b"import time; time.sleep(10_000)",
        b"import numpy, time; time.sleep(10_000)",  # whose server has yet to start, and is started meanwhile
    ],
)
def test_a_program_under_way_is_lost_as_a_fault(source):
    faults: list[str] = []

    def run():
        try:
            sandbox.script(source, b"", LONG)
        except SandboxFault as fault:
            faults.append(str(fault))

    sandbox = Sandbox(lanes=1)
    user = threading.Thread(target=run)
    user.start()
    wait_for(lambda: not sandbox._free)
    sandbox.close()
    user.join()
    assert faults == ["the sandbox is closed"]
