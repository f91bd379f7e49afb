"""The Job controller as a pure function: tables by hand, and rules that hold for every way in which pods can end."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klearctl.local.controllers.counting import format_indexes, index_of, parse_indexes
from klearctl.local.controllers.job import Plan, defaulted, plan
from klearctl.local.objects import is_ending, is_terminal, is_true, name_of, stamp
from klearctl.local.pod import new_pod
from tests.local.manifests import container, job
from tests.local.waiting import true_conditions

NOW = 1_800_000_000.0
EXIT_2 = {"action": "FailJob", "onExitCodes": {"containerName": "main", "operator": "In", "values": [2]}}
EXIT_85 = {"action": "Ignore", "onExitCodes": {"operator": "In", "values": [85]}}


class Cluster:
    """One Job, its pods, and a clock; does what a Plan says and ends pods as it is told."""

    def __init__(self, **spec: Any) -> None:
        manifest = job(container("true"), **spec)
        self.job = manifest | {"spec": defaulted(manifest["spec"]), "metadata": manifest["metadata"] | {"uid": "u"}}
        self.pods: list[dict[str, Any]] = []
        self.now = NOW
        self.wake_at: float | None = None

    def settle(self) -> None:
        """Do what the controller wants until it wants nothing more."""
        while self._do(plan(self.job, self.pods, now=self.now)):
            pass

    def end(self, index: int, code: int) -> None:
        """The pod of that index ends; nothing happens if none runs."""
        for pod in self.live():
            if index_of(pod) == index:
                terminated = {"exitCode": code, "finishedAt": stamp(self.now)}
                pod["status"] |= {
                    "phase": "Failed" if code else "Succeeded",
                    "containerStatuses": [{"name": "main", "restartCount": 0, "state": {"terminated": terminated}}],
                }
        self.settle()

    def suspend(self, value: bool) -> None:
        self.job["spec"]["suspend"] = value
        self.settle()

    def live(self) -> list[dict[str, Any]]:
        return [pod for pod in self.pods if pod["status"]["phase"] == "Pending"]

    def _do(self, wanted: Plan) -> bool:
        changed = wanted.status != self.job.get("status", {}) or bool(wanted.create)
        self.job["status"] = wanted.status
        self.wake_at = wanted.wake_at
        for pod in self.pods:
            if name_of(pod) in wanted.counted:
                changed |= pod["metadata"].pop("finalizers", None) is not None
            if name_of(pod) in wanted.end and not is_ending(pod):
                pod["metadata"]["deletionTimestamp"] = stamp(self.now)
                changed = True
        self.pods += [new_pod(self.job, index, address="127.1.0.1", now=self.now) for index in wanted.create]
        gone = [pod for pod in self.pods if is_ending(pod) and pod not in self.live()]
        self.pods = [pod for pod in self.pods if pod not in gone]
        return changed


def failed(reason: str) -> dict[str, str]:
    return {"FailureTarget": reason, "Failed": reason}


@pytest.mark.parametrize(
    ("spec", "code", "condition"),
    [
        ({}, 0, {"SuccessCriteriaMet": "CompletionsReached", "Complete": "CompletionsReached"}),
        ({}, 1, failed("BackoffLimitExceeded")),
        ({"backoffLimit": 1}, 1, {}),  # another pod is allowed
        # the rule wins over the limit
        ({"podFailurePolicy": {"rules": [EXIT_2]}}, 2, failed("PodFailurePolicy")),
        ({"podFailurePolicy": {"rules": [EXIT_85]}}, 85, {}),  # not counted
        ({"backoffLimit": None, "backoffLimitPerIndex": 0}, 1, failed("FailedIndexes")),
        ({"backoffLimit": None, "backoffLimitPerIndex": 1}, 1, {}),
    ],
)  # fmt: skip
def test_one_ended_pod_decides_by_its_code_and_the_rules(
    spec: dict[str, Any], code: int, condition: dict[str, str]
) -> None:
    cluster = Cluster(**spec)
    if spec.get("backoffLimit", 0) is None:
        del cluster.job["spec"]["backoffLimit"]
    cluster.settle()
    cluster.end(0, code)
    assert true_conditions(cluster.job) == condition


def test_a_failed_job_ends_its_other_pods_and_counts_them() -> None:
    cluster = Cluster(pods=2)
    cluster.settle()
    cluster.end(1, 1)
    before = (true_conditions(cluster.job), cluster.job["status"]["failed"])
    cluster.end(0, 137)
    assert (before, "Failed" in true_conditions(cluster.job)) == (({"FailureTarget": "BackoffLimitExceeded"}, 2), True)


def test_a_replacement_waits_ten_seconds_then_twice_as_long() -> None:
    cluster = Cluster(backoffLimit=5)
    cluster.settle()
    waits = []
    for _ in range(3):
        cluster.end(0, 1)
        assert cluster.wake_at is not None
        waits.append(cluster.wake_at - cluster.now)
        cluster.now = cluster.wake_at
        cluster.settle()
    assert waits == [10.0, 20.0, 40.0]


def test_a_pod_that_ends_well_while_suspended_completes_nothing() -> None:
    cluster = Cluster()
    cluster.settle()
    cluster.suspend(True)
    cluster.end(0, 0)
    cluster.suspend(False)
    assert (len(cluster.live()), "succeeded" in cluster.job["status"]) == (1, False)


def test_a_fail_job_code_while_suspended_fails_the_job_when_it_is_resumed() -> None:
    cluster = Cluster(podFailurePolicy={"rules": [EXIT_2]})
    cluster.settle()
    cluster.suspend(True)
    cluster.end(0, 2)
    before = true_conditions(cluster.job)
    cluster.suspend(False)
    assert ("Failed" in before, "FailureTarget" in before, is_true(cluster.job, "Failed")) == (False, True, True)


def test_a_deadline_fails_the_job() -> None:
    cluster = Cluster(activeDeadlineSeconds=4)
    cluster.settle()
    assert cluster.wake_at is not None
    cluster.now = cluster.wake_at
    cluster.settle()
    cluster.end(0, 143)
    assert true_conditions(cluster.job)["Failed"] == "DeadlineExceeded"


@settings(deadline=None)  # the machine may do much else
@given(st.sets(st.integers(0, 200)))
def test_indexes_are_read_as_they_were_written(indexes: set[int]) -> None:
    assert parse_indexes(format_indexes(indexes)) == indexes


@pytest.mark.parametrize(
    ("indexes", "text"),
    [
        (set(), ""),
        ({0, 1}, "0,1"),  # as recorded: two in a row stay apart
        ({0, 1, 2, 5, 7, 8, 9}, "0-2,5,7-9"),
    ],
)
def test_indexes_are_written_as_kubernetes_writes_them(indexes: set[int], text: str) -> None:
    assert format_indexes(indexes) == text


EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("end"), st.integers(0, 3), st.sampled_from([0, 1, 2, 85, 137])),
        st.tuples(st.just("suspend"), st.booleans(), st.just(0)),
        st.tuples(st.just("wait"), st.just(0), st.just(0)),
    ),
    max_size=25,
)
SPECS = st.fixed_dictionaries(
    {
        "pods": st.integers(1, 4),
        "backoffLimit": st.integers(0, 3),
        "podFailurePolicy": st.just({"rules": [EXIT_2, EXIT_85]}),
    }
)


@settings(deadline=None)  # the machine may do much else
@given(SPECS, EVENTS)
def test_whatever_happens_a_job_keeps_its_rules(spec: dict[str, Any], events: list[tuple[Any, ...]]) -> None:
    cluster = Cluster(**spec)
    cluster.settle()
    done: set[int] = set()
    for what, first, second in events:
        if what == "end":
            cluster.end(first, second)
        elif what == "suspend":
            cluster.suspend(first)
        elif cluster.wake_at is not None:
            cluster.now = cluster.wake_at
            cluster.settle()
        indexes = [index_of(pod) for pod in cluster.live() if not is_ending(pod)]
        completed = parse_indexes(cluster.job["status"].get("completedIndexes", ""))
        assert len(indexes) == len(set(indexes)), "two pods of one index"
        assert not completed & set(indexes), "a pod of a completed index"
        assert done <= completed, "a completed index was forgotten"
        assert not (cluster.job["spec"]["suspend"] and indexes), "a pod runs while suspended"
        assert not (is_terminal(cluster.job) and cluster.live()), "a pod runs after the end"
        done = completed


@settings(deadline=None)  # the machine may do much else
@given(SPECS)
def test_a_job_whose_pods_all_end_well_completes(spec: dict[str, Any]) -> None:
    cluster = Cluster(**spec)
    cluster.settle()
    for index in range(spec["pods"]):
        cluster.end(index, 0)
    assert is_true(cluster.job, "Complete")
