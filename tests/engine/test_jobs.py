"""Schedules: one job a tick over all processes, nothing piles up, nothing fails silently."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import structlog

from metier.engine import AtWork, Engine, Every, Job, Schedule
from metier.errors import Conflict, Invalid, NotFound
from metier.events import Status
from metier.store import Database
from metier.testing import FrozenClock
from tests.engine.at_once import AtOnce

HOUR = timedelta(hours=1)
ADA = {"kind": "member", "id": "1", "label": "Ada", "chain": []}


@dataclass
class Work:
    """What a schedule does in a test: counts, and waits for its gate."""

    done: list[str] = field(default_factory=list)
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    gate: asyncio.Event | None = None
    fault: Exception | None = None
    counts: dict[str, int] = field(default_factory=lambda: {"swept": 1})

    async def __call__(self, job: AtWork) -> None:
        self.done.append(job.tick_at.strftime("%H:%M"))
        await job.tell("sweeping", self.counts)
        self.begun.set()
        if self.gate:
            await self.gate.wait()
        if self.fault:
            raise self.fault
        await job.tell("dusting", {"dusted": 2})


@asynccontextmanager
async def process(db: Database, clock: FrozenClock, work: Work, **how: Any) -> AsyncIterator[Engine]:
    engine = Engine(db, clock, heartbeat_s=3600, silent_s=7200, carrier=how.pop("carrier", AtOnce), **how)
    engine.schedule(Schedule("sweep", "Sweeping", "Sweeps.", Every(60), work))
    await engine.start()
    await engine.launch()
    await engine.sweep()
    try:
        yield engine
    finally:
        await engine.aclose()


async def history(engine: Engine) -> list[Job]:
    """Give all jobs, the newest first, once none is at work."""
    async with asyncio.timeout(30):
        while True:
            found = await engine.jobs.history("sweep")
            if all(job.status.ended for job in found):
                return found
            await asyncio.sleep(0.01)


async def begin(db: Database, engine: Engine) -> Job:
    async with db.transaction() as transaction:
        job = await engine.jobs.begin(transaction, "sweep", ADA)
    await engine.sweep()
    return job


async def test_a_tick_is_one_job_over_all_processes(db: Database, clock: FrozenClock):
    """S-38."""
    work, shared = Work(), partial(AtOnce, tasks={})
    one, other = process(db, clock, work, carrier=shared), process(db, clock, work, carrier=shared)
    async with one as one, other as other:
        clock.forward(3600)
        await asyncio.gather(*(engine.sweep() for engine in (one, other, one, other)))
        (job,) = await history(one)

    assert work.done == ["10:00"]
    assert (job.status, job.asked_by, job.counts) == (Status.SUCCEEDED, None, {"swept": 1, "dusted": 2})


async def test_a_new_schedule_waits_for_its_first_tick(db: Database, clock: FrozenClock):
    async with process(db, clock, Work()) as engine:
        (scheduled,) = await engine.jobs.listed()

    assert scheduled.last is None
    assert scheduled.next_at == clock.now() + HOUR


async def test_ticks_that_nobody_was_there_for_are_made_up_for_once(db: Database, clock: FrozenClock):
    work = Work()
    async with process(db, clock, work):
        pass
    clock.forward(5 * 3600)
    async with process(db, clock, work) as engine:
        await engine.sweep()
        jobs = await history(engine)

    assert work.done == ["14:00"]
    assert len(jobs) == 1


async def test_a_tick_while_the_job_before_is_at_work_is_skipped_and_shown(db: Database, clock: FrozenClock):
    work = Work(gate=asyncio.Event())
    async with process(db, clock, work) as engine:
        for _ in range(2):
            clock.forward(3600)
            await engine.sweep()
        work.gate.set()
        newest, first = await history(engine)

    assert (newest.status, first.status) == (Status.SKIPPED, Status.SUCCEEDED)
    assert work.done == ["10:00"]


async def test_a_paused_schedule_does_not_tick_and_makes_up_for_nothing(db: Database, clock: FrozenClock):
    work = Work()
    async with process(db, clock, work) as engine:
        async with db.transaction() as transaction:
            await engine.jobs.pause(transaction, "sweep", ADA)
        clock.forward(2 * 3600)
        await engine.sweep()
        paused = await engine.jobs.one("sweep")
        async with db.transaction() as transaction:
            await engine.jobs.resume(transaction, "sweep")
        await engine.sweep()
        assert await history(engine) == []
        clock.forward(3600)
        await engine.sweep()
        await history(engine)

    assert (paused.next_at, paused.paused_by) == (None, ADA)
    assert work.done == ["12:00"]


async def test_a_job_is_asked_for_once_at_a_time(db: Database, clock: FrozenClock):
    work = Work(gate=asyncio.Event())
    async with process(db, clock, work) as engine:
        asked = await begin(db, engine)
        with pytest.raises(Conflict, match="Sweeping is at work already"):
            await begin(db, engine)
        work.gate.set()
        (job,) = await history(engine)

    assert (job.id, job.asked_by) == (asked.id, ADA)


@pytest.mark.parametrize(
    ("fault", "name"), [(Invalid("The broom is broken."), "Invalid"), (ZeroDivisionError("1/0"), "Fault")]
)
async def test_a_failure_is_logged_and_shown_and_the_next_tick_tries_again(
    db: Database, clock: FrozenClock, fault: Exception, name: str
):
    work = Work(fault=fault)
    with structlog.testing.capture_logs() as logs:
        async with process(db, clock, work) as engine:
            await begin(db, engine)
            (failed,) = await history(engine)
            work.fault = None
            clock.forward(3600)
            await engine.sweep()
            jobs = await history(engine)

    assert [line["event"] for line in logs] == ["a job failed"]
    assert failed.error
    assert failed.error["error"] == name
    assert "1/0" not in str(failed.error)
    assert failed.counts == {"swept": 1}
    assert [job.status for job in jobs] == [Status.SUCCEEDED, Status.FAILED]


async def test_a_job_stops_after_its_step(db: Database, clock: FrozenClock):
    work = Work(gate=asyncio.Event())
    async with process(db, clock, work) as engine:
        await begin(db, engine)
        await asyncio.wait_for(work.begun.wait(), 30)
        async with db.transaction() as transaction:
            await engine.jobs.stop(transaction, "sweep")
        work.gate.set()
        (job,) = await history(engine)
        with pytest.raises(Conflict, match="not at work"):
            async with db.transaction() as transaction:
                await engine.jobs.stop(transaction, "sweep")

    assert (job.status, job.error) == (Status.STOPPED, None)
    assert job.counts == {"swept": 1, "dusted": 2}  # what was done is told


async def test_what_does_not_exist_is_named_with_the_nearest(db: Database, clock: FrozenClock):
    async with process(db, clock, Work()) as engine, db.transaction() as transaction:
        for attempt in (
            engine.jobs.one("sweeep"),
            engine.jobs.history("sweeep"),
            engine.jobs.begin(transaction, "sweeep", ADA),
            engine.jobs.stop(transaction, "sweeep"),
            engine.jobs.pause(transaction, "sweeep", ADA),
            engine.jobs.resume(transaction, "sweeep"),
        ):
            with pytest.raises(NotFound, match="Did you mean 'sweep'"):
                await attempt


async def test_one_that_was_taken_for_dead_stops_and_changes_nothing_more(db: Database, clock: FrozenClock):
    """S-39."""
    work = Work(gate=asyncio.Event())
    async with process(db, clock, work) as engine:
        job = await begin(db, engine)
        await asyncio.wait_for(work.begun.wait(), 30)
        await db.execute("update core.worker set ended_at = clock_timestamp()")
        await engine.beat()
        await engine.sweep()
        (left,) = await engine.jobs.history("sweep")

    assert left.id == job.id
    assert left.counts == {"swept": 1}


async def test_a_job_that_nobody_will_go_on_with_is_ended_with_words(db: Database, clock: FrozenClock):
    async with process(db, clock, Work()) as engine:
        gone = {"id": clock.new_id(), "now": clock.now(), "worker": clock.new_id()}
        await db.execute(
            """insert into core.job (id, schedule, tick_at, status, created_at, worker_id)
            values (%(id)s, 'sweep', %(now)s, 'running', %(now)s, %(worker)s)""",
            gone,
        )
        with structlog.testing.capture_logs() as logs:
            await engine.sweep()
        (job,) = await history(engine)

    assert job.status is Status.FAILED
    assert job.error
    assert "died" in job.error["message"]
    assert logs


async def test_a_house_goes_on_without_schedules_if_they_cannot_run(db: Database, clock: FrozenClock):
    class Broken(AtOnce):
        async def start(self, executor: object) -> None:
            raise Invalid("no room")

    with structlog.testing.capture_logs() as logs:
        async with process(db, clock, Work(), carrier=Broken) as engine:
            clock.forward(3600)
            assert await engine.sweep() == 0
            assert not engine.jobs.is_on

    assert [(line["event"], line["log_level"]) for line in logs] == [("schedules do not run in this process", "error")]
