"""The local backend beside the real JobSet and Job controllers: same manifest in, same conditions and counts out.

The recordings are KLEAR_SHARED/kube/recorded: the object as it was sent, and what the API server held at moments after.
Times are ten times shorter here; times, uids and random letters are left out of the comparison.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from klearctl.local.backend import LocalBackend
from tests.local.manifests import FOREVER, PATIENT
from tests.local.waiting import ended, gone, running, true_conditions, until


class Recording:
    """One scenario of the recordings."""

    def __init__(self, shared: Path, scenario: str) -> None:
        self.moments = json.loads((shared / "kube" / "recorded" / f"{scenario}.json").read_text())
        self.namespace = self.moments[1]["objects"][0]["metadata"]["namespace"]

    def sent(self) -> dict[str, Any]:
        """What the client sent, with shorter sleeps, no use of busybox, and another way to die of too little memory."""
        text = re.sub("for i in .*?(?=sleep 4)", "", json.dumps(self.moments[0]["objects"][0]))
        text = re.sub(r"sleep (\d)(?=[^\d])", r"sleep 0.\1", re.sub(r"exec awk .*?}\\\"", "exit 137", text))
        text = text.replace("sleep 0.8", "sleep 5")  # other pods must end meanwhile, also on a busy machine
        obj: dict[str, Any] = json.loads(text.replace('"activeDeadlineSeconds": 4', '"activeDeadlineSeconds": 1'))
        obj["metadata"] |= {"namespace": self.namespace, "labels": {"klear.dev/run": "rl-t"}}
        for job in obj["spec"]["replicatedJobs"]:
            template = job["template"]["spec"]["template"]
            template["spec"] |= PATIENT
            template["metadata"] = {"labels": {"klear.dev/run": "rl-t"}}
        return obj

    def at(self, word: str) -> dict[str, Any]:
        """What stood there at the moment whose description starts with the word."""
        return facts(next(moment["objects"] for moment in self.moments if moment["at"].startswith(word)))


def without_second(found: dict[str, Any], scenario: str) -> dict[str, Any]:
    """Both trainer pods of `exhausted` fail at once: which of them the Job sees first is chance.

    It ends at that one, and may take the other away before it fails.
    """
    if scenario != "exhausted":
        return found
    pods = {key: value for key, value in found.items() if key.startswith("Pod rl-t-trainer-0-")}
    others = {key: value for key, value in found.items() if key not in pods}
    return others | {"trainer pods that are left": {value["phase"] for value in pods.values()}}


def up(backend: LocalBackend, attempts: int = 1) -> None:
    """Returns when all four pods of so many attempts have begun, and so hear a TERM, and the JobSet shows it."""
    lines = backend.logs("rl-t", follow=True)
    for _ in range(4 * attempts):
        next(lines)
    until(backend, "JobSet", "rl-t", lambda obj: all(row["ready"] for row in obj["status"]["replicatedJobsStatus"]))


def held(backend: LocalBackend) -> dict[str, Any]:
    return facts([obj for kind in ("JobSet", "Job", "Pod") for obj in backend.list(kind)])


def facts(objects: list[dict[str, Any]]) -> dict[str, Any]:
    """What a person reads: conditions, counts and phases, by name."""
    found: dict[str, Any] = {}
    for obj in objects:
        if obj.get("kind") not in ("JobSet", "Job", "Pod"):
            continue
        status = obj.get("status", {})
        name = _plain(obj["metadata"]["name"]) if obj["kind"] == "Pod" else obj["metadata"]["name"]
        keys = ["restarts", "restartsCountTowardsMax", "terminalState", "replicatedJobsStatus", "phase"]
        keys += ["active", "succeeded", "failed", "completedIndexes"] if obj["kind"] == "Job" else []
        own: dict[str, Any] = {key: status[key] for key in keys if key in status}
        if obj["kind"] != "Pod":
            own["conditions"] = {
                one["type"]: (one["status"], one["reason"], _first_of_two(_plain(one["message"])))
                for one in status.get("conditions", [])
            }
        found[f"{obj['kind']} {name}"] = own
    return found


def _first_of_two(message: str) -> str:
    """Which of a Job's two pods was seen first to end with the code is chance."""
    return re.sub(r"(pod \S+)-\d ", r"\1 ", message)


def _plain(text: str) -> str:
    return re.sub(r"(rl-t-\w+-\d-\d)-\w{5}", r"\1", text)


