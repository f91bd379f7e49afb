"""A judge with a real sandbox of two lanes, on each back end."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from klearctl.reward.code.judge import CodeJudge
from klearctl.reward.sandbox.pool import Sandbox
from klearctl.reward.verdict import Judged
from tests.reward.sandbox.conftest import BACK_ENDS, needs_bubblewrap

Judge = Callable[..., Judged]


@pytest.fixture(scope="package", params=BACK_ENDS)
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """Two lanes, with the usual libraries."""
    if request.param == "bubblewrap":
        needs_bubblewrap()
    with Sandbox(lanes=2, **BACK_ENDS[request.param]) as sandbox:
        yield sandbox


@pytest.fixture(scope="package")
def strongest() -> Iterator[Sandbox]:
    """As `sandbox`, on the strongest isolation of this machine alone: for what takes long."""
    with Sandbox(lanes=2) as sandbox:
        yield sandbox


@pytest.fixture(scope="package")
def judge(sandbox: Sandbox) -> Judge:
    """Judges a program, as the only block of a response."""
    code_judge = CodeJudge(sandbox)

    def judge(code: str, tests: dict, **more: Any) -> Judged:
        return code_judge.judge(f"<think></think>\n```python\n{code}\n```", tests, **more)

    return judge
