"""The rl stage: a model and problems in, a better model out.

    push weights -> batch of rollouts -> old log-probs -> GPPO updates -> row, checkpoint; and again

Rank 0 drives: it draws problems, has the servers answer them, and sends them the weights. What a step needs
beyond the engine is how many problems were drawn, so that is all that a checkpoint adds.
"""

import os
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, cast

from klearctl import checkpoints
from klearctl.config.pod import PodConfig, read
from klearctl.config.rl import RLConfig
from klearctl.data.table import Problem, read_problems
from klearctl.reward.score import Rewards as Scheme
from klearctl.stages import program
from klearctl.stages.fetch import fetch_model
from klearctl.stages.rewards import check_answers, rewards_for
from klearctl.stages.rl_batch import check_prompts
from klearctl.stages.rl_run import Run, Servers
from klearctl.stages.sandbox import code_judge
from klearctl.train.stop import Stop

if TYPE_CHECKING:
    from klearctl.train.session import Start


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
        servers = Servers(pod, problems, chat, described, rewards) if rewards else None
        run = Run(engine, config, servers, stop, **extra)
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


if __name__ == "__main__":
    sys.exit(main())
