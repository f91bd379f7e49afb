"""Runs the containers of pods as processes: what a kubelet does. A pod goes in; what it does shows in its status."""

import os
import shutil
import signal
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path

from klearctl.errors import ConfigError
from klearctl.local import process
from klearctl.local.addresses import conflict
from klearctl.local.logs import last_words, log_file
from klearctl.local.objects import Object, is_ending, name_of
from klearctl.local.pod import State, fail, may_restart, new_states, restart_delay_s, status_of, to_start, verdict
from klearctl.local.rewrite import Command, Lookup, command, files, mounts, rewrite

DEFAULT_GRACE_S = 30
_START_ERROR = 128  # the exit code of a container that could not be started, as containerd gives it
_LOOK_AGAIN_S = 0.05  # at killed processes whose parent is not ours, so that nobody tells of their end
_SOCKET_ROOM = 56  # characters: an AF_UNIX address holds 107, and programs put long names below TMPDIR


class Node:
    """The pods of one workload that have processes, or may get some."""

    def __init__(self, root: Path, *, hosts: Mapping[str, str], addresses: Collection[str], lookup: Lookup) -> None:
        self._root = root
        self._hosts = hosts
        self._image = process.image_environment(os.environ, addresses)
        self._lookup = lookup
        self._pods: dict[str, RunningPod] = {}

    def step(self, pods: Collection[Object], ended: Mapping[int, int], *, now: float) -> list[Object]:
        """Do what is due. `ended` are exit codes by pid. Returns the pods whose status is new."""
        for running in self._pods.values():
            running.collect(ended, now=now)
        changed: list[Object] = []
        for pod in pods:
            phase = pod["status"]["phase"]
            if phase in ("Succeeded", "Failed"):
                continue
            new = self._step(pod, now=now)
            if new["status"] != pod["status"]:
                changed.append(new)
        return changed

    def wake_at(self, now: float) -> float | None:
        """When to step again even if nothing happens."""
        times = [moment for running in self._pods.values() if (moment := running.wake_at(now)) is not None]
        return min(times) if times else None

    def _step(self, pod: Object, *, now: float) -> Object:
        uid = pod["metadata"]["uid"]
        if uid not in self._pods:
            if is_ending(pod):
                return pod | {"status": pod["status"] | {"phase": "Failed"}}
            address = pod["status"]["podIP"]
            if any(other.pod["status"]["podIP"] == address for other in self._pods.values()):
                return pod  # it waits until the older pod of its name has ended
            try:
                self._fill_volumes(pod)
                commands = self._commands(pod)
            except ConfigError as error:
                return fail(pod, "CreateContainerConfigError", str(error))
            if taken := _taken_port(pod, commands):
                return fail(pod, "PortInUse", taken)
            self._pods[uid] = RunningPod(pod, commands, root=self._root)
        running = self._pods[uid]
        running.pod = pod
        new = running.step(now=now)
        if new["status"]["phase"] in ("Succeeded", "Failed"):
            del self._pods[uid]
            shutil.rmtree(self._root / "pods" / uid[:8], ignore_errors=True)
            _short(uid).unlink(missing_ok=True)
        return new

    def _commands(self, pod: Object) -> dict[str, Command]:
        folder = str(self._folder(pod))
        containers = (pod["spec"].get("initContainers") or []) + pod["spec"]["containers"]
        commands: dict[str, Command] = {}
        for entry in containers:
            made = command(pod, entry, lookup=self._lookup, hosts=self._hosts, folder=folder)
            marks = {process.MARK_POD: pod["metadata"]["uid"], process.MARK_CONTAINER: entry["name"]}
            env = self._image | {"HOSTNAME": pod["spec"]["hostname"]} | made.env | marks
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


