"""The JobSet controller as a pure function, with the Job controller below it: rules that hold whatever the pods do."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klearctl.local.controllers import job as job_controller
from klearctl.local.controllers import jobset as controller
from klearctl.local.objects import is_ending, is_terminal, labels_of, name_of, stamp
from klearctl.local.pod import new_pod
from tests.local.manifests import container, job_spec, jobset
from tests.local.waiting import true_conditions

NOW = 1_800_000_000.0
STOPPED = {
    "name": "stopped",
    "action": "RestartJobSetAndIgnoreMaxRestarts",
    "onJobFailureReasons": ["PodFailurePolicy"],
    "onJobFailureMessagePatterns": ["exit code 85 "],
}
ROLLOUT_ONLY = {"targetReplicatedJobs": ["rollout"]}
BAD_CONFIG = {"action": "FailJobSet", "onJobFailureMessagePatterns": ["exit code 2 "]}
CODES = {"rules": [{"action": "FailJob", "onExitCodes": {"operator": "In", "values": [2, 85]}}]}


class Cluster:
    """A JobSet with one trainer and one rollout pod. Pods that are told to end do so when `reap` is called."""

    def __init__(self, **spec: Any) -> None:
        roles = {role: job_spec(container("true"), podFailurePolicy=CODES) for role in ("trainer", "rollout")}
        success = {"successPolicy": {"operator": "All", "targetReplicatedJobs": ["trainer"]}}
        self.jobset = jobset(roles, **(success | spec))
        self.jobset["metadata"]["uid"] = "set"
        self.jobs: dict[str, dict[str, Any]] = {}
        self.pods: dict[str, dict[str, Any]] = {}
        self.made = 0
        self.settle()

    def settle(self) -> None:
        while self._step():
            pass

    def end(self, role: str, code: int) -> None:
        """The pod of the role ends by itself."""
        for pod in self.live():
            if labels_of(pod)[controller.REPLICATED_JOB] == role and not is_ending(pod):
                self._finish(pod, code)
        self.settle()

    def reap(self, code: int = 143) -> None:
        """The pods that were told to end have ended."""
        for pod in self.live():
            if is_ending(pod):
                self._finish(pod, code)
        self.settle()

    def suspend(self, value: bool) -> None:
        self.jobset["spec"]["suspend"] = value
        self.settle()

    def live(self) -> list[dict[str, Any]]:
        return [pod for pod in self.pods.values() if pod["status"]["phase"] == "Pending"]

    def attempts(self) -> set[str]:
        return {labels_of(pod)[controller.ATTEMPT_LABEL] for pod in self.live()}

    def _finish(self, pod: dict[str, Any], code: int) -> None:
        terminated = {"exitCode": code, "finishedAt": stamp(NOW)}
        statuses = [{"name": "main", "restartCount": 0, "state": {"terminated": terminated}}]
        pod["status"] |= {"phase": "Failed" if code else "Succeeded", "containerStatuses": statuses}

    def _step(self) -> bool:
        plan = controller.plan(self.jobset, list(self.jobs.values()), now=NOW)
        changed = plan.status != self.jobset.get("status") or bool(plan.create or plan.suspend or plan.resume)
        self.jobset["status"] = plan.status
        for new in plan.create:
            self.made += 1
            new["metadata"]["uid"] = f"job-{self.made}"
            self.jobs[name_of(new)] = new
        for name in plan.suspend + plan.resume:
            self.jobs[name]["spec"]["suspend"] = name in plan.suspend
        for name in plan.delete:
            self.jobs[name]["metadata"]["deletionTimestamp"] = stamp(NOW)
        stepped = [self._step_job(job) for job in list(self.jobs.values())]
        return any([changed, plan.delete, *stepped])

    def _step_job(self, job: dict[str, Any]) -> bool:
        pods = [pod for pod in self.pods.values() if labels_of(pod)["controller-uid"] == job["metadata"]["uid"]]
        plan = job_controller.plan(job, pods, now=NOW)
        changed = plan.status != job.get("status", {}) or bool(plan.create)
        job["status"] = plan.status
        for name in plan.counted:
            changed |= self.pods[name]["metadata"].pop("finalizers", None) is not None
        for name in plan.end if not is_ending(job) else [name_of(pod) for pod in pods]:
            changed |= not is_ending(self.pods[name])
            self.pods[name]["metadata"]["deletionTimestamp"] = stamp(NOW)
        for index in plan.create:
            pod = new_pod(job, index, address="127.1.0.1", now=NOW)
            pod["status"]["conditions"] = [{"type": "Ready", "status": "True"}]
            self.pods[name_of(pod)] = pod
        for pod in pods:
            if is_ending(pod) and pod["status"]["phase"] != "Pending":
                del self.pods[name_of(pod)]
        if is_ending(job) and not any(name_of(pod) in self.pods for pod in pods):
            del self.jobs[name_of(job)]
            changed = True
        return changed


@pytest.mark.parametrize(
    ("policy", "code", "condition"),
    [
        (None, 1, {"Failed": "FailedJobs"}),  # no policy, no second try
        ({"maxRestarts": 0}, 1, {"Failed": "ReachedMaxRestarts"}),
        ({"maxRestarts": 1}, 1, {"RestartingJobSet": "DefaultFailurePolicy"}),
        ({"maxRestarts": 0, "rules": [STOPPED]}, 85, {"RestartingJobSet": "FailurePolicy_stopped"}),  # free of charge
        ({"maxRestarts": 0, "rules": [STOPPED]}, 1, {"Failed": "ReachedMaxRestarts"}),  # the rule is not for this code
        ({"maxRestarts": 3, "rules": [BAD_CONFIG]}, 2, {"Failed": "FailJobSetFailurePolicyAction"}),
        # a rule for another role does not match
        ({"maxRestarts": 0, "rules": [STOPPED | ROLLOUT_ONLY]}, 85, {"Failed": "ReachedMaxRestarts"}),
    ],
)  # fmt: skip
def test_a_failed_trainer_is_judged_by_the_failure_policy(
    policy: dict[str, Any] | None, code: int, condition: dict[str, str]
) -> None:
    cluster = Cluster(**({} if policy is None else {"failurePolicy": policy | {"restartStrategy": "BlockingRecreate"}}))
    cluster.end("trainer", code)
    assert true_conditions(cluster.jobset) == condition


def test_blocking_recreate_waits_for_the_last_old_pod() -> None:
    cluster = Cluster(failurePolicy={"maxRestarts": 1, "restartStrategy": "BlockingRecreate"})
    cluster.end("trainer", 1)
    before = cluster.attempts()
    cluster.reap()
    assert (before, cluster.attempts()) == ({"0"}, {"1"})


def test_recreate_starts_a_new_trainer_beside_old_rollout_pods() -> None:
    cluster = Cluster(failurePolicy={"maxRestarts": 1, "restartStrategy": "Recreate"})
    cluster.end("trainer", 1)
    assert cluster.attempts() == {"0", "1"}


@pytest.mark.parametrize(
    ("success", "ended", "is_over"),
    [
        ({"operator": "All", "targetReplicatedJobs": ["trainer"]}, ["trainer"], True),
        ({"operator": "All", "targetReplicatedJobs": ["trainer"]}, ["rollout"], False),
        ({"operator": "All"}, ["trainer"], False),  # all roles must end
        ({"operator": "All"}, ["trainer", "rollout"], True),
        ({"operator": "Any"}, ["rollout"], True),
    ],
)
def test_success_is_what_the_success_policy_says(success: dict[str, Any], ended: list[str], is_over: bool) -> None:
    cluster = Cluster(successPolicy=success)
    for role in ended:
        cluster.end(role, 0)
    assert (cluster.jobset["status"].get("terminalState") == "Completed") == is_over


EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("end"), st.sampled_from(["trainer", "rollout"]), st.sampled_from([0, 1, 2, 85])),
        st.tuples(st.just("reap"), st.just(""), st.sampled_from([0, 85, 143])),
        st.tuples(st.just("suspend"), st.just(""), st.booleans()),
    ),
    max_size=20,
)
POLICIES = st.fixed_dictionaries(
    {
        "maxRestarts": st.integers(0, 2),
        "restartStrategy": st.just("BlockingRecreate"),
        "rules": st.sampled_from([[], [STOPPED], [BAD_CONFIG, STOPPED]]),
    }
)


@settings(deadline=None)  # the machine may do much else
@given(POLICIES, EVENTS)
def test_whatever_happens_a_job_set_keeps_its_rules(policy: dict[str, Any], events: list[tuple[Any, ...]]) -> None:
    cluster = Cluster(failurePolicy=policy)
    for what, role, value in events:
        if what == "end":
            cluster.end(role, value)
        elif what == "reap":
            cluster.reap(value)
        else:
            cluster.suspend(value)
        status = cluster.jobset["status"]
        running = [pod for pod in cluster.live() if not is_ending(pod)]
        assert len(cluster.attempts()) <= 1, "pods of two attempts at once"
        assert status.get("restartsCountTowardsMax", 0) <= policy["maxRestarts"]
        assert not (is_terminal(cluster.jobset) and running), "a pod runs after the end"
        assert not (cluster.jobset["spec"].get("suspend") and running), "a pod runs while suspended"
        assert len({labels_of(pod)[controller.REPLICATED_JOB] for pod in running}) == len(running)
