"""The wire driver's three providers, before a server that speaks the real protocol."""

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from metier.builtin.providers.openai import providers
from metier.clock import Clock
from metier.egress import Egress
from metier.llm.messages import Message, Request, ToolCall, ToolResult, ToolSpec, user
from metier.llm.provider import Provider
from metier.settings import Settings
from metier.testing.faults import Call, ModelServer, Reply, calls, fails, hangs_up, says, stream

KEY = "sk-canary-51d0"
FIND = ToolSpec("find_companies", "Find companies.", {"type": "object", "properties": {"limit": {"type": "integer"}}})

FAULTS: Sequence[Reply] = (
    *(fails(status, f"no, {KEY}") for status in (400, 401, 404, 413, 429, 500)),
    hangs_up(),
    says("Two companies").cut(300),
    calls(Call("find_companies", '{"limit": 2}')).cut(300, clean=True),
    stream([b"{oops"]),
    stream([{"error": {"message": f"overloaded, {KEY}"}}]),
)


@dataclass
class Vendor:
    """One of the providers and the server it asks."""

    provider: Provider
    server: ModelServer
    secrets: Sequence[str] = (KEY,)

    @property
    def question(self) -> Request:
        """Any question."""
        return Request(f"{self.provider.name}/test", (user("Two companies?"),), system="Be brief.", tools=(FIND,))

    def words(self) -> Request:
        """Script an answer in words."""
        self.server.then(says("Two companies: Acme and Größe.", thinking="Let me see."))
        return self.question

    def call(self) -> Request:
        """Script two calls."""
        self.server.then(calls(Call("find_companies", '{"limit": 2}'), Call("find_companies", "{}")))
        return self.question

    def after(self, request: Request, calls: Sequence[ToolCall]) -> Request:
        """Script the answer to results."""
        self.server.then(says("Acme and Größe."))
        results = tuple(ToolResult(call.id, call.name, {"success": True, "message": "2"}) for call in calls)
        more = (Message("assistant", tuple(calls)), Message("tool", results))
        return replace(request, messages=(*request.messages, *more))

    def faulty(self) -> Iterator[Request]:
        """Script each fault as often as it may be tried."""
        for reply in FAULTS:
            self.server.only(*[reply] * 3)
            yield self.question
        self.server.only()


@asynccontextmanager
async def stage(name: str, home: Path, clock: Clock) -> AsyncGenerator[Vendor, None]:
    """Start the server and configure the provider of this name."""
    async with ModelServer() as server, Egress() as egress:
        settings = Settings.for_tests(
            home,
            openai_api_key=KEY,
            openai_base_url=server.base_url,
            xai_api_key=KEY,
            xai_base_url=server.base_url,
            openai_compatible_base_url=server.base_url,
            openai_compatible_api_key=KEY,
        )
        found = {provider.name: provider for provider in providers(settings, egress, clock)}
        yield Vendor(found[name], server)
