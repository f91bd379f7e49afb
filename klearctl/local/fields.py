"""Which fields of a manifest the local backend honours. A field that it does not honour is refused by its full path.

In: an object as it was rendered. Out: nothing, or a ConfigError that names the field.
`ANY` marks what is taken as it is. Some of it means nothing to a process of this machine: images, resources,
where a pod may be placed, security contexts, service accounts. `ttlSecondsAfterFinished` has no effect: nothing
here runs for days to count it.
"""

import re
from typing import Any, Final

from klearctl.errors import ConfigError
from klearctl.local.objects import Object

ANY: Final = object()
NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")  # also the name of a file, as are the next two
KEY: Final = re.compile(r"(?!\.\.)[-._a-zA-Z0-9]+")
LABEL: Final = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?")
PATH: Final = re.compile(r"(?!/|\.\.(/|$)|.*/\.\.(/|$)).+")  # stays below its volume

_META = {
    "name": ANY, "namespace": ANY, "labels": {ANY: LABEL}, "annotations": ANY, "ownerReferences": ANY,
    "creationTimestamp": {None},
}  # fmt: skip
_FIELD_REF = {"fieldRef": {"apiVersion": ANY, "fieldPath": ANY}}
_KEY_REF = {"name": ANY, "key": ANY, "optional": ANY}
_ENV = {"name": ANY, "value": ANY, "valueFrom": _FIELD_REF | {"secretKeyRef": _KEY_REF, "configMapKeyRef": _KEY_REF}}
_ITEMS = {"items": [{"key": ANY, "path": PATH, "mode": ANY}], "optional": ANY, "defaultMode": ANY}
_VOLUME = {
    "name": NAME,
    "configMap": {"name": ANY} | _ITEMS,
    "secret": {"secretName": ANY} | _ITEMS,
    "emptyDir": {"medium": ANY, "sizeLimit": ANY},
}
_CONTAINER: dict[str, Any] = {
    "name": NAME, "image": ANY, "imagePullPolicy": ANY, "command": ANY, "args": ANY, "workingDir": ANY, "env": [_ENV],
    "volumeMounts": [{"name": ANY, "mountPath": ANY, "readOnly": ANY, "subPath": PATH}],
    "ports": [{"name": ANY, "containerPort": ANY, "protocol": {"TCP"}}],
    "resources": ANY, "securityContext": ANY, "terminationMessagePath": ANY, "terminationMessagePolicy": ANY,
    "restartPolicy": set(),
}  # fmt: skip
_POD = {
    "containers": [_CONTAINER], "initContainers": [_CONTAINER | {"restartPolicy": {"Always"}}], "volumes": [_VOLUME],
    "restartPolicy": {"Never", "OnFailure"}, "terminationGracePeriodSeconds": ANY, "subdomain": ANY,
    "nodeSelector": ANY, "tolerations": ANY, "affinity": ANY, "topologySpreadConstraints": ANY, "securityContext": ANY,
    "serviceAccountName": ANY, "automountServiceAccountToken": ANY, "enableServiceLinks": ANY,
    "priorityClassName": ANY, "schedulerName": ANY, "runtimeClassName": ANY, "imagePullSecrets": ANY,
    "dnsPolicy": {"ClusterFirst"}, "hostNetwork": {False}, "hostPID": {False}, "hostIPC": {False},
}  # fmt: skip
_POD_FAILURE_RULE = {
    "action": {"FailJob", "FailIndex", "Ignore", "Count"},
    "onExitCodes": {"containerName": ANY, "operator": {"In", "NotIn"}, "values": ANY},
    "onPodConditions": [{"type": ANY, "status": ANY}],
}
_JOB = {
    "completionMode": {"Indexed"}, "completions": ANY, "parallelism": ANY, "suspend": ANY, "backoffLimit": ANY,
    "backoffLimitPerIndex": ANY, "maxFailedIndexes": ANY, "activeDeadlineSeconds": ANY, "ttlSecondsAfterFinished": ANY,
    "podReplacementPolicy": {"Failed", "TerminatingOrFailed"}, "podFailurePolicy": {"rules": [_POD_FAILURE_RULE]},
    "template": {"metadata": _META, "spec": _POD},
}  # fmt: skip
_FAILURE_RULE = {
    "name": ANY, "action": {"FailJobSet", "RestartJobSet", "RestartJobSetAndIgnoreMaxRestarts"},
    "onJobFailureReasons": ANY, "onJobFailureMessagePatterns": ANY, "targetReplicatedJobs": ANY,
}  # fmt: skip
_JOBSET = {
    "suspend": ANY, "ttlSecondsAfterFinished": ANY,
    "network": {"enableDNSHostnames": ANY, "subdomain": ANY, "publishNotReadyAddresses": ANY},
    "successPolicy": {"operator": {"All", "Any"}, "targetReplicatedJobs": ANY},
    "failurePolicy": {"maxRestarts": ANY, "restartStrategy": {"Recreate", "BlockingRecreate"},
                      "rules": [_FAILURE_RULE]},
    "startupPolicy": {"startupPolicyOrder": {"AnyOrder"}},
    "replicatedJobs": [{"name": ANY, "groupName": {"default"}, "replicas": ANY,
                        "template": {"metadata": _META, "spec": _JOB}}],
}  # fmt: skip
_KINDS: dict[str, dict[str, Any]] = {
    "JobSet": {"spec": _JOBSET},
    "Job": {"spec": _JOB},
    "ConfigMap": {"data": {KEY: ANY}, "immutable": ANY},
    "Secret": {"data": {KEY: ANY}, "stringData": {KEY: ANY}, "type": ANY, "immutable": ANY},
    # kept, shown and deleted with their run; a process of this machine is in no network of its own
    "Service": {"spec": ANY},
    "NetworkPolicy": {"spec": ANY},
    "ServiceAccount": {"automountServiceAccountToken": ANY, "secrets": ANY, "imagePullSecrets": ANY},
}


