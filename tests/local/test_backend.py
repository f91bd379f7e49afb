"""Workloads as a user of the verbs sees them: real processes, waited for through watch."""

import sys
from typing import Any

import pytest

from klearctl.errors import ConfigError
from klearctl.local.backend import LocalBackend
from tests.local.manifests import FOREVER, PATIENT, config_map, container, job, job_spec, jobset, secret
from tests.local.waiting import ended, no_pods, printed, running, true_conditions, until


def test_a_job_runs_and_completes(backend: LocalBackend) -> None:
    words = backend.apply([job(container("echo index $JOB_COMPLETION_INDEX"), pods=2)])
    lines = printed(backend)
    status = ended(backend, "Job")["status"]
    assert (words, sorted(lines), status["completedIndexes"]) == (["created"], ["index 0", "index 1"], "0,1")


def test_applying_the_same_again_changes_nothing(backend: LocalBackend) -> None:
    manifest = job(container("true"))
    backend.apply([manifest])
    ended(backend, "Job")
    assert backend.apply([manifest]) == ["unchanged"]


def test_another_template_under_the_same_name_is_refused(backend: LocalBackend) -> None:
    backend.apply([job(container("true"))])
    with pytest.raises(ConfigError, match=r"spec\.template of Job t cannot change"):
        backend.apply([job(container("false"))])


CHANGES: list[tuple[str, str, str]] = [
    ("value-a", "value-b", "environment"),
    ("argument-a", "argument-b", "argument"),
    ("text-a", "text-b", "text of the ConfigMap"),
]


@pytest.mark.parametrize("what", range(3), ids=[remark for _, _, remark in CHANGES])
def test_the_manifest_is_the_truth(backend: LocalBackend, what: int) -> None:
    words = [after if at == what else before for at, (before, after, _) in enumerate(CHANGES)]
    mount = [{"name": "config", "mountPath": "/etc/klear"}]
    main = container("echo $VALUE $0 $(cat /etc/klear/file.txt)", volumeMounts=mount)
    main |= {"env": [{"name": "VALUE", "value": words[0]}], "args": [words[1]]}
    volumes = {"volumes": [{"name": "config", "configMap": {"name": "c"}}]}
    backend.apply([config_map("c", file__txt=words[2]), job(main, pod=volumes)])
    assert printed(backend) == [" ".join(words)]


def test_a_changed_backoff_limit_gives_another_pod(backend: LocalBackend) -> None:
    backend.apply([job(container("exit 1"), backoffLimit=1)])
    status = until(backend, "Job", "t", lambda obj: obj.get("status", {}).get("failed"))["status"]
    assert "conditions" not in status


def test_secrets_reach_the_environment_and_no_other_reader(backend: LocalBackend) -> None:
    source = {"valueFrom": {"secretKeyRef": {"name": "s", "key": "password"}}}
    optional = {"valueFrom": {"secretKeyRef": {"name": "none", "key": "x", "optional": True}}}
    main = container("echo $P ${Q-unset}", env=[{"name": "P", **source}, {"name": "Q", **optional}])
    backend.apply([secret("s", password="hidden"), job(main)])
    modes = [path.stat().st_mode & 0o777 for path in backend._store.folder("Secret").rglob("*")]
    assert (printed(backend), modes) == (["hidden unset"], [0o600])


def test_a_python_command_is_this_interpreter(backend: LocalBackend) -> None:
    main = {"name": "main", "image": "none", "command": ["python", "-c", "import sys; print(sys.executable)"]}
    backend.apply([job(main)])
    assert printed(backend) == [sys.executable]


