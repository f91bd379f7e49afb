"""The first process of a server's container: starts the server it is told and never exits 0 on SIGTERM.

vLLM ends with 0 when it is told to stop, and an Indexed Job would count that pod as done. Here a stop is 143.
"""

import signal
import subprocess
import sys
from types import FrameType

STOPPED = 128 + signal.SIGTERM


def main(words: list[str]) -> int:
    """Runs the command to its end, SIGTERM and SIGINT passed on; its exit code, or 143 after a SIGTERM."""
    command = [sys.executable, *words[1:]] if words[0] == "python" else words
    stopped = False

    def pass_on(number: int, _: FrameType | None) -> None:
        nonlocal stopped
        stopped = True
        if server.poll() is None:
            server.send_signal(number)

    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGINT])  # until there is a server to tell
    server = subprocess.Popen(command, preexec_fn=_unblock)
    signal.signal(signal.SIGTERM, pass_on)
    signal.signal(signal.SIGINT, pass_on)
    _unblock()
    code = server.wait()
    if stopped:
        return STOPPED
    return code if code >= 0 else 128 - code


def _unblock() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM, signal.SIGINT])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
