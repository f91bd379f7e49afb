"""The Secret of a run's sandboxes: made with the run, kept while it lasts, gone with it, and known to its pods."""

import base64

import pytest

from klearctl.config.platform import PlatformConfig
from klearctl.config.rl import RLConfig
from klearctl.errors import ConfigError
from klearctl.kube import lifecycle
from klearctl.kube.render import render
from klearctl.run import Run
from tests.local.manifests import FOREVER, config_map, container, job_spec, jobset, secret
from tests.local.waiting import ended, printed

TOLD = {"valueFrom": {"secretKeyRef": {"name": "t-sandbox", "key": "token"}}}


def run(line=FOREVER):
    """A run with a trainer and a sandbox that are told the token, under the names of the rendered ones."""
    spec = job_spec(container(line, env=[{"name": "TOKEN", **TOLD}]))
    return [config_map("t-config"), jobset({"trainer": spec, "sandbox": spec}, failurePolicy={"maxRestarts": 0})]


def token(backend):
    """The token, if there is one."""
    found = backend.get("Secret", "t-sandbox")
    return found and base64.b64decode(found["data"]["token"]).decode()


def test_a_run_is_submitted_with_a_token_of_its_own(backend):
    lifecycle.submit(backend, run())
    assert len(token(backend)) >= 32


def test_a_token_that_is_there_is_kept(backend):
    backend.apply([secret("t-sandbox", token="mine")])
    lifecycle.submit(backend, run())
    assert token(backend) == "mine"


def test_submitting_again_changes_no_token(backend):
    lifecycle.submit(backend, run())
    before = token(backend)
    assert (lifecycle.submit(backend, run()), token(backend)) == ("unchanged", before)


def test_trainer_and_sandbox_know_the_same_token(backend):
    lifecycle.submit(backend, run("echo $TOKEN"))
    assert set(printed(backend)) == {token(backend)}


def test_a_run_that_failed_goes_on_with_a_token(backend):
    lifecycle.submit(backend, run("exit 1"))
    ended(backend, "JobSet")
    assert lifecycle.resume(backend, "t") and len(token(backend)) >= 32


def test_delete_takes_the_token_away(backend):
    lifecycle.submit(backend, run("true"))
    ended(backend, "JobSet")
    lifecycle.delete(backend, "t")
    assert token(backend) is None


def test_a_run_without_sandboxes_has_no_token(backend):
    lifecycle.submit(backend, [config_map("t-config"), jobset({"trainer": job_spec(container(FOREVER))})])
    assert token(backend) is None


def test_a_run_that_is_refused_leaves_no_token(backend):
    rendered = render(Run("t", "rl", "s3://klear"), RLConfig(), platform=PlatformConfig(), gpus=8)
    with pytest.raises(ConfigError, match="does not honour the NetworkPolicy t-sandbox"):
        lifecycle.submit(backend, rendered)
    assert token(backend) is None
