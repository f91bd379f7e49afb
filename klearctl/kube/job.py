"""curate and eval as Indexed Jobs: each index works alone and is tried again alone."""

from typing import Any

from klearctl.config.eval import EvalConfig
from klearctl.config.platform import PlatformConfig
from klearctl.kube import pod, serving
from klearctl.kube.backend import Manifest
from klearctl.kube.pod import Place
from klearctl.kube.split import Part
from klearctl.run import Run

TRIES = 3  # of each index, after the first


def curate_job(run: Run, meta: dict[str, Any], *, platform: PlatformConfig) -> Manifest:
    """One index on the CPU pool."""
    place = Place(
        cpus=min(8, platform.pools.cpu.cpus),
        memory_gb=min(32, platform.pools.cpu.memory_gb),
    )
    program = pod.container(
        "curate",
        ["python", "-m", "klearctl.stages.curate", "--config", pod.CONFIG],
        platform=platform,
        place=place,
        env={},
    )
    template = pod.template(run, "curate", pool=platform.pools.cpu, containers=[program])
    return _job(meta, template, main="curate", indexes=1, suspend=bool(platform.queue))


def eval_job(
    run: Run,
    meta: dict[str, Any],
    config: EvalConfig,
    *,
    platform: PlatformConfig,
    servers: Part,
) -> Manifest:
    """One index for each server: the model is fetched, the server serves beside the judge and ends after it."""
    gpu = bool(servers.gpus)
    pool = platform.pools.gpu if gpu else platform.pools.cpu
    server = pod.container(
        "server",
        serving.command(config.server, port=serving.SERVER_PORT, gpu=gpu, transfer="klear"),
        platform=platform,
        place=serving.place(config.server, pool, gpu=gpu),
        env=serving.environment(config.server, gpu=gpu),
        ports={"server-0": serving.SERVER_PORT},
        models=True,
        storage=False,
    ) | {"restartPolicy": "Always"}  # a sidecar: started before the judge, ended after it
    judge = pod.container(
        "judge",
        [
            "python",
            "-m",
            "klearctl.stages.eval",
            "--config",
            pod.CONFIG,
            "--models",
            pod.MODELS,
            "--server",
            f"http://$(POD_IP):{serving.SERVER_PORT}",
        ],
        platform=platform,
        place=Place(cpus=1, memory_gb=8),
        env={"POD_IP": pod.field("status.podIP")},
        models=True,
    )
    template = pod.template(
        run,
        "eval",
        pool=pool,
        containers=[judge],
        init=[serving.fetch(platform), server],
    )
    return _job(meta, template, main="judge", indexes=servers.pods, suspend=bool(platform.queue))


def _job(meta: dict[str, Any], template: Manifest, *, main: str, indexes: int, suspend: bool) -> Manifest:
    spec: Manifest = {
        "completionMode": "Indexed",
        "completions": indexes,
        "parallelism": indexes,
        "backoffLimitPerIndex": TRIES,
        "podReplacementPolicy": "Failed",
        "podFailurePolicy": {
            "rules": [
                {
                    "action": "FailJob",
                    "onExitCodes": {
                        "containerName": main,
                        "operator": "In",
                        "values": [2],
                    },
                },
                {
                    "action": "Ignore",
                    "onExitCodes": {
                        "containerName": main,
                        "operator": "In",
                        "values": [85],
                    },
                },
                {
                    "action": "Ignore",
                    "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}],
                },
            ]
        },
        "template": template,
    }
    if suspend:
        spec["suspend"] = True  # Kueue starts it when the whole run fits
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": spec}
