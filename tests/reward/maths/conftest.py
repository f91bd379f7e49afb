"""Two workers for all tests of verdicts, and what holds one of them for ever."""

from collections.abc import Iterator

import pytest

from klearctl.reward.maths.pool import Workers


@pytest.fixture(scope="session")
def workers() -> Iterator[Workers]:
    """Two at once, 10 s each."""
    with Workers(2, limit_s=10.0) as made:
        yield made
