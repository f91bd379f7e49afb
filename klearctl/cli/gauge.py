"""How far runs are: the backend's objects and the bucket's metrics in, one Status each out."""

from klearctl import checkpoints
from klearctl.kube import lifecycle
from klearctl.kube.backend import Backend, Manifest
from klearctl.kube.labels import RECIPE, RUN, STAGE
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

    def read(self, workload: Manifest) -> Status:
        """The status of a run as it is now; of a recipe's run without its stages."""
        name = workload["metadata"]["labels"][RUN]
        pods = lifecycle.pods(self._backend, name)
        if workload["metadata"]["labels"].get(STAGE) == STAGE_WORD:
            return read_status(workload, pods)
        latest = checkpoints.latest(run_prefix(self._bucket, name))
        return read_status(workload, pods, rows=self.rows(name), checkpoint=latest.step if latest else None)

    def rows(self, name: str) -> list[dict[str, object]]:
        """The metrics of a run."""
        if name not in self._readers:
            self._readers[name] = MetricsReader(run_prefix(self._bucket, name))
        return self._readers[name].rows()

    def all(self) -> list[Status]:
        """Every run, those of a recipe under it, the newest last."""
        found = [item for kind in lifecycle.WORKLOADS for item in self._backend.list(kind, {}) if _is_run(item)]
        return [self.read(item) for item in sorted(found, key=_order)]

    def stages(self, recipe_run: str) -> list[Status]:
        """The stages of a recipe's run that have been started."""
        found = [item for kind in lifecycle.WORKLOADS for item in self._backend.list(kind, {RECIPE: recipe_run})]
        return [self.read(item) for item in sorted(found, key=_order) if item["metadata"]["name"] != recipe_run]


def _is_run(item: Manifest) -> bool:
    return RUN in item["metadata"].get("labels", {}) and not item["metadata"].get("ownerReferences")


def _order(item: Manifest) -> tuple[str, str]:
    return item["metadata"].get("creationTimestamp", ""), item["metadata"]["name"]
