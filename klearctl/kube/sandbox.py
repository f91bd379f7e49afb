"""The sandboxes of an rl run: their replicated job, the policy that cuts them off, the Secret they share with trainers.

They run model-written code. Nothing of theirs reaches the network, and nobody but the run's trainers reaches them.
"""

import secrets

from klearctl.config.platform import PlatformConfig
from klearctl.config.rl import SandboxConfig
from klearctl.kube import pod
from klearctl.kube.backend import Manifest
from klearctl.kube.labels import ROLE, RUN
from klearctl.kube.pod import Place
from klearctl.run import Run

ROLE_NAME = "sandbox"
PORT = 8080
TOKEN_ENV, TOKEN_KEY = "KLEAR_SANDBOX_TOKEN", "token"
_GRACE_S = 10
_CRASHES = 10_000  # a crashed sandbox comes back alone, training goes on


def replicated_job(run: Run, config: SandboxConfig, *, platform: PlatformConfig, pods: int) -> Manifest:
    """So many servers on the CPU pool, without credentials."""
    words = ["python", "-m", "klearctl.stages.sandbox", "--config", pod.CONFIG]
    program = pod.container(
        ROLE_NAME,
        [*words, "--host", "$(POD_IP)", "--port", str(PORT)],
        platform=platform,
        place=Place(cpus=config.cpus, memory_gb=config.memory_gb or 3 * config.cpus),
        env={"POD_IP": pod.field("status.podIP"), **token_env(run)},
        ports={ROLE_NAME: PORT},
        storage=False,
        image=platform.images.sandbox,
    ) | {"readinessProbe": {"httpGet": {"path": "/health", "port": ROLE_NAME}, "periodSeconds": 5}}
    template = pod.template(
        run, ROLE_NAME, pool=platform.pools.cpu, containers=[program], grace_s=_GRACE_S, restart="OnFailure"
    )
    spec = {
        "completionMode": "Indexed",
        "completions": pods,
        "parallelism": pods,
        "backoffLimit": _CRASHES,
        "template": template,
    }
    return {"name": ROLE_NAME, "replicas": 1, "template": {"spec": spec}}


def token_env(run: Run) -> dict[str, Manifest]:
    """The variable that holds what trainers and sandboxes of the run know each other by."""
    return {TOKEN_ENV: {"valueFrom": {"secretKeyRef": {"name": own_name(run.name), "key": TOKEN_KEY}}}}


def addresses(run: Run, *, pods: int) -> tuple[str, ...]:
    """Where they will listen."""
    return tuple(f"http://{run.name}-{ROLE_NAME}-0-{place}.{run.name}:{PORT}" for place in range(pods))


def network(run: Run) -> Manifest:
    """What may reach them, and what they may reach. A node reaches its own pods whatever a policy says."""
    trainers = {"podSelector": {"matchLabels": {RUN: run.name, ROLE: "trainer"}}}
    return {
        "podSelector": {"matchLabels": {RUN: run.name, ROLE: ROLE_NAME}},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"from": [trainers], "ports": [{"protocol": "TCP", "port": PORT}]}],
        "egress": [],
    }


def own_secrets(objects: list[Manifest]) -> list[Manifest]:
    """The Secret of the run that these objects are, with a new token; none where it has no sandboxes.

    It is no manifest: nothing prints it or writes it down.
    """
    *_, workload = objects
    if all(job["name"] != ROLE_NAME for job in workload["spec"].get("replicatedJobs", ())):
        return []
    meta = {key: value for key, value in objects[0]["metadata"].items() if key in ("namespace", "labels")}
    return [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": own_name(workload["metadata"]["name"]), **meta},
            "type": "Opaque",
            "stringData": {TOKEN_KEY: secrets.token_urlsafe(32)},
        }
    ]


def own_name(run: str) -> str:
    """What the Secret and the policy of its sandboxes are called."""
    return f"{run}-{ROLE_NAME}"
