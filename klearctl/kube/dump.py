"""Manifests as text: YAML documents, or one v1 List as JSON."""

import json
from collections.abc import Iterable
from typing import Any

import yaml

from klearctl.kube.backend import Manifest


def to_yaml(objects: Iterable[Manifest]) -> str:
    """YAML documents, keys in the order that the renderer wrote them."""
    return "---\n".join(yaml.dump(item, Dumper=_Dumper, sort_keys=False, width=1000) for item in objects)


def to_json(objects: Iterable[Manifest]) -> str:
    """One v1 List."""
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)}, indent=2) + "\n"


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks, and no anchors: both are for the reader of a diff."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)
