"""What the tests of rollouts share: how the tiny model talks, a fleet of the session's server, a faulty server."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from klearctl.rollout.chat import Chat
from klearctl.rollout.client import Fleet
from tests.rollout.wire import Answer, wire


@pytest.fixture(scope="session")
def chat(tiny_model) -> Chat:
    """The tokenizer and template of both tiny models."""
    return Chat(tiny_model)


@pytest.fixture(scope="session")
def tokenizer(tiny_model):
    """The same tokenizer, as transformers has it."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(tiny_model)


@pytest.fixture
def fleet(vllm) -> Fleet:
    """The session's server, with the tiny model's weights."""
    return Fleet([vllm.address])


@pytest.fixture
def answering() -> Iterator[Callable[[Answer], str]]:
    """Starts a server that answers as told; its address."""
    with ExitStack() as stack:
        yield lambda answer: stack.enter_context(wire(answer))
