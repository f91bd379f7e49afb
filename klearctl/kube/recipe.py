"""A recipe's run as objects: a Job whose one pod starts the stages, one after another."""

import json
from typing import Any

from klearctl.config.load import to_dict
from klearctl.config.platform import PlatformConfig
from klearctl.config.recipe import Recipe, check_recipe
from klearctl.kube.backend import Backend, Manifest
from klearctl.kube.labels import RECIPE, ROLE, RUN, STAGE
from klearctl.kube.pod import CONFIG_DIR, RESTRICTED_CONTAINER, RESTRICTED_POD, Place, placement
from klearctl.run import check_stage

DIGEST = "klear.dev/config-digest"
RECIPE_FILE = f"{CONFIG_DIR}/recipe.json"
STAGE_WORD = "recipe"  # stands where a run names its stage


def render_recipe(
    name: str, recipe: Recipe, *, platform: PlatformConfig, gpus: int, env: dict[str, str]
) -> list[Manifest]:
    """The ConfigMap with the recipe, and the Job that drives it."""
    labels = {
        "app.kubernetes.io/name": "klearctl",
        "app.kubernetes.io/managed-by": "klearctl",
        RUN: name,
        STAGE: STAGE_WORD,
        RECIPE: name,
    }
    meta: dict[str, Any] = {"namespace": platform.namespace, "labels": labels}
    spec = {
        "completionMode": "Indexed",
        "completions": 1,
        "parallelism": 1,
        "backoffLimit": 0,
        "template": {
            "metadata": {"labels": labels | {ROLE: STAGE_WORD}},
            "spec": {
                "restartPolicy": "Never",
                "terminationGracePeriodSeconds": 10,
                "automountServiceAccountToken": False,
                "enableServiceLinks": False,
                "securityContext": RESTRICTED_POD,
                "volumes": [{"name": "config", "configMap": {"name": f"{name}-config"}}],
                **placement(platform.pools.cpu),
                "containers": [_driver(platform, env)],
            },
        },
    }
    note = {"annotations": {DIGEST: recipe.digest, "klear.dev/recipe-name": recipe.name}}
    return [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": f"{name}-config", **meta},
            "data": {"recipe.json": recipe_text(name, recipe, platform=platform, gpus=gpus)},
        },
        {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name, **meta, **note}, "spec": spec},
    ]


def _driver(platform: PlatformConfig, env: dict[str, str]) -> Manifest:
    return {
        "name": "driver",
        "image": platform.images.pod,
        "imagePullPolicy": platform.images.pull_policy,
        "command": ["python", "-m", "klearctl.cli.drive", RECIPE_FILE],
        "env": [{"name": key, "value": value} for key, value in env.items()],
        "resources": Place(cpus=1, memory_gb=1).resources(),
        "securityContext": RESTRICTED_CONTAINER,
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [{"name": "config", "mountPath": CONFIG_DIR, "readOnly": True}],
    }


def recipe_text(name: str, recipe: Recipe, *, platform: PlatformConfig, gpus: int) -> str:
    """Everything that the driver needs to know."""
    return json.dumps(
        {
            "run": name,
            "recipe": recipe.name,
            "gpus": gpus,
            "platform": to_dict(platform),
            "stages": {stage: to_dict(recipe.settings[stage]) for stage in recipe.stages},
        },
        indent=2,
    )


def read_recipe(text: str) -> tuple[str, Recipe, dict[str, Any], int]:
    """Name of the recipe's run, the recipe, the platform as a tree, and the GPUs, from `recipe_text`."""
    raw = json.loads(text)
    stages = tuple(check_stage(word) for word in raw["stages"])
    recipe = check_recipe(raw["recipe"], stages, {stage: raw["stages"][stage] for stage in stages})
    return raw["run"], recipe, raw["platform"], raw["gpus"]


def drivers(backend: Backend, recipe: Recipe) -> list[Manifest]:
    """The drivers of all runs of this recipe with this config, the newest first."""
    found = [
        job
        for job in backend.list("Job", {STAGE: STAGE_WORD})
        if job["metadata"].get("annotations", {}).get(DIGEST) == recipe.digest
    ]
    return sorted(found, key=lambda job: job["metadata"].get("creationTimestamp", ""), reverse=True)
