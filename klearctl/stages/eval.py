"""The eval stage: models and held-out problems in, a table out.

    problems -> this index's share -> for each model: weights into the server -> answers -> rewards -> share
    all shares -> table

Each index of the Job has a server of its own beside it and judges every model on its share of the problems. A share
is written once for each model, so an index that is started again judges only what is missing. Whoever finds all
shares there writes the table; two who do write the same.
"""

import os
import shutil
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from klearctl import checkpoints, records, storage
from klearctl.config.eval import EvalConfig
from klearctl.config.pod import PodConfig, read
from klearctl.data.table import Problem, read_problems
from klearctl.errors import ConfigError
from klearctl.rollout.chat import Chat
from klearctl.rollout.client import Fleet
from klearctl.rollout.seeds import seed_of
from klearctl.rollout.weights import push_files
from klearctl.stages import eval_shares as shares
from klearctl.stages import program
from klearctl.stages.answers import Examiner, Group
from klearctl.stages.eval_table import Judged, key, table
from klearctl.stages.fetch import fetch_model
from klearctl.stages.rewards import Rewards, check_answers, rewards_for
from klearctl.stages.sandbox import code_judge_here
from klearctl.train.stop import Stop

SHOWN = 3  # problems whose answers are shown


def main(argv: Sequence[str] | None = None) -> int:
    """Judges the share of the index in JOB_COMPLETION_INDEX; returns the exit code (85: stopped, shares are kept)."""
    Stop()
    parser = program.arguments("eval")
    parser.add_argument("--models", type=Path, default=Path("/models"), help="a folder that the server reads too")
    parser.add_argument("--server", default="", help="the server of this pod, where the layout names none")
    words = parser.parse_args(argv)
    index = int(os.environ.get("JOB_COMPLETION_INDEX", "0"))
    return program.run(lambda: evaluate(read(words.config, EvalConfig), index, words.server, words.models))


def evaluate(pod: PodConfig[EvalConfig], index: int, beside: str, models: Path) -> None:
    """The index's share of every model, and the table if all other shares are there.

    `beside` is the server of this pod, used where the layout names none.

    Raises:
        ConfigError: there are no problems, or no such model.
        RunFailed: the server is gone.
    """
    problems = _problems(pod)
    missing = [label for label in pod.config.models if not storage.exists(shares.address(pod, label, index))]
    if missing:
        with ExitStack() as stack:
            rewards = stack.enter_context(
                rewards_for(problems, "binary", lambda: code_judge_here(pod.config.sandbox))  # all tests count
            )
            judge = Judge(pod, index, problems, pod.layout.servers or (beside,), models, rewards)
            metrics = stack.enter_context(_metrics(pod)) if index == 0 else None  # one row a round, not one an index
            for label in missing:
                judged = judge.judge(label, metrics)
                storage.write_json(shares.address(pod, label, index), [asdict(one) for one in judged])
    judgements = shares.whole(pod)
    if judgements:
        samples = [_show(problems[place], place, judgements) for place in shown(problems)]
        records.write_result(pod.prefix, table(judgements, pod.config) | {"samples": samples})


