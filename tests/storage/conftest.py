"""A wire that can be watched and cut."""

from collections.abc import Iterator

import pytest

from tests.fixtures.s3 import S3
from tests.storage.proxy import Proxy, proxy_to


@pytest.fixture
def wire(s3: S3, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """A proxy before the S3 server; this process and those it starts speak through it."""
    with proxy_to(s3.env["AWS_ENDPOINT_URL"]) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
        yield proxy
