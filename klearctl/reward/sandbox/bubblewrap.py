"""A warm server inside bubblewrap, which gives it namespaces of every kind: what to start in, a command line out.

bwrap(1). Inside lie the interpreter, the libraries and three devices, all read-only, and /proc with the server's own
processes, which no program sees (inside/namespaces.py). Root stays root until the server drops to its user, so that an
interpreter in root's own folder can be seen; without root, bubblewrap makes a user namespace.
"""

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from klearctl.reward.sandbox import interpreter

DEVICES = ("/dev/null", "/dev/random", "/dev/urandom")


def program() -> str:
    """Where it is.

    Raises:
        FileNotFoundError: there is none.
    """
    found = shutil.which("bwrap")
    if found is None:
        raise FileNotFoundError("bwrap is not installed (the package bubblewrap)")
    return found


def version() -> str:
    """What it says of itself: `bubblewrap 0.8.0`."""
    return subprocess.run([program(), "--version"], capture_output=True, text=True, check=False).stdout.strip()


def command(
    inner: Sequence[str], environment: Mapping[str, str], packages: Sequence[Path], *, as_root: bool
) -> list[str]:
    """The command line that runs the inner one inside."""
    unshare = ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"]
    drop = ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    own = drop if as_root else ["--unshare-user"]
    seen = [
        *interpreter.system_libraries(),
        interpreter.executable(),
        *interpreter.standard_library(),
        interpreter.INSIDE,
        *packages,
    ]
    above = sorted({str(folder) for path in seen for folder in path.parents} - {"/"})
    return [
        *(program(), *unshare, *own),
        *(word for folder in above for word in ("--perms", "0755", "--dir", folder)),  # whatever they are outside
        *(word for path in seen for word in ("--ro-bind", str(path), str(path))),
        *(word for device in DEVICES for word in ("--dev-bind", device, device)),
        *("--proc", "/proc", "--dir", "/tmp", "--remount-ro", "/", "--chdir", "/", "--clearenv"),
        *(word for name, value in environment.items() for word in ("--setenv", name, value)),
        *("--", *inner),
    ]