class Judge:
    """One index: its share of the problems and its servers."""

    def __init__(
        self,
        pod: PodConfig[EvalConfig],
        index: int,
        problems: Sequence[Problem],
        servers: Sequence[str],
        models: Path,
        rewards: Rewards,
    ) -> None:
        self._pod, self._config, self._servers, self._rewards = pod, pod.config, servers, rewards
        self._mine = list(enumerate(problems))[index :: pod.layout.indexes]
        self._shown = shown(problems)
        self._models = models / f"judged-{index}"

    def judge(self, label: str, metrics: records.MetricsWriter | None) -> list[Judged]:
        """What the model of that label makes of the problems; a row of metrics for each temperature."""
        folder = self._models / label
        fetch_model(self._config.models[label], self._pod.bucket, folder)
        chat = Chat(folder)
        fleet = Fleet(self._servers, stop_tokens=chat.stop_tokens)
        fleet.wait_ready(timeout_s=self._config.server.ready_timeout_s)
        files = sorted(folder.glob("*.safetensors"))
        if not files:
            raise ConfigError(f"{self._config.models[label]} has no .safetensors", fix="save it in that format")
        push_files(fleet, files, version=label)
        examiner = Examiner(chat, fleet, self._rewards, max_tokens=self._config.max_response_tokens)
        before = list(self._config.models).index(label) * len(self._config.temperatures)
        rounds: list[list[Group]] = []
        for step, temperature in enumerate(self._config.temperatures, start=before + 1):
            began = time.perf_counter()
            rounds.append(self._ask(examiner, temperature))
            if metrics:
                row = _row(rounds[-1], began)  # of this index's share
                metrics.write(step=step, model=label, temperature=temperature, judged=len(self._mine), **row)
        if metrics:
            metrics.flush()
        shutil.rmtree(folder)
        return [
            self._judged(placed, groups, chat)
            for placed, groups in zip(self._mine, zip(*rounds, strict=True), strict=True)
        ]

    def _ask(self, examiner: Examiner, temperature: float) -> list[Group]:
        """Each problem's samples. Their seeds know nothing of the model: all models are judged with the same."""
        problems = [problem for _, problem in self._mine]
        seeds = [seed_of(self._config.seed, "eval", key(temperature), problem.id) for problem in problems]
        samples = self._config.samples if temperature > 0 else 1
        return examiner.ask(problems, seeds, samples=samples, temperature=temperature)

    def _judged(self, placed: tuple[int, Problem], groups: Sequence[Group], chat: Chat) -> Judged:
        """One problem's answers, at every temperature."""
        place, problem = placed
        temperatures = map(key, self._config.temperatures)
        return Judged(
            place=place,
            task=problem.task,
            rewards=dict(zip(temperatures, (group.rewards for group in groups), strict=True)),
            cut=sum(one.cut for group in groups for one in group.sampled),
            text=chat.text(groups[0].sampled[0].tokens) if place in self._shown else "",
        )


def shown(problems: Sequence[Problem]) -> list[int]:
    """The places of the problems whose answers are shown: the first of each task, then the first of all."""
    first: dict[str, int] = {}
    for place, problem in enumerate(problems):
        first.setdefault(problem.task, place)
    return sorted([*first.values(), *(place for place in range(len(problems)) if place not in first.values())][:SHOWN])


def _row(groups: Sequence[Group], began: float) -> dict[str, float]:
    rewards = [reward for group in groups for reward in group.rewards]
    tokens = sum(len(one.tokens) for group in groups for one in group.sampled)
    return {
        "reward": sum(rewards) / max(1, len(rewards)),
        "tokens_per_s": tokens / (time.perf_counter() - began),
    }


def _problems(pod: PodConfig[EvalConfig]) -> list[Problem]:
    address = checkpoints.resolve_data(pod.config.data, pod.bucket, "heldout")
    problems = read_problems(address)[: pod.config.problems or None]
    if not problems:
        raise ConfigError(f"{address} has no problems", fix="curate more of them")
    check_answers(problems)
    return problems


def _metrics(pod: PodConfig[EvalConfig]) -> records.MetricsWriter:
    return records.MetricsWriter(
        pod.prefix,
        stage="eval",
        attempt=records.claim_attempt(pod.prefix),
        steps=len(pod.config.models) * len(pod.config.temperatures),
        interval_s=pod.config.metrics_interval_s,
    )


def _show(problem: Problem, place: int, judgements: dict[str, list[Judged]]) -> dict[str, Any]:
    """A problem beside each model's first answer to it."""
    first = {label: judged[place] for label, judged in judgements.items()}
    return {
        "prompt": problem.prompt,
        "answer": problem.answer,
        "responses": {
            label: {"text": one.text, "reward": next(iter(one.rewards.values()))[0]} for label, one in first.items()
        },
    }


if __name__ == "__main__":
    sys.exit(main())
