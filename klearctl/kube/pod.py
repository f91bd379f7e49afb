"""Pod templates: what every pod of a run has in common, and the containers of each role."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from klearctl.config.platform import PlatformConfig, PoolConfig
from klearctl.kube.backend import Manifest
from klearctl.kube.labels import labels
from klearctl.run import Run

CONFIG_DIR = "/etc/klear"
CONFIG = f"{CONFIG_DIR}/config.json"
SCRATCH = "/scratch"
MODELS = "/models"
SHM = "/dev/shm"
_UID = 1000
RESTRICTED_POD: Manifest = {
    "runAsNonRoot": True,
    "runAsUser": _UID,
    "runAsGroup": _UID,
    "fsGroup": _UID,
    "fsGroupChangePolicy": "OnRootMismatch",
    "seccompProfile": {"type": "RuntimeDefault"},
}
RESTRICTED_CONTAINER: Manifest = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}
_COMPLETION_INDEX = "metadata.annotations['batch.kubernetes.io/job-completion-index']"


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """What a container asks of a node."""

    gpus: int = 0
    cpus: int = 1
    memory_gb: int = 4

    def resources(self) -> Manifest:
        """Requests equal to limits: Guaranteed, as GPU pods must be."""
        asked = {"cpu": str(self.cpus), "memory": f"{self.memory_gb}Gi"}
        if self.gpus:
            asked["nvidia.com/gpu"] = str(self.gpus)
        return {"requests": asked, "limits": asked}


def share(pool: PoolConfig, gpus: int) -> Place:
    """The part of a GPU node that goes with so many of its GPUs; a tenth of the node is left to its daemons."""
    return Place(
        gpus=gpus,
        cpus=max(1, pool.cpus * gpus * 9 // (pool.gpus * 10)),
        memory_gb=max(1, pool.memory_gb * gpus * 9 // (pool.gpus * 10)),
    )


def template(
    run: Run,
    role: str,
    *,
    pool: PoolConfig,
    containers: list[Manifest],
    init: Sequence[Manifest] = (),
    grace_s: int = 30,
    restart: str = "Never",
) -> Manifest:
    """The pod template of a role: passes Pod Security `restricted`, has no rights in the cluster."""
    spec: Manifest = {
        "restartPolicy": restart,
        "terminationGracePeriodSeconds": grace_s,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": RESTRICTED_POD,
        "volumes": _volumes(run, containers[0], models=bool(init)),
        **placement(pool),
    }
    if init:
        spec["initContainers"] = list(init)
    spec["containers"] = containers
    return {"metadata": {"labels": labels(run, role)}, "spec": spec}


def placement(pool: PoolConfig) -> Manifest:
    """What brings a pod to the nodes of the pool, and lets it stay there."""
    found: Manifest = {}
    if pool.node_selector:
        found["nodeSelector"] = dict(pool.node_selector)
    if pool.tolerations:
        found["tolerations"] = [dict(toleration) for toleration in pool.tolerations]
    return found


def container(
    name: str,
    command: Sequence[str],
    *,
    platform: PlatformConfig,
    place: Place,
    env: Mapping[str, str | Manifest],
    ports: Mapping[str, int] | None = None,
    models: bool = False,
    storage: bool = True,
    image: str = "",
) -> Manifest:
    """One container. `env` maps a name to its text, or to a `valueFrom`."""
    variables = {**env, "TMPDIR": SCRATCH, "HF_HOME": f"{SCRATCH}/huggingface"}
    mounts = [
        {"name": "config", "mountPath": CONFIG_DIR, "readOnly": True},
        {"name": "scratch", "mountPath": SCRATCH},
        {"name": "shm", "mountPath": SHM},
    ]
    if models:
        mounts.append({"name": "models", "mountPath": MODELS})
    result: Manifest = {
        "name": name,
        "image": image or platform.images.pod,
        "imagePullPolicy": platform.images.pull_policy,
        "command": list(command),
        "env": [_variable(key, value) for key, value in variables.items()]
        + (_storage_env(platform.storage_secret) if storage else []),
        "resources": place.resources(),
        "securityContext": RESTRICTED_CONTAINER,
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": mounts,
    }
    if ports:
        result["ports"] = [{"name": key, "containerPort": value} for key, value in ports.items()]
    return result


def field(path: str) -> Manifest:
    """A `valueFrom` that reads the pod itself."""
    return {"valueFrom": {"fieldRef": {"fieldPath": path}}}


def completion_index() -> Manifest:
    """The pod's place among the completions of its Indexed Job."""
    return field(_COMPLETION_INDEX)


def _variable(name: str, value: str | Manifest) -> Manifest:
    return {"name": name, "value": value} if isinstance(value, str) else {"name": name, **value}


def _storage_env(secret: str) -> list[Manifest]:
    def of(key: str, **more: bool) -> Manifest:
        return {
            "name": key,
            "valueFrom": {"secretKeyRef": {"name": secret, "key": key, **more}},
        }

    return [
        of("AWS_ACCESS_KEY_ID"),
        of("AWS_SECRET_ACCESS_KEY"),
        of("AWS_ENDPOINT_URL", optional=True),
    ]


def _volumes(run: Run, first: Manifest, *, models: bool) -> list[Manifest]:
    memory_gb = int(first["resources"]["limits"]["memory"].removesuffix("Gi"))
    volumes: list[Manifest] = [
        {"name": "config", "configMap": {"name": f"{run.name}-config"}},
        {"name": "scratch", "emptyDir": {}},
        # counted in the memory limit, so it has a size of its own
        {
            "name": "shm",
            "emptyDir": {
                "medium": "Memory",
                "sizeLimit": f"{max(1, memory_gb // 4)}Gi",
            },
        },
    ]
    return [*volumes, {"name": "models", "emptyDir": {}}] if models else volumes