@pytest.mark.parametrize(
    "scenario",
    [
        "ok",  # the rollout Job is gone, the trainer's pods stay
        "crash",  # one counted restart, then success
        "exhausted",  # the third failure is one too many
        "stopped",  # three restarts on exit 85 that do not count
        "config",  # exit 2 is never tried again
        "rollout-ends",  # a rollout that ends 0 stays succeeded
        "deadline",
        "oom2",  # no failurePolicy at all
    ],
)
def test_what_is_left_at_the_end_is_what_the_controllers_left(
    backend: LocalBackend, klear_shared: Path, scenario: str
) -> None:
    recording = Recording(klear_shared, scenario)
    backend.apply([recording.sent()])
    ended(backend, "JobSet", "rl-t")
    if scenario != "rollout-ends":
        gone(backend, "Job", ("jobset.sigs.k8s.io/replicatedjob-name", "rollout"))
    assert without_second(held(backend), scenario) == without_second(recording.at("final"), scenario)


@pytest.mark.parametrize(
    ("scenario", "moment"),
    [
        ("blocking", "attempt 1 running"),
        ("rollout-crash", "attempt 1 running"),
    ],
)
def test_a_restarted_group_is_what_the_controllers_made(
    backend: LocalBackend, klear_shared: Path, scenario: str, moment: str
) -> None:
    recording = Recording(klear_shared, scenario)
    backend.apply([recording.sent()])
    until(backend, "JobSet", "rl-t", lambda obj: obj["status"].get("restarts") == 1 and not true_conditions(obj))
    assert held(backend) == recording.at(moment)


def test_suspended_and_resumed_with_exit_85_costs_one_free_restart(backend: LocalBackend, klear_shared: Path) -> None:
    recording = Recording(klear_shared, "suspended")
    backend.apply([recording.sent()])
    backend.patch("JobSet", "rl-t", {"spec": {"suspend": False}})
    up(backend)
    first = held(backend)
    suspend(backend)
    second = held(backend)
    backend.patch("JobSet", "rl-t", {"spec": {"suspend": False}})
    until(backend, "JobSet", "rl-t", lambda obj: obj["status"]["restarts"] == 1 and not true_conditions(obj))
    moments = ("resumed: all", "suspended while running", "resumed a second")
    assert [first, second, held(backend)] == [recording.at(moment) for moment in moments]


@pytest.mark.parametrize("scenario", ["suspended-exit0", "suspended-plain"])
def test_a_suspended_group_goes_on_as_it_was(backend: LocalBackend, klear_shared: Path, scenario: str) -> None:
    recording = Recording(klear_shared, scenario)
    backend.apply([recording.sent()])
    up(backend)
    suspend(backend)
    between = held(backend)
    backend.patch("JobSet", "rl-t", {"spec": {"suspend": False}})
    up(backend, attempts=2)
    assert [between, held(backend)] == [recording.at("suspended while running"), recording.at("resumed")]


def suspend(backend: LocalBackend) -> None:
    backend.patch("JobSet", "rl-t", {"spec": {"suspend": True}})
    gone(backend, "Pod", ("klear.dev/run", "rl-t"))
    until(backend, "JobSet", "rl-t", lambda obj: all(map(is_idle, obj["status"]["replicatedJobsStatus"])))


def is_idle(row: dict[str, Any]) -> bool:
    return bool(row["suspended"]) and not row["active"]


def test_jobs_pods_and_service_are_named_and_labelled_as_the_controllers_do(
    backend: LocalBackend, klear_shared: Path
) -> None:
    recording = Recording(klear_shared, "ok")
    backend.apply([json.loads(json.dumps(recording.sent()).replace("sleep 0.4", FOREVER))])
    running(backend, "rl-t", 4)
    real = next(moment["objects"] for moment in recording.moments if moment["at"].startswith("all ready"))
    own = [obj for kind in ("Service", "Job", "Pod") for obj in backend.list(kind)]
    assert shape(own) == shape([obj for obj in real if obj.get("kind") in ("Service", "Job", "Pod")])


def shape(objects: list[dict[str, Any]]) -> dict[str, Any]:
    """Labels, annotations and owners, without uids and what only one side has a use for."""
    found = {}
    for obj in objects:
        meta = obj["metadata"]
        texts = {
            f"{part} {key}": "UID" if key.endswith("uid") else value
            for part in ("labels", "annotations")
            for key, value in (meta.get(part) or {}).items()
            if not key.startswith("klear.dev/")
        }
        owners = [(owner["kind"], owner["name"]) for owner in meta.get("ownerReferences", [])]
        names = {key: obj["spec"].get(key) for key in ("hostname", "subdomain")}
        found[f"{obj['kind']} {_plain(meta['name'])}"] = (texts, owners, names)
    return found
