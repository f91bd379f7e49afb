"""An object as it was sent, beside the object as it is kept: what stays, what is new, what may not change. Pure."""

import base64

from klearctl.errors import ConfigError
from klearctl.local.objects import WORKLOADS, Object, name_of

_FREE = ("suspend", "ttlSecondsAfterFinished")  # fields of a workload's spec that may change


def stored(sent: Object, old: Object | None) -> Object:
    """What is kept of an object that was sent: what the backend and its supervisor added before stays."""
    new = {key: value for key, value in sent.items() if key != "status"}
    text = new.pop("stringData", None)
    if text:
        data = {key: base64.b64encode(value.encode()).decode() for key, value in text.items()}
        new["data"] = (new.get("data") or {}) | data
    if old is None:
        return new
    meta = old["metadata"] | new["metadata"]
    meta["annotations"] = (old["metadata"].get("annotations") or {}) | (new["metadata"].get("annotations") or {})
    kept = {key: value for key, value in old.items() if key == "status"}
    if old["kind"] in WORKLOADS:
        suspended = {key: value for key, value in old["spec"].items() if key == "suspend"}
        new["spec"] = suspended | new["spec"]
    return new | kept | {"metadata": {key: value for key, value in meta.items() if value}}


def sent_part(obj: Object) -> Object:
    """An object without what only the backend writes."""
    own = ("uid", "resourceVersion", "creationTimestamp", "deletionTimestamp", "finalizers")
    meta = {key: value for key, value in obj["metadata"].items() if key not in own}
    return {key: value for key, value in obj.items() if key != "status"} | {"metadata": meta}


def check_fixed(old: Object, new: Object) -> None:
    """Pass a workload whose spec is the same, but for what may change.

    Raises:
        ConfigError: another field differs; it is named.
    """
    before, after = ({key: value for key, value in o["spec"].items() if key not in _FREE} for o in (old, new))
    if before != after:
        differ = sorted(key for key in before | after if before.get(key) != after.get(key))
        raise ConfigError(
            f"spec.{differ[0]} of {old['kind']} {name_of(old)} cannot change once it is there",
            fix="choose another name, or delete it first",
        )
