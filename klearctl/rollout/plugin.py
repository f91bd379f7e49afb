"""The plug-in that every vLLM process loads at its start; it makes `--weight-transfer-config` know `klear`."""

ENGINE = "klear"


def register() -> None:
    """Tells vLLM where the engine is, and loads nothing of it: vLLM calls this in all of its processes."""
    from vllm.distributed.weight_transfer.factory import WeightTransferEngineFactory

    if ENGINE not in WeightTransferEngineFactory._registry:
        WeightTransferEngineFactory.register_engine(ENGINE, "klearctl.rollout.engine", "KlearEngine")
