"""What a provider needs besides its code to be held to the contract: a stage on which it can answer.

For the shelf file `builtin/providers/acme.py` write `tests/conformance/stages/acme.py` with

    def stage(name: str, home: Path, clock: Clock) -> AbstractAsyncContextManager[Stage]

where `name` is that of one of its providers.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

from metier.llm.messages import Request, ToolCall
from metier.llm.provider import Provider


class Stage(Protocol):
    """A configured provider, and requests it answers in a known way.

    Attributes:
        provider: The one to hold to the contract.
        secrets: Texts that may show nowhere.
    """

    provider: Provider
    secrets: Sequence[str]

    def words(self) -> Request:
        """Give a request that is answered in words."""
        ...

    def call(self) -> Request:
        """Give a request, with tools, that is answered with at least one tool call."""
        ...

    def after(self, request: Request, calls: Sequence[ToolCall]) -> Request:
        """Give the request that follows `request`, with results for the calls; answered in words."""
        ...

    def faulty(self) -> Iterable[Request]:
        """Give requests that fail, each asked before the next is taken; none if nothing can."""
        ...
