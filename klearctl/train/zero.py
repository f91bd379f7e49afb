"""DeepSpeed around a policy: a module and its settings in, DeepSpeed's engine out, without its noise."""

import contextlib
import io
import logging
import warnings
from typing import Any

import deepspeed
import torch
import transformers
from torch import nn

from klearctl.config.common import OptimizerConfig
from klearctl.train import extensions, ranks


def wrap(policy: nn.Module, optimizer: OptimizerConfig, *, zero_stage: int, dtype: str) -> Any:
    """DeepSpeed's engine with torch's AdamW: DeepSpeed's own for CPUs takes minutes to compile."""
    if ranks.device().type == "cpu":
        extensions.use(extensions.build())
    buffers = {name: buffer.clone() for name, buffer in policy.named_buffers()}
    adam = torch.optim.AdamW(
        policy.parameters(),
        lr=optimizer.lr,
        betas=(optimizer.beta1, optimizer.beta2),
        weight_decay=optimizer.weight_decay,
    )
    with contextlib.redirect_stdout(io.StringIO()):  # it prints what it does
        if not deepspeed.comm.is_initialized():
            deepspeed.init_distributed(torch.distributed.get_backend(), auto_mpi_discovery=False)
        engine, *_ = deepspeed.initialize(model=policy, optimizer=adam, config=_settings(optimizer, zero_stage, dtype))
    for name, buffer in engine.module.named_buffers():
        buffer.data = buffers[name].to(buffer.device)  # DeepSpeed narrows the rotary frequencies to bfloat16
    return engine


def _settings(optimizer: OptimizerConfig, zero_stage: int, dtype: str) -> dict[str, Any]:
    narrow = dtype == "bfloat16"
    return {
        "train_micro_batch_size_per_gpu": 1,
        "gradient_accumulation_steps": 1,  # the engine sets the boundary itself: batches differ in rows
        "gradient_clipping": optimizer.grad_clip,
        "zero_optimization": {"stage": zero_stage, "overlap_comm": False},
        "zero_allow_untested_optimizer": True,
        "bf16": {"enabled": narrow},
        **({"data_types": {"grad_accum_dtype": "fp32"}} if narrow else {}),
        "steps_per_print": 10**9,
    }


def quiet() -> None:
    """A run's log is read by people: no progress bars, no news from inside of DeepSpeed."""
    logging.getLogger("DeepSpeed").setLevel(logging.ERROR)
    transformers.utils.logging.disable_progress_bar()
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"torch\.distributed")
