"""Agents that ask, for tests: a book that is written to after a yes, and short words for asking and answering."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from metier import Change, Context, FieldChange, GiveUp, Limits, Metier, Preview, define_agent, tool
from metier.actor import Actor
from metier.agents import Agent
from metier.runs.requests import Answer, Request, Verdict
from metier.settings import Settings
from metier.testing import Events, House, Script, ScriptedModel

YES, NO = Answer(Verdict.APPROVE), Answer(Verdict.DECLINE)


@dataclass
class Book:
    """What a tool writes to, outside of all processes."""

    pages: dict[str, str] = field(default_factory=lambda: {"1": "blank"})
    written: list[tuple[str, str]] = field(default_factory=list)

    def agent(self, **options: Any) -> Agent:
        """Make an agent that writes into the book."""

        async def show(ctx: Context, arguments: Mapping[str, Any]) -> Preview:
            page, text = arguments["page"], arguments["text"]
            if page not in self.pages:
                raise GiveUp(f"There is no page {page}.")
            field = FieldChange("text", "Text", self.pages[page], text)
            return Preview(f"Write page {page}", changes=[Change("update", "page", page, page, [field])])

        @tool(effect="write", preview=show, reads=())
        async def write(ctx: Context, page: str, text: str) -> str:
            """Write a page."""
            self.pages[page] = text
            self.written.append((page, ctx.effect_key))
            return "written"

        @tool(reads=())
        async def look(ctx: Context) -> str:
            """Look into the book."""
            return ", ".join(self.pages.values())

        return define_agent(
            name="clerk",
            prompt="You write.",
            tools=[write, look],
            limits=Limits(max_steps=5, max_seconds=100),
            **options,
        )


@asynccontextmanager
async def elsewhere(office: House, url: str, home: Path, book: Book) -> AsyncIterator[House]:
    """Open a house as another process on the same database would."""
    model = ScriptedModel()
    settings = Settings.for_tests(home, database_url=url)
    async with Metier.open(settings, clock=office.metier.clock, providers=[model], agents=[book.agent()]) as metier:
        yield House(metier, model, office.actor)


async def begin(house: House, script: Script, *, actor: Actor | None = None, thread_id: UUID | None = None) -> UUID:
    """Send a message that this script answers; gives the run."""
    house.model.script = script
    asker = actor or house.actor
    if thread_id is None:
        thread_id = (await house.metier.chat.create_thread(asker, agent="clerk", model="scripted/model")).id
    return (await house.metier.chat.send(asker, thread_id, "Please.")).id


async def waiting(house: House, run_id: UUID, actor: Actor | None = None, *, count: int = 1) -> list[Request]:
    """Wait until a run waits; gives what it asks, the oldest first."""
    asker = actor or house.actor
    async with asyncio.timeout(20):
        while True:
            run = await house.metier.runs.get(asker, run_id)
            if run.status == "waiting":
                page = await house.metier.requests.list(asker, status="open", run_id=run_id)
                if len(page.requests) == count:
                    return list(reversed(page.requests))
            assert not run.status.ended, run.error
            await asyncio.sleep(0.01)


async def asked(house: House, script: Script, *, actor: Actor | None = None) -> tuple[UUID, Request]:
    """Begin a turn that asks once; gives the run and the request."""
    run_id = await begin(house, script, actor=actor)
    [request] = await waiting(house, run_id, actor)
    return run_id, request


async def reply(house: House, request: Request, answer: Answer = YES, *, actor: Actor | None = None, **more) -> Request:
    """Answer a request as it was seen."""
    return await house.metier.requests.answer(
        actor or house.actor, request.id, answer, **{"hash": request.hash, **more}
    )


async def ended(house: House, run_id: UUID) -> Events:
    """Wait for the end of a run."""
    return await asyncio.wait_for(house.events(run_id), 20)


def one_write(*, page: str = "1", text: str = "Acme") -> Script:
    return Script().calls("write", page=page, text=text).then_says("Done.")
