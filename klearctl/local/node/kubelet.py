"""Runs the containers of pods as processes: what a kubelet does. A pod goes in; what it does shows in its status."""

import os
import shutil
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path

from klearctl.errors import ConfigError
from klearctl.local.node import process
from klearctl.local.node.gpus import RESOURCE, Gpus, devices, visible, wanted_by
from klearctl.local.node.ports import Ports
from klearctl.local.node.rewrite import Command, Lookup, command, files, mounts, rewrite
from klearctl.local.node.running import RunningPod
from klearctl.local.objects import Object, is_ending, is_over
from klearctl.local.pod import fail, unschedulable

_LOOK_AGAIN_S = 5.0  # at GPUs that another workload holds
_SOCKET_ROOM = 56  # characters: an AF_UNIX address holds 107, and programs put long names below TMPDIR


class Node:
    """The pods of one workload that have processes, or may get some."""

    def __init__(self, root: Path, *, hosts: Mapping[str, str], addresses: Collection[str], lookup: Lookup) -> None:
        self._root = root
        self._hosts = hosts
        self._image = process.image_environment(os.environ, addresses)
        self._lookup = lookup
        self._gpus = Gpus(devices())
        self._ports = Ports()
        self._look_again_at: float | None = None
        self._pods: dict[str, RunningPod] = {}

    def step(self, pods: Collection[Object], ended: Mapping[int, int], *, now: float) -> list[Object]:
        """Do what is due. `ended` are exit codes by pid. Returns the pods whose status is new."""
        for running in self._pods.values():
            running.collect(ended, now=now)
        self._look_again_at = None
        stepped = [(pod, self._step(pod, now=now)) for pod in pods if not is_over(pod)]
        return [new for old, new in stepped if new["status"] != old["status"]]

    def wake_times(self, now: float) -> list[float]:
        """When to step again even if nothing happens."""
        times = [moment for running in self._pods.values() if (moment := running.wake_at(now)) is not None]
        return times if self._look_again_at is None else [*times, self._look_again_at]

    def _step(self, pod: Object, *, now: float) -> Object:
        uid = pod["metadata"]["uid"]
        if uid not in self._pods:
            refused = self._admit(pod, now=now)
            if refused is not None:
                return refused
        running = self._pods[uid]
        running.pod = pod
        new = running.step(now=now)
        if is_over(new):
            del self._pods[uid]
            self._clear(uid)
        return new

    def _admit(self, pod: Object, *, now: float) -> Object | None:
        """Give the pod what it needs, so that it can run. Else the pod as it is then: it waits, or it has failed."""
        if is_ending(pod):
            return pod | {"status": pod["status"] | {"phase": "Failed"}}
        uid, address = pod["metadata"]["uid"], pod["status"]["podIP"]
        if any(other.pod["status"]["podIP"] == address for other in self._pods.values()):
            return pod  # the older pod of its name has not ended yet
        mine = self._gpus.take(uid, wanted_by(pod))
        if mine is None:
            self._look_again_at = now + _LOOK_AGAIN_S
            return unschedulable(pod, f"0/1 nodes are available: 1 Insufficient {RESOURCE}.", now=now)
        try:
            self._fill_volumes(pod)
            commands = self._commands(pod, mine)
            environments = {name: made.env for name, made in commands.items()}
            reason, message = "PortInUse", self._ports.take(pod, environments)
        except ConfigError as error:
            commands, reason, message = {}, "CreateContainerConfigError", str(error)
        if message:
            self._clear(uid)
            return fail(pod, reason, message)
        self._pods[uid] = RunningPod(pod, commands, root=self._root)
        return None

    def _clear(self, uid: str) -> None:
        self._gpus.give_back(uid)
        self._ports.give_back(uid)
        clear(self._root, uid)

    def _commands(self, pod: Object, gpus: Mapping[str, list[int]]) -> dict[str, Command]:
        folder = str(self._folder(pod))
        containers = (pod["spec"].get("initContainers") or []) + pod["spec"]["containers"]
        commands: dict[str, Command] = {}
        for entry in containers:
            made = command(pod, entry, lookup=self._lookup, hosts=self._hosts, folder=folder)
            marks = {process.MARK_POD: pod["metadata"]["uid"], process.MARK_CONTAINER: entry["name"]}
            env = self._image | {"HOSTNAME": pod["spec"]["hostname"]} | made.env | marks
            if entry["name"] in gpus:
                env["CUDA_VISIBLE_DEVICES"] = visible(made.env.get("CUDA_VISIBLE_DEVICES"), gpus[entry["name"]])
            commands[entry["name"]] = Command(made.words, env, made.folder)
        return commands

    def _fill_volumes(self, pod: Object) -> None:
        folder = self._folder(pod)
        paths = mounts(pod, str(folder))
        for volume in pod["spec"].get("volumes") or []:
            place = folder / volume["name"]
            place.mkdir(parents=True, exist_ok=True, mode=0o700)
            for name, data in files(volume, self._lookup).items():
                path = place / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch(mode=0o600)
                is_text = "configMap" in volume
                path.write_bytes(rewrite(data.decode(), self._hosts, paths).encode() if is_text else data)

    def _folder(self, pod: Object) -> Path:
        """Where the pod's volumes lie; by a short name if the real one leaves no room for socket addresses."""
        uid: str = pod["metadata"]["uid"]
        folder = self._root / "pods" / uid[:8]
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if len(str(folder)) <= _SOCKET_ROOM:
            return folder
        short = _short(uid)
        if not short.is_symlink():
            short.symlink_to(folder)
        return short


def clear(root: Path, uid: str) -> None:
    """Take away the volumes of a pod."""
    shutil.rmtree(root / "pods" / uid[:8], ignore_errors=True)
    _short(uid).unlink(missing_ok=True)


def _short(uid: str) -> Path:
    return Path(tempfile.gettempdir()) / f"klear-{uid[:8]}"
