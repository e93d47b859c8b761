"""Surviving a crash: each process beats, and what a dead one held is taken over by the living.

beat ──(every few seconds)──▶ bury the dead ──▶ each kind of claims sweeps: takes over what was left, ends the rest
news of work (NOTIFY) ─────────────────────────▶ the same sweep, at once; schedules that are due begin in it (`jobs`)

What is held (the runs of turns, …) and how it is gone on with, the rooms above say. The fence is theirs, too: a claim
raises a number that every write of the work checks, so that an old owner that wakes up again changes nothing.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

from metier.clock import Clock
from metier.engine.carrier import Carrier, Run
from metier.engine.durable import Durable
from metier.engine.job import Schedule
from metier.engine.jobs import Jobs
from metier.engine.waiting import happens
from metier.engine.worker import Worker
from metier.redaction import get_logger
from metier.store import Database

HEARTBEAT_S = 3.0
SILENT_S = 10.0  # three missed heartbeats
WORK_CHANNEL = "metier_work"  # notified when there is something to claim


class Claims(Protocol):
    """Work of one kind that workers hold for as long as they live."""

    async def sweep(self) -> int:
        """Take over, or end, what nobody holds any more; give how much. Safe on all processes at once."""
        ...

    def give_up(self) -> None:
        """Let go of all that is held here: this process was taken for dead, and others may have it already."""
        ...


class Engine:
    """This process as a worker. `start` once all rooms are there; `aclose` after them.

    Args:
        heartbeat_s: Seconds between heartbeats; what was left is looked for as often.
        silent_s: Seconds without a heartbeat after which a worker counts as dead.
        takes_over: Whether this process goes on with what others left; one that runs a single command does not.
    """

    def __init__(
        self,
        db: Database,
        clock: Clock,
        *,
        heartbeat_s: float = HEARTBEAT_S,
        silent_s: float = SILENT_S,
        takes_over: bool = True,
        carrier: Callable[[Database, Run], Carrier] = Durable,
    ) -> None:
        self.takes_over = takes_over
        self._db = db
        self._worker = Worker(db, clock, silent_s=silent_s)
        self._heartbeat_s = heartbeat_s
        self.jobs = Jobs(db, clock, self._worker, ticks=takes_over, carrier=carrier)
        self._claims: list[Claims] = []
        self._launching: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self._closed = False
        self._keeping: asyncio.Task[None] | None = None
        self._unsubscribe: Callable[[], None] = lambda: None
        self._logger = get_logger("metier.engine")

    @property
    def worker(self) -> Worker:
        """This process as the others see it."""
        return self._worker

    def hold(self, claims: Claims) -> None:
        """Take in a kind of claims, before `start`."""
        self._claims.append(claims)

    def schedule(self, schedule: Schedule) -> None:
        """Let the house do something by itself, in a process that runs jobs; before `launch`."""
        self.jobs.add(schedule)

    def launch(self) -> asyncio.Task[None]:
        """Run jobs in this process, once DBOS is there: in the background, for that takes a moment.

        Returns:
            What is done when they run, or has failed and told the log why; it need not be awaited.
        """
        if self._launching is None or self._launching.done():
            self._launching = asyncio.create_task(self._launch(), name="engine launch")
        return self._launching

    async def start(self) -> None:
        """Become a worker: beat, and sweep up after dead ones from now on."""
        await self._worker.begin()
        self._unsubscribe = self._db.on_notify(WORK_CHANNEL, self._news.set)
        self._keeping = asyncio.create_task(self._keep(), name="engine keeper")

    async def aclose(self) -> None:
        """Stop, and tell the others, who see to what is left at once."""
        if self._keeping is None:
            return
        await self.rest()
        self._keeping = None
        if self._launching is not None:
            await asyncio.gather(self._launching, return_exceptions=True)
        try:
            await self.jobs.aclose()
            await self._worker.end()
            await self.announce()
        except Exception as error:  # noqa: BLE001 - the worker's edge: without a database silence tells the others
            self._logger.warning("left without saying so", cause=str(error))

    async def rest(self) -> None:
        """Claim nothing any more; a process that closes does so before it hands on what it holds."""
        self._closed = True
        self._unsubscribe()
        self._news.set()
        if self._keeping is not None:
            await asyncio.gather(self._keeping, return_exceptions=True)

    async def announce(self) -> None:
        """Tell all processes that there is something to claim."""
        await self._db.notify(WORK_CHANNEL)

    async def sweep(self) -> int:
        """See to what dead workers left behind; give how much that was. Happens by itself with each heartbeat."""
        await self._worker.bury()
        swept = sum([await claims.sweep() for claims in self._claims])
        return swept + await self._sweep_jobs()

    async def beat(self) -> None:
        """Say that this process lives; one that was taken for dead gives all up and begins under a new name."""
        if not await self._worker.beat():
            self._logger.warning("taken for dead: what this process was at work on is given up")
            for claims in (*self._claims, self.jobs):
                claims.give_up()
            await self._worker.begin()

    async def _sweep_jobs(self) -> int:
        try:
            return await self.jobs.sweep()
        except Exception as error:  # noqa: BLE001 - the worker's edge: turns are seen to all the same
            self._logger.error("schedules were not seen to", cause=str(error))
            return 0

    async def _launch(self) -> None:
        try:
            await self.jobs.launch()
        except Exception as error:  # noqa: BLE001 - the worker's edge: the house goes on without schedules, and says so
            self._logger.error("schedules do not run in this process", cause=str(error))
        else:
            self._news.set()

    async def _keep(self) -> None:
        """Beat and sweep, until closed."""
        loop = asyncio.get_running_loop()
        due = loop.time() + self._heartbeat_s
        while not self._closed:
            self._news.clear()
            try:
                if loop.time() >= due:
                    due = loop.time() + self._heartbeat_s
                    await self.beat()
                await self.sweep()
            except Exception as error:  # noqa: BLE001 - the worker's edge: no database now
                self._logger.warning("no heartbeat", cause=str(error))
            await happens(self._news, max(0.0, due - loop.time()))
