"""Settings that more than one stage has: the optimizer, checkpoints, metrics, the trainer's process."""

from dataclasses import dataclass

from klearctl.config.limits import at_least, between, one_of, positive
from klearctl.errors import ConfigError


@dataclass(frozen=True, kw_only=True, slots=True)
class OptimizerConfig:
    """AdamW and its schedule; the defaults are those of the paper's rl (section 4.1), where it names them."""

    lr: float = 1e-6
    """Highest learning rate."""

    warmup_steps: int = 10
    """Optimizer steps of linear warm-up from 0."""

    decay: str = "constant"
    """After the warm-up: `constant`, `linear` to 0, or `cosine` to `min_lr_ratio`."""

    min_lr_ratio: float = 0.0
    """Where a decay ends, as a share of `lr`."""

    weight_decay: float = 0.1
    """AdamW's decoupled weight decay."""

    beta1: float = 0.9
    """AdamW's first moment; the paper names none."""

    beta2: float = 0.95
    """AdamW's second moment; the paper names none."""

    grad_clip: float = 1.0
    """Largest norm of the gradient over all parameters."""

    def __post_init__(self) -> None:
        positive("optimizer.lr", self.lr)
        at_least("optimizer.warmup_steps", self.warmup_steps, 0)
        one_of("optimizer.decay", self.decay, ("constant", "linear", "cosine"))
        between("optimizer.min_lr_ratio", self.min_lr_ratio, 0.0, 1.0)
        at_least("optimizer.weight_decay", self.weight_decay, 0.0)
        between("optimizer.beta1", self.beta1, 0.0, 1.0)
        between("optimizer.beta2", self.beta2, 0.0, 1.0)
        positive("optimizer.grad_clip", self.grad_clip)


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainerConfig:
    """How the trainer runs."""

    zero_stage: int = 3
    """DeepSpeed ZeRO stage: what is divided over the ranks (0 nothing, 3 the parameters too)."""

    dtype: str = "bfloat16"
    """Type of the forward and backward pass: `bfloat16` or `float32`."""

    row_tokens: int = 36864
    """Longest packed row, in tokens; no sample may be longer."""

    checkpoint_every: int = 5
    """Steps between checkpoints; the last step always has one."""

    metrics_interval_s: float = 10.0
    """Seconds between two objects of metrics, at most."""

    cpu_processes: int = 1
    """Ranks of the trainer with `--gpus 0`; with GPUs there is one rank a GPU."""

    cpu_threads: int = 1
    """Threads of each rank with `--gpus 0`."""

    def __post_init__(self) -> None:
        between("trainer.zero_stage", self.zero_stage, 0, 3)
        one_of("trainer.dtype", self.dtype, ("bfloat16", "float32"))
        at_least("trainer.row_tokens", self.row_tokens, 16)
        at_least("trainer.checkpoint_every", self.checkpoint_every, 1)
        positive("trainer.metrics_interval_s", self.metrics_interval_s)
        at_least("trainer.cpu_processes", self.cpu_processes, 1)
        at_least("trainer.cpu_threads", self.cpu_threads, 1)
        if self.zero_stage == 0 and self.dtype == "bfloat16":
            raise ConfigError("trainer.zero_stage is 0 with bfloat16", fix='zero_stage = 1, or dtype = "float32"')


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerConfig:
    """How the vLLM servers run."""

    max_model_len: int = 36864
    """Longest prompt with its response, in tokens."""

    max_num_seqs: int = 256
    """Sequences that a server works on at once."""

    dtype: str = "bfloat16"
    """Type of the weights in the server: `bfloat16` or `float32`."""

    kv_cache_gb: int = 1
    """Memory for the KV cache of each server with `--gpus 0`, in GiB."""

    cpu_threads: int = 2
    """Threads of each server with `--gpus 0`."""

    ready_timeout_s: float = 1200.0
    """Seconds that a server may take until it answers."""

    def __post_init__(self) -> None:
        at_least("server.max_model_len", self.max_model_len, 16)
        at_least("server.max_num_seqs", self.max_num_seqs, 1)
        one_of("server.dtype", self.dtype, ("bfloat16", "float32"))
        at_least("server.kv_cache_gb", self.kv_cache_gb, 1)
        at_least("server.cpu_threads", self.cpu_threads, 1)
        positive("server.ready_timeout_s", self.ready_timeout_s)


@dataclass(frozen=True, kw_only=True, slots=True)
class IsolationConfig:
    """What confines model-written code, and what that code may import."""

    isolation: str = "auto"
    """What confines programs: `bubblewrap`, `landlock`, or `auto`, the stronger one that the host offers."""

    unsafe: bool = False
    """Run programs even where nothing confines them."""

    libraries: tuple[str, ...] = ("numpy", "sortedcontainers")
    """What programs may import beside the standard library."""

    def __post_init__(self) -> None:
        one_of("sandbox.isolation", self.isolation, ("auto", "bubblewrap", "landlock"))
