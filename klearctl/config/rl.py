"""Settings of the rl stage: GPPO on verified rewards (Klear-Reasoner sections 3 and 4)."""

from dataclasses import dataclass, field

from klearctl.config.common import IsolationConfig, OptimizerConfig, ServerConfig, TrainerConfig
from klearctl.config.limits import at_least, between, one_of, positive
from klearctl.errors import ConfigError


@dataclass(frozen=True, kw_only=True, slots=True)
class LossConfig:
    """The policy loss (GPPO: paper Eq. 11, 17) and the NLL on correct rollouts (Eq. 13, 14)."""

    name: str = "gppo"
    """`gppo` keeps a bounded gradient for clipped tokens; `ppo` gives them none (clip-higher)."""

    clip_low: float = 0.2
    """The paper's epsilon_l: a ratio below 1 - clip_low is clipped where the advantage is negative."""

    clip_high: float = 0.28
    """The paper's epsilon_h: a ratio above 1 + clip_high is clipped where the advantage is positive."""

    beta1: float = 1.0
    """Scales the gradient of tokens clipped on the low side (gppo; 1 is the paper's run, 0 is ppo)."""

    beta2: float = 1.0
    """Scales the gradient of tokens clipped on the high side (gppo; 1 is the paper's run, 0 is ppo)."""

    dual_clip: float = 0.0
    """Caps the loss of a token with negative advantage at this ratio; 0 is off (the released code uses 10)."""

    policy_weight: float = 1.0
    """Weight of the policy loss; 0 leaves the NLL alone (a control)."""

    nll_weight: float = 0.1
    """The paper's alpha: weight of the NLL on correct rollouts; 0 is off."""

    def __post_init__(self) -> None:
        one_of("loss.name", self.name, ("gppo", "ppo"))
        between("loss.clip_low", self.clip_low, 0.0, 1.0)
        at_least("loss.clip_high", self.clip_high, 0.0)
        between("loss.beta1", self.beta1, 0.0, 1.0)
        between("loss.beta2", self.beta2, 0.0, 1.0)
        at_least("loss.policy_weight", self.policy_weight, 0.0)
        at_least("loss.nll_weight", self.nll_weight, 0.0)
        if self.dual_clip and self.dual_clip <= 1:
            raise ConfigError(f"loss.dual_clip is {self.dual_clip}", fix="0 for off, or above 1")


@dataclass(frozen=True, kw_only=True, slots=True)
class SandboxConfig(IsolationConfig):
    """What runs model-written code: pods of their own, or the trainer's pod."""

    replicas: int = -1
    """Sandbox pods; -1 is one for each 8 rollout GPUs, 0 is none: the trainer's pod runs code (the local backend)."""

    cpus: int = 8
    """CPUs of each sandbox pod; so many programs run there at once."""

    memory_gb: int = 0
    """Memory of each sandbox pod, in GiB; 0 is 3 for each CPU: a program and its checks may take 1 each."""

    queue: int = 64
    """Submissions that wait in each sandbox pod; whoever comes then is told to come back."""

    patience_s: float = 600.0
    """A submission that no sandbox pod has judged this long after its first fault is an infrastructure fault."""

    def __post_init__(self) -> None:
        at_least("sandbox.replicas", self.replicas, -1)
        at_least("sandbox.cpus", self.cpus, 1)
        at_least("sandbox.memory_gb", self.memory_gb, 0)
        at_least("sandbox.queue", self.queue, 0)
        positive("sandbox.patience_s", self.patience_s)
        IsolationConfig.__post_init__(self)


@dataclass(frozen=True, kw_only=True, slots=True)
class RLConfig:
    """The rl stage: a model and problems in, a better model out."""

    seed: int = 0
    """Draws the order of the problems and every rollout."""

    model: str = "Qwen/Qwen3-8B-Base"
    """Where to start: a Hugging Face directory (a path, `s3://...`), `run:NAME` of an sft run, or a Hub name."""

    data: str = "s3://klear/data/rl.parquet"
    """Parquet with prompt and answer: a path, `s3://...`, or `run:NAME` of a curate run."""

    steps: int = 240
    """Batches of rollouts that are trained on; a skipped batch is no step."""

    prompts_per_step: int = 128
    """Problems of each batch. The released code samples twice as many as it trains on; here groups without a
    difference just make the batch smaller."""

    group_size: int = 8
    """Rollouts sampled for each problem (the paper's M)."""

    updates_per_batch: int = 8
    """Optimizer steps made from each batch of rollouts, whose kept groups they share, however many these are."""

    rewards: str = "soft"
    """`soft` is the share of tests passed, `binary` 1 for all of them else 0, `klear` 2p - 1 with format penalties."""

    temperature: float = 1.0
    """Sampling temperature of the rollouts; the trainer divides its logits by it too."""

    max_prompt_tokens: int = 4096
    """Longer prompts are refused when the run starts."""

    max_response_tokens: int = 32768
    """Rollouts are cut here; a cut rollout has no answer."""

    loss: LossConfig = field(default_factory=LossConfig)
    """The policy loss."""

    logprob_gap_limit: float = 1.0
    """Nats by which a server's log-probs of a rollout may differ from the trainer's, on average over its tokens."""

    max_skipped_batches: int = 10
    """The run ends when so many batches in a row had no group with two different rewards."""

    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    """AdamW and its schedule."""

    trainer: TrainerConfig = field(default_factory=TrainerConfig)
    """How the trainer runs."""

    server: ServerConfig = field(default_factory=ServerConfig)
    """How the rollout servers run."""

    sandbox: SandboxConfig = field(default_factory=SandboxConfig)
    """The pods that run model-written code."""

    def __post_init__(self) -> None:
        for name in (
            "steps",
            "prompts_per_step",
            "updates_per_batch",
            "max_prompt_tokens",
            "max_response_tokens",
        ):
            at_least(name, getattr(self, name), 1)
        at_least("group_size", self.group_size, 2)
        at_least("max_skipped_batches", self.max_skipped_batches, 1)
        one_of("rewards", self.rewards, ("soft", "binary", "klear"))
        positive("temperature", self.temperature)
        positive("logprob_gap_limit", self.logprob_gap_limit)
        longest = self.max_prompt_tokens + self.max_response_tokens
        for name, room in (
            ("trainer.row_tokens", self.trainer.row_tokens),
            ("server.max_model_len", self.server.max_model_len),
        ):
            if longest > room:
                raise ConfigError(
                    f"max_prompt_tokens and max_response_tokens are {longest} together, {name} is {room}",
                    fix=f"{name} = {longest}",
                )
