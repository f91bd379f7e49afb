"""How far runs are: the backend's objects and the bucket's metrics in, one Status each out."""

from dataclasses import replace

from klearctl import checkpoints
from klearctl.kube import lifecycle
from klearctl.kube.backend import Backend, Manifest
from klearctl.kube.labels import RUN, STAGE
from klearctl.kube.recipe import STAGE_WORD
from klearctl.kube.status import Status, read_status
from klearctl.records import MetricsReader
from klearctl.run import run_prefix


class Gauge:
    """Reads the same runs again and again, and of their metrics only what is new."""

    def __init__(self, backend: Backend, bucket: str) -> None:
        self._backend = backend
        self._bucket = bucket
        self._readers: dict[str, MetricsReader] = {}
        self._known: dict[str, list[dict[str, object]]] = {}

    def read(self, workload: Manifest) -> Status:
        """The status of a run with its newest checkpoint; of a recipe's run without its stages."""
        status = self.progress(workload)
        if status.stage == STAGE_WORD:
            return status
        latest = checkpoints.latest(run_prefix(self._bucket, status.name))
        return replace(status, checkpoint=latest.step if latest else None)

    def progress(self, workload: Manifest) -> Status:
        """The status of a run as a display needs it every second: without its checkpoints."""
        name = workload["metadata"]["labels"][RUN]
        pods = lifecycle.pods(self._backend, name)
        if workload["metadata"]["labels"].get(STAGE) == STAGE_WORD:
            return read_status(workload, pods)
        return read_status(workload, pods, rows=self.rows(name))

    def rows(self, name: str) -> list[dict[str, object]]:
        """The metrics of a run, those that came since the last time among them."""
        if name not in self._readers:
            self._readers[name] = MetricsReader(run_prefix(self._bucket, name))
        self._known[name] = self._readers[name].rows()
        return self._known[name]

    def known(self, name: str) -> list[dict[str, object]]:
        """The metrics of a run as they were read last."""
        return self._known.get(name, [])

    def all(self) -> list[Status]:
        """Every run, those of a recipe under it, the newest last."""
        found = [item for kind in lifecycle.WORKLOADS for item in self._backend.list(kind, {}) if _is_run(item)]
        return [self.read(item) for item in lifecycle.in_order(found)]

    def stages(self, recipe_run: str) -> list[Status]:
        """The stages of a recipe's run that have been started, with their checkpoints."""
        return [self.read(item) for item in lifecycle.stages(self._backend, recipe_run)]

    def stages_progress(self, recipe_run: str) -> list[Status]:
        """The stages of a recipe's run that have been started, as a display needs them."""
        return [self.progress(item) for item in lifecycle.stages(self._backend, recipe_run)]


def _is_run(item: Manifest) -> bool:
    return RUN in item["metadata"].get("labels", {}) and not item["metadata"].get("ownerReferences")
