"""A supervisor that is killed: the run is lost, its orphans end, and it can go on."""

import json
import os
import signal
import threading
from pathlib import Path
from typing import Any

from klearctl.local.backend import LocalBackend
from klearctl.local.workload import marked
from tests.local.conftest import has_ended, processes_that_name
from tests.local.manifests import FOREVER, PATIENT, container, job, job_spec, jobset
from tests.local.waiting import ended, gone, no_pods, running, true_conditions, until


def supervisor_of(backend: LocalBackend, name: str = "t") -> int:
    """The process that runs the workload."""
    home = str(backend._store.root.parent)
    found = [pid for pid in processes_that_name(home) if is_supervisor(pid, name)]
    assert len(found) == 1
    return found[0]


def is_supervisor(pid: int, name: str) -> bool:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return False  # it ended while we looked
    return b"klearctl.local.supervisor" in words and name.encode() in words


def pod_processes(pods: list[dict[str, Any]]) -> set[int]:
    return {pid for pod in pods for pid in processes_that_name(f"KLEAR_POD_UID={pod['metadata']['uid']}")}


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    assert has_ended(pid)


def test_a_killed_supervisor_is_found_and_its_orphans_end(backend: LocalBackend) -> None:
    backend.apply([jobset({"trainer": job_spec(container(FOREVER), pods=2)})])
    orphans = pod_processes(running(backend, pods=2))
    kill(supervisor_of(backend))
    lost = backend.get("JobSet", "t")
    assert lost is not None
    assert (true_conditions(lost), len(orphans), pod_processes(backend.list("Pod"))) == (
        {"klear.dev/Lost": "SupervisorDied"},
        2,
        set(),
    )


def test_the_orphans_of_one_run_leave_another_alone(backend: LocalBackend) -> None:
    backend.apply([job(container(FOREVER), name="a"), job(container(FOREVER), name="b")])
    other = pod_processes(running(backend, "b"))
    running(backend, "a")
    kill(supervisor_of(backend, "a"))
    backend.get("Job", "a")
    assert pod_processes(backend.list("Pod", {"klear.dev/run": "b"})) == other != set()


def test_a_lost_run_goes_on_where_suspend_is_taken_back(backend: LocalBackend) -> None:
    backend.apply([job(container(FOREVER))])
    running(backend)
    kill(supervisor_of(backend))
    backend.patch("Job", "t", {"spec": {"suspend": False}})
    running(backend)
    obj = backend.get("Job", "t")
    assert obj is not None and (true_conditions(obj), obj["status"].get("failed")) == ({}, None)


def test_a_lost_run_can_be_cancelled(backend: LocalBackend) -> None:
    backend.apply([job(container(FOREVER))])
    running(backend)
    kill(supervisor_of(backend))
    backend.patch("Job", "t", {"spec": {"suspend": True}})
    no_pods(backend)
    obj = backend.get("Job", "t")
    assert obj is not None and true_conditions(obj) == {"Suspended": "JobSuspended"}


def test_following_the_logs_of_a_lost_run_ends(backend: LocalBackend) -> None:
    backend.apply([job(container(f"echo up; {FOREVER}"))])
    lines = backend.logs("t", follow=True)
    first = next(lines)
    kill(supervisor_of(backend))
    assert (first.text, list(lines)) == ("up", [])


def test_a_run_started_by_a_pod_outlives_the_pod(backend: LocalBackend) -> None:
    script = (
        "import json, sys; from pathlib import Path; from klearctl.local.backend import LocalBackend;"
        "LocalBackend(Path(sys.argv[1])).apply([json.loads(sys.argv[2])])"
    )
    inner = job(container(FOREVER), name="inner")
    words = ["python", "-c", script, str(backend._store.root.parent), json.dumps(inner)]
    backend.apply([job({"name": "main", "image": "none", "command": words}, name="outer")])
    running(backend, "inner")
    no_pods(backend, "outer")
    obj = backend.get("Job", "inner")
    assert obj is not None and (true_conditions(obj), obj["status"]["ready"]) == ({}, 1)


def test_a_run_that_starts_is_never_taken_for_lost(backend: LocalBackend) -> None:
    seen: list[dict[str, str]] = []
    over = threading.Event()

    def look() -> None:
        other = LocalBackend(backend._store.root.parent)
        while not over.is_set():
            seen.extend(true_conditions(obj) for obj in other.list("Job"))

    reader = threading.Thread(target=look)
    reader.start()
    for number in range(5):
        backend.apply([job(container("true"), name=f"t{number}")])
    over.set()
    reader.join()
    assert seen and not any("klear.dev/Lost" in conditions for conditions in seen)


def test_a_deletion_that_was_interrupted_comes_to_its_end(backend: LocalBackend) -> None:
    backend.apply([job(container("true"))])
    ended(backend, "Job")
    backend._store.update("Job", "t", lambda obj: marked(obj, 0.0))  # all that a killed command had done
    gone(backend, "Job", ("klear.dev/run", "t"))
    assert backend.list("Pod") == []


def test_pods_that_outlive_the_supervisor_of_a_suspended_run_end_with_the_next_look(backend: LocalBackend) -> None:
    backend.apply([job(container("trap '' TERM; echo up; while :; do sleep 0.05; done"), pod=PATIENT)])
    next(backend.logs("t", follow=True))  # it hears no TERM from now on
    orphans = pod_processes(running(backend))
    backend.patch("Job", "t", {"spec": {"suspend": True}})
    until(backend, "Job", "t", lambda obj: "Suspended" in true_conditions(obj))
    kill(supervisor_of(backend))
    found = backend.get("Job", "t")
    assert found is not None and true_conditions(found) == {"Suspended": "JobSuspended"}
    assert (len(orphans) > 0, all(has_ended(pid) for pid in orphans)) == (True, True)
    assert {pod["status"]["phase"] for pod in backend.list("Pod")} == {"Failed"}
