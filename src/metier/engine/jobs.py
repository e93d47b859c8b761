"""Schedules, and the jobs their ticks make: each tick one job, over all processes (S-38).

tick ─▶ core.job, queued ─▶ `Durable` ─▶ running, in one process ─▶ succeeded, failed, stopped
                                             it dies ─▶ running in another one, behind the steps that are done

A tick goes by the house's clock. One that comes while the job before is at work is skipped, and written down so. Ticks
that passed while nobody was there, or while the schedule was paused, do not pile up.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from metier.clock import Clock
from metier.engine.carrier import Carrier, Run
from metier.engine.durable import TRIES, Durable
from metier.engine.job import Job, Schedule, Scheduled
from metier.engine.worker import Worker
from metier.errors import Cancelled, Conflict, MetierError, NotFound, Unavailable
from metier.events import Status
from metier.redaction import get_logger
from metier.store import Database, Json, Transaction, UniqueViolation

T = TypeVar("T")
Who = Mapping[str, Any]  # an actor as it is stored: ids and labels only

FAULT = {"error": "Fault", "message": "Metier failed inside; the operator's log has the cause."}
LOST = {
    "error": "StepInterrupted",
    "message": f"The processes doing this died, {TRIES} of them or in a bad moment, so nobody goes on with it.",
    "cure": "Look into the operator's log, then run it again.",
}


@dataclass(frozen=True)
class Standing:
    """How the schedules of a database stand.

    Attributes:
        is_run: Whether a living process runs them.
        done: Schedules that were done before.
        failed: What their last job failed of, by name.
    """

    is_run: bool
    done: int
    failed: Mapping[str, str]


async def standing(db: Database) -> Standing:
    """Look how the schedules of a database stand, whoever runs them."""
    is_run = await db.value(_IS_RUN)
    last = [_job(row) for row in await db.rows(_LAST)]
    failed = {job.schedule: str(job.error["message"]) for job in last if job.error}
    return Standing(is_run, len(last), failed)


class Jobs:
    """The schedules of the house.

    Args:
        ticks: Whether this process begins what is due; one that runs a single command does not.
        carrier: Makes what carries jobs over the death of a process.
    """

    def __init__(
        self,
        db: Database,
        clock: Clock,
        worker: Worker,
        *,
        ticks: bool,
        carrier: Callable[[Database, Run], Carrier] = Durable,
    ) -> None:
        self._db = db
        self._clock = clock
        self._worker = worker
        self._ticks = ticks
        self._carrier = carrier(db, self._run)
        self._schedules: dict[str, Schedule] = {}
        self._seen_to: dict[str, datetime] = {}  # the last tick of each schedule, so that the database is asked once
        self._running: dict[UUID, asyncio.Task[Any] | None] = {}
        self.fault = ""  # why jobs are not run here, if they should be
        self._is_new = False  # the worker has another name than the one that jobs are taken under
        self._logger = get_logger("metier.engine")

    # what the house is built with, and how it goes

    def add(self, schedule: Schedule) -> None:
        """Take in a schedule, before `launch`."""
        self._schedules[schedule.name] = schedule

    @property
    def is_on(self) -> bool:
        """Whether jobs are run in this process."""
        return self._carrier.is_on

    async def launch(self) -> None:
        """Run jobs in this process from now on.

        Raises:
            Unavailable: It cannot; another Metier of this process does, or the database does not let it.
        """
        if not self.is_on:
            try:
                await self._carrier.start(self._worker.id)
            except Unavailable as error:
                self.fault = error.message
                raise
            self.fault = ""
            await self._db.execute("update core.worker set runs_jobs = true where id = %s", [self._worker.id])

    async def aclose(self) -> None:
        """Let go of the jobs at work; others go on with them."""
        await self._carrier.aclose()
        left = [task for task in self._running.values() if task is not None]
        await asyncio.gather(*left, return_exceptions=True)

    async def run_somewhere(self) -> bool:
        """Say whether there is a living process that runs jobs."""
        return await self._db.value(_IS_RUN)

    # Claims

    async def sweep(self) -> int:
        """Begin what is due, and see to what dead workers left; give how many jobs began."""
        if not self.is_on:
            return 0
        if self._is_new:
            await self._begin_anew()
        begun = sum([await self._tick(schedule) for schedule in self._schedules.values()]) if self._ticks else 0
        open_jobs = await self._db.rows(_OPEN)
        for row in open_jobs:
            if row["status"] == "queued":
                await self._carrier.enqueue(row["id"])
        if any(row["status"] == "running" and row["id"] not in self._running for row in open_jobs):
            await self._see_to_left(open_jobs)
        return begun

    def give_up(self) -> None:
        """Stop all work here: this process was taken for dead, and others may have it already."""
        self._is_new = True
        for task in self._running.values():
            if task is not None:
                task.cancel()

    # for people, by a room that knows who may

    async def listed(self) -> list[Scheduled]:
        """Give all schedules, in the order they were added."""
        rows = {row["name"]: row for row in await self._db.rows("select * from core.schedule")}
        last = {row["schedule"]: _job(row) for row in await self._db.rows(_LAST)}
        now = self._clock.now()
        return [_scheduled(one, rows.get(one.name), last.get(one.name), now) for one in self._schedules.values()]

    async def one(self, name: str) -> Scheduled:
        """Give a schedule.

        Raises:
            NotFound: There is none of this name; suggests the nearest.
        """
        schedule = self._known(name)
        return next(one for one in await self.listed() if one.schedule is schedule)

    async def history(self, name: str, *, limit: int = 50) -> list[Job]:
        """Give a schedule's jobs, the newest first.

        Raises:
            NotFound: There is no such schedule.
        """
        wanted = {"schedule": self._known(name).name, "limit": limit}
        return [_job(row) for row in await self._db.rows(_NEWEST, wanted)]

    async def job(self, job_id: UUID) -> Job:
        """Give a job.

        Raises:
            NotFound: There is none of this id.
        """
        row = await self._db.row("select * from core.job where id = %s", [job_id])
        if row is None:
            raise NotFound("job", str(job_id))
        return _job(row)

    async def begin(self, transaction: Transaction, name: str, who: Who) -> Job:
        """Begin a job now; announce it after the commit.

        Raises:
            NotFound: There is no such schedule.
            Conflict: Its last job is still at work.
        """
        schedule, now = self._known(name), self._clock.now()
        try:
            row = await transaction.row(
                _BEGIN, {"id": self._clock.new_id(), "schedule": schedule.name, "now": now, "who": Json(who)}
            )
        except UniqueViolation:
            raise Conflict(f"{schedule.label} is at work already.", cure="Wait for its end, or stop it.") from None
        assert row is not None
        return _job(row)

    async def stop(self, transaction: Transaction, name: str) -> Job:
        """Ask the job of a schedule to stop; it does so after its step, wherever it is.

        Raises:
            NotFound: There is no such schedule.
            Conflict: No job of it is at work.
        """
        schedule = self._known(name)
        row = await transaction.row(_STOP, {"schedule": schedule.name, "now": self._clock.now()})
        if row is None:
            raise Conflict(f"{schedule.label} is not at work.")
        return _job(row)

    async def pause(self, transaction: Transaction, name: str, who: Who) -> None:
        """Let no tick of a schedule begin a job, until `resume`; one at work goes on.

        Raises:
            NotFound: There is no such schedule.
        """
        await self._set(transaction, name, paused_at=self._clock.now(), who=Json(who))

    async def resume(self, transaction: Transaction, name: str) -> None:
        """Go on with the next tick; those that passed meanwhile are gone.

        Raises:
            NotFound: There is no such schedule.
        """
        await self._set(transaction, name, paused_at=None, who=None)

    async def forget(self, before: datetime, most: int) -> int:
        """Remove what is known of jobs that ended before; give how many, at most `most`."""
        rows = await self._db.rows(_FORGOTTEN, {"before": before, "most": most})
        ids = [row["id"] for row in rows]
        if ids and self.is_on:
            await self._carrier.forget(ids)
        return await self._db.execute("delete from core.job where id = any(%s)", [ids]) if ids else 0

    # inside

    def _known(self, name: str) -> Schedule:
        if name not in self._schedules:
            raise NotFound("schedule", name, self._schedules)
        return self._schedules[name]

    async def _set(self, transaction: Transaction, name: str, *, paused_at: datetime | None, who: Any) -> None:
        schedule = self._known(name)
        tick = schedule.when.latest(self._clock.now())
        await transaction.execute(_SET, {"name": name, "tick": tick, "paused_at": paused_at, "who": who})

    async def _tick(self, schedule: Schedule) -> int:
        """Make a job of the last tick, if it was not seen to; a schedule that is new waits for its next one."""
        now = self._clock.now()
        tick = schedule.when.latest(now)
        if self._seen_to.get(schedule.name) == tick:
            return 0
        facts = {"id": self._clock.new_id(), "name": schedule.name, "tick": tick, "now": now}
        begun = await self._db.execute(_TICK, facts)
        self._seen_to[schedule.name] = tick
        return begun

    async def _see_to_left(self, open_jobs: Sequence[Mapping[str, Any]]) -> None:
        """Let jobs of dead workers go on, and end those that nobody will go on with."""
        holders = await self._carrier.holders()
        living = {row["id"] for row in await self._db.rows("select id from core.worker where ended_at is null")}
        if dead := holders - living:  # who lives was known before it could hold anything
            await self._carrier.take_over(dead)
        for row in open_jobs:
            is_here = row["id"] in self._running
            is_elsewhere = row["worker_id"] in living and row["worker_id"] != self._worker.id
            if (
                row["status"] == "running"
                and not is_here
                and not is_elsewhere
                and await self._carrier.is_lost(row["id"])
            ):
                self._logger.error("a job was lost", schedule=row["schedule"], job=str(row["id"]))
                await self._end(row["id"], row["worker_id"], Status.FAILED, LOST)

    async def _begin_anew(self) -> None:
        """Take jobs under the worker's new name."""
        await self._carrier.aclose()
        await self.launch()
        self._is_new = False

    async def _run(self, job_id: UUID) -> None:
        """Do a job, from its beginning or behind what a dead process has done of it."""
        worker = self._worker.id
        row = await self._db.row(_START, {"id": job_id, "worker": worker, "now": self._clock.now()})
        if row is None:  # it ended, or was stopped before it began
            return
        self._running[job_id] = asyncio.current_task()
        try:
            status, error = await self._outcome(_job(row), worker)
        finally:
            del self._running[job_id]
        await self._end(job_id, worker, status, error)

    async def _outcome(self, job: Job, worker: UUID) -> tuple[Status, Mapping[str, Any] | None]:
        facts = {"schedule": job.schedule, "job": str(job.id)}
        try:
            if job.stopping:
                raise Cancelled
            await self._known(job.schedule).work(_AtWork(self._db, self._carrier, job, worker))
        except Cancelled:
            return Status.STOPPED, None
        except MetierError as error:
            self._logger.error("a job failed", **facts, cause=error.message)
            return Status.FAILED, error.to_json()
        except Exception:  # the worker's edge: a fault of ours ends this job only, and is told
            self._logger.exception("a job failed", **facts)
            return Status.FAILED, FAULT
        return Status.SUCCEEDED, None

    async def _end(self, job_id: UUID, worker: UUID, status: Status, error: Mapping[str, Any] | None) -> None:
        now, told = self._clock.now(), None if error is None else Json(error)
        facts = {"id": job_id, "worker": worker, "status": status.value, "error": told, "now": now}
        await self._db.execute(_END, facts)


