"""The sandboxes of an rl run: who reaches them, what they reach, and what they are told."""

import pytest

from klearctl.errors import ConfigError
from klearctl.kube.dump import to_yaml
from klearctl.kube.sandbox import own_secrets
from tests.kube.test_render import objects, pod_templates

LABELS = {
    role: {"klear.dev/run": "rl-golden", "klear.dev/role": role} for role in ("trainer", "rollout", "sandbox")
} | {
    "another run's trainer": {"klear.dev/run": "rl-other", "klear.dev/role": "trainer"},
    "the internet": {},
}


def selects(selector, labels):
    """Whether a label selector of Kubernetes selects a pod with these labels."""
    return all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items()) and all(
        labels.get(rule["key"]) not in rule["values"] for rule in selector.get("matchExpressions", ())
    )


def allows(policies, kind, own, other, port):
    """Whether the policies allow a pod a connection: what none selects is free, what one allows is allowed."""
    mine = [spec for spec in policies if kind in spec["policyTypes"] and selects(spec["podSelector"], own)]
    rules = [rule for spec in mine for rule in spec[kind.lower()]]
    return not mine or any(
        any(selects(peer["podSelector"], other) for peer in rule["from" if kind == "Ingress" else "to"])
        and port in [one["port"] for one in rule.get("ports", [{"port": port}])]
        for rule in rules
    )


@pytest.mark.parametrize(
    ("source", "target", "port", "passes"),
    [
        ("trainer", "sandbox", 8080, True),  # submissions
        ("trainer", "sandbox", 22, False),
        ("rollout", "sandbox", 8080, False),
        ("sandbox", "sandbox", 8080, False),
        ("another run's trainer", "sandbox", 8080, False),
        ("sandbox", "rollout", 8000, False),  # vLLM's routes ask for no password
        ("sandbox", "trainer", 24572, False),
        ("sandbox", "the internet", 443, False),
        ("sandbox", "the internet", 53, False),  # not even names
        ("trainer", "rollout", 8000, True),
        ("rollout", "trainer", 24573, True),
        ("trainer", "the internet", 443, True),  # the bucket
        ("another run's trainer", "rollout", 8000, False),
    ],
)
def test_the_policies_let_through_what_the_run_needs_and_nothing_else(source, target, port, passes):
    policies = [item["spec"] for item in objects("rl", 8) if item["kind"] == "NetworkPolicy"]
    way_out = allows(policies, "Egress", LABELS[source], LABELS[target], port)
    way_in = allows(policies, "Ingress", LABELS[target], LABELS[source], port)
    assert (way_out and way_in) == passes


def environments(gpus, *sets):
    """The variables of each role's containers."""
    return {
        template["metadata"]["labels"]["klear.dev/role"]: {
            entry["name"]: entry.get("valueFrom", entry.get("value"))
            for container in template["spec"]["containers"]
            for entry in container["env"]
        }
        for template in pod_templates(objects("rl", gpus, sets=sets))
    }


def test_trainers_and_sandboxes_alone_are_told_the_token_by_its_name():
    told = {"secretKeyRef": {"name": "rl-golden-sandbox", "key": "token"}}
    found = {role: env.get("KLEAR_SANDBOX_TOKEN") for role, env in environments(8).items()}
    assert found == {"trainer": told, "rollout": None, "sandbox": told}


def test_a_sandbox_has_no_credentials_of_the_bucket():
    assert sorted(environments(8)["sandbox"]) == ["HF_HOME", "KLEAR_SANDBOX_TOKEN", "POD_IP", "TMPDIR"]


@pytest.mark.parametrize(("gpus", "sets"), [(0, []), (8, ["sandbox.replicas=0"])])
def test_without_sandboxes_the_trainer_needs_no_token_and_no_secret_is_made(gpus, sets):
    found = objects("rl", gpus, sets=sets)
    assert ("KLEAR_SANDBOX_TOKEN" in to_yaml(found), own_secrets(found)) == (False, [])


def test_the_trainer_is_told_where_each_sandbox_will_be():
    text = objects("rl", 64)[0]["data"]["config.json"]
    assert all(f'"http://rl-golden-sandbox-0-{place}.rl-golden:8080"' in text for place in range(6))


@pytest.mark.parametrize(
    ("sets", "memory"), [([], "24Gi"), (["sandbox.cpus=2"], "6Gi"), (["sandbox.memory_gb=40"], "40Gi")]
)
def test_a_sandbox_has_memory_for_a_program_and_its_checks_on_every_cpu(sets, memory):
    container = pod_templates(objects("rl", 8, sets=sets))[-1]["spec"]["containers"][0]
    assert container["resources"]["limits"]["memory"] == memory


def test_tokens_differ_from_run_to_run():
    found = {own_secrets(objects("rl", 8))[0]["stringData"]["token"] for _ in range(5)}
    assert (len(found), min(map(len, found)) >= 32) == (5, True)


@pytest.mark.parametrize(
    "word", ["replicas=-2", "cpus=0", "memory_gb=-1", "queue=-1", "patience_s=0", "isolation=docker"]
)
def test_a_sandbox_that_cannot_be_is_refused(word):
    with pytest.raises(ConfigError, match=f"sandbox.{word.partition('=')[0]} is "):
        objects("rl", 8, sets=[f"sandbox.{word}"])
