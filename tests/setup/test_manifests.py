"""manifests/: the static set-up of a namespace."""

from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from tests.setup.conftest import ROOT

FOLDER = ROOT / "manifests"
PLURALS = {
    "ConfigMap": "configmaps",
    "Service": "services",
    "NetworkPolicy": "networkpolicies",
    "Job": "jobs",
    "JobSet": "jobsets",
}


def documents(path: Path):
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


def objects():
    return [item for path in sorted(FOLDER.glob("*.yaml")) if path.stem != "kustomization" for item in documents(path)]


@pytest.mark.parametrize("item", objects(), ids=lambda item: f"{item['kind']}-{item['metadata']['name']}")
def test_kubernetes_would_take_it(item):
    assert kubernetes_validate.validate(item, "1.36", strict=True) is not None


def test_kustomize_takes_every_file():
    listed = documents(FOLDER / "kustomization.yaml")[0]["resources"]
    assert sorted(listed) == sorted(path.name for path in FOLDER.glob("*.yaml") if path.stem != "kustomization")


def test_the_role_may_create_every_kind_that_is_rendered_and_the_secret_of_sandboxes():
    role = next(item for item in objects() if item["kind"] == "Role")
    may = {
        (group, resource)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        if {"get", "create", "patch", "delete"} <= set(rule["verbs"])
    }
    rendered = [item for path in (ROOT / "tests" / "golden").glob("*.yaml") for item in documents(path)]
    needed = {(item["apiVersion"].rpartition("/")[0], PLURALS[item["kind"]]) for item in rendered} | {("", "secrets")}
    assert needed - may == set()


def test_pods_of_runs_pass_the_strictest_pod_security():
    namespace = next(item for item in objects() if item["kind"] == "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
