import subprocess
import sys

import pytest

ASK = "import os, signal; from klearctl.train.stop import Stop; stop = Stop(); "
TERM = "os.kill(os.getpid(), signal.SIGTERM); "


@pytest.mark.parametrize(
    ("program", "code"),
    [
        (ASK + TERM + "print('not reached')", 85),  # nothing has begun: there is nothing to save
        (ASK + "stop.begin(); " + TERM + "raise SystemExit(7 if stop.asked else 1)", 7),  # a wish, heard later
        (ASK + "stop.begin(); raise SystemExit(1 if stop.asked else 7)", 7),
    ],
)
def test_sigterm_ends_a_start_and_is_a_wish_afterwards(program, code):
    done = subprocess.run([sys.executable, "-c", program], timeout=300)
    assert done.returncode == code


def test_a_block_that_need_not_be_finished_is_given_up():
    program = """
import os, signal, threading
from klearctl.train.stop import Stop, Stopped
stop = Stop()
stop.begin()
with stop.at_once():
    pass
threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM)).start()
for _ in range(2):  # where the wish has been heard it is given up at once
    try:
        with stop.at_once():
            threading.Event().wait(60)
    except Stopped:
        continue
    raise SystemExit(1)
raise SystemExit(7 if stop.asked else 1)
"""
    assert subprocess.run([sys.executable, "-c", program], timeout=50).returncode == 7


def test_a_rank_begins_to_listen_before_torch_is_there():
    program = ASK + "import sys; raise SystemExit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], timeout=300).returncode == 0