def check(obj: Object) -> None:
    """Pass an object that the local backend runs as a cluster would.

    Raises:
        ConfigError: a kind, a field or a value that it does not honour.
    """
    kind = obj.get("kind")
    if kind not in _KINDS:
        raise ConfigError(f"the local backend does not know the kind {kind}", fix=f"one of {', '.join(_KINDS)}")
    name = (obj.get("metadata") or {}).get("name")
    if not isinstance(name, str) or len(name) > 63 or not NAME.fullmatch(name):
        raise ConfigError(f"metadata.name of a {kind} cannot be {name!r}", fix="small letters, digits and dashes")
    _walk(obj, {"apiVersion": ANY, "kind": ANY, "metadata": _META, "status": ANY} | _KINDS[kind], "")
    if kind == "NetworkPolicy" and "Egress" in ((obj.get("spec") or {}).get("policyTypes") or ()):
        raise ConfigError(
            f"the local backend does not honour the NetworkPolicy {name}: it keeps no process off the network",
            fix="for the sandboxes of an rl run: --set sandbox.replicas=0, the trainer's pod then runs code",
        )
    if kind == "Job" and not obj["spec"]["template"]["spec"].get("restartPolicy"):
        raise ConfigError("spec.template.spec.restartPolicy is missing", fix="Never or OnFailure")
    for path, job in {"Job": [("spec", obj)], "JobSet": _replicated(obj)}.get(kind, []):
        _check_job(job["spec"], path)


def _replicated(obj: Object) -> list[tuple[str, Object]]:
    entries = (obj.get("spec") or {}).get("replicatedJobs") or []
    return [(f"spec.replicatedJobs[{at}].template.spec", entry["template"]) for at, entry in enumerate(entries)]


def _walk(value: Any, allowed: Any, path: str) -> None:
    if allowed is ANY or (value is None and not isinstance(allowed, set)):
        return
    if isinstance(allowed, re.Pattern):
        if not allowed.fullmatch(str(value)):
            raise ConfigError(f"{path} cannot be {value!r}", fix=f"something that matches {allowed.pattern}")
    elif isinstance(allowed, set):
        if value not in allowed:
            raise _refusal(f"{path}: {value}", sorted(map(str, allowed)))
    elif isinstance(allowed, list):
        for index, item in enumerate(value):
            _walk(item, allowed[0], f"{path}[{index}]")
    else:
        for key, item in value.items():
            below = f"{path}.{key}" if path else key
            if key in allowed:
                _walk(item, allowed[key], below)
            elif ANY in allowed:
                _walk(item, allowed[ANY], below)
            elif KEY in allowed:
                _walk(key, KEY, f"a key of {path}")
            else:
                raise _refusal(below, [])


def _refusal(what: str, instead: list[str]) -> ConfigError:
    return ConfigError(
        f"the local backend does not honour {what}",
        fix=f"use {' or '.join(instead)}" if instead else "take it out, or use --backend cluster",
    )


def _check_job(spec: Object, path: str) -> None:
    pod = spec["template"]["spec"]
    where = f"{path}.template.spec"
    for group in ("initContainers", "containers"):
        for index, container in enumerate(pod.get(group) or []):
            if not container.get("command"):
                raise ConfigError(
                    f"{where}.{group}[{index}].command is missing, and the local backend has no image to take it from",
                    fix="write the command into the manifest",
                )
    _check_mounts(pod, where)
    if pod.get("restartPolicy") != "Never" and "podFailurePolicy" in spec:
        raise ConfigError(f"{path}.podFailurePolicy needs {where}.restartPolicy Never", fix="restartPolicy: Never")
    if spec.get("completionMode", "Indexed") == "Indexed" and "completions" not in spec and "parallelism" not in spec:
        raise ConfigError(f"{path}.completions is missing", fix="say how many pods must succeed")


def _check_mounts(pod: Object, where: str) -> None:
    """A mount path is rewritten in texts that several containers share, so it must mean one thing in the pod."""
    volumes = {volume["name"] for volume in pod.get("volumes") or []}
    meaning: dict[str, tuple[str, str]] = {}
    for container in (pod.get("initContainers") or []) + pod["containers"]:
        for mount in container.get("volumeMounts") or []:
            if mount["name"] not in volumes:
                raise ConfigError(f"{where}: no volume {mount['name']}", fix="add it to volumes")
            target = mount["name"], mount.get("subPath", "")
            if meaning.setdefault(mount["mountPath"].rstrip("/"), target) != target:
                raise _refusal(f"{where}: two volumes at {mount['mountPath']}", [])