class _AtWork:
    """A job in the process that does it."""

    def __init__(self, db: Database, carrier: Carrier, job: Job, worker: UUID) -> None:
        self.tick_at = job.tick_at
        self._db = db
        self._carrier = carrier
        self._mine = {"id": job.id, "worker": worker}

    async def once(self, name: str, do: Callable[[], Awaitable[T]]) -> T:
        return await self._carrier.once(name, do)

    async def tell(self, words: str, counts: Mapping[str, int]) -> None:
        row = await self._db.row(_TELL, self._mine | {"doing": words, "counts": Json(counts)})
        if row is None:
            raise asyncio.CancelledError("another process has this job")
        if row["stopping"]:
            raise Cancelled


def _job(row: Mapping[str, Any]) -> Job:
    facts = {name: row[name] for name in Job.__dataclass_fields__ if name not in ("status", "stopping")}
    return Job(**facts, status=Status(row["status"]), stopping=row["stop_requested_at"] is not None)


def _scheduled(schedule: Schedule, row: Mapping[str, Any] | None, last: Job | None, now: datetime) -> Scheduled:
    paused_at = row["paused_at"] if row else None
    next_at = None if paused_at else schedule.when.next(now)
    return Scheduled(schedule, paused_at, row["paused_by"] if row else None, next_at, last)


