"""The offline planner, with one object it has never heard of."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from metier.builtin.providers.offline import providers
from metier.clock import Clock
from metier.llm.messages import Message, Request, Situation, ToolCall, ToolResult, ToolSpec, user
from metier.llm.provider import Provider
from metier.records.shape import Field, FieldType, ObjectType

BOAT = ObjectType("boat", "boats", "Boat", "Boats", "name", (Field("name", "Name", FieldType.TEXT),))
FIND = ToolSpec("find_boats", "Find boats.", {"type": "object"}, {"kind": "find", "object": BOAT.to_json()})
RESULT = {
    "object": "boat",
    "records": [{"id": "00000000-0000-7000-8000-000000000001", "name": "Albatross"}],
    "total": 1,
    "total_capped": False,
    "next_cursor": None,
    "filter": "",
}


@dataclass
class Rules:
    """The planner and its one tool."""

    provider: Provider
    clock: Clock
    secrets: Sequence[str] = ()

    def words(self) -> Request:
        """Ask what needs no tool."""
        return self._ask("What can you do?")

    def call(self) -> Request:
        """Ask for records."""
        return self._ask("Show all boats")

    def after(self, request: Request, calls: Sequence[ToolCall]) -> Request:
        """Answer the calls with a boat."""
        output = {"success": True, "message": "1 boat", "result": RESULT}
        results = tuple(ToolResult(call.id, call.name, output) for call in calls)
        more = (Message("assistant", tuple(calls)), Message("tool", results))
        return replace(request, messages=(*request.messages, *more))

    def faulty(self) -> Sequence[Request]:
        """Nothing can fail: there is nobody to ask."""
        return ()

    def _ask(self, question: str) -> Request:
        situation = Situation(self.clock.now().isoformat())
        return Request("offline/planner", (user(question),), tools=(FIND,), situation=situation)


@asynccontextmanager
async def stage(name: str, home: Path, clock: Clock) -> AsyncGenerator[Rules, None]:
    """Make the planner."""
    (provider,) = providers(None, None, clock)
    yield Rules(provider, clock)
