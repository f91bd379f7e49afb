"""A vLLM server as a container: what it is started with, what it asks of its node, how it comes by its first model."""

import json

from klearctl.config.common import ServerConfig
from klearctl.config.platform import PlatformConfig, PoolConfig
from klearctl.kube.backend import Manifest
from klearctl.kube.pod import CONFIG, MODELS, SCRATCH, Place, container, field, share

SERVER_PORT = 8000


def place(server: ServerConfig, pool: PoolConfig, *, gpu: bool) -> Place:
    """What a vLLM server asks of a node: one GPU with its share, or CPUs and room for the KV cache."""
    return share(pool, 1) if gpu else Place(cpus=server.cpu_threads, memory_gb=4 + server.kv_cache_gb)


def command(server: ServerConfig, *, port: int, gpu: bool, transfer: str) -> list[str]:
    """A stock vLLM server, behind a first process that exits 143, never 0, on SIGTERM."""
    words = [
        "python",
        "-m",
        "klearctl.stages.serve",
        "python",
        "-m",
        "vllm.entrypoints.openai.api_server",
    ]
    options = {
        "model": f"{MODELS}/policy",
        "served-model-name": "policy",
        "host": "$(POD_IP)",
        "port": str(port),
        "dtype": server.dtype,
        "max-model-len": str(server.max_model_len),
        "max-num-seqs": str(server.max_num_seqs),
        "logprobs-mode": "processed_logprobs",
        "generation-config": "vllm",
        "weight-transfer-config": json.dumps({"backend": transfer}),
        "api-server-count": "1",
        "uvicorn-log-level": "warning",  # no line for each request
    }
    words += [word for key, value in options.items() for word in (f"--{key}", value)]
    words += ["--enable-scale-out", "--disable-log-stats"]  # the first serves /inference/v1/generate, tokens in and out
    # with chunked prefill a seeded sample of which a step holds a part ends vLLM 0.32 on a CPU
    return words if gpu else [*words, "--enforce-eager", "--no-enable-chunked-prefill"]


def environment(server: ServerConfig, *, gpu: bool) -> dict[str, str | Manifest]:
    """Environment of a vLLM server; the GPU that it asks for is the only one that it sees."""
    env: dict[str, str | Manifest] = {
        "POD_IP": field("status.podIP"),
        "VLLM_SERVER_DEV_MODE": "1",  # serves the RL routes
        "VLLM_NO_USAGE_STATS": "1",
        "VLLM_CACHE_ROOT": f"{SCRATCH}/vllm",
        "TOKENIZERS_PARALLELISM": "false",
    }
    if gpu:
        return env
    return env | {
        "VLLM_ENABLE_V1_MULTIPROCESSING": "0",  # the worker in the engine's process: half the start, twice the tokens
        "VLLM_CPU_KVCACHE_SPACE": str(server.kv_cache_gb),
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",
        "OMP_NUM_THREADS": str(server.cpu_threads),
        "TORCHDYNAMO_DISABLE": "1",  # 18 s of compilation at the first request, for which a CPU pays nothing back
    }


def fetch(platform: PlatformConfig) -> Manifest:
    """The init container that downloads the model which a server starts with."""
    command = ["python", "-m", "klearctl.stages.fetch", "--config", CONFIG, "--to", f"{MODELS}/policy"]
    return container("fetch", command, platform=platform, place=Place(), env={}, models=True)
