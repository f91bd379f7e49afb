"""An rl run between two steps: weights out to the servers, a batch of rollouts in, a trained engine and its row out."""

import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from klearctl.config.pod import PodConfig
from klearctl.config.rl import RLConfig
from klearctl.data.table import Problem
from klearctl.errors import RunFailed
from klearctl.rollout.client import Fleet
from klearctl.stages.answers import Examiner
from klearctl.stages.rewards import Rewards
from klearctl.stages.rl_batch import Batch, Sampler
from klearctl.train.stop import Stop, Stopped

if TYPE_CHECKING:
    from klearctl.rollout.chat import Chat
    from klearctl.rollout.weights import Described
    from klearctl.train.engine import Engine
    from klearctl.train.session import Row

HEARSAY_S = 10.0  # between SIGTERM to a rollout pod and to the trainer's, where both are ended


class Servers:
    """What rank 0 alone has: the servers, ready, with a way to send them weights and to ask them for rollouts."""

    def __init__(
        self,
        pod: PodConfig[RLConfig],
        problems: Sequence[Problem],
        chat: "Chat",
        described: "list[Described]",
        rewards: Rewards,
    ) -> None:
        from klearctl.rollout.weights import Gloo, Nccl

        fleet = Fleet(pod.layout.servers, stop_tokens=chat.stop_tokens)
        fleet.wait_ready(timeout_s=pod.config.server.ready_timeout_s)
        meeting = Nccl if pod.layout.gpus else Gloo
        self.weights = meeting(fleet, described, host=pod.layout.weights_host, port=pod.layout.weights_port)
        examiner = Examiner(chat, fleet, rewards, max_tokens=pod.config.max_response_tokens)
        self.sampler = Sampler(problems, examiner, pod.config)


class Run:
    """A run between two steps. Every method is called by all ranks."""

    def __init__(
        self,
        engine: "Engine",
        config: RLConfig,
        servers: Servers | None,
        stop: Stop,
        *,
        drawn: int = 0,
        skipped: int = 0,
    ) -> None:
        """`drawn` problems and `skipped` batches lie behind it."""
        self._engine, self._config, self._servers, self._stop = engine, config, servers, stop
        self._drawn, self._skipped = drawn, skipped
        self._sampled: Batch | None = None
        self._push_s = 0.0

    def before(self) -> "Row | None":
        """The row of step 0: how good the model is that the run starts from. Step 1 trains on these rollouts."""
        self._sampled = self._sample()
        return dict(self._sampled.measured) if self._sampled else None

    def advance(self, step: int) -> "Row | None":
        """Trains on a batch of rollouts, sampled with the weights as they are; the row of metrics.

        None where a stop came before the batch was whole.
        """
        from klearctl.stages.rl_update import update

        batch = self._sampled or self._sample()
        if batch is None:
            return None
        began = time.perf_counter()
        row = batch.measured | update(self._engine, batch.rollouts, self._config, step=step)
        train_s = time.perf_counter() - began
        self._sampled, self._drawn, self._skipped = None, batch.drawn, self._skipped + batch.skipped
        seconds = {"push_s": self._push_s, "train_s": train_s}
        whole_s = row["sample_s"] + sum(seconds.values())
        return row | seconds | {"tokens_per_s": row["sampled_tokens"] / whole_s, "skipped": self._skipped}

    def extra(self) -> dict[str, int]:
        """What a checkpoint adds."""
        return {"drawn": self._drawn, "skipped": self._skipped}

    def _sample(self) -> Batch | None:
        """Sends the weights to the servers and has them answer the next problems; None where the run is stopped."""
        from klearctl.train import ranks

        began = time.perf_counter()
        failed = self._push()
        self._push_s = time.perf_counter() - began
        batch = self._answered(self._servers.sampler, failed) if self._servers else None
        shared = ranks.share(batch and batch.as_json())
        return shared and Batch.from_json(shared)

    def _push(self) -> RunFailed | None:
        """What went wrong comes back: the other ranks are still gathering."""
        tensors, failed = self._engine.parameters(), None
        if self._servers:
            try:
                self._servers.weights.push(tensors, version=str(self._engine.updates))
            except RunFailed as error:
                failed = error
        for _ in tensors:  # the other ranks have their part in gathering a divided tensor
            pass
        return failed

    def _answered(self, sampler: Sampler, failed: RunFailed | None) -> Batch | None:
        try:
            with self._stop.at_once():
                try:
                    if failed:
                        raise failed
                    return sampler.next(self._drawn)
                except RunFailed:  # the servers of a run that is stopped may go before the trainer hears of it
                    threading.Event().wait(HEARSAY_S)
                    raise
        except Stopped:
            return None