_TICK = """
with fresh as (
    insert into core.schedule (name, ticked_at) values (%(name)s, %(tick)s) on conflict do nothing
),
due as (
    update core.schedule set ticked_at = %(tick)s
    where name = %(name)s and ticked_at < %(tick)s and paused_at is null
    returning name
),
at_work as (select from core.job where schedule = %(name)s and status in ('queued', 'running'))
insert into core.job (id, schedule, tick_at, status, created_at, ended_at)
select %(id)s, name, %(tick)s, case when b.busy then 'skipped' else 'queued' end, %(now)s,
    case when b.busy then %(now)s::timestamptz end
from due, (select exists (select from at_work) as busy) b
on conflict do nothing
"""
_SET = """
insert into core.schedule (name, ticked_at, paused_at, paused_by) values (%(name)s, %(tick)s, %(paused_at)s, %(who)s)
on conflict (name) do update set paused_at = excluded.paused_at, paused_by = excluded.paused_by,
    ticked_at = greatest(core.schedule.ticked_at, excluded.ticked_at)
"""
_IS_RUN = "select exists (select from core.worker where runs_jobs and ended_at is null)"
_OPEN = "select id, schedule, status, worker_id from core.job where status in ('queued', 'running')"
_LAST = """
select distinct on (schedule) * from core.job where status <> 'skipped' order by schedule, created_at desc, id desc
"""
_NEWEST = "select * from core.job where schedule = %(schedule)s order by created_at desc, id desc limit %(limit)s"
_BEGIN = """
insert into core.job (id, schedule, tick_at, status, asked_by, created_at)
values (%(id)s, %(schedule)s, %(now)s, 'queued', %(who)s, %(now)s)
returning *
"""
_START = """
update core.job
set status = 'running', worker_id = %(worker)s, starts = starts + 1, started_at = coalesce(started_at, %(now)s)
where id = %(id)s and status in ('queued', 'running')
returning *
"""
_STOP = """
update core.job
set stop_requested_at = coalesce(stop_requested_at, %(now)s),
    status = case when status = 'queued' then 'stopped' else status end,
    ended_at = case when status = 'queued' then %(now)s::timestamptz end
where schedule = %(schedule)s and status in ('queued', 'running')
returning *
"""
_TELL = """
update core.job set doing = %(doing)s, counts = counts || %(counts)s
where id = %(id)s and worker_id = %(worker)s and status = 'running'
returning stop_requested_at is not null as stopping
"""
_END = """
update core.job set status = %(status)s, error = %(error)s, ended_at = %(now)s
where id = %(id)s and worker_id is not distinct from %(worker)s and status = 'running'
"""
_FORGOTTEN = "select id from core.job where ended_at < %(before)s order by ended_at limit %(most)s"
