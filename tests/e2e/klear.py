"""The command line as a user has it, with a home of its own that is left empty-handed afterwards."""

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

KLEARCTL = str(Path(sys.executable).parent / "klearctl")
ROOT = Path(__file__).parents[2]
TERMINAL: dict[str, Any] = {
    "start_new_session": True,
    "preexec_fn": lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # `make test &` ignores it
}
SMOKE = ROOT / "workflows/smoke"


@dataclass(frozen=True)
class Klear:
    """`klearctl` with its state and bucket under `home`."""

    home: Path

    @property
    def env(self):
        """The environment of every command."""
        return os.environ | {"KLEAR_HOME": str(self.home)}

    def run(self, *words, timeout=900):
        """The finished command."""
        return subprocess.run(
            [KLEARCTL, *words], capture_output=True, text=True, env=self.env, cwd=self.home, timeout=timeout
        )

    def start(self, *words, **options):
        """The command, still running, as a terminal starts it: in a process group of its own, and heeding Ctrl-C."""
        return subprocess.Popen([KLEARCTL, *words], **({"env": self.env, "cwd": self.home} | TERMINAL | options))

    def status(self, name):
        """What `status -o json` says of the run."""
        done = self.run("status", name, "-o", "json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def metrics(self, name):
        """The rows of the run."""
        return json.loads(self.run("metrics", name, "-o", "json").stdout)

    def processes(self):
        """Every process that was started for this home, by id: command line."""
        return dict(sorted(_processes(self.home)))


@contextmanager
def fresh(home) -> Iterator[Klear]:
    """A home; whatever a failed test left running in it is ended."""
    klear = Klear(home)
    try:
        yield klear
    finally:
        for pid in klear.processes():
            with suppress(*_GONE):
                os.kill(pid, signal.SIGKILL)


def wait_for(condition, limit_s=400):
    """What the condition gives, once it gives something."""
    end = time.monotonic() + limit_s
    while not (found := condition()):
        assert time.monotonic() < end, "it never came true"
        select.select([], [], [], 0.05)
    return found


def _processes(home):
    """By its words or its environment; a pod's process, whose folders may have short names, by its pod's id."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            with suppress(*_GONE):
                command, environment = (folder / "cmdline").read_bytes(), (folder / "environ").read_bytes()
                if command and (str(home).encode() in command or _belongs(environment, home)):
                    yield int(folder.name), command.replace(b"\0", b" ").decode(errors="replace").strip()


def _belongs(environment, home):
    own = dict(word.split("=", 1) for word in environment.decode(errors="replace").split("\0") if "=" in word)
    pod = own.get("KLEAR_POD_UID")
    return own.get("KLEAR_HOME") == str(home) or bool(pod and (home / "local/pods" / pod[:8]).exists())


_GONE = (ProcessLookupError, FileNotFoundError, PermissionError)
