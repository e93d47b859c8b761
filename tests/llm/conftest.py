"""A server that speaks the real protocol, and a provider that asks it."""

from collections.abc import Callable

import pytest

from metier.builtin.providers.openai.driver import LIMITS, ChatCompletions
from metier.egress import Egress
from metier.testing.faults import ModelServer
from tests.llm.wire import KEY


@pytest.fixture
async def server():
    """A model server with an empty script."""
    async with ModelServer() as opened:
        yield opened


@pytest.fixture
async def egress():
    """The guarded way out."""
    async with Egress() as opened:
        yield opened


@pytest.fixture
def make(server, egress, clock) -> Callable[..., ChatCompletions]:
    """Make a provider for the server."""

    def make(**given) -> ChatCompletions:
        usual = {
            "base_url": server.base_url,
            "key": KEY,
            "listed": [],
            "token_limit": "max_tokens",
            "egress": egress.trusting(server.base_url),
            "clock": clock,
            "limits": LIMITS,
            "jitter": lambda: 1.0,
        }
        return ChatCompletions("compatible", **(usual | given))

    return make


@pytest.fixture
def provider(make) -> ChatCompletions:
    """A provider for the server."""
    return make()
