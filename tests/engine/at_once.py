"""A carrier without DBOS: what is queued begins at once, in the process that asks, and nothing outlives that."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import Any
from uuid import UUID

from metier.engine.carrier import Run
from metier.store import Database


class AtOnce:
    """Runs jobs as tasks of the test.

    Args:
        tasks: Shared by the processes of a test, as they share a database.
    """

    def __init__(self, db: Database, run: Run, tasks: dict[UUID, asyncio.Task[None]] | None = None) -> None:
        self.is_on = False
        self.tasks = {} if tasks is None else tasks
        self._run = run

    async def start(self, executor: UUID) -> None:
        self.is_on = True

    async def aclose(self) -> None:
        self.is_on = False
        for task in self.tasks.values():
            task.cancel()

    async def enqueue(self, job_id: UUID) -> None:
        if job_id not in self.tasks:
            self.tasks[job_id] = asyncio.create_task(self._run(job_id))

    async def holders(self) -> set[UUID]:
        return set()

    async def take_over(self, dead: Collection[UUID]) -> None: ...

    async def is_lost(self, job_id: UUID) -> bool:
        return job_id not in self.tasks or self.tasks[job_id].done()

    async def forget(self, job_ids: Collection[UUID]) -> None: ...

    async def once(self, name: str, do: Callable[[], Awaitable[Any]]) -> Any:
        return await do()
