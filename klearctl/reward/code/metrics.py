"""What a sandbox server counts, as text that Prometheus reads."""

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Summary, generate_latest

from klearctl.reward.verdict import Verdict


class Metrics:
    """The counts of one server. Any number of threads may count."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self.verdicts = Counter("klear_sandbox_verdicts", "Submissions judged", ["verdict"], registry=registry)
        self.refused = Counter("klear_sandbox_refused", "Submissions that found no place: 429", registry=registry)
        self.waiting = Gauge("klear_sandbox_waiting", "Submissions in the queue", registry=registry)
        self.running = Gauge("klear_sandbox_running", "Submissions that are being judged", registry=registry)
        self.seconds = Summary("klear_sandbox_seconds", "How long a submission is judged", registry=registry)
        for verdict in Verdict:
            self.verdicts.labels(verdict)  # a count that does not exist yet cannot be told from one that is lost

    def text(self) -> bytes:
        """All counts."""
        return generate_latest(self._registry)

    def mean_s(self) -> float:
        """How long a submission is judged, on average; 0 before the first."""
        count = self._registry.get_sample_value("klear_sandbox_seconds_count") or 0.0
        return (self._registry.get_sample_value("klear_sandbox_seconds_sum") or 0.0) / count if count else 0.0
