"""Processes of pods: started, found again with everything that they started, and ended.

Every process of a pod carries two marks in its environment. They find those that left their parent and their session,
as the ranks of torchrun and the engines of vLLM do, also from another process after the supervisor has died.
"""

import ctypes
import os
import select
import signal
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

MARK_POD, MARK_CONTAINER = "KLEAR_POD_UID", "KLEAR_CONTAINER"

_PASSED = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "TMPDIR", "TZ", "TORCH_EXTENSIONS_DIR", "LD_LIBRARY_PATH")
_PASSED_PREFIXES = ("LC_", "XDG_", "SSL_CERT_", "CUDA_HOME")
_PROXIES = ("http_proxy", "https_proxy", "no_proxy", "all_proxy")
_PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True, slots=True)
class Seen:
    """A process as one look at /proc showed it; `started` tells it from a later one with the same pid."""

    pid: int
    parent: int
    session: int
    started: int


def image_environment(environment: Mapping[str, str], addresses: Collection[str]) -> dict[str, str]:
    """What a container image would bring along, taken from the supervisor's environment; all else is the manifest's.

    Python writes its lines at once, so that logs are whole when it is killed. PATH starts with the folder of this
    interpreter, so that `python` in a script is the same as in a command. Pods reach each other past a proxy.
    """
    passed = {key: value for key, value in environment.items() if _is_passed(key)}
    passed["PYTHONUNBUFFERED"] = "1"
    passed["PATH"] = f"{os.path.dirname(sys.executable)}:{passed.get('PATH', os.defpath)}"
    if any(key.lower() in _PROXIES for key in passed):
        for key in ("no_proxy", "NO_PROXY"):
            known = [passed[key]] if passed.get(key) else []
            passed[key] = ",".join([*known, "localhost", "127.0.0.0/8", "127.0.0.1", *addresses])
    return passed


def _is_passed(key: str) -> bool:
    return key in _PASSED or key.startswith(_PASSED_PREFIXES) or key.lower() in _PROXIES


def start(words: Sequence[str], env: Mapping[str, str], *, folder: str, log: Path) -> int:
    """Start a command in a session of its own, all it prints appended to the log. Returns its pid.

    Raises:
        OSError: the command cannot be started.
    """
    with open(log, "ab") as output:
        child = subprocess.Popen(
            words, env=env, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    child.returncode = 0  # the supervisor collects it with all others, see `collect`
    return child.pid


def start_detached(words: Sequence[str], *, folder: Path, log: Path, keep: Collection[int] = ()) -> None:
    """Start a command that belongs to no pod, even if a pod's process asks for it: no mark, no session, no parent.

    `keep` are file descriptors that it inherits.
    """
    fork = "import os, sys\nif os.fork() == 0: os.execv(sys.argv[1], sys.argv[1:])"
    with open(log, "ab") as output:
        subprocess.run(
            [sys.executable, "-I", "-S", "-c", fork, *words],
            env=unmarked(os.environ),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=keep,
            start_new_session=True,
            check=True,
        )


def unmarked(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment for a process that must outlive the pod which starts it."""
    return {key: value for key, value in environment.items() if key not in (MARK_POD, MARK_CONTAINER)}


def collect() -> dict[int, int]:
    """The exit codes of children that have ended, by pid; a signal is 128 + its number, as a shell says it."""
    ended: dict[int, int] = {}
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended
        if not pid:
            return ended
        code = os.waitstatus_to_exitcode(status)
        ended[pid] = code if code >= 0 else 128 - code


def adopt_orphans() -> None:
    """Make this process the parent of every descendant that loses its own."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def processes_of(uids: Collection[str], container: str = "", sessions: Collection[int] = ()) -> list[Seen]:
    """The living processes of pods, or of one container: by their marks, their session, or an ancestor among them."""
    seen = [found for folder in os.listdir("/proc") if folder.isdigit() and (found := look(int(folder)))]
    mine = {process.pid for process in seen if process.session in sessions or _is_marked(process.pid, uids, container)}
    mine.discard(os.getpid())
    while more := {process.pid for process in seen if process.parent in mine} - mine:
        mine |= more
    return [process for process in seen if process.pid in mine]


def look(pid: int) -> Seen | None:
    """A process that lives; None for one that is gone or only waits to be collected."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    if fields[0] in ("Z", "X"):
        return None
    return Seen(pid, parent=int(fields[1]), session=int(fields[3]), started=int(fields[19]))


def send(process: Seen, number: signal.Signals) -> None:
    """Signal a process, and no other that took its pid since."""
    with _pinned(process) as descriptor:
        if descriptor is not None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(descriptor, number)


def wait_for(process: Seen) -> None:
    """Wait until the process has ended, whoever its parent is."""
    with _pinned(process) as descriptor:
        if descriptor is not None:
            select.select([descriptor], [], [])


@contextmanager
def _pinned(process: Seen) -> Iterator[int | None]:
    """A descriptor of the process, and of no other that took its pid since; None where it has ended."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except ProcessLookupError:
        descriptor = None
    if descriptor is None:
        yield None
        return
    try:
        again = look(process.pid)
        yield descriptor if again and again.started == process.started else None
    finally:
        os.close(descriptor)


def _is_marked(pid: int, uids: Collection[str], container: str) -> bool:
    try:
        entries = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:  # of another user, or gone meanwhile
        return False
    pod = any(f"{MARK_POD}={uid}".encode() in entries for uid in uids)
    return pod and (not container or f"{MARK_CONTAINER}={container}".encode() in entries)
