"""Objects invented for tests, the tools that search them, and a planner to ask."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from metier.builtin.providers.offline import OfflinePlanner
from metier.builtin.providers.offline.language import Language, load
from metier.builtin.providers.offline.outcome import Answer, LookUp, Outcome
from metier.builtin.providers.offline.restate import Teller
from metier.builtin.providers.offline.schema import read_schema
from metier.builtin.providers.offline.spec import Hit
from metier.builtin.providers.offline.stretches import Clockwork
from metier.builtin.providers.offline.understand import Understanding
from metier.llm.messages import (
    Chunk,
    Finish,
    Message,
    Plan,
    PlanNote,
    Request,
    Situation,
    Text,
    TextDelta,
    ToolCall,
    ToolResult,
    ToolSpec,
    user,
)
from metier.records.shape import ObjectType
from metier.testing import FrozenClock

LANGUAGE: Language = load()
NOW = "2026-11-21T10:00:00+01:00"  # a Saturday
ZONE = "Europe/Berlin"


def thing(name: str, plural: str, *fields: Mapping[str, Any], title: str = "name", **more: Any) -> ObjectType:
    """Make an object type."""
    body = {
        "name": name,
        "plural": plural,
        "label": more.pop("label", name.replace("_", " ").capitalize()),
        "label_plural": more.pop("label_plural", plural.replace("_", " ").capitalize()),
        "title": title,
        "fields": list(fields),
    }
    return ObjectType.from_json(body | more)


def column(name: str, kind: str = "text", label: str | None = None, **more: Any) -> dict[str, Any]:
    """Make a field."""
    return {"name": name, "type": kind, "label": label or name.replace("_", " ").capitalize(), **more}


def options(*labels: str) -> list[dict[str, Any]]:
    """Make options of their labels."""
    return [{"value": label.lower().replace(" ", "_"), "label": label} for label in labels]


MEMBER = thing("member", "members", column("name"), column("email", label="E-mail"))

#: A sailing school: nothing of a CRM in it.
BOAT = thing(
    "boat",
    "boats",
    column("name"),
    column("boat_class", "select", "Class", options=options("Dinghy", "Cruiser", "Catamaran")),
    column("length_m", "number", "Length", unit="m", decimals=1),
    column("berths", "number", "Berths"),
    column("price", "currency", "Daily price"),
    column("launched_on", "date", "Launched"),
    column("home_port", "text", "Home port"),
    column("insured", "boolean", "Insured"),
    column("skipper", "relation", "Skipper", target="sailor"),
    aliases=["vessel"],
)
SAILOR = thing(
    "sailor",
    "sailors",
    column("name", "full_name"),
    column("emails", "emails", "E-mails"),
    column("homepage", "links", "Homepage"),
    column("rank", "select", "Rank", options=options("Novice", "Mate", "Captain")),
    column("birthday", "date", "Birthday"),
    column("miles", "number", "Miles sailed"),
    column("town", "text", "Town"),
    column("mentor", "relation", "Mentor", target="member"),
)
TRIP = thing(
    "trip",
    "trips",
    column("title"),
    column("state", "select", "State", options=options("Planned", "Under way", "Finished"), terminal=["finished"]),
    column("departs_at", "date_time", "Departure"),
    column("fee", "currency", "Fee"),
    column("boat", "relation", "Boat", target="boat"),
    column("leader", "relation", "Leader", target="sailor"),
    column("summary", "text", "Summary"),
    title="title",
)
OBJECTS = (BOAT, SAILOR, TRIP, MEMBER)


def find_tool(kind: ObjectType, objects: Sequence[ObjectType]) -> ToolSpec:
    """Make the tool that finds an object's records."""
    targets = {f.target for f in kind.fields if f.target}
    related = {other.name: other.to_json() for other in objects if other.name in targets}
    note = {"kind": "find", "object": kind.to_json(), "objects": related}
    return ToolSpec(f"find_{kind.plural}", "", {"type": "object"}, note)


def writing_tools(
    objects: Sequence[ObjectType], verbs: Sequence[str] = ("create", "update", "delete")
) -> list[ToolSpec]:
    """Make the writing tools for objects, and the one that asks."""
    tools = [ToolSpec("ask_person", "", {"type": "object"}, {"kind": "ask"})]
    for kind in objects:
        fields = [field.name for field in kind.fields if not field.system]
        for verb in verbs if kind.name != "member" else ():
            note = {"kind": verb, "object": kind.name, "fields": [] if verb == "delete" else fields}
            note |= {"restored_by": f"restore_{kind.name}"} if verb == "delete" else {}
            tools.append(ToolSpec(f"{verb}_{kind.name}", "", {"type": "object"}, note))
    return tools


def tools_for(objects: Sequence[ObjectType], *, search: bool = True) -> list[ToolSpec]:
    """Make the reading tools for objects."""
    tools = [find_tool(kind, objects) for kind in objects]
    for kind in objects:
        note = {"kind": "find_one", "object": kind.to_json(), "objects": {}}
        tools.append(ToolSpec(f"find_one_{kind.name}", "", {"type": "object"}, note))
    if search:
        tools.append(ToolSpec("search_records", "", {"type": "object"}, {"kind": "search"}))
    return tools


