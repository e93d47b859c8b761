"""Runs as two processes have them: two Runs objects, each with a Database of its own, on one database."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from uuid import UUID

import pytest

from metier.actor import Action, Actor, Principal, PrincipalKind, Role
from metier.clock import Clock
from metier.engine import Engine
from metier.events import START, Cursor, Event, EventType
from metier.runs import RunLog, Runs
from metier.settings import Settings
from metier.store import Database
from metier.testing import FrozenClock

WORKSPACE = UUID("00000000-0000-7000-8000-000000000001")
OTHER_WORKSPACE = UUID("00000000-0000-7000-8000-000000000002")


def make_actor(number: int = 1, *, flags: tuple[str, ...] = ("AI",), workspace_id: UUID = WORKSPACE) -> Actor:
    """Make a member; the same number gives the same one."""
    role = Role(UUID(int=1), "member", "Member", frozenset(Action), {}, frozenset(flags))
    principal = Principal(PrincipalKind.MEMBER, UUID(int=number), f"Member {number}")
    return Actor(workspace_id, principal, (role,))


@asynccontextmanager
async def process(url: str, home: Path, clock: Clock) -> AsyncIterator[Runs]:
    """Open what a process of its own would have."""
    database = await Database.open(Settings.for_tests(home, database_url=url), migrate=False)
    for workspace_id in (WORKSPACE, OTHER_WORKSPACE):
        await database.execute(
            "insert into core.workspace (id, name, schema_name, created_at) values (%s, 'Test', %s, now())"
            " on conflict do nothing",
            [workspace_id, f"w_{workspace_id.hex}"],
        )
    engine = Engine(database, clock)
    runs = Runs(database, clock, engine)
    await runs.start()
    await engine.start()
    try:
        yield runs
    finally:
        await runs.aclose()
        await engine.aclose()
        await database.aclose()


async def collect(runs: Runs, root_id: UUID, after: Cursor = START) -> list[Event]:
    """Read a log to its end, which comes within 30 s."""
    async with asyncio.timeout(30), aclosing(runs.follow(root_id, after=after)) as events:
        return [event async for event in events]


async def open_run(runs: Runs, actor: Actor, **options: object) -> RunLog:
    """Open a run that is no turn."""
    return await runs.open(actor, **{"kind": "agent", "name": "clerk", "input": None, **options})  # type: ignore[arg-type]


def text_of(events: list[Event], kind: EventType = EventType.TOKEN) -> str:
    """Put pieces of text where they say they belong, and fail if one is missing or twice."""
    text = ""
    part = 0
    for event in events:
        if event.type is kind:
            if event.data["part"] != part:
                part, text = event.data["part"], text + "|"
            assert event.data["offset"] == len(text.rpartition("|")[2])
            text += event.data["text"]
    return text


@pytest.fixture
def actor() -> Actor:
    """A member with the flag AI."""
    return make_actor()


@pytest.fixture
async def here(database_url: str, tmp_path: Path, clock: FrozenClock) -> AsyncIterator[Runs]:
    """The runs of one process."""
    async with process(database_url, tmp_path, clock) as runs:
        yield runs


@pytest.fixture
async def elsewhere(database_url: str, tmp_path: Path, clock: FrozenClock) -> AsyncIterator[Runs]:
    """The runs of another process on the same database."""
    async with process(database_url, tmp_path, clock) as runs:
        yield runs