def test_a_process_sees_only_what_the_manifest_declares(backend: LocalBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of the user")
    backend.apply([job(container("echo ${AWS_SECRET_ACCESS_KEY-unset} $HOSTNAME"))])
    assert printed(backend) == ["unset t-0"]


def test_pods_find_each_other_by_name(backend: LocalBackend) -> None:
    serve = (
        "import socket, os; s = socket.create_server((os.environ['POD_IP'], 8000)); c, _ = s.accept(); c.send(b'hello')"
    )
    call = (
        "import socket, sys\nwhile True:\n try: c = socket.create_connection((sys.argv[1], 8000)); break\n"
        " except ConnectionRefusedError: pass\nprint(c.recv(9).decode())"
    )
    ip = [{"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}]
    server = {"name": "main", "image": "none", "command": ["python", "-c", serve], "env": ip}
    caller = {"name": "main", "image": "none", "command": ["python", "-c", call], "args": ["t-server-0-0.t"]}
    backend.apply([jobset({"caller": job_spec(caller), "server": job_spec(server)})])
    assert printed(backend, role="caller") == ["hello"]


def test_all_containers_of_a_pod_decide(backend: LocalBackend) -> None:
    backend.apply([job(container("exit 0", "good"), container("exit 3", "bad"))])
    ended(backend, "Job")
    states = backend.list("Pod")[0]["status"]["containerStatuses"]
    assert [state["state"]["terminated"]["exitCode"] for state in states] == [0, 3]


def test_init_containers_come_first_and_a_sidecar_ends_after(backend: LocalBackend) -> None:
    box: dict[str, Any] = {"volumeMounts": [{"name": "w", "mountPath": "/box"}]}
    tell = "trap 'echo sidecar told; exit 0' TERM; echo sidecar up; touch /box/up; while :; do sleep 0.01; done"
    pod: dict[str, Any] = PATIENT | {
        "initContainers": [
            container("echo first > /box/order", "first", **box),
            container(tell, "side", restartPolicy="Always", **box),
        ],
        "volumes": [{"name": "w", "emptyDir": {}}],
    }
    main = container("cat /box/order; until test -e /box/up; do sleep 0.01; done", **box)
    backend.apply([job(main, pod=pod)])
    assert sorted(printed(backend)) == ["first", "sidecar told", "sidecar up"]


def test_a_failed_init_container_fails_the_pod(backend: LocalBackend) -> None:
    backend.apply([job(container("echo never"), pod={"initContainers": [container("exit 4", "fetch")]})])
    ended(backend, "Job")
    assert (printed(backend), backend.list("Pod")[0]["status"]["phase"]) == ([], "Failed")


def test_on_failure_starts_the_container_again_in_its_pod(backend: LocalBackend) -> None:
    line = "test -e /box/seen || { touch /box/seen; exit 1; }; echo again"
    main = container(line, volumeMounts=[{"name": "w", "mountPath": "/box"}])
    pod = {"restartPolicy": "OnFailure", "volumes": [{"name": "w", "emptyDir": {}}]}
    backend.apply([job(main, pod=pod, backoffLimit=5)])
    ended(backend, "Job")
    assert backend.list("Pod")[0]["status"]["containerStatuses"][0]["restartCount"] == 1


def test_the_end_of_the_log_is_the_message_of_a_failure(backend: LocalBackend) -> None:
    main = container("echo error: no data >&2; exit 2", terminationMessagePolicy="FallbackToLogsOnError")
    backend.apply([job(main)])
    ended(backend, "Job")
    state = backend.list("Pod")[0]["status"]["containerStatuses"][0]["state"]
    assert state["terminated"]["message"] == "error: no data"


def test_a_command_that_is_not_there_is_a_failure_with_its_reason(backend: LocalBackend) -> None:
    backend.apply([job({"name": "main", "image": "none", "command": ["/no/such/program"]})])
    ended(backend, "Job")
    state = backend.list("Pod")[0]["status"]["containerStatuses"][0]["state"]["terminated"]
    assert (state["reason"], "/no/such/program" in state["message"]) == ("StartError", True)


def test_a_config_map_that_is_not_there_is_named(backend: LocalBackend) -> None:
    backend.apply([job(container("true"), pod={"volumes": [{"name": "v", "configMap": {"name": "gone"}}]})])
    ended(backend, "Job")
    assert backend.list("Pod")[0]["status"]["message"] == "there is no ConfigMap gone"


def test_a_suspended_job_goes_on_with_new_pods_and_another_attempt(backend: LocalBackend) -> None:
    backend.apply([job(container(f"echo up; {FOREVER}"))])
    first = next(backend.logs("t", follow=True))
    backend.patch("Job", "t", {"spec": {"suspend": True}})
    no_pods(backend)
    backend.patch("Job", "t", {"spec": {"suspend": False}})
    lines = backend.logs("t", follow=True)
    assert [first.attempt, next(lines).attempt, next(lines).attempt] == [0, 0, 1]


def test_created_suspended_nothing_runs(backend: LocalBackend) -> None:
    backend.apply([jobset({"trainer": job_spec(container("echo ran"))}, suspend=True)])
    obj = until(backend, "JobSet", "t", lambda obj: "Suspended" in true_conditions(obj))
    assert (printed(backend), obj["status"]["replicatedJobsStatus"][0]["suspended"]) == ([], 1)


def test_an_attempt_is_never_used_twice_even_after_delete(backend: LocalBackend) -> None:
    backend.apply([job(container("echo one"))])
    ended(backend, "Job")
    backend.delete("Job", "t")
    backend.apply([job(container("echo two"))])
    ended(backend, "Job")
    assert [(line.attempt, line.text) for line in backend.logs("t")] == [(0, "one"), (1, "two")]


def test_dropped_logs_are_gone_and_their_attempts_stay_used(backend: LocalBackend) -> None:
    backend.apply([job(container("echo one"))])
    ended(backend, "Job")
    backend.delete("Job", "t")
    backend.drop_logs("t")
    backend.apply([job(container("echo two"))])
    ended(backend, "Job")
    assert [(line.attempt, line.text) for line in backend.logs("t")] == [(1, "two")]


def test_delete_takes_dependents_with_it(backend: LocalBackend) -> None:
    backend.apply([config_map("c"), jobset({"trainer": job_spec(container(FOREVER))})])
    running(backend)
    backend.delete("JobSet", "t")
    kinds = ("JobSet", "Job", "Pod", "Service", "ConfigMap")
    assert [backend.list(kind) for kind in kinds] == [[]] * 5


def test_delete_gives_grace_and_then_kills(backend: LocalBackend) -> None:
    backend.apply([job(container("trap '' TERM; echo up; while :; do sleep 0.05; done"))])
    running(backend)
    backend.delete("Job", "t")
    assert backend.get("Job", "t") is None


def test_two_workloads_run_side_by_side_with_their_own_addresses(backend: LocalBackend) -> None:
    backend.apply([job(container(FOREVER), name="a"), job(container(FOREVER), name="b")])
    addresses = {running(backend, name)[0]["status"]["podIP"] for name in ("a", "b")}
    assert len(addresses) == 2


def test_logs_can_be_had_for_one_role_and_rank(backend: LocalBackend) -> None:
    say = container("echo $HOSTNAME")
    backend.apply([jobset({"trainer": job_spec(say, pods=2), "rollout": job_spec(say, pods=2)})])
    ended(backend, "JobSet")
    assert [line.text for line in backend.logs("t", role="rollout", rank=1)] == ["t-rollout-0-1"]


def test_a_field_that_is_not_honoured_is_refused_before_anything_is_made(backend: LocalBackend) -> None:
    with pytest.raises(ConfigError, match="livenessProbe"):
        backend.apply([config_map("c"), job(container("true", livenessProbe={}))])
    assert backend.list("ConfigMap") == []


def test_the_secret_of_the_bucket_is_answered_by_the_embedded_server(backend: LocalBackend) -> None:
    call = (
        "import os, urllib.error, urllib.request\n"
        "try: urllib.request.urlopen(os.environ['AWS_ENDPOINT_URL'])\n"
        "except urllib.error.HTTPError as error: print(error.code)"
    )
    keys = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL")
    env = [{"name": key, "valueFrom": {"secretKeyRef": {"name": "klear-s3", "key": key}}} for key in keys]
    backend.apply([job({"name": "main", "image": "none", "command": ["python", "-c", call], "env": env})])
    assert printed(backend) == ["403"]  # it is there, and wants a signature
