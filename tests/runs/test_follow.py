"""Following a log: in order, nothing missing, nothing twice, from any place, on any process."""

import asyncio
import random
from contextlib import aclosing
from pathlib import Path
from uuid import UUID

import pytest

from metier.actor import Actor
from metier.clock import Clock
from metier.errors import Invalid
from metier.events import START, Cursor, Event, EventType, Status
from metier.runs import RunLog, Runs
from metier.runs import feed as feeds
from metier.store import Database
from metier.testing import FrozenClock
from tests.runs.conftest import collect, open_run, process, text_of

STAGE = {"name": "search", "status": "running"}


async def work(log: RunLog, chance: random.Random, *, steps: int, pause_s: float = 0.0) -> None:
    """Write text in pieces of all lengths, reasoning, events and a run below, then end."""
    for step in range(steps):
        match chance.randrange(8):
            case 0:
                log.put(events=[(EventType.STAGE, {"name": f"step {step}", "status": "running"})])
            case 1:
                log.next_part()
            case 2:
                log.delta(EventType.REASONING, f"hm{step} ")
            case 3:
                await asyncio.sleep(pause_s)
            case _:
                for n in range(chance.randrange(1, 6)):
                    log.delta(EventType.TOKEN, f"{step}.{n} ")
    await log.close(Status.SUCCEEDED, output="done", stop_reason="answered")


async def finished_run(runs: Runs, actor: Actor, *, steps: int) -> list[Event]:
    """Make a run and give its events as one who read it live got them."""
    log = await open_run(runs, actor)
    reading = asyncio.create_task(collect(runs, log.run.id))
    await work(log, random.Random(7), steps=steps, pause_s=0.05)
    return await reading


async def test_log_read_live_here_elsewhere_and_later_is_the_same(here: Runs, elsewhere: Runs, actor: Actor) -> None:
    log = await open_run(here, actor)
    live = [asyncio.create_task(collect(runs, log.run.id)) for runs in (here, elsewhere)]
    await work(log, random.Random(1), steps=80, pause_s=0.02)

    logs = [await reading for reading in live]
    logs += [await collect(runs, log.run.id) for runs in (here, elsewhere)]

    assert logs[0] == logs[1] == logs[2] == logs[3]
    assert [event.seq for event in logs[0]] == list(range(1, len(logs[0]) + 1))
    assert logs[0][-1].type is EventType.COMPLETE


async def test_resume_after_any_event_of_a_finished_run(
    here: Runs, elsewhere: Runs, db: Database, actor: Actor
) -> None:
    """More than a thousand cuts, most of them inside a batch of text."""
    events = await finished_run(here, actor, steps=330)
    batches = await db.value("select count(*) from core.event where first_seq < seq")
    assert len(events) > 500
    assert batches > 20

    async def cut(runs: Runs, at: int) -> None:
        after = events[at - 1].cursor if at else START
        assert await collect(runs, events[0].root_id, after) == events[at:], at

    for runs in (here, elsewhere):
        for first in range(0, len(events) + 1, 50):
            await asyncio.gather(*(cut(runs, at) for at in range(first, min(first + 50, len(events) + 1))))


async def test_readers_who_come_go_and_change_the_process_miss_nothing(
    here: Runs, elsewhere: Runs, actor: Actor
) -> None:
    log = await open_run(here, actor)

    async def restless(seed: int) -> list[Event]:
        chance = random.Random(seed)
        got: list[Event] = []
        while not got or got[-1].type is not EventType.COMPLETE:
            await asyncio.sleep(chance.random() * 0.02)
            after = Cursor.parse(str(got[-1].cursor)) if got else START
            stay = chance.randrange(1, 30)
            async with aclosing(chance.choice([here, elsewhere]).follow(log.run.id, after=after)) as events:
                async for event in events:
                    got.append(event)
                    stay -= 1
                    if stay == 0:
                        break
        return got

    readers = [asyncio.create_task(restless(seed)) for seed in range(20)]
    await work(log, random.Random(3), steps=300, pause_s=0.01)

    expected = await collect(here, log.run.id)
    for reader in readers:
        assert await reader == expected


