"""Asking a provider, for tests."""

from collections.abc import Sequence
from contextlib import aclosing

from metier.llm.messages import Chunk, ReasoningDelta, Request, TextDelta, user
from metier.llm.provider import Provider

KEY = "sk-canary-7f3a"


def ask(*messages, **fields) -> Request:
    """Build a request."""
    return Request("compatible/test", messages or (user("Hello"),), **fields)


async def answer(provider: Provider, request: Request | None = None) -> list[Chunk]:
    """Ask, and give all chunks."""
    async with aclosing(provider.stream(request or ask())) as stream:
        return [chunk async for chunk in stream]


async def partly(provider: Provider, request: Request | None = None) -> tuple[list[Chunk], Exception | None]:
    """Ask, and give the chunks that came before the fault, and the fault."""
    chunks: list[Chunk] = []
    try:
        async with aclosing(provider.stream(request or ask())) as stream:
            async for chunk in stream:
                chunks += [chunk]
    except Exception as fault:  # noqa: BLE001 - what was raised is what the test looks at
        return chunks, fault
    return chunks, None


def text_of(chunks: Sequence[Chunk]) -> str:
    """Give the words of an answer."""
    return "".join(chunk.text for chunk in chunks if isinstance(chunk, TextDelta))


def thought_of(chunks: Sequence[Chunk]) -> str:
    """Give the reasoning of an answer."""
    return "".join(chunk.text for chunk in chunks if isinstance(chunk, ReasoningDelta))
