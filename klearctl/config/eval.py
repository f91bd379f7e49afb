"""Settings of the eval stage: avg@n and pass@k of one or several models on held-out problems."""

from dataclasses import dataclass, field

from klearctl.config.common import IsolationConfig, ServerConfig
from klearctl.config.limits import at_least, between
from klearctl.errors import ConfigError


@dataclass(frozen=True, kw_only=True, slots=True)
class EvalConfig:
    """The eval stage: models and held-out problems in, a table out."""

    seed: int = 0
    """Seeds every sample; all models get the same seeds."""

    models: dict[str, str] = field(default_factory=lambda: {"model": "Qwen/Qwen3-8B-Base"})
    """Label to address: a Hugging Face directory (a path, `s3://...`), `run:NAME`, `run:NAME@STEP`, or a Hub name."""

    data: str = "s3://klear/data/heldout.parquet"
    """Parquet with prompt and answer: a path, `s3://...`, or `run:NAME` of a curate run."""

    problems: int = 0
    """Problems to judge, the first of the data; 0 judges all."""

    samples: int = 4
    """Samples of each problem at each temperature above 0 (the n of avg@n)."""

    temperatures: tuple[float, ...] = (1.0, 0.6, 0.0)
    """Sampling temperatures, the first is the one that counts; 0 is greedy, one sample."""

    pass_at: tuple[int, ...] = (1, 4)
    """The k of pass@k, by the unbiased estimator; each at most `samples`."""

    max_response_tokens: int = 32768
    """Samples are cut here; a cut sample has no answer."""

    servers: int = 1
    """Servers with `--gpus 0`; with GPUs there is one a GPU."""

    metrics_interval_s: float = 10.0
    """Seconds between two objects of metrics, at most."""

    server: ServerConfig = field(default_factory=ServerConfig)
    """How the servers run."""

    sandbox: IsolationConfig = field(default_factory=IsolationConfig)
    """What confines model-written code, which runs in the pods that judge."""

    def __post_init__(self) -> None:
        at_least("samples", self.samples, 1)
        at_least("problems", self.problems, 0)
        at_least("max_response_tokens", self.max_response_tokens, 1)
        at_least("servers", self.servers, 1)
        if not self.models:
            raise ConfigError(
                "models is empty",
                fix='name one, for example models.sft = "run:sft-k3x9ab"',
            )
        if not self.temperatures:
            raise ConfigError("temperatures is empty", fix="temperatures = [1.0]")
        for temperature in self.temperatures:
            between("temperatures", temperature, 0.0, 10.0)
        for k in self.pass_at:
            if not 1 <= k <= self.samples:
                raise ConfigError(
                    f"pass_at has {k} and samples is {self.samples}",
                    fix=f"samples = {k}, or pass_at with numbers from 1 to {self.samples}",
                )
