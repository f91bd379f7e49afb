"""klear.toml: the platform that runs happen on. It says where; a recipe says what."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from klearctl.config.limits import at_least, one_of
from klearctl.config.load import from_dict, read_toml
from klearctl.errors import ConfigError

FILE = "klear.toml"


@dataclass(frozen=True, kw_only=True, slots=True)
class PoolConfig:
    """Nodes of one kind."""

    gpus: int = 0
    """GPUs of each node."""

    cpus: int = 32
    """CPUs of each node that pods may ask for."""

    memory_gb: int = 128
    """Memory of each node that pods may ask for, in GiB."""

    node_selector: dict[str, str] = field(default_factory=dict)
    """Labels that a node of the pool has."""

    tolerations: tuple[dict[str, str], ...] = ()
    """Taints of the pool that its pods tolerate, as Kubernetes writes them."""

    def __post_init__(self) -> None:
        at_least("pools.gpus", self.gpus, 0)
        at_least("pools.cpus", self.cpus, 1)
        at_least("pools.memory_gb", self.memory_gb, 1)


def _gpu_pool() -> PoolConfig:
    return PoolConfig(gpus=8, cpus=96, memory_gb=960)


@dataclass(frozen=True, kw_only=True, slots=True)
class PoolsConfig:
    """Where pods go."""

    gpu: PoolConfig = field(default_factory=_gpu_pool)
    """Trainers and servers. Without a klear.toml: 8 GPUs, 96 CPUs and 960 GiB a node."""

    cpu: PoolConfig = field(default_factory=PoolConfig)
    """Curation and sandboxes, and everything with `--gpus 0`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ImagesConfig:
    """What the pods run."""

    pod: str = "klearctl:0.1.0"
    """Image of every pod program and of vLLM; name it by digest."""

    sandbox: str = "klearctl-sandbox:0.1.0"
    """Image of the pods that run model-written code."""

    pull_policy: str = "IfNotPresent"
    """`IfNotPresent`, `Always` or `Never`."""

    def __post_init__(self) -> None:
        one_of("images.pull_policy", self.pull_policy, ("IfNotPresent", "Always", "Never"))


@dataclass(frozen=True, kw_only=True, slots=True)
class PlatformConfig:
    """The platform: cluster, namespace, queue, node pools, images, bucket."""

    backend: str = "cluster"
    """Where runs go unless `--backend` says otherwise: `cluster` or `local`; without a klear.toml `local`."""

    context: str = ""
    """Context of the kubeconfig; empty is the current one."""

    namespace: str = "klear"
    """Namespace of the runs."""

    queue: str = ""
    """Kueue LocalQueue; empty is none."""

    bucket: str = "s3://klear"
    """Where runs keep everything: `s3://BUCKET`, or `s3://BUCKET/PREFIX`."""

    storage_secret: str = "klear-s3"
    """Secret with AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, off AWS, AWS_ENDPOINT_URL."""

    images: ImagesConfig = field(default_factory=ImagesConfig)
    """What the pods run."""

    pools: PoolsConfig = field(default_factory=PoolsConfig)
    """Where pods go."""

    def __post_init__(self) -> None:
        one_of("backend", self.backend, ("cluster", "local"))
        if not self.bucket.startswith("s3://"):
            raise ConfigError(f"bucket is {self.bucket!r}", fix="s3://BUCKET, or s3://BUCKET/PREFIX")


def on_this_machine(platform: PlatformConfig) -> PlatformConfig:
    """The platform of a run on the local backend: the embedded server's bucket and keys (the defaults), and no queue.

    A klear.toml that is written for the local backend may name another bucket of that server.
    """
    default = PlatformConfig()
    bucket = platform.bucket if platform.backend == "local" else default.bucket
    return replace(platform, backend="local", queue="", bucket=bucket, storage_secret=default.storage_secret)


def load_platform(path: Path | None = None) -> PlatformConfig:
    """The platform of klear.toml in this folder, or of the given file; the documented defaults without one.

    Raises:
        ConfigError: the file cannot be read, or holds what is no setting of the platform.
    """
    chosen = path or Path(FILE)
    if path is None and not chosen.exists():
        return PlatformConfig(backend="local")
    return from_dict(PlatformConfig, read_toml(chosen))
