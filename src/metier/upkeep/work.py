"""What the house does by itself: letting go of what is kept no longer, and sweeping up what is over.

Each batch is a step of its job. If the process dies in one, whoever goes on sees to it again and finds it done; only
the count of that one batch is lost.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from metier.access import Access
from metier.clock import Clock
from metier.engine import AtWork, Cron, Every, Jobs, Schedule
from metier.errors import RunStopped
from metier.records import effects
from metier.redaction import get_logger
from metier.runs import Runs
from metier.store import Database
from metier.upkeep.retention import Retention

BATCH = 1_000  # rows
JOBS_KEPT = timedelta(days=90)


def house_schedules(
    db: Database, clock: Clock, *, retention: Retention, access: Access, runs: Runs, jobs: Jobs
) -> Sequence[Schedule]:
    """Give the schedules that every house has."""
    sweeping = _Sweeping(
        clock,
        {
            "idempotency_keys": lambda now: effects.forget(db, now, BATCH),
            "jobs": lambda now: jobs.forget(now - JOBS_KEPT, BATCH),
            "workers": lambda now: runs.forget_workers(),
        },
    )
    return (
        Schedule(
            "retention",
            "Retention",
            "Lets go of what is kept no longer: deleted records after 30 days, and what else has a term.",
            Cron("30 3 * * *", "daily at 03:30"),
            _Forgetting(retention, access).work,
        ),
        Schedule(
            "sweep",
            "Sweeping up",
            "Forgets keys of repeated requests after a day, processes that are gone, and jobs of 90 days ago.",
            Every(60),
            sweeping.work,
        ),
    )


class _Forgetting:
    """The work of the schedule `retention`."""

    def __init__(self, retention: Retention, access: Access) -> None:
        self._retention = retention
        self._access = access
        self._logger = get_logger("metier.upkeep")

    async def work(self, job: AtWork) -> None:
        """Let go of everything that is due, workspace after workspace; one thing that fails holds up no other."""
        faults: list[Exception] = []
        for due in await job.once("plan", self._plan):
            try:
                await self._let_go(job, **due)
            except RunStopped:
                raise
            except Exception as error:  # the worker's edge: what fails is told, and the rest is let go of all the same
                self._logger.exception("cannot let go of what is kept no longer", **due)
                faults.append(error)
        if faults:
            raise faults[0]

    async def _plan(self) -> list[dict[str, str]]:
        """Say what is due, as JSON: who goes on with the job goes by the same moments."""
        return [
            {"name": kept.name, "workspace": str(workspace.id), "before": before.isoformat()}
            for workspace in await self._access.workspaces()
            for kept, before in await self._retention.due(workspace.id)
        ]

    async def _let_go(self, job: AtWork, name: str, workspace: str, before: str) -> None:
        kept = self._retention.thing(name)
        forget = partial(kept.forget, UUID(workspace), datetime.fromisoformat(before), BATCH)
        await _all_of(job, name, f"{name}/{workspace}", kept.label.lower(), forget)


class _Sweeping:
    """The work of the schedule `sweep`."""

    def __init__(self, clock: Clock, parts: Mapping[str, Callable[[datetime], Awaitable[int]]]) -> None:
        self._clock = clock
        self._parts = parts

    async def work(self, job: AtWork) -> None:
        """Sweep up part after part."""
        for name, sweep in self._parts.items():
            await _all_of(job, name, name, name.replace("_", " "), partial(self._now, sweep))

    async def _now(self, sweep: Callable[[datetime], Awaitable[int]]) -> int:
        return await sweep(self._clock.now())


async def _all_of(job: AtWork, step: str, count: str, words: str, forget: Callable[[], Awaitable[Any]]) -> None:
    """Do it batch by batch, until nothing is left."""
    total = 0
    await job.tell(words, {count: 0})
    while done := await job.once(step, forget):
        total += done
        await job.tell(words, {count: total})
