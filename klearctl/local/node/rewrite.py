"""A container of a manifest as a command of this machine.

In: a pod, one of its containers, where its volumes lie and which address each host name has. Out: words, environment,
folder. Pure but for `lookup`, which reads a ConfigMap or a Secret. Rewritten, and nothing else: host names of the
workload's pods, volume mount paths, and `python` as the command.
"""

import base64
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from klearctl.errors import ConfigError
from klearctl.local.objects import Object, name_of

Lookup = Callable[[str, str], Object | None]


@dataclass(frozen=True, slots=True)
class Command:
    """What is started for a container."""

    words: tuple[str, ...]
    env: dict[str, str]
    folder: str


def command(pod: Object, container: Object, *, lookup: Lookup, hosts: Mapping[str, str], folder: str) -> Command:
    """The container's command, arguments and environment after expansion and rewriting.

    Raises:
        ConfigError: a ConfigMap, a Secret or a key that the container needs is not there.
    """
    env: dict[str, str] = {}
    for entry in container.get("env") or []:
        value = _value(pod, entry, lookup)
        if value is not None:
            env[entry["name"]] = expand(value, env) if "value" in entry else value
    words = [expand(str(word), env) for word in [*container["command"], *(container.get("args") or [])]]
    paths = mounts(pod, folder)
    words = [rewrite(word, hosts, paths) for word in words]
    if words[0] == "python":
        words[0] = sys.executable
    env = {key: rewrite(value, hosts, paths) for key, value in env.items()}
    return Command(tuple(words), env, rewrite(container.get("workingDir") or folder, hosts, paths))


def expand(text: str, env: Mapping[str, str]) -> str:
    """`$(NAME)` by its value; `$$(NAME)` is `$(NAME)` itself; an unknown name stays, as in Kubernetes."""

    def value(found: re.Match[str]) -> str:
        name = found.group(1)
        return "$" if found.group() == "$$" else env.get(name, found.group())

    return re.sub(r"\$\$|\$\(([^()]*)\)", value, text)


def rewrite(text: str, hosts: Mapping[str, str], paths: Mapping[str, str]) -> str:
    """Host names by their addresses and mount paths by their folders, as whole names and as whole path prefixes."""
    if hosts and any(host in text for host in hosts):
        names = "|".join(re.escape(host) for host in sorted(hosts, key=len, reverse=True))
        text = re.sub(rf"(?<![\w.-])({names})(?![\w-]|\.\w)", lambda found: hosts[found.group(1)], text)
    if paths and any(path in text for path in paths):
        prefixes = "|".join(re.escape(path) for path in sorted(paths, key=len, reverse=True))
        text = re.sub(rf"(?<![\w./-])({prefixes})(?![\w.-])", lambda found: paths[found.group(1)], text)
    return text


def mounts(pod: Object, folder: str) -> dict[str, str]:
    """Each mount path of the pod, and the folder or file of this machine that stands for it."""
    containers = (pod["spec"].get("initContainers") or []) + pod["spec"]["containers"]
    return {
        mount["mountPath"].rstrip("/"): "/".join(filter(None, [folder, mount["name"], mount.get("subPath", "")]))
        for container in containers
        for mount in container.get("volumeMounts") or []
    }


def host_names(host: str, subdomain: str, namespace: str) -> list[str]:
    """Every way to write a pod's name in DNS."""
    short = f"{host}.{subdomain}"
    return [short, f"{short}.{namespace}", f"{short}.{namespace}.svc", f"{short}.{namespace}.svc.cluster.local"]


def files(volume: Object, lookup: Lookup) -> dict[str, bytes]:
    """What a ConfigMap or Secret volume holds, by relative path; an emptyDir holds nothing."""
    for key, kind, field in (("configMap", "ConfigMap", "name"), ("secret", "Secret", "secretName")):
        if key in volume:
            source = volume[key]
            data = _data(kind, source[field], lookup, optional=bool(source.get("optional")))
            items = source.get("items") or [{"key": name, "path": name} for name in data]
            return {item["path"]: _key(kind, source[field], data, item["key"]) for item in items}
    return {}


def _value(pod: Object, entry: Object, lookup: Lookup) -> str | None:
    source = entry.get("valueFrom")
    if not source:
        return str(entry.get("value") or "")
    if "fieldRef" in source:
        return field(pod, source["fieldRef"]["fieldPath"])
    kind, ref = ("Secret", source["secretKeyRef"]) if "secretKeyRef" in source else _config_map_ref(source)
    data = _data(kind, ref["name"], lookup, optional=bool(ref.get("optional")))
    if ref.get("optional") and ref["key"] not in data:
        return None
    return _key(kind, ref["name"], data, ref["key"]).decode()


def field(pod: Object, path: str) -> str:
    """The downward API: what a fieldRef reads of its own pod; a label that is not there is empty.

    Raises:
        ConfigError: a field that this backend cannot answer.
    """
    found = re.fullmatch(r"metadata\.(labels|annotations)\['([^']+)'\]", path)
    if found:
        return str((pod["metadata"].get(found.group(1)) or {}).get(found.group(2), ""))
    answers = {
        "metadata.name": name_of(pod),
        "metadata.namespace": pod["metadata"].get("namespace", "default"),
        "metadata.uid": pod["metadata"].get("uid", ""),
        "status.podIP": pod["status"].get("podIP", ""),
        "status.hostIP": pod["status"].get("hostIP", ""),
        "spec.nodeName": pod["spec"].get("nodeName", ""),
        "spec.serviceAccountName": pod["spec"].get("serviceAccountName", "default"),
    }
    if path not in answers:
        raise ConfigError(f"the local backend does not honour the fieldRef {path}", fix="take it out")
    return str(answers[path])


def _config_map_ref(source: Object) -> tuple[str, Object]:
    return "ConfigMap", source["configMapKeyRef"]


def _data(kind: str, name: str, lookup: Lookup, *, optional: bool) -> dict[str, bytes]:
    found = lookup(kind, name)
    if found is None:
        if optional:
            return {}
        raise ConfigError(f"there is no {kind} {name}", fix="apply it before what needs it")
    data = found.get("data") or {}
    return {key: base64.b64decode(text) if kind == "Secret" else text.encode() for key, text in data.items()}


def _key(kind: str, name: str, data: Mapping[str, bytes], key: str) -> bytes:
    if key not in data:
        raise ConfigError(f"the {kind} {name} has no key {key}", fix=f"it has {', '.join(sorted(data)) or 'none'}")
    return data[key]