def clockwork(now: str = NOW, zone: str = ZONE, locale: str = "en") -> Clockwork:
    """Make what time expressions are read with."""
    where = ZoneInfo(zone)
    return Clockwork(datetime.fromisoformat(now).astimezone(where), where, LANGUAGE, locale)


def understanding(objects: Sequence[ObjectType] = OBJECTS, *, search: bool = True) -> Understanding:
    """Make the part that reads questions."""
    return Understanding(read_schema(tools_for(objects, search=search)), LANGUAGE)


def teller(kind: str, within: Understanding, clock: Clockwork | None = None) -> Teller:
    """Make the part that restates."""
    return Teller(within.schema.objects[kind], within.schema, clock or clockwork())


def planned(question: str, within: Understanding, clock: Clockwork | None = None) -> Answer:
    """Understand a question that needs no look-up, or fail."""
    outcome = within.outcome(question, clock or clockwork())
    assert isinstance(outcome, Answer), f"{question!r}: {outcome}"
    return outcome


def settled(
    question: str, within: Understanding, records: Sequence[Hit] = (), clock: Clockwork | None = None
) -> tuple[Outcome, dict[str, tuple[Hit, ...]]]:
    """Understand a question as the provider does: names are looked up among `records` once."""
    known: dict[str, tuple[Hit, ...]] = {}
    outcome = within.outcome(question, clock or clockwork(), known=known)
    if isinstance(outcome, LookUp):
        for name in outcome.names:
            words = name.casefold().split()
            hits = tuple(hit for hit in records if all(word in hit.label.casefold() for word in words))
            known[" ".join(words)] = hits
            known.update({hit.label.casefold(): (hit,) for hit in hits if hit.label.casefold() not in known})
        outcome = within.outcome(question, clock or clockwork(), known=known)
    return outcome, known


@dataclass
class Talk:
    """A conversation with the planner, with tools that answer from a table.

    Attributes:
        answers: Result of a tool by its name; `search_records` takes results by text.
        failures: Message of a tool that fails, by its name.
        records: Records that `search_records` finds by any of their words.
        writes: Whether there are tools that write.
    """

    objects: Sequence[ObjectType] = OBJECTS
    answers: Mapping[str, Any] = field(default_factory=dict[str, Any])
    failures: Mapping[str, str] = field(default_factory=dict[str, str])
    records: Sequence[Hit] = ()
    writes: bool = False
    now: str = NOW
    zone: str = ZONE
    locale: str = "en"

    def __post_init__(self) -> None:
        self.planner = OfflinePlanner(FrozenClock())
        self.tools = tools_for(self.objects) + (writing_tools(self.objects) if self.writes else [])
        self.messages: list[Message] = []
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.plans: list[Mapping[str, Any]] = []

    async def ask(self, question: str) -> str:
        """Say something; give the planner's words after all its tool calls."""
        self.messages.append(user(question))
        self.calls, self.plans = [], []
        for _ in range(8):
            chunks = await self.chunks()
            said = self._keep(chunks)
            if not any(isinstance(chunk, ToolCall) for chunk in chunks):
                return said
        raise AssertionError("the planner calls tools for ever")

    async def chunks(self) -> list[Chunk]:
        """Ask the provider for the next message."""
        situation = Situation(self.now, self.zone, self.locale, "Ada Park", "m1")
        request = Request("offline/planner", self.messages, tools=self.tools, situation=situation)
        found = [chunk async for chunk in self.planner.stream(request)]
        assert isinstance(found[-1], Finish)
        assert sum(isinstance(chunk, Finish) for chunk in found) == 1
        return found

    def _keep(self, chunks: Sequence[Chunk]) -> str:
        said = "".join(chunk.text for chunk in chunks if isinstance(chunk, TextDelta))
        said = said.replace("\N{NO-BREAK SPACE}", " ")  # between the parts of a date
        calls = [chunk for chunk in chunks if isinstance(chunk, ToolCall)]
        plans = [Plan(chunk.plan) for chunk in chunks if isinstance(chunk, PlanNote)]
        self.plans += [plan.plan for plan in plans]
        self.messages.append(Message("assistant", (*plans, *calls, *((Text(said),) if said else ()))))
        if calls:
            results = tuple(ToolResult(call.id, call.name, self._run(call)) for call in calls)
            self.messages.append(Message("tool", results))
        return said

    def _run(self, call: ToolCall) -> dict[str, Any]:
        arguments: dict[str, Any] = orjson.loads(call.raw)
        self.calls.append((call.name, arguments))
        if call.name in self.failures:
            text = self.failures[call.name]
            return {"success": False, "message": text, "error": {"error": "Forbidden", "message": text}}
        result = self.answers.get(call.name, {})
        if call.name == "ask_person":
            result = {"answer": result}
        if call.name == "search_records":
            result = {"hits": result.get(arguments["text"], self._hits(arguments["text"]))}
        if call.name.startswith(("create_", "update_", "delete_", "restore_")):
            result = self.answers.get(call.name, {"changes": [], "change_id": None})
        return {"success": True, "message": "", "result": result}

    def _hits(self, text: str) -> list[dict[str, str]]:
        words = text.casefold().split()
        found = [hit for hit in self.records if all(word in hit.label.casefold() for word in words)]
        return [{"object": hit.object, "id": hit.id, "label": hit.label} for hit in found]
