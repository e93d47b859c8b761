"""The schedules of the server, for people who may see and change them.

They are the server's, not a workspace's: who pauses one pauses it for all. What a job did is told to each workspace
about itself.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from metier.actor import Actor, check_flag
from metier.audit import note
from metier.clock import Clock
from metier.engine import Engine, Job, Scheduled
from metier.engine.jobs import Who
from metier.store import Database

FLAG = "WORKSPACE"
HISTORY_MAX = 200


class Schedules:
    """Lists, runs, stops, pauses and resumes what the house does by itself; each change is in the audit log.

    Raises, whatever is asked:
        MissingPermission: The actor does not hold WORKSPACE.
        NotFound: There is no schedule of this name; suggests the nearest.
    """

    def __init__(self, db: Database, clock: Clock, engine: Engine) -> None:
        self._db = db
        self._clock = clock
        self._engine = engine
        self._jobs = engine.jobs

    async def list(self, actor: Actor) -> list[Scheduled]:
        """Give all schedules with how they stand."""
        check_flag(actor, FLAG)
        return [_told(one, actor.workspace_id) for one in await self._jobs.listed()]

    async def get(self, actor: Actor, name: str) -> Scheduled:
        """Give one schedule with how it stands."""
        check_flag(actor, FLAG)
        return _told(await self._jobs.one(name), actor.workspace_id)

    async def history(self, actor: Actor, name: str, *, limit: int = 50) -> "list[Job]":
        """Give a schedule's jobs, the newest first.

        Args:
            limit: Most jobs, 1–200.
        """
        check_flag(actor, FLAG)
        jobs = await self._jobs.history(name, limit=min(max(limit, 1), HISTORY_MAX))
        return [_own(job, actor.workspace_id) for job in jobs]

    async def job(self, actor: Actor, job_id: UUID) -> Job:
        """Give one job.

        Raises:
            NotFound: There is none of this id.
        """
        check_flag(actor, FLAG)
        return _own(await self._jobs.job(job_id), actor.workspace_id)

    async def is_run(self, actor: Actor) -> bool:
        """Say whether there is a process that runs the schedules."""
        check_flag(actor, FLAG)
        return await self._jobs.run_somewhere()

    async def run(self, actor: Actor, name: str) -> Job:
        """Begin a job now, whether the schedule is paused or not; on whatever process runs schedules.

        Raises:
            Conflict: Its last job is still at work.
        """
        check_flag(actor, FLAG)
        async with self._db.transaction() as transaction:
            job = await self._jobs.begin(transaction, name, _who(actor))
            await self._note(transaction, actor, "schedule.run", job.schedule, job_id=str(job.id))
        await self._engine.announce()
        return _own(job, actor.workspace_id)

    async def stop(self, actor: Actor, name: str) -> Job:
        """Ask the job at work to stop; what it has done stays done.

        Raises:
            Conflict: None is at work.
        """
        check_flag(actor, FLAG)
        async with self._db.transaction() as transaction:
            job = await self._jobs.stop(transaction, name)
            await self._note(transaction, actor, "schedule.stopped", job.schedule, job_id=str(job.id))
        return _own(job, actor.workspace_id)

    async def pause(self, actor: Actor, name: str) -> Scheduled:
        """Let it begin nothing by itself until `resume`; a job at work goes on."""
        check_flag(actor, FLAG)
        async with self._db.transaction() as transaction:
            await self._jobs.pause(transaction, name, _who(actor))
            await self._note(transaction, actor, "schedule.paused", name)
        return await self.get(actor, name)

    async def resume(self, actor: Actor, name: str) -> Scheduled:
        """Go on with its next moment; those that passed meanwhile are not made up for."""
        check_flag(actor, FLAG)
        async with self._db.transaction() as transaction:
            await self._jobs.resume(transaction, name)
            await self._note(transaction, actor, "schedule.resumed", name)
        return await self.get(actor, name)

    async def _note(self, transaction: Any, actor: Actor, action: str, name: str, **details: str) -> None:
        await note(transaction, self._clock, actor, action, target=name, details=details)


def scheduled_json(one: Scheduled) -> dict[str, Any]:
    """Give a schedule as data."""
    return {
        "name": one.schedule.name,
        "label": one.schedule.label,
        "description": one.schedule.description,
        "when": str(one.schedule.when),
        "paused_at": one.paused_at and one.paused_at.isoformat(),
        "paused_by": one.paused_by and one.paused_by["label"],
        "next_at": one.next_at and one.next_at.isoformat(),
        "last": one.last and job_json(one.last),
    }


def job_json(job: Job) -> dict[str, Any]:
    """Give a job as data."""
    return {
        "id": str(job.id),
        "schedule": job.schedule,
        "status": job.status.value,
        "tick_at": job.tick_at.isoformat(),
        "asked_by": job.asked_by and job.asked_by["label"],
        "starts": job.starts,
        "doing": job.doing,
        "counts": dict(job.counts),
        "error": job.error,
        "stopping": job.stopping and not job.status.ended,
        "created_at": job.created_at.isoformat(),
        "started_at": job.started_at and job.started_at.isoformat(),
        "ended_at": job.ended_at and job.ended_at.isoformat(),
    }


def _who(actor: Actor) -> Who:
    return actor.to_json() | {"workspace": str(actor.workspace_id)}


def _told(one: Scheduled, workspace_id: UUID) -> Scheduled:
    """Give a schedule as a workspace is told of it."""
    last = one.last and _own(one.last, workspace_id)
    return replace(one, last=last, paused_by=_named(one.paused_by, workspace_id))


def _own(job: Job, workspace_id: UUID) -> Job:
    """Leave out what a job did in other workspaces, and who there asked for it."""
    return replace(job, counts=_counts(job.counts, workspace_id), asked_by=_named(job.asked_by, workspace_id))


def _named(who: Who | None, workspace_id: UUID) -> Who | None:
    if who is None or who["workspace"] == str(workspace_id):
        return who
    return {"kind": who["kind"], "label": "another workspace"}


def _counts(counts: Mapping[str, int], workspace_id: UUID) -> dict[str, int]:
    """Give counts by part: `part/WORKSPACE` of this workspace, and what belongs to none."""
    split = [(*key.partition("/"), n) for key, n in counts.items()]
    return {part: n for part, _, whose, n in split if whose in ("", str(workspace_id))}
