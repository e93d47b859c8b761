"""What a model provider is. Concrete ones are files in `builtin/providers/` or installed packages."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from metier.llm.messages import Chunk, Request


@dataclass(frozen=True)
class LongContext:
    """Prices of a whole call whose input is larger than `over_tokens`; in micro-dollars per million tokens."""

    over_tokens: int
    input_micros: int
    output_micros: int
    cached_micros: int | None = None


@dataclass(frozen=True)
class ModelInfo:
    """One model a provider offers.

    Attributes:
        id: `provider/name`, e.g. `openai/gpt-4.1`.
        input_micros, output_micros, cached_micros: Price in micro-dollars per million tokens; None if unknown.
        ai: False for rules that only look like a model (the offline planner): pages say so.
        long_context: Other prices for long questions, or None.
    """

    id: str
    label: str = ""
    context_tokens: int | None = None
    input_micros: int | None = None
    output_micros: int | None = None
    cached_micros: int | None = None
    ai: bool = True
    long_context: LongContext | None = None


class Provider(Protocol):
    """Answers requests to the models of one vendor or server.

    Semantics every provider keeps (the conformance suite in `tests/conformance/` holds them):
    - `stream` yields deltas in order, each ToolCall once and whole, and ends with exactly one Finish.
    - A tool call's `raw` arguments are passed on unread and unrepaired.
    - A stream that ends early raises `ProviderDown(kind="cut_off")`; it never yields Finish.
    - Every failure is a `ProviderDown` with its kind; nothing of the API key is in it.
    - Nothing is retried after the first chunk was yielded. Before it, retryable faults are tried again with
      back-off, honouring the server's Retry-After up to 20 s, three tries in all.
    - Closing the iterator early (`aclose`) closes the connection.
    """

    name: str

    def models(self) -> list[ModelInfo]:
        """Give the models that are configured; no network."""
        ...

    def stream(self, request: Request) -> AsyncGenerator[Chunk, None]:
        """Ask a model."""
        ...

    async def aclose(self) -> None:
        """Let go of connections."""
        ...


@runtime_checkable
class OpenEnded(Protocol):
    """What a provider also is if its vendor has models that `models()` does not list."""

    def named(self, name: str) -> ModelInfo:
        """Describe the vendor's model of this name, listed or not; no network."""
        ...
