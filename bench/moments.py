"""Moments in the life of an rl run's trainer, as they can be seen from outside: a run in, true or false out.

The trainer is asked nothing: what tells are the objects of the backend, the bucket, the server's own routes and the
connections between the two.
"""

import select
import time
from collections.abc import Callable
from typing import Any

import psutil
import requests

from klearctl import checkpoints, records, storage
from klearctl.kube.backend import Backend
from klearctl.kube.labels import ROLE, RUN
from klearctl.kube.serving import SERVER_PORT
from klearctl.kube.status import has_ended
from klearctl.local.node.process import processes_of

LOOK_S = 0.01
BUSY_S = 20.0  # an engine that samples answers sooner
LIMIT_S = 3600.0  # until a moment comes, on a machine that does much else


def until(condition: Callable[[], Any]) -> Any:
    """What the condition gives, once it gives something.

    Raises:
        TimeoutError: it never did.
    """
    end = time.monotonic() + LIMIT_S
    while not (found := condition()):
        if time.monotonic() > end:
            raise TimeoutError(f"the moment did not come in {LIMIT_S:.0f} s")
        select.select([], [], [], LOOK_S)
    return found


class Attempt:
    """One attempt at the run, from the start of its trainer on."""

    def __init__(self, backend: Backend, run: str, prefix: str) -> None:
        self._backend, self._run, self._prefix = backend, run, prefix
        self._number, self._committed, self._half = self._claimed(), self.committed(), self._half_there()
        self._address = ""
        self.trainer: psutil.Process = until(self._find_trainer)
        self._began = time.monotonic()

    def committed(self) -> list[int]:
        """The committed steps of the run."""
        return [found.step for found in checkpoints.committed(self._prefix)]

    def pods(self) -> set[str]:
        """The uids of its pods, which all end with it."""
        return {pod["metadata"]["uid"] for role in ("trainer", "rollout") for pod in self._pods(role)}

    def has_run_for(self, seconds: float) -> bool:
        """So long ago its trainer was started."""
        return time.monotonic() - self._began >= seconds

    def is_claimed(self) -> bool:
        """It has its number: what follows is the engine, and the wait for the servers."""
        return self._claimed() > self._number

    def is_pushing(self) -> bool:
        """The server is paused, as it is from the start of a push to its end."""
        pods = [] if self._address else self._pods("rollout")
        self._address = self._address or next((f"http://{pod['status']['podIP']}:{SERVER_PORT}" for pod in pods), "")
        try:
            return requests.get(f"{self._address}/is_paused", timeout=BUSY_S).json() == {"is_paused": True}
        except requests.ReadTimeout:  # its engine waits for the next tensor
            return True
        except requests.RequestException:  # it does not serve yet
            return False

    def is_sampling(self) -> bool:
        """Many requests are under way; a push has one."""
        return self._requests() > 2

    def is_updating(self) -> bool:
        """No request is under way, and no push: to be asked after the sampling."""
        return not self._requests() and not self.is_pushing()

    def has_committed(self) -> bool:
        """It has a checkpoint of its own."""
        return self.committed() != self._committed

    def is_uploading(self) -> bool:
        """It has put a part of a checkpoint into the bucket, and not its COMMIT."""
        return bool(self._half_there() - self._half)

    def is_ahead(self) -> bool:
        """It has put rows into the bucket of steps that are not committed."""
        last = records.MetricsReader(self._prefix).rows()[-1]
        return bool(last["attempt"] >= self._number and last["step"] > max(self.committed()))

    def _find_trainer(self) -> psutil.Process | None:
        """The first process of the trainer's pod; with one rank it is the whole trainer."""
        seen = [one for pod in self._pods("trainer") for one in processes_of([pod["metadata"]["uid"]], "trainer")]
        return next((psutil.Process(one.pid) for one in seen if one.pid == one.session), None)

    def _pods(self, role: str) -> list[dict[str, Any]]:
        return [pod for pod in self._backend.list("Pod", {RUN: self._run, ROLE: role}) if not has_ended(pod)]

    def _claimed(self) -> int:
        return len(storage.names(storage.join(self._prefix, "attempts")))

    def _half_there(self) -> set[str]:
        """Steps of which something lies in the bucket, but no COMMIT."""
        found = [name.split("/") for name in storage.names(storage.join(self._prefix, "checkpoints"))]
        return {name[0] for name in found} - {name[0] for name in found if name[-1] == checkpoints.COMMIT}

    def _requests(self) -> int:
        """Open connections of the trainer to its server."""
        found = self.trainer.net_connections(kind="tcp")
        return sum(bool(one.raddr) and one.raddr.port == SERVER_PORT and one.status == "ESTABLISHED" for one in found)
