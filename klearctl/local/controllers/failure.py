"""podFailurePolicy: which rule of a Job a failed pod matches, and the message that the Job controller writes.

Pure: a Job and a pod in, a Match out.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from klearctl.local.objects import Object, name_of


@dataclass(frozen=True, slots=True)
class Match:
    """The first rule that a failed pod matches."""

    action: str
    """FailJob, FailIndex, Ignore or Count."""

    message: str


COUNT = Match("Count", "")


def judge(job: Object, pod: Object) -> Match:
    """What the Job's podFailurePolicy makes of a failed pod; without a rule it counts."""
    rules = (job["spec"].get("podFailurePolicy") or {}).get("rules", [])
    for index, rule in enumerate(rules):
        reason = _exit_code(rule, pod) or _pod_condition(rule, pod)
        if reason:
            return Match(rule["action"], f"{reason} matching {rule['action']} rule at index {index}")
    return COUNT


def _exit_code(rule: Object, pod: Object) -> str:
    asked = rule.get("onExitCodes")
    if not asked:
        return ""
    for name, code in _ended(pod):
        if code == 0 or asked.get("containerName", name) != name:
            continue
        if (code in asked["values"]) == (asked["operator"] == "In"):
            return f"Container {name} for pod {_full_name(pod)} failed with exit code {code}"
    return ""


def _pod_condition(rule: Object, pod: Object) -> str:
    found = {(has["type"], has["status"]) for has in pod["status"].get("conditions", [])}
    for asked in rule.get("onPodConditions") or []:
        if (asked["type"], asked.get("status", "True")) in found:
            return f"Pod {_full_name(pod)} has condition {asked['type']}"
    return ""


def _ended(pod: Object) -> Iterator[tuple[str, int]]:
    status = pod["status"]
    for container in status.get("containerStatuses", []) + status.get("initContainerStatuses", []):
        if "terminated" in container["state"]:
            yield container["name"], container["state"]["terminated"]["exitCode"]


def _full_name(pod: Object) -> str:
    return f"{pod['metadata'].get('namespace', 'default')}/{name_of(pod)}"
