"""One pod as processes: its containers started in order, started again, and ended with everything they started."""

import signal
from collections.abc import Mapping
from pathlib import Path

from klearctl.local.node import process
from klearctl.local.node.logs import last_words, log_file
from klearctl.local.node.rewrite import Command
from klearctl.local.objects import Object, is_ending
from klearctl.local.pod import State, may_restart, new_states, restart_delay_s, status_of, to_start, verdict

DEFAULT_GRACE_S = 30
_START_ERROR = 128  # the exit code of a container that could not be started, as containerd gives it
_LOOK_AGAIN_S = 0.05  # at killed processes whose parent is not ours, so that nobody tells of their end


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
