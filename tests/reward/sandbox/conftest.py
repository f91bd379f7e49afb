"""A sandbox with one lane on each back end: the one with namespaces, and the weakest that is enough without."""

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from klearctl.reward.sandbox.pool import Sandbox
from tests.reward.sandbox.world import World, around

BACK_ENDS: dict[str, dict[str, Any]] = {
    "bubblewrap": {"isolation": "bubblewrap"},
    "landlock": {"isolation": "landlock", "landlock_abi": 1},
}


def needs_bubblewrap() -> None:
    """Skips the test where there is none; the set-up installs it where it may."""
    if shutil.which("bwrap") is None:
        pytest.skip("bwrap is not installed")


@pytest.fixture(scope="package", params=BACK_ENDS)
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """One lane, without libraries."""
    if request.param == "bubblewrap":
        needs_bubblewrap()
    with Sandbox(lanes=1, libraries=(), **BACK_ENDS[request.param]) as sandbox:
        yield sandbox


@pytest.fixture(scope="package")
def world(sandbox: Sandbox) -> Iterator[World]:
    """What lies outside of it."""
    with around(sandbox) as world:
        yield world
