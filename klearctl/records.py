"""What a run leaves in its bucket: attempts, metrics and the result. In goes the run's prefix, `BUCKET/runs/RUN`.

S3 cannot append, so metrics are many small objects, `metrics/ATTEMPT-PART.jsonl`, each written once and never again.
"""

import json
import math
import threading
import time
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Self

from klearctl import storage
from klearctl.errors import KlearError

Row = dict[str, Any]


def claim_attempt(prefix: str) -> int:
    """The number of this attempt at the run, 0 first: the next that nobody has claimed, whatever the cluster counts."""
    attempt = len(storage.names(storage.join(prefix, "attempts")))
    note = json.dumps({"time": time.time()}).encode()
    while not storage.write_new(storage.join(prefix, "attempts", f"{attempt:04d}.json"), note):
        attempt += 1
    return attempt


def write_result(prefix: str, result: dict[str, Any]) -> None:
    """Say what the run made; the last thing it writes."""
    storage.write_json(storage.join(prefix, "result.json"), result)


def read_result(prefix: str) -> dict[str, Any]:
    """What the run made.

    Raises:
        NotFound: it is not done.
    """
    result: dict[str, Any] = storage.read_json(storage.join(prefix, "result.json"))
    return result


class MetricsWriter:
    """Rows of one attempt. They reach the bucket every `interval_s`, at `flush` and at the end of the `with` block.

    A kill loses the rows since the last flush: flush before a checkpoint is committed, so that its step has its row.
    """

    def __init__(self, prefix: str, *, stage: str, attempt: int, steps: int, interval_s: float = 10.0) -> None:
        self._folder = storage.join(prefix, "metrics")
        self._stage, self._attempt, self._steps = stage, attempt, steps
        self._lines: list[bytes] = []
        self._sealed = b""  # the next object, once it was tried: a reader may have seen it, so it must not change
        self._part = 0
        self._failed: KlearError | None = None
        self._buffer = threading.Lock()
        self._upload = threading.Lock()
        self._closed = threading.Event()
        self._timer = threading.Thread(target=self._flush_often, args=(interval_s,), daemon=True)
        self._timer.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def write(
        self,
        *,
        step: int,
        loss: float | None = None,
        reward: float | None = None,
        tokens_per_s: float | None = None,
        **more: Any,
    ) -> None:
        """Keep one row for the next flush.

        Raises:
            BackendError: the last flush in the background failed; its rows are still kept.
        """
        if self._failed:
            raise self._failed
        row = {
            "time": time.time(),
            "stage": self._stage,
            "attempt": self._attempt,
            "step": step,
            "steps": self._steps,
            "loss": loss,
            "reward": reward,
            "tokens_per_s": tokens_per_s,
        }
        line = json.dumps({key: _finite(value) for key, value in (row | more).items()}).encode() + b"\n"
        with self._buffer:
            self._lines.append(line)

    def flush(self) -> None:
        """Put all rows kept so far into the bucket.

        Raises:
            BackendError: the bucket does not take them; they are kept.
        """
        with self._upload:
            while self._seal():
                name = f"{self._attempt:04d}-{self._part:06d}.jsonl"
                storage.write_bytes(storage.join(self._folder, name), self._sealed)
                self._sealed = b""
                self._part += 1
            self._failed = None

    def close(self) -> None:
        """Flush and stop the timer."""
        self._closed.set()
        self._timer.join()
        self.flush()

    def _flush_often(self, interval_s: float) -> None:
        while not self._closed.wait(interval_s):
            try:
                self.flush()
            except KlearError as error:
                self._failed = error

    def _seal(self) -> bool:
        if not self._sealed:
            with self._buffer:
                self._sealed = b"".join(self._lines)
                self._lines.clear()
        return bool(self._sealed)


class MetricsReader:
    """The rows of a run, over all its attempts. Each object is read once, however often `rows` is asked."""

    def __init__(self, prefix: str) -> None:
        self._folder = storage.join(prefix, "metrics")
        self._seen: set[str] = set()
        self._rows: dict[int, Row] = {}

    def rows(self) -> list[Row]:
        """One row for each step, sorted; of several rows of a step the last of the highest attempt."""
        new = [name for name in storage.names(self._folder) if name not in self._seen]
        self._merge(storage.together(self._read, new))
        self._seen.update(new)
        return [self._rows[step] for step in sorted(self._rows)]

    def _read(self, name: str) -> list[Row]:
        return [json.loads(line) for line in storage.read_bytes(storage.join(self._folder, name)).splitlines()]

    def _merge(self, parts: Iterable[list[Row]]) -> None:
        for row in (row for part in parts for row in part):
            kept = self._rows.get(row["step"])
            if kept is None or row["attempt"] >= kept["attempt"]:
                self._rows[row["step"]] = row


def _finite(value: Any) -> Any:
    """JSON has no NaN and no infinity: they become null."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
