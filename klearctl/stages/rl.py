"""The rl stage: a model and problems in, a better model out.

    push weights -> batch of rollouts -> old log-probs -> GPPO updates -> row, checkpoint; and again

Rank 0 drives: it draws problems, has the servers answer them, and sends them the weights. What a step needs
beyond the engine is how many problems were drawn, so that is all that a checkpoint adds.
"""

import os
import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, cast

from klearctl import checkpoints
from klearctl.config.pod import PodConfig, read
from klearctl.config.rl import RLConfig
from klearctl.data.table import Problem, read_problems
from klearctl.reward.score import Rewards as Scheme
from klearctl.rollout.client import Fleet
from klearctl.stages import program
from klearctl.stages.answers import Examiner
from klearctl.stages.fetch import fetch_model
from klearctl.stages.rewards import Rewards, check_answers, rewards_for
from klearctl.stages.rl_batch import Batch, Sampler, check_prompts
from klearctl.stages.sandbox import code_judge
from klearctl.train.stop import Stop

if TYPE_CHECKING:
    from klearctl.rollout.chat import Chat
    from klearctl.rollout.weights import Described
    from klearctl.train.engine import Engine
    from klearctl.train.session import Row, Start


def main(argv: Sequence[str] | None = None) -> int:
    """Trains the run of `--config`, or goes on with it; returns the exit code (85: stopped after a checkpoint)."""
    stop = Stop()
    words = program.arguments("rl").parse_args(argv)
    return program.run(lambda: rl(read(words.config, RLConfig), stop))


def rl(pod: PodConfig[RLConfig], stop: Stop) -> None:
    """Every step that is left of the run, then its result."""
    config = pod.config
    problems = read_problems(checkpoints.resolve_data(config.data, pod.bucket, "rl"))
    if os.environ.get("RANK", "0") == "0":
        check_answers(problems)
    from klearctl.train import ranks, session

    if not session.finished(pod, config.steps):
        ranks.join(gpus=bool(pod.layout.gpus))
        begun = session.start(pod, lambda folder: fetch_model(config.model, pod.bucket, folder))
        _train(pod, begun, problems, stop)
        ranks.leave()
    session.finish(pod, config.steps)


def _train(pod: PodConfig[RLConfig], begun: "Start", problems: Sequence[Problem], stop: Stop) -> None:
    from klearctl.rollout.chat import Chat
    from klearctl.rollout.weights import describe
    from klearctl.train import session

    config = pod.config
    chat = Chat(begun.model_dir)
    check_prompts(problems, chat, config)
    engine = session.engine(
        begun,
        config.trainer,
        config.optimizer,
        total_steps=config.steps * config.updates_per_batch,
        seed=config.seed,
        temperature=config.temperature,
    )
    extra = begun.resume(engine)
    described = describe(engine.parameters())
    leads = engine.rank == 0
    judged = rewards_for(problems, cast(Scheme, config.rewards), lambda: code_judge(pod)) if leads else nullcontext()
    with judged as rewards:
        run = Run(engine, config, Servers(pod, problems, chat, described, rewards) if rewards else None, **extra)
        session.loop(
            engine,
            pod,
            begun,
            trainer=config.trainer,
            steps=config.steps,
            stop=stop,
            advance=run.advance,
            extra=run.extra,
            first=run.before() if begun.fresh else None,
        )


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
        self, engine: "Engine", config: RLConfig, servers: Servers | None, *, drawn: int = 0, skipped: int = 0
    ) -> None:
        """`drawn` problems and `skipped` batches lie behind it."""
        self._engine, self._config, self._servers = engine, config, servers
        self._drawn, self._skipped = drawn, skipped
        self._sampled: Batch | None = None
        self._push_s = 0.0

    def before(self) -> "Row":
        """The row of step 0: how good the model is that the run starts from. Step 1 trains on these rollouts."""
        self._sampled = self._sample()
        return dict(self._sampled.measured)

    def advance(self, step: int) -> "Row":
        """Trains on a batch of rollouts, sampled with the weights as they are; the row of metrics."""
        from klearctl.stages.rl_update import update

        batch = self._sampled or self._sample()
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

    def _sample(self) -> Batch:
        """Sends the weights to the servers and has them answer the next problems."""
        from klearctl.train import ranks

        began = time.perf_counter()
        self._push()
        self._push_s = time.perf_counter() - began
        return Batch.from_json(
            ranks.share(self._servers.sampler.next(self._drawn).as_json() if self._servers else None)
        )

    def _push(self) -> None:
        tensors = self._engine.parameters()
        if self._servers:
            self._servers.weights.push(tensors, version=str(self._engine.updates))
        for _ in tensors:  # the other ranks have their part in gathering a divided tensor
            pass


if __name__ == "__main__":
    sys.exit(main())
