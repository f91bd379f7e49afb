"""States read off objects that a real JobSet controller wrote (shared/kube/recorded)."""

import json

import pytest

from klearctl.kube.status import read_state, read_status


def moments(shared, scenario):
    """Each recorded moment as (when, JobSet, pods)."""
    for moment in json.loads((shared / f"kube/recorded/{scenario}.json").read_text()):
        found = list(objects(moment["objects"]))
        job_sets = [item for item in found if item["kind"] == "JobSet"]
        if job_sets:
            yield moment["at"], job_sets[0], [item for item in found if item["kind"] == "Pod"]


def objects(tree):
    """Every API object in a tree of lists."""
    if isinstance(tree, list):
        for item in tree:
            yield from objects(item)
    elif isinstance(tree, dict) and "kind" in tree and "metadata" in tree and "items" not in tree:
        yield tree
    elif isinstance(tree, dict):
        for item in tree.values():
            yield from objects(item)


@pytest.mark.parametrize(
    ("scenario", "last"),
    [
        ("ok", "succeeded"),
        ("crash", "succeeded"),  # one restart, then well
        ("exhausted", "failed"),
        ("config", "failed"),
        ("stopped", "succeeded"),  # three free restarts, then well
        ("rollout-ends", "succeeded"),
        ("deadline", "failed"),
    ],
)
def test_the_last_moment_of_a_recorded_run(klear_shared, scenario, last):
    *_, (_, job_set, pods) = moments(klear_shared, scenario)
    assert read_state(job_set, pods)[0] == last


def test_a_recorded_crash_is_seen_to_restart(klear_shared):
    assert "restarting" in [read_state(job_set, pods)[0] for _, job_set, pods in moments(klear_shared, "crash")]


def test_a_recorded_config_error_names_pod_container_and_code(klear_shared):
    job_set, pods = [(job_set, pods) for _, job_set, pods in moments(klear_shared, "config") if pods][-1]
    assert "main exited with 2" in read_state(job_set, pods)[1]


def test_a_pending_pod_says_what_it_waits_for(klear_shared):
    reasons = [read_state(job_set, pods) for _, job_set, pods in moments(klear_shared, "pending")]
    assert any(state == "pending" and "Insufficient nvidia.com/gpu" in why for state, why in reasons)


def test_a_suspended_run_is_cancelled(klear_shared):
    states = [read_state(job_set, pods)[0] for _, job_set, pods in moments(klear_shared, "suspended-plain")]
    assert "cancelled" in states


def test_a_dead_supervisor_is_lost_whatever_else_is_true():
    conditions = [{"type": "klear.dev/Lost", "status": "True", "message": "its supervisor died"}]
    workload = {"metadata": {"name": "x"}, "spec": {"suspend": True}, "status": {"conditions": conditions}}
    assert read_state(workload, []) == ("lost", "its supervisor died")


def job(stage):
    """A Job of that stage, under way."""
    labels = {"klear.dev/run": "x", "klear.dev/stage": stage}
    return {"metadata": {"name": "x", "labels": labels}, "spec": {}, "status": {}}


def pod(phase):
    """A pod of it."""
    return {"metadata": {"name": "x-0"}, "status": {"phase": phase}}


def test_a_run_whose_pods_have_just_ended_waits_for_nothing():
    assert read_state(job("curate"), [pod("Succeeded")]) == ("running", "its pods have ended")


@pytest.mark.parametrize(("stage", "waits"), [("rl", True), ("eval", True), ("sft", False), ("recipe", False)])
def test_a_stage_with_servers_says_what_it_waits_for_before_its_first_row(stage, waits):
    starting = read_status(job(stage), [pod("Running")])
    under_way = read_status(job(stage), [pod("Running")], rows=[{"step": 0}])
    assert ("vLLM" in starting.why, under_way.why) == (waits, "")
