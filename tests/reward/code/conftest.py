"""A judge with a real sandbox of two lanes, on the strongest isolation that this machine has."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from klearctl.reward.code.judge import CodeJudge
from klearctl.reward.sandbox.pool import Sandbox
from klearctl.reward.verdict import Judged

Judge = Callable[..., Judged]


@pytest.fixture(scope="package")
def sandbox() -> Iterator[Sandbox]:
    """Two lanes, with the usual libraries."""
    with Sandbox(lanes=2) as sandbox:
        yield sandbox


@pytest.fixture(scope="package")
def judge(sandbox: Sandbox) -> Judge:
    """Judges a program, as the only block of a response."""
    code_judge = CodeJudge(sandbox)

    def judge(code: str, tests: dict, **more: Any) -> Judged:
        return code_judge.judge(f"<think></think>\n```python\n{code}\n```", tests, **more)

    return judge
