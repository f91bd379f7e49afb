"""Waits for what a test has brought about."""

import select
import time
from collections.abc import Callable
from typing import Any

LIMIT_S = 60.0


def until(condition: Callable[[], Any]) -> Any:
    """What the condition gives, once it gives something."""
    end = time.monotonic() + LIMIT_S
    while not (found := condition()):
        assert time.monotonic() < end, "it did not come about"
        select.select([], [], [], 0.01)
    return found
