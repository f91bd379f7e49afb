"""The manifest is the truth: what is changed in a rendered one is seen in the process, and nothing else decides."""

import json
import os
import socket

import pytest

from klearctl.config.platform import PlatformConfig
from klearctl.config.sft import SFTConfig
from klearctl.kube import lifecycle
from klearctl.kube.render import render
from klearctl.kube.status import ENDED
from klearctl.local.backend import LocalBackend
from klearctl.run import Run
from tests.e2e.klear import fresh

pytestmark = pytest.mark.timeout(600)

# Stands in for the stage: says what reached it. The rest of the manifest is as rendered.
PROBE = """
import json, os, sys
print(json.dumps({"env": dict(os.environ), "argv": sys.argv[1:], "config": json.load(open(sys.argv[-1]))}), flush=True)
sys.exit(int(os.environ.get("PROBE_EXIT", "0")))
"""


@pytest.fixture
def backend(tmp_path):
    """A local backend with an empty home."""
    with fresh(tmp_path):
        yield LocalBackend(tmp_path)


@pytest.fixture
def objects():
    """The objects of an sft run whose stage is the probe."""
    found = render(Run("sft-probe", "sft", "s3://klear"), SFTConfig(), platform=PlatformConfig(), gpus=0)
    container(found)["command"] = ["python", "-c", PROBE, "--config", "/etc/klear/config.json"]
    return found


def container(objects):
    """The trainer's container."""
    return job(objects)["template"]["spec"]["containers"][0]


def job(objects):
    """The trainer's Job."""
    return objects[-1]["spec"]["replicatedJobs"][0]["template"]["spec"]


def ended(backend, objects):
    """Runs the objects to their end: (state, what each start of the probe said)."""
    lifecycle.submit(backend, objects)
    while lifecycle.state(backend, "sft-probe") not in ENDED:
        for _, item in backend.watch("JobSet", {"klear.dev/run": "sft-probe"}, 60.0):
            if item.get("status", {}).get("terminalState"):
                break
    said = [line.text for line in backend.logs("sft-probe", role="trainer", rank=0, follow=False)]
    return lifecycle.state(backend, "sft-probe"), [json.loads(text) for text in said if text.startswith("{")]


def test_an_environment_value(backend, objects):
    container(objects)["env"].append({"name": "CHANGED", "value": "on $(PET_NNODES) node"})
    assert ended(backend, objects)[1][0]["env"]["CHANGED"] == "on 1 node"


def test_an_argument(backend, objects):
    container(objects)["command"].insert(3, "--changed")
    assert "--changed" in ended(backend, objects)[1][0]["argv"]


def test_a_config_map_text(backend, objects):
    objects[0]["data"]["config.json"] = objects[0]["data"]["config.json"].replace('"seed": 0', '"seed": 1234')
    assert ended(backend, objects)[1][0]["config"]["config"]["seed"] == 1234


@pytest.mark.parametrize("limit", [0, 1])
def test_the_backoff_limit(backend, objects, limit):
    container(objects)["env"].append({"name": "PROBE_EXIT", "value": "7"})
    job(objects)["backoffLimit"] = limit
    objects[-1]["spec"]["failurePolicy"]["maxRestarts"] = 0
    state, said = ended(backend, objects)
    assert (state, len(said)) == ("failed", limit + 1)


def test_a_port(backend, objects):
    with socket.create_server(("0.0.0.0", 0)) as held:
        container(objects)["ports"][0]["containerPort"] = held.getsockname()[1]
        objects[-1]["spec"]["failurePolicy"]["maxRestarts"] = 0
        ended(backend, objects)
    job_set, pods = lifecycle.get(backend, "sft-probe"), lifecycle.pods(backend, "sft-probe")
    told = json.dumps([job_set, pods])
    assert str(os.getpid()) in told


def test_the_credentials_come_from_the_secret_and_stand_in_no_object(backend, objects):
    said = ended(backend, objects)[1][0]["env"]
    kept = json.dumps([backend.list(kind) for kind in ("ConfigMap", "JobSet", "Job", "Pod")])
    assert len(said["AWS_SECRET_ACCESS_KEY"]) >= 16 and said["AWS_SECRET_ACCESS_KEY"] not in kept
