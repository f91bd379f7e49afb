"""A batch of rollouts: how many problems were drawn so far in, groups with rewards and advantages out.

    draw -> prompts -> rollouts -> rewards -> advantages, without the groups whose rewards are all equal

Rank 0 alone samples; the others get the batch from it.
"""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from klearctl.benchmarks.scores import average, standard_error
from klearctl.config.rl import RLConfig
from klearctl.data.table import Problem
from klearctl.errors import ConfigError, RunFailed
from klearctl.rollout.cursor import draw
from klearctl.rollout.seeds import seed_of
from klearctl.stages.answers import Examiner, Group

if TYPE_CHECKING:
    from klearctl.rollout.chat import Chat


@dataclass(frozen=True, slots=True)
class Rollout:
    """One response that is trained on."""

    prompt: tuple[int, ...]
    response: tuple[int, ...]
    server_logprobs: tuple[float, ...]
    """Of the response's tokens, as the server had them."""

    reward: float
    advantage: float


@dataclass(frozen=True, slots=True)
class Batch:
    """The rollouts of the groups that were kept, and what was measured over all that were sampled for them."""

    rollouts: list[Rollout]
    drawn: int
    """Problems drawn since the run began, this batch's among them."""

    skipped: int
    """Batches before this one, since the last step, that had no group to keep."""

    measured: dict[str, float]

    def as_json(self) -> dict[str, Any]:
        """For the other ranks."""
        return asdict(self)

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> "Batch":
        """What `as_json` gave."""
        rollouts = [
            Rollout(
                tuple(one["prompt"]),
                tuple(one["response"]),
                tuple(one["server_logprobs"]),
                one["reward"],
                one["advantage"],
            )
            for one in raw["rollouts"]
        ]
        return cls(**raw | {"rollouts": rollouts})


class Sampler:
    """Draws problems and has them answered."""

    def __init__(self, problems: Sequence[Problem], examiner: Examiner, config: RLConfig) -> None:
        self._problems, self._examiner, self._config = problems, examiner, config

    def next(self, drawn: int) -> Batch:
        """The next batch that has something to learn from.

        Raises:
            RunFailed: too many in a row have nothing; or the servers are gone.
        """
        began = time.perf_counter()
        groups: list[Group] = []
        for skipped in range(self._config.max_skipped_batches):
            found = self._sample(drawn)
            groups += found
            drawn += self._config.prompts_per_step
            rollouts = keep(found)
            if rollouts:
                measured = measure(groups, rollouts, seconds=time.perf_counter() - began)
                return Batch(rollouts, drawn, skipped, measured)
            print(f"skipped a batch: {tally(found)}", flush=True)
        raise RunFailed(
            f"{self._config.max_skipped_batches} batches in a row had no group with two different rewards;"
            f" together: {tally(groups)}",
            fix="start from a better model, or choose problems that it solves now and then",
        )

    def _sample(self, drawn: int) -> list[Group]:
        config = self._config
        places = draw(len(self._problems), drawn, config.prompts_per_step, seed=config.seed)
        problems = [self._problems[place] for place in places]
        seeds = [seed_of(config.seed, "rl", drawn + place, problem.id) for place, problem in enumerate(problems)]
        return self._examiner.ask(
            problems,
            seeds,
            samples=config.group_size,
            temperature=config.temperature,
            step=drawn,  # no two batches have the same, skipped ones among them
        )


def check_prompts(problems: Sequence[Problem], chat: "Chat", config: RLConfig) -> None:
    """Raises ConfigError where there is no problem, or one whose prompt is too long."""
    if not problems:
        raise ConfigError(f"{config.data} has no problems", fix="curate more of them")
    for problem in problems:
        tokens = len(chat.prompt(problem.prompt))
        if tokens > config.max_prompt_tokens:
            raise ConfigError(
                f"the prompt of {problem.id} has {tokens} tokens, max_prompt_tokens is {config.max_prompt_tokens}",
                fix=f"max_prompt_tokens = {tokens}, or leave the problem out",
            )


def keep(groups: Sequence[Group]) -> list[Rollout]:
    """The rollouts of the groups whose rewards differ."""
    import torch

    from klearctl.train.advantage import group_advantages

    advantages_PG, keep_P = group_advantages(torch.tensor([group.rewards for group in groups]))
    return [
        Rollout(group.prompt, one.tokens, one.logprobs, reward, advantage)
        for group, advantages, kept in zip(groups, advantages_PG.tolist(), keep_P.tolist(), strict=True)
        for one, reward, advantage in zip(group.sampled, group.rewards, advantages, strict=True)
        if kept
    ]


def measure(groups: Sequence[Group], rollouts: Sequence[Rollout], *, seconds: float) -> dict[str, float]:
    """What a row of metrics says of a batch; the reward is that of all rollouts, those of dropped groups too."""
    sampled = [one for group in groups for one in group.sampled]
    tokens = sum(len(one.tokens) for one in sampled)
    solved = [[float(reward == 1.0) for reward in group.rewards] for group in groups]  # what eval counts
    return {
        "reward": sum(sum(group.rewards) for group in groups) / len(sampled),
        "reward_stderr": standard_error([group.rewards for group in groups]),
        "solved": average(solved),
        "solved_stderr": standard_error(solved),
        "groups": len(groups),
        "kept_groups": sum(len(set(group.rewards)) > 1 for group in groups),
        "response_len": tokens / len(sampled),
        "truncated": sum(one.cut for one in sampled) / len(sampled),
        "sampled_tokens": tokens,
        "trained_tokens": sum(len(one.response) for one in rollouts),
        "sample_s": seconds,
    }


def tally(groups: Sequence[Group]) -> str:
    """How many groups have which rewards, in words."""
    counts: dict[float, int] = {}
    for group in groups:
        mean = sum(group.rewards) / len(group.rewards)
        counts[mean] = counts.get(mean, 0) + 1
    return ", ".join(f"{count} groups of mean reward {mean:.3f}" for mean, count in sorted(counts.items()))
