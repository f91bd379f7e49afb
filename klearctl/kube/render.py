"""A run as Kubernetes objects. Pure: settings in, dicts out, no cluster needed."""

import hashlib
import json
from typing import Any

from klearctl.config.curate import CurateConfig
from klearctl.config.eval import EvalConfig
from klearctl.config.load import to_dict
from klearctl.config.platform import PlatformConfig
from klearctl.config.pod import Layout
from klearctl.config.rl import RLConfig
from klearctl.config.sft import SFTConfig
from klearctl.config.stages import StageConfig
from klearctl.errors import ConfigError
from klearctl.kube import sandbox
from klearctl.kube.backend import Manifest
from klearctl.kube.job import curate_job, eval_job
from klearctl.kube.jobset import rl_job_set, sft_job_set
from klearctl.kube.labels import ROLE, RUN, labels
from klearctl.kube.serving import SERVER_PORT
from klearctl.kube.split import Split, divide
from klearctl.run import Run

_FIRST_PORT, _PORT_PAIRS = 20000, 4500  # below 29000, out of the way of ephemeral ports (32768 and up)


def render(
    run: Run,
    config: StageConfig,
    *,
    platform: PlatformConfig,
    gpus: int,
    workload: str = "jobset",
) -> list[Manifest]:
    """The objects that make up a run, in the order they must be applied.

    Raises:
        ConfigError: the GPUs cannot be split for the stage, or the workload cannot hold it.
    """
    split = divide(
        run.stage,
        gpus,
        per_node=platform.pools.gpu.gpus,
        servers=config.servers if isinstance(config, EvalConfig) else 1,
        sandboxes=config.sandbox.replicas if isinstance(config, RLConfig) else 0,
    )
    where = layout(run, split, gpus=gpus)
    return [
        config_map(run, config, where, platform),
        *([network_policy(run, platform)] if run.stage == "rl" else []),
        *([sandbox_policy(run, platform)] if split.sandboxes else []),
        _workload(run, config, platform=platform, split=split, workload=workload),
    ]


def layout(run: Run, split: Split, *, gpus: int) -> Layout:
    """Where the pods of the run will be."""
    port = store_port(run.name)
    host = f"{run.name}-trainer-0-0.{run.name}"
    servers = tuple(
        f"http://{run.name}-rollout-0-{pod}.{run.name}:{SERVER_PORT + server}"
        for pod in range(split.rollout.pods)
        for server in range(max(1, split.rollout.gpus))
    )
    if run.stage != "rl":
        return Layout(gpus=gpus, indexes=max(1, split.rollout.pods))
    sandboxes = sandbox.addresses(run, pods=split.sandboxes)
    return Layout(gpus=gpus, servers=servers, sandboxes=sandboxes, weights_host=host, weights_port=port + 1)


def store_port(name: str) -> int:
    """The port of torch's store, derived from the run's name.

    The store listens on every address of its host whatever it is told, so two trainers on one machine
    need two ports. The next port is that of the meeting for a push of weights.
    """
    digest = hashlib.sha256(name.encode()).digest()
    return _FIRST_PORT + 2 * (int.from_bytes(digest[:4], "big") % _PORT_PAIRS)


def config_map(run: Run, config: StageConfig, where: Layout, platform: PlatformConfig) -> Manifest:
    """The one file that the run's pods are started with."""
    text = {
        "run": run.name,
        "stage": run.stage,
        "bucket": run.bucket,
        "config": to_dict(config),
        "layout": to_dict(where),
    }
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata(run, f"{run.name}-config", platform),
        "data": {"config.json": json.dumps(text, indent=2) + "\n"},
    }


def network_policy(run: Run, platform: PlatformConfig) -> Manifest:
    """Only pods of the run reach its pods: vLLM's RL routes ask for no password. The sandboxes are none of them."""
    trusted: Manifest = {
        "matchLabels": {RUN: run.name},
        "matchExpressions": [{"key": ROLE, "operator": "NotIn", "values": [sandbox.ROLE_NAME]}],
    }
    return _policy(
        metadata(run, run.name, platform),
        {"podSelector": trusted, "policyTypes": ["Ingress"], "ingress": [{"from": [{"podSelector": trusted}]}]},
    )


def sandbox_policy(run: Run, platform: PlatformConfig) -> Manifest:
    """Nothing leaves a sandbox, not even for DNS, and only the run's trainers reach it."""
    return _policy(metadata(run, sandbox.own_name(run.name), platform), sandbox.network(run))


def _policy(meta: Manifest, spec: Manifest) -> Manifest:
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": meta, "spec": spec}


def metadata(run: Run, name: str, platform: PlatformConfig) -> Manifest:
    """Name, namespace and labels of an object of the run."""
    return {"name": name, "namespace": platform.namespace, "labels": labels(run)}


def _workload(
    run: Run,
    config: StageConfig,
    *,
    platform: PlatformConfig,
    split: Split,
    workload: str,
) -> Manifest:
    meta: dict[str, Any] = metadata(run, run.name, platform)
    if platform.queue:
        meta["labels"]["kueue.x-k8s.io/queue-name"] = platform.queue
    if isinstance(config, CurateConfig):
        return curate_job(run, meta, platform=platform)
    if isinstance(config, EvalConfig):
        return eval_job(run, meta, config, platform=platform, servers=split.rollout)
    if workload != "jobset":
        raise ConfigError(f"{run.stage} as a {workload} is not built yet", fix="--workload jobset")
    port = store_port(run.name)
    if isinstance(config, SFTConfig):
        return sft_job_set(run, meta, config, platform=platform, split=split, port=port)
    assert isinstance(config, RLConfig)
    return rl_job_set(run, meta, config, platform=platform, split=split, port=port)
