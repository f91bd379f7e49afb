"""A sandbox with one lane on each back end: the one with namespaces, and the weakest that is enough without."""

from collections.abc import Iterator
from typing import Any

import pytest

from klearctl.reward.sandbox.pool import Sandbox
from tests.reward.sandbox.world import World, around

BACK_ENDS: dict[str, dict[str, Any]] = {
    "bubblewrap": {"isolation": "bubblewrap"},
    "landlock": {"isolation": "landlock", "landlock_abi": 1},
}


@pytest.fixture(scope="package", params=BACK_ENDS)
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """One lane, without libraries."""
    with Sandbox(lanes=1, libraries=(), **BACK_ENDS[request.param]) as sandbox:
        yield sandbox


@pytest.fixture(scope="package")
def world(sandbox: Sandbox) -> Iterator[World]:
    """What lies outside of it."""
    with around(sandbox) as world:
        yield world
