"""A whole Metier for tests: real PostgreSQL, a scripted model, a clock that stands still.

`async with open_house(agents=[clerk]) as house: events = await house.ask("…", model=script)`
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast
from uuid import UUID

from metier.actor import Action, Actor
from metier.agents import Agent
from metier.app import Metier
from metier.clock import Clock
from metier.events import Event, EventType
from metier.settings import Settings
from metier.testing.clock import FrozenClock
from metier.testing.script import Script, ScriptedModel
from metier.tools import Toolset

NAME = "Test"  # of the workspace
IDS_OF_FURNISHING = 1_000  # at the most, that founding a workspace and loading the sample take from a clock


@dataclass(frozen=True)
class Told:
    """One event, with short words for what tests ask of it."""

    event: Event

    @property
    def data(self) -> dict[str, Any]:
        """The event's data."""
        return self.event.data

    @property
    def error(self) -> str | None:
        """The error's name in a `tool_result`, `error` or `complete` event."""
        found = self.data.get("error")
        if isinstance(found, dict):
            return str(cast("dict[str, Any]", found)["error"])
        return found

    def names(self) -> list[str]:
        """The records a `find_…` tool gave, by their title."""
        return [_title(record) for record in self.data["result"]["records"]]


class Events(list[Event]):
    """The events of a run."""

    def kinds(self) -> list[str]:
        """Give the types in order, repeats folded, `usage` left out."""
        kinds: list[str] = []
        for event in self:
            if event.type is not EventType.USAGE and (not kinds or kinds[-1] != event.type.value):
                kinds.append(event.type.value)
        return kinds

    def last(self, kind: str) -> Told:
        """Give the last event of a type."""
        return Told([event for event in self if event.type.value == kind][-1])

    def all(self, kind: str) -> list[Told]:
        """Give all events of a type."""
        return [Told(event) for event in self if event.type.value == kind]

    @property
    def answer(self) -> str:
        """The text people saw, over all parts."""
        return "".join(event.data["text"] for event in self if event.type is EventType.TOKEN)

    @property
    def status(self) -> str:
        """How the run ended."""
        return self.last("complete").data["status"]

    @property
    def stop_reason(self) -> str:
        """Why the run ended."""
        return self.last("complete").data["stop_reason"]


@dataclass
class House:
    """An open Metier with one workspace and an admin."""

    metier: Metier
    model: ScriptedModel
    actor: Actor

    async def ask(
        self,
        text: str,
        *,
        model: Script | None = None,
        agent: str | None = None,
        flags: Sequence[str] | None = None,
        objects: dict[str, Sequence[str]] | None = None,
        actor: Actor | None = None,
        thread_id: UUID | None = None,
    ) -> Events:
        """Ask an agent and wait for the end.

        Args:
            model: What the model answers; the offline planner answers if left out.
            flags, objects: Ask as a new member whose role holds just these flags and object permissions.
        """
        if model is not None:
            self.model.script = model
        if actor is None and (flags is not None or objects is not None):
            actor = await self.member(flags=("AI",) if flags is None else flags, objects=objects)
        asker = actor or self.actor
        if thread_id is None:
            chosen = "scripted/model" if model is not None else "offline/planner"
            thread_id = (await self.metier.chat.create_thread(asker, agent=agent, model=chosen)).id
        run = await self.metier.chat.send(asker, thread_id, text)
        return await self.events(run.root_id)

    async def events(self, root_id: UUID) -> Events:
        """Give a run's events, waiting for its end."""
        found = Events()
        async with aclosing(self.metier.runs.follow(root_id)) as events:
            async for event in events:
                found.append(event)
        return found

    async def member(
        self, *, name: str = "Mo", flags: Sequence[str] = (), objects: dict[str, Sequence[str]] | None = None
    ) -> Actor:
        """Make a member with a role of its own; `objects` are the only ones the role may touch (all if left out)."""
        role_name = f"role-{self.metier.clock.new_id().hex[-8:]}"
        await self.metier.access.create_role(
            self.actor,
            name=role_name,
            label=role_name,
            all_objects=frozenset(Action) if objects is None else frozenset(),
            objects={name: frozenset(map(Action, actions)) for name, actions in (objects or {}).items()},
            flags=frozenset(flags),
        )
        member_id = await self.metier.access.create_member(self.actor.workspace_id, name=name, role=role_name)
        return await self.metier.access.actor_for_member(self.actor.workspace_id, member_id)


@asynccontextmanager
async def open_house(
    *,
    url: str | None = None,
    clock: Clock | None = None,
    agents: Sequence[Agent] = (),
    toolsets: Sequence[Toolset] = (),
    sample: bool = False,
    **settings: Any,
) -> AsyncGenerator[House, None]:
    """Open a Metier for a test.

    Args:
        url: A migrated database, empty or one that a house was opened on before; an embedded one in a temporary folder
            if left out (about 3 s).
        sample: Load the sample workspace, unless it is there.
        settings: Overrides of `Settings`.
    """
    with TemporaryDirectory(prefix="m-") as home:
        model = ScriptedModel()
        wanted = Settings.for_tests(Path(home), database_url=url, **settings)
        time = clock or FrozenClock()
        if isinstance(time, FrozenClock):
            time.skip_ids(IDS_OF_FURNISHING)
        async with Metier.open(wanted, clock=time, providers=[model], agents=agents, toolsets=toolsets) as metier:
            yield House(metier, model, await _furnished(metier, sample=sample))


async def _furnished(metier: Metier, *, sample: bool) -> Actor:
    """Give the admin of the one workspace, which is founded if it is not there."""
    is_founded = await metier.access.workspaces()
    actor = await metier.access.operator() if is_founded else await metier.found_workspace(NAME)
    if sample:
        await metier.load_sample(actor)
    return actor


def _title(record: dict[str, Any]) -> str:
    name = record.get("name", record.get("title"))
    if isinstance(name, dict):
        parts = cast("dict[str, str | None]", name)
        return " ".join(part for part in parts.values() if part)
    return str(name)


__all__ = ["Events", "House", "Told", "open_house"]