async def test_two_logs_at_once_do_not_mix(here: Runs, elsewhere: Runs, actor: Actor) -> None:
    logs = [await open_run(here, actor) for _ in range(10)]
    readings = [asyncio.create_task(collect(elsewhere, log.run.id)) for log in logs for _ in range(2)]
    await asyncio.gather(*(work(log, random.Random(n), steps=60, pause_s=0.01) for n, log in enumerate(logs)))

    for n, reading in enumerate(readings):
        root_id = logs[n // 2].run.id
        events = await reading
        assert {event.root_id for event in events} == {root_id}
        assert events == await collect(here, root_id)


@pytest.mark.parametrize("where", ["here", "elsewhere"])
async def test_reader_who_comes_before_the_first_event_waits_for_it(
    where: str, here: Runs, elsewhere: Runs, actor: Actor
) -> None:
    log = await open_run(here, actor)
    reading = asyncio.create_task(collect({"here": here, "elsewhere": elsewhere}[where], log.run.id))
    await asyncio.sleep(0.1)
    assert not reading.done()

    await log.emit(EventType.STAGE, STAGE)
    await log.close(Status.SUCCEEDED, stop_reason="answered")

    assert [event.type.value for event in await reading] == ["stage", "complete"]


@pytest.mark.parametrize("where", ["here", "elsewhere"])
async def test_place_at_or_behind_the_end_ends_at_once(where: str, here: Runs, elsewhere: Runs, actor: Actor) -> None:
    runs = {"here": here, "elsewhere": elsewhere}[where]
    log = await open_run(here, actor)
    ahead = asyncio.create_task(collect(runs, log.run.id, Cursor(999_999_999, 10**15 - 1)))
    await asyncio.sleep(0.05)
    await log.close(Status.SUCCEEDED, stop_reason="answered")

    assert await asyncio.wait_for(ahead, 12) == []
    for after in (Cursor(1, 1), Cursor(1, 2), Cursor(999_999_999, 10**15 - 1)):
        assert await collect(runs, log.run.id, after) == []


async def test_unknown_run_has_no_events(here: Runs) -> None:
    assert await collect(here, UUID(int=77)) == []


@pytest.mark.parametrize("text", ["", "1", "1-", "-1", "1-2-3", "one-two", "1-9999999999999999", "٣-٤x"])
def test_cursor_that_is_none_of_ours_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        Cursor.parse(text)


async def test_slow_reader_gets_everything_and_holds_nobody_up(
    here: Runs, elsewhere: Runs, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "ROOM", 20)
    log = await open_run(here, actor)

    async def slow(runs: Runs) -> list[Event]:
        got: list[Event] = []
        async for event in runs.follow(log.run.id):
            got.append(event)
            if len(got) % 25 == 1:
                await asyncio.sleep(0.05)
        return got

    readings = [asyncio.create_task(slow(runs)) for runs in (here, here, elsewhere)]
    await work(log, random.Random(5), steps=200, pause_s=0.01)

    expected = await collect(here, log.run.id)
    assert len(expected) > 300
    for reading in readings:
        assert await reading == expected


async def test_reader_who_goes_away_leaves_nothing_behind(here: Runs, elsewhere: Runs, actor: Actor) -> None:
    log = await open_run(here, actor)
    readings = [asyncio.create_task(collect(runs, log.run.id)) for runs in (here, elsewhere)]
    await asyncio.sleep(0.1)
    assert (len(log.log._feeds), len(elsewhere._table._asks)) == (1, 1)

    for reading in readings:
        reading.cancel()
    await asyncio.wait(readings)

    assert (len(log.log._feeds), len(elsewhere._table._asks)) == (0, 0)
    log.delta(EventType.TOKEN, "still here")
    await log.close(Status.SUCCEEDED, stop_reason="answered")
    assert text_of(await collect(elsewhere, log.run.id)) == "still here"


async def test_reader_elsewhere_is_told_before_the_run_goes_on(here: Runs, elsewhere: Runs, actor: Actor) -> None:
    log = await open_run(here, actor)

    async with aclosing(elsewhere.follow(log.run.id)) as events:
        log.delta(EventType.TOKEN, "word")
        first = await asyncio.wait_for(anext(events), 10)  # not by looking again, which is every 15 s

    assert (first.type, first.data["text"]) == (EventType.TOKEN, "word")
    await log.close(Status.SUCCEEDED, stop_reason="answered")


@pytest.mark.budget
async def test_reader_elsewhere_is_told_within_a_quarter_second(here: Runs, elsewhere: Runs, actor: Actor) -> None:
    loop = asyncio.get_running_loop()
    log = await open_run(here, actor)

    async def read() -> list[float]:
        events = elsewhere.follow(log.run.id)
        return [loop.time() - float(e.data["text"]) async for e in events if e.type is EventType.TOKEN]

    reading = asyncio.create_task(read())
    await asyncio.sleep(0.1)
    for _ in range(50):
        log.delta(EventType.TOKEN, str(loop.time()))
        await asyncio.sleep(0.01)
    await log.close(Status.SUCCEEDED, stop_reason="answered")
    lags = await reading

    assert len(lags) == 50
    assert sorted(lags)[25] < 0.25


async def test_lost_notifications_are_made_up_for(
    here: Runs, elsewhere: Runs, db: Database, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("metier.runs.table.SAFETY_S", 0.2)
    monkeypatch.setattr(elsewhere._db, "on_notify", lambda channel, callback: lambda: None)
    log = await open_run(here, actor)
    reading = asyncio.create_task(collect(elsewhere, log.run.id))
    await asyncio.sleep(0.1)

    log.delta(EventType.TOKEN, "x")
    await log.close(Status.SUCCEEDED, stop_reason="answered")

    assert text_of(await asyncio.wait_for(reading, 12)) == "x"


async def test_reader_outlives_the_loss_of_its_connections(
    here: Runs, elsewhere: Runs, db: Database, actor: Actor
) -> None:
    log = await open_run(here, actor)
    reading = asyncio.create_task(collect(elsewhere, log.run.id))
    for n in range(60):
        log.delta(EventType.TOKEN, f"{n} ")
        await asyncio.sleep(0.01)
        if n % 20 == 10:
            await db.rows(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = current_database() and pid <> pg_backend_pid()"
            )
    await log.close(Status.SUCCEEDED, stop_reason="answered")

    assert text_of(await asyncio.wait_for(reading, 20)) == "".join(f"{n} " for n in range(60))


async def test_reader_gets_the_end_when_its_process_shuts_down(
    database_url: str, tmp_path: Path, clock: FrozenClock, actor: Actor
) -> None:
    async with process(database_url, tmp_path, clock) as runs:
        log = await open_run(runs, actor)
        reading = asyncio.create_task(collect(runs, log.run.id))
        await asyncio.sleep(0.05)
        log.delta(EventType.TOKEN, "half an ans")
        await asyncio.sleep(0)
        await runs.aclose()

        events = await asyncio.wait_for(reading, 12)

    assert [(e.epoch, e.type.value) for e in events] == [(1, "token"), (2, "error"), (2, "complete")]
    assert events[-1].data["status"] == "interrupted"


async def test_reader_of_anothers_run_ends_with_its_own_process(
    here: Runs, database_url: str, tmp_path: Path, clock: Clock, actor: Actor
) -> None:
    log = await open_run(here, actor)
    async with process(database_url, tmp_path, clock) as leaving:
        reading = asyncio.create_task(collect(leaving, log.run.id))
        await asyncio.sleep(0.05)
    assert await asyncio.wait_for(reading, 12) == []
