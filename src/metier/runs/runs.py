"""Runs: opening, finding, following and stopping them, on any process."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from dataclasses import replace
from typing import Any
from uuid import UUID

from metier.actor import Actor
from metier.clock import Clock
from metier.errors import Conflict, StepInterrupted, Unavailable
from metier.events import START, Cursor, Event, EventType, Status
from metier.llm.messages import Message
from metier.redaction import get_logger
from metier.runs.history import History
from metier.runs.known import Known
from metier.runs.log import Log
from metier.runs.run import Run, StoredMessage
from metier.runs.run_log import RunLog
from metier.runs.table import Table
from metier.runs.waiting import happens
from metier.runs.worker import HEARTBEAT_S, Worker
from metier.runs.writer import Writer
from metier.store import Database

STOP_CHANNEL = "metier_stop"

_ASK_TO_STOP = f"""
with asked as (
    update core.run set stop_requested_at = coalesce(stop_requested_at, %(now)s)
    where workspace_id = %(workspace)s and root_id = %(root)s and (id = %(id)s or root_id = %(id)s)
        and status in ('queued', 'running', 'waiting')
    returning id
)
select pg_notify('{STOP_CHANNEL}', '') from asked limit 1
"""


class Runs(History):
    """The runs of all workspaces, and the work on those that this process has opened.

    `start` before use, `aclose` at the end. A run belongs to the process that opened it; all processes can read,
    follow and stop it.
    """

    def __init__(self, db: Database, clock: Clock) -> None:
        super().__init__(db)
        self._clock = clock
        self._writer = Writer(db)
        self._table = Table(db)
        self._worker = Worker(db, clock)
        self._known = Known()
        self._open: dict[UUID, RunLog] = {}  # root runs at work here, by id
        self._abandoned: dict[UUID, int] = {}  # root runs whose end may not be stored, with their epoch
        self._stop_news = asyncio.Event()
        self._closed = False
        self._tasks: list[asyncio.Task[None]] = []
        self._unsubscribe: Callable[[], None] = lambda: None
        self._logger = get_logger("metier.runs")

    async def start(self) -> None:
        """Become a worker: write, listen, beat, and sweep up after dead ones."""
        await self._worker.begin()
        self._unsubscribe = self._db.on_notify(STOP_CHANNEL, self._stop_news.set)
        self._tasks = [
            self._begin("writer", self._writer.work()),
            self._begin("table", self._table.work()),
            self._begin("keeper", self._keep()),
        ]

    async def aclose(self) -> None:
        """Store what is queued, mark what is still open as interrupted, and let readers go."""
        if self._closed or not self._tasks:
            return
        self._closed = True
        writer, table, keeper = self._tasks
        self._stop_news.set()
        self._unsubscribe()
        for run_log in self._open.values():
            run_log.log.flush()
        self._writer.close()
        await asyncio.gather(writer, keeper, return_exceptions=True)
        try:
            await self._leave()
        except Exception as error:  # noqa: BLE001 - the worker's edge: without a database the sweep of others does it
            self._logger.warning("left without saying so", cause=str(error))
        self._table.close()
        await asyncio.gather(table, return_exceptions=True)

    async def open(
        self,
        actor: Actor,
        *,
        kind: str,
        name: str,
        input: Any = None,
        parent: RunLog | None = None,
        thread_id: UUID | None = None,
        message: Message | None = None,
    ) -> RunLog:
        """Open a run and begin its log; row and first message are stored in one commit before this returns.

        Args:
            kind: `turn` for a turn of a thread, else `agent`, `skill`, `function`, …
            name: The agent's (or other thing's) name.
            input: Any JSON value.
            parent: The run it works for; None for a root run.
            thread_id: The thread of a turn; the turn gets the next number in it.

        Raises:
            Conflict: The thread's last turn has not ended.
            RunStopped: The parent is lost, broken or ended.
            Unavailable: The database is gone, or Metier is shutting down.
        """
        if self._closed or not self._tasks:
            raise Unavailable("Metier is shutting down and begins nothing new.")
        run = self._new_run(actor, kind=kind, name=name, input=input, parent=parent, thread_id=thread_id)
        rows = [run.new_row(self._worker.id)]
        run_log = self._new_log(run, parent)
        if message is not None:
            rows += run_log.message_rows([message])
        await self._store_new(run_log, rows, is_root=parent is None)
        if parent is None:
            run_log.run = replace(run, turn=run_log.log.turn)
            self._open[run.id] = run_log
        return run_log

    async def stop(self, actor: Actor, run_id: UUID) -> None:
        """Ask a run, and those below it, to stop; its owner learns of it at once, on whatever process it is.

        Raises:
            NotFound: There is no run of this id that the actor may see.
        """
        run = await self.get(actor, run_id)
        await self._db.rows(
            _ASK_TO_STOP,
            {"workspace": run.workspace_id, "root": run.root_id, "id": run.id, "now": self._clock.now()},
        )
        for run_log in self._at_work():
            if run_log.run.id == run_id:
                run_log.stop()

    async def follow(self, root_id: UUID, *, after: Cursor = START) -> AsyncGenerator[Event, None]:
        """Give the events behind a place, then those that come; ends with the root run's `complete`.

        In order, none missing, none twice, whichever process does the work. The caller has checked with `get` that
        the run may be seen. Ends early when Metier shuts down: go on elsewhere from the last event's cursor.
        """
        place = after
        while True:
            run_log = self._open.get(root_id)
            batches = self._stored(root_id, place) if run_log is None else self._live(run_log.log, place)
            async with aclosing(batches):
                async for events in batches:
                    for event in events:
                        if (event.epoch, event.seq) > place:
                            place = event.cursor
                            yield event
                        if event.type is EventType.COMPLETE and event.run_id == root_id:
                            return
            if run_log is None:
                return

    async def events(self, root_id: UUID) -> list[Event]:
        """Give the events stored so far; the caller has checked that the run may be seen."""
        found = await self._table.now(root_id, START)
        events = list(found.events)
        while found.full:
            found = await self._table.now(root_id, events[-1].cursor)
            events += found.events
        return events

    async def messages(
        self, workspace_id: UUID, *, thread_id: UUID, before_turn: int | None = None
    ) -> list[StoredMessage]:
        """Give a thread's messages in order; the caller has checked that they may be seen.

        Args:
            before_turn: Leave out this turn and what follows.
        """
        stored = await super().messages(workspace_id, thread_id=thread_id, before_turn=before_turn)
        for one in stored:
            self._known.note(one.message, (one.run_id, one.seq))
        return stored

    async def sweep(self) -> int:
        """End what dead workers left behind; gives the number of root runs. Happens every 5 s by itself."""
        return await self._worker.sweep()

    # opening

    def _new_run(
        self, actor: Actor, *, kind: str, name: str, input: Any, parent: RunLog | None, thread_id: UUID | None
    ) -> Run:
        run_id, now = self._clock.new_id(), self._clock.now()
        return Run(
            workspace_id=actor.workspace_id,
            id=run_id,
            root_id=run_id if parent is None else parent.run.root_id,
            parent_id=None if parent is None else parent.run.id,
            kind=kind,
            name=name,
            status=Status.RUNNING,
            thread_id=thread_id,
            turn=None,
            actor=actor.to_json(),
            principal_id=actor.principal.id,
            input=input,
            epoch=1 if parent is None else parent.run.epoch,
            created_at=now,
            started_at=now,
        )

    def _new_log(self, run: Run, parent: RunLog | None) -> RunLog:
        if parent is not None:
            parent.check()
            return RunLog(run, parent.log, self._known, parent=parent, on_end=_ignore)
        log = Log(
            self._writer,
            self._clock,
            workspace_id=run.workspace_id,
            root_id=run.id,
            epoch=run.epoch,
            on_loss=lambda: self._lost(run.id),
        )
        return RunLog(run, log, self._known, parent=None, on_end=lambda stored: self._ended(run.id, log, stored=stored))

    async def _store_new(self, run_log: RunLog, rows: list[tuple[str, bytes]], *, is_root: bool) -> None:
        run = run_log.run
        done = run_log.log.write(rows, makes=run.id)
        self._writer.hurry()  # a shielded future is not awaited itself
        try:
            await asyncio.shield(done)
        except StepInterrupted:
            if not is_root:
                raise
            raise Conflict("The last turn of this thread has not ended.", cure="Wait for it, or stop it.") from None
        except asyncio.CancelledError:
            if is_root:  # if it is committed all the same, nobody works on it
                done.add_done_callback(lambda _: self._abandoned.__setitem__(run.id, run.epoch))
            raise

    # the end

    def _lost(self, root_id: UUID) -> None:
        run_log = self._open.pop(root_id, None)
        if run_log is not None:
            run_log.stop()

    def _ended(self, root_id: UUID, log: Log, *, stored: bool) -> None:
        self._open.pop(root_id, None)
        log.cut()
        if not stored:
            self._abandoned[root_id] = log.epoch

    async def _leave(self) -> None:
        """End what is still open here; no other process need wait for the sweep."""
        for run_log in list(self._open.values()):
            await self._worker.interrupt(run_log.run.id, run_log.log.epoch)
            run_log.log.lose(StepInterrupted("Metier was shut down while the run was at work."))
        await self._end_abandoned()
        await self._worker.end()

    async def _end_abandoned(self) -> None:
        for root_id, epoch in list(self._abandoned.items()):
            await self._worker.interrupt(root_id, epoch)
            self._abandoned.pop(root_id, None)

    # reading

    async def _stored(self, root_id: UUID, place: Cursor) -> AsyncGenerator[list[Event], None]:
        """Give what is in the table, as it comes."""
        while events := await self._table.more(root_id, place):
            yield events
            place = events[-1].cursor

    async def _live(self, log: Log, place: Cursor) -> AsyncGenerator[list[Event], None]:
        """Give what is in the table, then what happens here; the two may overlap."""
        feed = log.subscribe()  # first, so that nothing falls between
        try:
            full = True
            while full:
                found = await self._table.now(log.root_id, place)
                if found.events:
                    yield found.events
                    place = found.events[-1].cursor
                full = found.full
            while events := await feed.take():
                yield events
        finally:
            log.unsubscribe(feed)

    # keeping

    def _begin(self, name: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=f"runs {name}")
        task.add_done_callback(self._report)
        return task

    def _report(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._logger.error("a task of the run log broke", task=task.get_name(), exc_info=error)

    def _at_work(self) -> list[RunLog]:
        return [run_log for root in self._open.values() for run_log in root.tree()]

    async def _keep(self) -> None:
        """Beat, sweep, and look for stops, until closed."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while not self._closed:
            self._stop_news.clear()
            try:
                await self._see_stops()
                if loop.time() >= due:
                    due = loop.time() + HEARTBEAT_S
                    await self._beat()
            except Exception as error:  # noqa: BLE001 - the worker's edge: no database now
                self._logger.warning("no heartbeat", cause=str(error))
            await happens(self._stop_news, max(0.0, due - loop.time()))

    async def _see_stops(self) -> None:
        logs = {run_log.run.id: run_log for run_log in self._at_work() if not run_log.stopping.is_set()}
        if logs:
            for run_id in await self._worker.stopped(list(logs)):
                logs[run_id].stop()

    async def _beat(self) -> None:
        if not await self._worker.beat():
            self._logger.warning("taken for dead: all runs of this process are interrupted")
            for run_log in list(self._open.values()):
                run_log.log.lose(StepInterrupted("This process was silent for too long and taken for dead."))
            await self._worker.begin()
        await self._worker.sweep()
        await self._end_abandoned()


def _ignore(stored: bool) -> None:
    """The end of a run below another: the root's end counts."""
