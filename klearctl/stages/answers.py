"""Problems put to a fleet of servers: each problem's responses and what they are worth out.

A response is judged while others are still being sampled.
"""

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING

from klearctl.data.table import Problem
from klearctl.rollout.client import Ask, Fleet, Sampled
from klearctl.stages.rewards import Rewards

if TYPE_CHECKING:
    from klearctl.rollout.chat import Chat


@dataclass(frozen=True, slots=True)
class Group:
    """All responses to one problem."""

    prompt: tuple[int, ...]
    sampled: list[Sampled]
    rewards: list[float]


class Examiner:
    """Asks the fleet, as `chat` words a problem, and has its answers judged."""

    def __init__(self, chat: "Chat", fleet: Fleet, rewards: Rewards, *, max_tokens: int) -> None:
        self._chat, self._fleet, self._rewards, self._max_tokens = chat, fleet, rewards, max_tokens

    def ask(
        self,
        problems: Sequence[Problem],
        seeds: Sequence[int],
        *,
        samples: int,
        temperature: float,
        step: int | None = None,
    ) -> list[Group]:
        """One group a problem, in their order. Where a step is named, programs face the tests of that step alone.

        Raises:
            RunFailed: no server is left, or a response cannot be judged.
        """
        asks = [
            Ask(self._chat.prompt(problem.prompt), seed, samples) for problem, seed in zip(problems, seeds, strict=True)
        ]
        judging: list[list[Future[float]]] = [[] for _ in asks]

        def judge(place: int, sampled: list[Sampled]) -> None:
            judging[place] = [
                self._rewards.start(problems[place], self._chat.text(one.tokens), cut=one.cut, step=step)
                for one in sampled
            ]

        answers = self._fleet.sample(asks, temperature=temperature, max_tokens=self._max_tokens, then=judge)
        return [
            Group(ask.prompt, sampled, [one.result() for one in rewards])
            for ask, sampled, rewards in zip(asks, answers, judging, strict=True)
        ]
