"""What a run leaves in its bucket beside checkpoints: its attempts, its metrics, its result.

`prefix` is the run's own address everywhere, `BUCKET/runs/RUN`.
"""

import itertools
import json
import threading
import time
from collections.abc import Iterator
from typing import Any, Self

from klearctl import storage
from klearctl.errors import BackendError

Row = dict[str, Any]


def claim_attempt(prefix: str) -> int:
    """The number of this start of the run: 0, 1, 2... It is taken for good, whoever asks.

    A JobSet's restart label would not do: it does not change when a suspended run goes on.
    """
    for attempt in itertools.count(_next_attempt(prefix)):
        if storage.write_new(storage.join(prefix, f"attempts/{attempt:04d}.json"), _line({"time": time.time()})):
            return attempt
    raise AssertionError("itertools.count never ends")


def _next_attempt(prefix: str) -> int:
    taken = storage.names(storage.join(prefix, "attempts"))
    return max((int(name.removesuffix(".json")) + 1 for name in taken), default=0)


def write_result(prefix: str, result: dict[str, Any]) -> None:
    """The last thing that a stage writes: `{"data": {...}}`, `{"model": PREFIX}`, or the table of an eval."""
    storage.write_json(storage.join(prefix, "result.json"), result)


def read_result(prefix: str) -> dict[str, Any]:
    """What the stage handed over.

    Raises:
        NotFound: it has not ended.
    """
    found = storage.read_json(storage.join(prefix, "result.json"))
    assert isinstance(found, dict)
    return found


class MetricsWriter:
    """Rows of one attempt, gathered into objects that are written once: `metrics/ATTEMPT-PART.jsonl`.

    A row leaves the buffer only when its object is written. A write in the background that failed is raised by
    the next call.
    """

    def __init__(self, prefix: str, *, stage: str, attempt: int, steps: int, interval_s: float = 10.0) -> None:
        self._prefix = storage.join(prefix, "metrics")
        self._common = {"stage": stage, "attempt": attempt, "steps": steps}
        self._rows: list[Row] = []
        self._part = 0
        self._failure: Exception | None = None
        self._writing = threading.RLock()
        self._closing = threading.Event()
        self._timer = threading.Thread(target=self._keep_flushing, args=(interval_s,), daemon=True, name="metrics")
        self._timer.start()

    def write(
        self,
        *,
        step: int,
        loss: float | None = None,
        reward: float | None = None,
        tokens_per_s: float | None = None,
        **more: Any,
    ) -> None:
        """One row; what does not apply is null."""
        self._raise_failure()
        measured = {"step": step, "loss": loss, "reward": reward, "tokens_per_s": tokens_per_s}
        with self._writing:
            self._rows.append({"time": time.time(), **self._common, **measured, **more})

    def flush(self) -> None:
        """Every row so far is in the bucket when this returns."""
        self._raise_failure()
        with self._writing:
            if self._rows:
                name = f"{self._common['attempt']:04d}-{self._part:06d}.jsonl"
                storage.write_bytes(storage.join(self._prefix, name), b"".join(map(_line, self._rows)))
                self._part += 1
                self._rows = []

    def close(self) -> None:
        """Flushes and stops the timer."""
        self._closing.set()
        self._timer.join()
        self.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _keep_flushing(self, interval_s: float) -> None:
        while not self._closing.wait(interval_s):
            try:
                self.flush()
            except BackendError as error:
                self._failure = error
                return

    def _raise_failure(self) -> None:
        if self._failure:
            failure, self._failure = self._failure, None
            raise failure


class MetricsReader:
    """The rows of a run; asked again, it reads only the objects that are new."""

    def __init__(self, prefix: str) -> None:
        self._prefix = storage.join(prefix, "metrics")
        self._seen: set[str] = set()
        self._rows: dict[int, Row] = {}

    def rows(self) -> list[Row]:
        """One row for each step, that of the highest attempt; by step."""
        for name in storage.names(self._prefix):
            if name not in self._seen:
                for row in _parse(storage.read_bytes(storage.join(self._prefix, name))):
                    self._take(row)
                self._seen.add(name)
        return [self._rows[step] for step in sorted(self._rows)]

    def _take(self, row: Row) -> None:
        known = self._rows.get(row["step"])
        if known is None or row["attempt"] >= known["attempt"]:
            self._rows[row["step"]] = row


def _line(row: Row) -> bytes:
    return (json.dumps(row) + "\n").encode()


def _parse(data: bytes) -> Iterator[Row]:
    return (json.loads(line) for line in data.splitlines() if line)
