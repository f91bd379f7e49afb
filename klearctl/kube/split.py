"""How the GPUs of a run are split over nodes and roles. Pure."""

from dataclasses import dataclass, replace

from klearctl.errors import ConfigError
from klearctl.run import Stage

ROLLOUT_GPUS_PER_SANDBOX = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """Pods of one role, all alike."""

    pods: int
    gpus: int
    """GPUs of each pod; 0 is CPU."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Split:
    """Who gets what. A role with 0 pods does not exist in the run."""

    trainer: Part
    rollout: Part
    sandboxes: int = 0


NONE = Part(pods=0, gpus=0)


def divide(stage: Stage, gpus: int, *, per_node: int, servers: int = 1, sandboxes: int = -1) -> Split:
    """The split of a run's GPUs (DESIGN, RL at `--gpus 64`).

    rl gives its trainer a quarter of the nodes, at least one, and below two nodes a quarter of the GPUs of
    one; sft gives its trainer all; eval has one pod for each server. rl has a sandbox for each 8 rollout GPUs,
    unless their number is given.

    Raises:
        ConfigError: the GPUs do not fill whole nodes, or are too few for the stage.
    """
    if gpus < 0:
        raise ConfigError(f"--gpus is {gpus}", fix="0 for CPU, or the number of GPUs")
    if stage == "curate":
        return Split(trainer=NONE, rollout=NONE)
    if stage == "eval":
        pods = gpus or servers
        return Split(trainer=NONE, rollout=Part(pods=pods, gpus=1 if gpus else 0))
    if stage == "sft":
        return Split(trainer=_whole_nodes(gpus, per_node), rollout=NONE)
    found = _divide_rl(gpus, per_node)
    return found if sandboxes < 0 else replace(found, sandboxes=sandboxes)


def _divide_rl(gpus: int, per_node: int) -> Split:
    if gpus == 0:
        return Split(trainer=Part(pods=1, gpus=0), rollout=Part(pods=1, gpus=0))
    if gpus == 1:
        raise ConfigError(
            "1 GPU cannot hold both trainer and rollout server",
            fix="--gpus 2, or --gpus 0 for CPU",
        )
    if gpus <= per_node:
        trainer = max(1, gpus // 4)
        return _with_sandboxes(Part(pods=1, gpus=trainer), Part(pods=1, gpus=gpus - trainer))
    nodes = _whole_nodes(gpus, per_node).pods
    trainers = max(1, nodes // 4)
    return _with_sandboxes(Part(pods=trainers, gpus=per_node), Part(pods=nodes - trainers, gpus=per_node))


def _with_sandboxes(trainer: Part, rollout: Part) -> Split:
    sandboxes = -(-rollout.pods * rollout.gpus // ROLLOUT_GPUS_PER_SANDBOX)
    return Split(trainer=trainer, rollout=rollout, sandboxes=sandboxes)


def _whole_nodes(gpus: int, per_node: int) -> Part:
    if gpus <= per_node:
        return Part(pods=1, gpus=gpus)
    nodes, left = divmod(gpus, per_node)
    if left:
        raise ConfigError(
            f"{gpus} GPUs do not fill whole nodes of {per_node}",
            fix=f"--gpus {nodes * per_node} or --gpus {(nodes + 1) * per_node}",
        )
    return Part(pods=nodes, gpus=per_node)
