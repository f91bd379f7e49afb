"""Settings of the sft stage: long chain-of-thought supervised fine-tuning."""

from dataclasses import dataclass, field

from klearctl.config.common import OptimizerConfig, TrainerConfig
from klearctl.config.limits import at_least, positive


@dataclass(frozen=True, kw_only=True, slots=True)
class NewModelConfig:
    """A model of the Qwen3 architecture made from nothing, for `model = "new"`."""

    hidden_size: int = 128
    """Width of the residual stream."""

    layers: int = 3
    """Decoder layers."""

    heads: int = 4
    """Attention heads."""

    kv_heads: int = 2
    """Key and value heads (grouped-query attention)."""

    head_dim: int = 32
    """Width of a head."""

    intermediate_size: int = 256
    """Width of the feed-forward layer."""

    vocab_size: int = 320
    """Entries of the byte-level BPE tokenizer trained on the data; at least 256 bytes and the special tokens."""

    max_tokens: int = 512
    """Longest sequence (max_position_embeddings)."""

    tied: bool = True
    """One matrix for the embeddings and the output layer, which makes copying easy."""

    rope_theta: float = 10000.0
    """Base of the rotary positions; 100 tells neighbours apart sooner, for short sequences."""

    init_std: float = 0.02
    """Standard deviation of the first weights."""

    def __post_init__(self) -> None:
        for name in (
            "hidden_size",
            "layers",
            "heads",
            "kv_heads",
            "head_dim",
            "intermediate_size",
        ):
            at_least(f"new.{name}", getattr(self, name), 1)
        at_least("new.vocab_size", self.vocab_size, 264)
        at_least("new.max_tokens", self.max_tokens, 16)
        positive("new.rope_theta", self.rope_theta)
        positive("new.init_std", self.init_std)


@dataclass(frozen=True, kw_only=True, slots=True)
class SFTConfig:
    """The sft stage: a model and worked solutions in, checkpoints out; step 0 is the untrained model."""

    seed: int = 0
    """Draws a new model's weights and the order of the samples."""

    model: str = "Qwen/Qwen3-8B-Base"
    """Where to start: a Hugging Face directory (a path, `s3://...`), `run:NAME`, a Hub name, or `new`."""

    new: NewModelConfig = field(default_factory=NewModelConfig)
    """The shape of a model made from nothing."""

    data: str = "s3://klear/data/sft.parquet"
    """Parquet with prompt and response: a path, `s3://...`, or `run:NAME` of a curate run."""

    epochs: int = 4
    """Passes over the data, unless `steps` is given (Klear-Reasoner section 4.1: 4)."""

    steps: int = 0
    """Optimizer steps; 0 counts them from `epochs`."""

    batch_samples: int = 128
    """Samples of each optimizer step, over all ranks."""

    optimizer: OptimizerConfig = field(
        default_factory=lambda: OptimizerConfig(lr=8e-5, decay="cosine", min_lr_ratio=0.5)
    )
    """AdamW and its schedule (Klear-Reasoner section 4.1: 8e-5 by cosine to 4e-5)."""

    trainer: TrainerConfig = field(default_factory=lambda: TrainerConfig(checkpoint_every=100))
    """How the trainer runs."""

    def __post_init__(self) -> None:
        at_least("epochs", self.epochs, 1)
        at_least("steps", self.steps, 0)
        at_least("batch_samples", self.batch_samples, 1)
