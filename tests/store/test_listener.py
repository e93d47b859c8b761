"""News reach every process, and nothing is missed when the connection is lost."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from metier.settings import Settings
from metier.store import Database


class Ear:
    """Counts calls, and waits for one."""

    def __init__(self) -> None:
        self.calls = 0
        self._called = asyncio.Event()

    def __call__(self) -> None:
        self.calls += 1
        self._called.set()

    async def hears(self, within_s: float = 5) -> bool:
        try:
            async with asyncio.timeout(within_s):
                await self._called.wait()
        except TimeoutError:
            return False
        self._called.clear()
        return True


@pytest.fixture
async def other(database_url: str, tmp_path: Path) -> AsyncIterator[Database]:
    """Another process's view of the same database."""
    database = await Database.open(Settings.for_tests(tmp_path, database_url=database_url), migrate=False)
    yield database
    await database.aclose()


async def begun(db: Database, channel: str) -> Ear:
    """An ear that listens already."""
    ear = Ear()
    db.on_notify(channel, ear)
    assert await ear.hears()
    return ear


async def cut_listener(db: Database) -> None:
    await db.execute("select pg_terminate_backend(pid) from pg_stat_activity where query like 'listen %'")


async def test_a_callback_is_told_when_listening_has_begun(db: Database):
    """So that what came between the reader's look at the table and LISTEN is not missed."""
    ear = Ear()
    db.on_notify("runs", ear)

    assert await ear.hears()


async def test_news_from_another_process_is_heard_by_its_channel_only(db: Database, other: Database):
    runs, keys = await begun(db, "runs"), await begun(db, "keys")

    await other.notify("runs")

    assert await runs.hears()
    assert not await keys.hears(within_s=0.1)


async def test_news_of_a_transaction_comes_with_its_commit(db: Database, other: Database):
    ear = await begun(db, "runs")

    async with other.transaction() as transaction:
        await transaction.notify("runs")
        assert not await ear.hears(within_s=0.1)

    assert await ear.hears()


async def test_a_second_callback_on_a_known_channel_is_told_too(db: Database, other: Database):
    await begun(db, "runs")
    second = await begun(db, "runs")

    await other.notify("runs")

    assert await second.hears()


async def test_channels_with_odd_names_work(db: Database):
    ear = await begun(db, 'Odd "name"; drop')

    await db.notify('Odd "name"; drop')

    assert await ear.hears()


async def test_who_unsubscribed_hears_nothing(db: Database):
    quiet = Ear()
    unsubscribe = db.on_notify("runs", quiet)
    ear = await begun(db, "runs")
    unsubscribe()
    unsubscribe()
    heard = quiet.calls

    await db.notify("runs")

    assert await ear.hears()
    assert quiet.calls == heard


async def test_after_a_lost_connection_all_are_told_and_hear_again(db: Database, other: Database):
    runs, keys = await begun(db, "runs"), await begun(db, "keys")

    await cut_listener(other)

    assert await runs.hears()
    assert await keys.hears()
    await other.notify("keys")
    assert await keys.hears()


async def test_a_callback_that_fails_silences_nobody(db: Database):
    complaints: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))

    def fails() -> None:
        raise ZeroDivisionError

    db.on_notify("runs", fails)
    ear = await begun(db, "runs")
    await db.notify("runs")

    assert await ear.hears()
    assert complaints


async def test_many_channels_use_one_connection(db: Database):
    for n in range(10):
        await begun(db, f"c{n}")

    count = await db.value(
        "select count(*) from pg_stat_activity where datname = current_database() and query like 'listen %'"
    )
    assert count == 1


async def test_closing_while_the_server_is_away_does_not_wait(db: Database):
    await begun(db, "runs")
    await cut_listener(db)

    async with asyncio.timeout(12):
        await db.aclose()
