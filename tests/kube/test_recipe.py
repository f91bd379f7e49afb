"""A recipe's run as objects: a golden file, the strict schema, and no more rights than the pod of a stage has.

After a wanted change: UPDATE_GOLDEN=1 make test, then read the diff.
"""

import os
from pathlib import Path

import kubernetes_validate
import pytest

from klearctl.config.curate import CurateConfig
from klearctl.config.platform import PlatformConfig, PoolConfig, PoolsConfig
from klearctl.config.recipe import check_recipe
from klearctl.kube.dump import to_yaml
from klearctl.kube.recipe import render_recipe
from klearctl.kube.render import render
from klearctl.run import Run

GOLDEN = Path(__file__).parents[1] / "golden" / "recipe-0.yaml"
PLATFORM = PlatformConfig()


def objects(platform=PLATFORM):
    """The objects of a recipe that has one stage."""
    recipe = check_recipe("golden", ("curate",), {"curate": {}})
    return render_recipe("golden-k3x9ab", recipe, platform=platform, gpus=0, env={"KLEAR_HOME": "/home/me/klear"})


def pod(found):
    """The spec of its pod."""
    return found[-1]["spec"]["template"]["spec"]


def test_the_manifests_are_those_of_the_golden_file():
    text = to_yaml(objects())
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(text)
    assert text == GOLDEN.read_text()


@pytest.mark.parametrize("item", objects(), ids=lambda item: item["kind"])
def test_it_is_strictly_valid(item):
    assert kubernetes_validate.validate(item, "1.36", strict=True) is not None


@pytest.mark.parametrize("field", ["securityContext", "automountServiceAccountToken", "enableServiceLinks"])
def test_the_driver_has_the_rights_of_a_stages_pod(field):
    stage = pod(render(Run("c", "curate", "s3://klear"), CurateConfig(), platform=PLATFORM, gpus=0))
    assert pod(objects())[field] == stage[field]


def test_the_drivers_container_is_as_restricted_as_that_of_a_stage():
    stage = pod(render(Run("c", "curate", "s3://klear"), CurateConfig(), platform=PLATFORM, gpus=0))
    driver = pod(objects())["containers"][0]
    assert driver["securityContext"] == stage["containers"][0]["securityContext"]
    assert driver["resources"]["requests"] == driver["resources"]["limits"]


def test_the_driver_goes_where_the_pool_of_cpus_is():
    cpu = PoolConfig(node_selector={"pool": "cpu"}, tolerations=({"key": "cpu", "operator": "Exists"},))
    found = pod(objects(PlatformConfig(pools=PoolsConfig(cpu=cpu))))
    assert (found["nodeSelector"], found["tolerations"]) == ({"pool": "cpu"}, [{"key": "cpu", "operator": "Exists"}])
