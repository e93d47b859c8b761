"""Reading the table for many readers at once."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from metier.events import START
from metier.runs.table import Table

ROOT = UUID(int=5)
ROW = {
    "n": 1,
    "ended": False,
    "epoch": 1,
    "seq": 1,
    "first_seq": 1,
    "run_id": ROOT,
    "ts": datetime(2026, 11, 21, tzinfo=UTC),
    "type": "stage",
    "data": {"name": "x", "status": "running"},
}
NOTHING = {"n": 1, "ended": False, "seq": None}


class Looks:
    """A database that answers each look with what a test wrote down; a look may make news come in the middle of it."""

    def __init__(self, *answers: Callable[[], list[dict[str, Any]]]) -> None:
        self.answers = list(answers)
        self.notice: Callable[[], None] = lambda: None
        self.seen = 0

    async def rows(self, sql: str, params: object) -> list[dict[str, Any]]:
        self.seen += 1
        return self.answers.pop(0)()

    def tell(self) -> None:
        self.notice()

    def on_notify(self, channel: str, callback: Callable[[], None]) -> Callable[[], None]:
        self.notice = callback
        return lambda: None


async def answer(looks: Looks, table: Table) -> list[Any]:
    working = asyncio.create_task(table.work())
    try:
        return await asyncio.wait_for(table.more(ROOT, START), 12)
    finally:
        table.close()
        await working


async def test_news_that_come_during_a_look_lead_to_another_one() -> None:
    """The flag is cleared before reading: what is committed right after the read is not slept over."""

    def nothing_yet_but_soon() -> list[dict[str, Any]]:
        looks.notice()
        return [NOTHING]

    looks = Looks(lambda: [NOTHING], nothing_yet_but_soon, lambda: [ROW])
    table = Table(looks)  # type: ignore[arg-type]
    asyncio.get_running_loop().call_later(0.05, looks.tell)

    assert [event.seq for event in await answer(looks, table)] == [1]
    assert looks.seen == 3


async def test_reader_waits_while_the_database_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("metier.runs.table.RETRY_S", 0.01)

    def gone() -> list[dict[str, Any]]:
        raise OSError("no database")

    looks = Looks(gone, gone, lambda: [ROW])

    assert [event.seq for event in await answer(looks, Table(looks))] == [1]  # type: ignore[arg-type]


async def test_one_look_answers_all_readers() -> None:
    looks = Looks(lambda: [ROW, ROW | {"n": 2}, NOTHING | {"n": 3, "ended": True}])
    table = Table(looks)  # type: ignore[arg-type]
    asks = [asyncio.create_task(table.more(root, START)) for root in (ROOT, ROOT, UUID(int=6))]
    await asyncio.sleep(0)
    working = asyncio.create_task(table.work())

    events = await asyncio.wait_for(asyncio.gather(*asks), 12)

    assert [len(found) for found in events] == [1, 1, 0]
    assert looks.seen == 1
    table.close()
    await working


async def test_reader_who_waits_costs_nothing_until_there_are_news() -> None:
    looks = Looks(lambda: [NOTHING], lambda: [ROW])
    table = Table(looks)  # type: ignore[arg-type]
    working = asyncio.create_task(table.work())
    ask = asyncio.create_task(table.more(ROOT, START))
    await asyncio.sleep(0.2)

    assert looks.seen == 1
    looks.notice()
    assert len(await asyncio.wait_for(ask, 12)) == 1
    table.close()
    await working
