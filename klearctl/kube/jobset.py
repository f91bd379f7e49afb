"""sft and rl as JobSets (jobset.x-k8s.io/v1alpha2): all pods of a run start together and restart together."""

from collections.abc import Mapping
from typing import Any

from klearctl.config.common import TrainerConfig
from klearctl.config.platform import PlatformConfig, PoolConfig
from klearctl.config.rl import RLConfig
from klearctl.config.sft import SFTConfig
from klearctl.kube import pod, sandbox, serving
from klearctl.kube.backend import Manifest
from klearctl.kube.pod import Place
from klearctl.kube.split import Part, Split
from klearctl.run import Run

MAX_RESTARTS = 3  # counted ones; a stop and a preemption are free
TRAINER_GRACE_S = 600  # to finish the step and write a checkpoint
SERVER_GRACE_S = 10


def sft_job_set(
    run: Run,
    meta: dict[str, Any],
    config: SFTConfig,
    *,
    platform: PlatformConfig,
    split: Split,
    port: int,
) -> Manifest:
    """Trainers only."""
    trainer = _trainer(run, config.trainer, platform=platform, part=split.trainer, port=port, more={})
    return _job_set(meta, [trainer], suspend=bool(platform.queue))


def rl_job_set(
    run: Run,
    meta: dict[str, Any],
    config: RLConfig,
    *,
    platform: PlatformConfig,
    split: Split,
    port: int,
) -> Manifest:
    """Trainers, rollout servers and sandboxes."""
    token = sandbox.token_env(run) if split.sandboxes else {}
    jobs = [
        _trainer(run, config.trainer, platform=platform, part=split.trainer, port=port, more=token),
        _rollout(run, config, platform=platform, part=split.rollout),
    ]
    if split.sandboxes:
        jobs.append(sandbox.replicated_job(run, config.sandbox, platform=platform, pods=split.sandboxes))
    return _job_set(meta, jobs, suspend=bool(platform.queue))


def _job_set(meta: dict[str, Any], jobs: list[Manifest], *, suspend: bool) -> Manifest:
    spec: Manifest = {
        "network": {"enableDNSHostnames": True, "publishNotReadyAddresses": True},
        "successPolicy": {"operator": "All", "targetReplicatedJobs": ["trainer"]},
        "failurePolicy": {
            "maxRestarts": MAX_RESTARTS,
            # plain Recreate was seen to start the new trainer beside old rollout pods under the same names
            "restartStrategy": "BlockingRecreate",
            "rules": [
                {
                    "name": "badConfig",
                    "action": "FailJobSet",
                    "onJobFailureReasons": ["PodFailurePolicy"],
                    "onJobFailureMessagePatterns": ["exit code 2 "],
                },
                {
                    "name": "stopped",
                    "action": "RestartJobSetAndIgnoreMaxRestarts",
                    "onJobFailureReasons": ["PodFailurePolicy"],
                    "onJobFailureMessagePatterns": [
                        "exit code 85 ",
                        "condition DisruptionTarget ",
                    ],
                },
            ],
        },
        "replicatedJobs": jobs,
    }
    if suspend:
        spec = {"suspend": True, **spec}  # Kueue starts it when the whole gang fits
    return {
        "apiVersion": "jobset.x-k8s.io/v1alpha2",
        "kind": "JobSet",
        "metadata": meta,
        "spec": spec,
    }


def _trainer(
    run: Run, config: TrainerConfig, *, platform: PlatformConfig, part: Part, port: int, more: Mapping[str, Manifest]
) -> Manifest:
    pool = _pool(platform, part)
    place = pod.share(pool, part.gpus) if part.gpus else Place(cpus=config.cpu_processes * config.cpu_threads)
    ranks = part.gpus or config.cpu_processes
    env: dict[str, str | Manifest] = {
        "PET_NNODES": str(part.pods),
        "PET_NPROC_PER_NODE": str(ranks),
        "PET_NODE_RANK": pod.completion_index(),
        "PET_MASTER_ADDR": f"{run.name}-trainer-0-0.{run.name}",
        "PET_MASTER_PORT": str(port),
        "POD_IP": pod.field("status.podIP"),
        "TOKENIZERS_PARALLELISM": "false",
        **more,
    }
    if not part.gpus:
        env["OMP_NUM_THREADS"] = str(config.cpu_threads)
    program = pod.container(
        "trainer",
        ["python", "-m", "klearctl.stages.launch", run.stage, "--config", pod.CONFIG],
        platform=platform,
        place=place,
        env=env,
        ports={"store": port, "weights": port + 1} if run.stage == "rl" else {"store": port},
    )
    template = pod.template(
        run,
        "trainer",
        pool=pool,
        containers=[program],
        grace_s=TRAINER_GRACE_S,
    )
    return _replicated_job("trainer", template, pods=part.pods)


def _rollout(run: Run, config: RLConfig, *, platform: PlatformConfig, part: Part) -> Manifest:
    pool = _pool(platform, part)
    server = config.server
    servers = [
        pod.container(
            f"server-{gpu}",
            serving.command(
                server,
                port=serving.SERVER_PORT + gpu,
                gpu=bool(part.gpus),
                transfer="nccl" if part.gpus else "klear",
            ),
            platform=platform,
            place=serving.place(server, pool, gpu=bool(part.gpus)),
            env=serving.environment(server, gpu=bool(part.gpus)),
            ports={f"server-{gpu}": serving.SERVER_PORT + gpu},
            models=True,
            storage=False,
        )
        for gpu in range(max(1, part.gpus))
    ]
    template = pod.template(
        run,
        "rollout",
        pool=pool,
        containers=servers,
        init=[serving.fetch(platform)],
        grace_s=SERVER_GRACE_S,
    )
    return _replicated_job("rollout", template, pods=part.pods)


def _replicated_job(role: str, template: Manifest, *, pods: int) -> Manifest:
    speaking = {"trainer": ("trainer", [2, 85]), "rollout": ("fetch", [2])}  # whose exit codes have a meaning
    name, codes = speaking[role]
    spec = {
        "completionMode": "Indexed",
        "completions": pods,
        "parallelism": pods,
        "backoffLimit": 0,
        "podReplacementPolicy": "Failed",
        "podFailurePolicy": {
            "rules": [
                {"action": "FailJob", "onExitCodes": {"containerName": name, "operator": "In", "values": codes}},
                {
                    "action": "FailJob",
                    "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}],
                },
            ]
        },
        "template": template,
    }
    return {"name": role, "replicas": 1, "template": {"spec": spec}}


def _pool(platform: PlatformConfig, part: Part) -> PoolConfig:
    return platform.pools.gpu if part.gpus else platform.pools.cpu
