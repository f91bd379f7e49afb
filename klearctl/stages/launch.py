"""A trainer pod's first process: starts the ranks, passes SIGTERM on, ends with the code of the first that failed.

    python -m klearctl.stages.launch sft --config /etc/klear/config.json

torchrun alone would turn every failure into 1. Where the run has one rank, this process is it.
"""

import concurrent.futures
import contextlib
import importlib
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import FrameType
from typing import Any

from klearctl.config.pod import Layout, read
from klearctl.config.rl import RLConfig
from klearctl.config.sft import SFTConfig
from klearctl.errors import BackendError
from klearctl.stages import program
from klearctl.train.stop import STOPPED, Stop

NAME_TIMEOUT_S = 600.0  # a headless Service publishes a pod's name seconds after the pod
MEETING_TIMEOUT_S = 1800  # the other nodes may still pull their image
STAGES: dict[str, type[SFTConfig | RLConfig]] = {"sft": SFTConfig, "rl": RLConfig}


@dataclass(frozen=True, slots=True)
class Place:
    """What torchrun's PET_* variables say: how many ranks there are, and where this pod stands among them."""

    nodes: int
    ranks: int
    """On this node."""
    node: int
    host: str
    port: int

    @classmethod
    def from_env(cls, env: "os._Environ[str] | dict[str, str]") -> "Place":
        """One rank on one node where nothing is set."""
        return cls(
            nodes=int(env.get("PET_NNODES", "1")),
            ranks=int(env.get("PET_NPROC_PER_NODE", "1")),
            node=int(env.get("PET_NODE_RANK", "0")),
            host=env.get("PET_MASTER_ADDR", "127.0.0.1"),
            port=int(env.get("PET_MASTER_PORT", "29500")),
        )


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the stage to its end; the exit code of its first rank that failed, else 0."""
    Stop()  # until there are ranks to tell, SIGTERM ends this process: nothing has begun
    parser = program.arguments("launch")
    parser.add_argument("stage", choices=sorted(STAGES))
    words = parser.parse_args(argv)
    return program.run(lambda: launch(words.stage, words.config))


def launch(stage: str, config: Any) -> int:
    """The stage on the ranks of this pod."""
    pod = read(config, STAGES[stage])
    place = Place.from_env(os.environ)
    _set_env(pod.layout, pod.config.trainer.cpu_threads)
    if place.nodes * place.ranks == 1:
        code: int = importlib.import_module(f"klearctl.stages.{stage}").main(["--config", str(config)])
        return code
    wait_for_name(place.host, NAME_TIMEOUT_S)
    return run_ranks(place, ["-m", f"klearctl.stages.{stage}", "--config", str(config)])


def run_ranks(place: Place, arguments: list[str]) -> int:
    """Python with these arguments on every rank of this node, by torchrun in a thread: signals are this thread's.

    Raises:
        BackendError: the other nodes were not met, or the port is taken.
    """
    from torch.distributed import DistError
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    settings = LaunchConfig(
        min_nodes=place.nodes,
        max_nodes=place.nodes,
        nproc_per_node=place.ranks,
        run_id="klear",
        rdzv_backend="static",
        rdzv_endpoint=f"{place.host}:{place.port}",
        rdzv_configs={"rank": place.node, "timeout": MEETING_TIMEOUT_S},
        max_restarts=0,
        monitor_interval=0.05,
    )
    told = _pass_on_sigterm()
    try:
        with concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="torchrun") as thread:
            thread.submit(elastic_launch(settings, sys.executable), *arguments).result()
    except ChildFailedError as failed:
        return exit_code(failed.get_first_failure()[1].exitcode, told=told.is_set())
    except DistError as error:
        raise BackendError(
            f"the ranks cannot meet at {place.host}:{place.port}: {str(error).partition(chr(10))[0]}",
            fix="look for another program on that port, and for the pod of rank 0",
        ) from error
    return 0


def exit_code(code: int, *, told: bool) -> int:
    """A process's code as a shell has it; a rank that SIGTERM ended before it could listen had begun nothing."""
    if told and code == -signal.SIGTERM:
        return STOPPED
    return code if code >= 0 else 128 - code


def wait_for_name(host: str, timeout_s: float) -> None:
    """Until the name has an address.

    Raises:
        BackendError: it has none in time.
    """
    deadline, never = time.monotonic() + timeout_s, threading.Event()
    while True:
        try:
            socket.getaddrinfo(host, None)
            return
        except socket.gaierror as error:
            if time.monotonic() > deadline:
                raise BackendError(
                    f"{host} has no address after {timeout_s:.0f} s: {error.strerror}",
                    fix="look for the pod of rank 0 and for the run's Service",
                ) from error
        never.wait(0.2)


def _pass_on_sigterm() -> threading.Event:
    """From now on SIGTERM goes to the ranks; the event is set once it did. Without ranks it ends this process."""
    told = threading.Event()

    def tell(number: int, frame: FrameType | None) -> None:
        import psutil

        ranks = psutil.Process().children()
        if not ranks:
            os._exit(STOPPED)
        told.set()
        for rank in ranks:
            with contextlib.suppress(psutil.NoSuchProcess):
                rank.terminate()

    signal.signal(signal.SIGTERM, tell)
    return told


def _set_env(layout: Layout, cpu_threads: int) -> None:
    """What torch and DeepSpeed read from the environment when they are imported."""
    if layout.gpus:
        return
    from klearctl.train import extensions

    os.environ["DS_ACCELERATOR"] = "cpu"
    os.environ.setdefault("OMP_NUM_THREADS", str(cpu_threads))
    os.environ["TORCH_EXTENSIONS_DIR"] = str(extensions.build())


if __name__ == "__main__":
    sys.exit(main())