class RunningPod:
    """One pod whose containers were started, or will be."""

    def __init__(self, pod: Object, commands: Mapping[str, Command], *, root: Path) -> None:
        self.pod = pod
        self._uid: str = pod["metadata"]["uid"]
        self._commands = commands
        self._root = root
        self._states = new_states(pod)
        self._pids: dict[str, int] = {}
        self._draining: dict[str, int] = {}
        self._kill_at: float | None = None
        self._told: set[str] = set()
        self._log_from: dict[str, int] = {}

    def collect(self, ended: Mapping[int, int], *, now: float) -> None:
        """Take the exit codes of first processes; whatever else their containers had goes with them."""
        for name, pid in list(self._pids.items()):
            if pid in ended:
                state = self._state(name)
                state.exit_code, state.reason = (ended[pid], "Error" if ended[pid] else "Completed")
                self._draining[name] = self._pids.pop(name)

    def step(self, *, now: float) -> Object:
        """Do what is due now. Returns the pod with its new status."""
        self._drain(now=now)
        decided = verdict(self._states)
        if decided or is_ending(self.pod):
            self._stop(now=now)
        else:
            self._start(now=now)
        decided = verdict(self._states)
        idle = not self._pids and not self._draining
        if idle and (decided or is_ending(self.pod)):
            phase = decided or "Failed"
        else:
            begun = any(state.kind == "main" and state.phase != "waiting" for state in self._states)
            phase = "Running" if begun else "Pending"
        return self.pod | {"status": status_of(self.pod, self._states, phase=phase, now=now)}

    def wake_at(self, now: float) -> float | None:
        times = [state.restart_at for state in self._states if state.restart_at is not None and not self._kill_at]
        times += [self._kill_at] if self._kill_at is not None else []
        times += [now + _LOOK_AGAIN_S] if self._draining else []
        return min(times) if times else None

    def _start(self, *, now: float) -> None:
        while due := to_start(self._states, now=now):
            for state in due:
                self._start_one(state, now=now)

    def _start_one(self, state: State, *, now: float) -> None:
        if state.restart_at is not None:
            state.restarts += 1
            state.restart_at = None
        made = self._commands[state.name]
        state.phase, state.started_at, state.message = "running", now, ""
        log = log_file(self._root, self.pod, state.name)
        self._log_from[state.name] = log.stat().st_size if log.exists() else 0
        try:
            self._pids[state.name] = process.start(made.words, made.env, folder=made.folder, log=log)
        except OSError as error:
            state.exit_code, state.reason = _START_ERROR, "StartError"
            state.message = f"cannot start {made.words[0]} in {made.folder}: {error.strerror}"
            self._ended(state, now=now)

    def _drain(self, *, now: float) -> None:
        """A container is over when the last of its processes is gone."""
        for name, pid in list(self._draining.items()):
            left = process.processes_of([self._uid], name, [pid])
            for one in left:
                process.send(one, signal.SIGKILL)
            if not left:
                del self._draining[name]
                self._ended(self._state(name), now=now)

    def _ended(self, state: State, *, now: float) -> None:
        state.phase, state.finished_at = "done", now
        if state.exit_code and state.spec.get("terminationMessagePolicy") == "FallbackToLogsOnError":
            log = log_file(self._root, self.pod, state.name)
            state.message = state.message or last_words(log, self._log_from[state.name])
        over = is_ending(self.pod) or (state.kind == "sidecar" and bool(verdict(self._states)))
        if may_restart(state, self.pod["spec"].get("restartPolicy", "Always")) and not over:
            state.restart_at = now + restart_delay_s(state.restarts)

    def _stop(self, *, now: float) -> None:
        """TERM to each container's first process, sidecars last and in reverse; KILL to all when the grace is over."""
        if self._kill_at is None:
            grace_s = self.pod["spec"].get("terminationGracePeriodSeconds", DEFAULT_GRACE_S)
            self._kill_at = now + self.pod["metadata"].get("deletionGracePeriodSeconds", grace_s)
        running = [state for state in self._states if state.name in self._pids]
        first = [state for state in running if state.kind != "sidecar"] or running[-1:]
        for state in first:
            if state.name not in self._told:
                self._told.add(state.name)
                self._signal(state, signal.SIGTERM)
        if now >= self._kill_at:
            for one in process.processes_of([self._uid], sessions=list(self._pids.values())):
                process.send(one, signal.SIGKILL)
            self._kill_at = now + 1.0

    def _signal(self, state: State, number: signal.Signals) -> None:
        first = process.look(self._pids[state.name])
        if first:
            process.send(first, number)

    def _state(self, name: str) -> State:
        return next(state for state in self._states if state.name == name)


def _taken_port(pod: Object, commands: Mapping[str, Command]) -> str:
    """A sentence about the first port that the pod needs and cannot have; empty if it gets all.

    The store of a torch master listens on every address, whatever it is told.
    """
    address = pod["status"]["podIP"]
    for entry in (pod["spec"].get("initContainers") or []) + pod["spec"]["containers"]:
        env = commands[entry["name"]].env
        store = env.get("PET_MASTER_PORT", "") if env.get("PET_MASTER_ADDR") == address else ""
        ports = dict.fromkeys((str(port["containerPort"]) for port in entry.get("ports") or []), False)
        for port, everywhere in (ports | ({store: True} if store.isdigit() else {})).items():
            if text := conflict(address, int(port), everywhere=everywhere):
                return f"container {entry['name']} of pod {name_of(pod)}: {text}"
    return ""


def _short(uid: str) -> Path:
    return Path(tempfile.gettempdir()) / f"klear-{uid[:8]}"
