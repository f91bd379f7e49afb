"""A container as a command: expansion, host names, mount paths and the downward API, by hand and by rule."""

import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klearctl.errors import ConfigError
from klearctl.local.node.rewrite import command, expand, field, files, host_names, mounts, rewrite

HOSTS = dict.fromkeys(host_names("rl-rollout-0-0", "rl", "default"), "127.1.0.1") | dict.fromkeys(
    host_names("rl-rollout-0-1", "rl", "default"), "127.1.0.2"
)
PATHS = {"/etc/klear": "/h/config", "/models": "/h/models"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://rl-rollout-0-0.rl:8000", "http://127.1.0.1:8000"),
        ("rl-rollout-0-1.rl.default.svc.cluster.local", "127.1.0.2"),
        ('["http://rl-rollout-0-0.rl:8000", "http://rl-rollout-0-1.rl:8000"]', '["http://127.1.0.1:8000", "http://127.1.0.2:8000"]'),
        ("tcp://rl-rollout-0-0.rl.", "tcp://127.1.0.1."),  # the end of a sentence
        ("rl-rollout-0-0", "rl-rollout-0-0"),  # a name without its subdomain is no name in DNS
        ("my-rl-rollout-0-0.rl", "my-rl-rollout-0-0.rl"),  # the end of a longer name
        ("rl-rollout-0-0.rl2", "rl-rollout-0-0.rl2"),  # the start of a longer one
        ("rl-rollout-0-0.rl.example.com", "rl-rollout-0-0.rl.example.com"),
        ("--config=/etc/klear/config.json", "--config=/h/config/config.json"),
        ("/models", "/h/models"),
        ("a:/models:/etc/klear/x", "a:/h/models:/h/config/x"),  # a list of paths
        ("/models2/x", "/models2/x"),
        ("/srv/models/x", "/srv/models/x"),  # inside another path
        ("s3://bucket/models/x", "s3://bucket/models/x"),
    ],
)  # fmt: skip
def test_only_whole_names_and_whole_prefixes_are_rewritten(text: str, expected: str) -> None:
    assert rewrite(text, HOSTS, PATHS) == expected


@settings(deadline=None)  # the machine may do much else
@given(st.text(alphabet="abc/.-:$() "))
def test_a_text_without_names_and_paths_stays(text: str) -> None:
    assert rewrite(text, HOSTS, PATHS) == text


@settings(deadline=None)  # the machine may do much else
@given(st.text(alphabet="rl-outmdes01./: "))
def test_rewriting_twice_is_rewriting_once(text: str) -> None:
    once = rewrite(text, HOSTS, PATHS)
    assert rewrite(once, HOSTS, PATHS) == once


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$(A)/x", "1/x"),
        ("$$(A)", "$(A)"),  # escaped
        ("$$$(A)", "$1"),  # an escaped dollar, then a value
        ("$(B)", "$(B)"),  # unknown stays
        ("$A ${A}", "$A ${A}"),  # for a shell
    ],
)
def test_variables_are_expanded_as_kubernetes_does(text: str, expected: str) -> None:
    assert expand(text, {"A": "1"}) == expected


POD: dict[str, Any] = {
    "metadata": {"name": "p", "uid": "u", "labels": {"klear.dev/run": "r"}, "annotations": {"a/b": "c"}},
    "spec": {
        "containers": [{"name": "main", "volumeMounts": [{"name": "config", "mountPath": "/etc/klear"}]}],
        "volumes": [{"name": "config", "configMap": {"name": "c"}}],
    },
    "status": {"podIP": "127.1.0.9"},
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("metadata.name", "p"),
        ("metadata.namespace", "default"),
        ("metadata.labels['klear.dev/run']", "r"),
        ("metadata.labels['none']", ""),
        ("metadata.annotations['a/b']", "c"),
        ("status.podIP", "127.1.0.9"),
    ],
)
def test_the_downward_api_reads_the_pod(path: str, value: str) -> None:
    assert field(POD, path) == value


def test_a_field_ref_that_cannot_be_answered_is_named() -> None:
    with pytest.raises(ConfigError, match=r"limits\.cpu"):
        field(POD, "limits.cpu")


def test_a_command_uses_variables_of_before_and_its_own_paths() -> None:
    env = [
        {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        {"name": "URL", "value": "http://$(IP):$(PORT)"},  # PORT comes later: not known yet
        {"name": "PORT", "value": "8000"},
    ]
    container = {"name": "main", "command": ["python", "-m", "x"], "args": ["$(IP)", "/etc/klear/c"], "env": env}
    made = command(POD, container, lookup=lambda kind, name: None, hosts={}, folder="/h")
    assert (made.words, made.env["URL"]) == (
        (sys.executable, "-m", "x", "127.1.0.9", "/h/config/c"),
        "http://127.1.0.9:$(PORT)",
    )


def test_a_sub_path_is_one_file_of_its_volume() -> None:
    mount = {"name": "config", "mountPath": "/etc/one.json", "subPath": "config.json"}
    pod = {"spec": {"containers": [{"name": "main", "volumeMounts": [mount]}]}}
    assert mounts(pod, "/h") == {"/etc/one.json": "/h/config/config.json"}


def test_a_key_that_a_config_map_does_not_have_is_named() -> None:
    volume = {"name": "v", "configMap": {"name": "c", "items": [{"key": "gone", "path": "x"}]}}
    with pytest.raises(ConfigError, match="the ConfigMap c has no key gone"):
        files(volume, lambda kind, name: {"data": {"other": "text"}})
