"""Runs: opening, finding, following and stopping them, on any process."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import aclosing
from dataclasses import replace
from typing import Any
from uuid import UUID

from metier.actor import Actor, check_acts
from metier.audit import note
from metier.clock import Clock
from metier.engine import Engine
from metier.engine.waiting import happens
from metier.errors import Conflict, StepInterrupted, Unavailable
from metier.events import START, Cursor, Event, EventType, Status
from metier.llm.messages import Message
from metier.redaction import get_logger
from metier.runs.claims import Claim, ClaimTable, Open
from metier.runs.history import History
from metier.runs.known import Known
from metier.runs.log import Log
from metier.runs.run import Run, StoredMessage
from metier.runs.run_log import RunLog
from metier.runs.table import Table
from metier.runs.writer import Writer
from metier.store import Database, Transaction

STOP_CHANNEL = "metier_stop"
PATIENCE_S = (
    30.0  # what this process lacks another may have; after this long it claims the run, and tells what is missing
)
SAFETY_S = 5.0  # a stop whose notification got lost is seen after this long

#: Goes on with a root run; returns at once and works in the background.
Resume = Callable[[RunLog], None]
#: Says whether this process has what a run needs, such as its model.
Able = Callable[[Open], Awaitable[bool]]

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
    """The runs of all workspaces, and the work on those that this process holds.

    `start` before use, `aclose` at the end. A run belongs to the process that opened or claimed it; all processes can
    read, follow and stop it. If that process dies, another claims the run and whoever `resumes` its kind goes on.
    """

    def __init__(self, db: Database, clock: Clock, engine: Engine) -> None:
        super().__init__(db)
        self._clock = clock
        self._engine = engine
        self._writer = Writer(db)
        self._table = Table(db)
        self._claims = ClaimTable(db, clock, engine.worker)
        self._known = Known()
        self._resume: dict[str, tuple[Resume, Able]] = {}
        self._left: dict[UUID, float] = {}  # root runs left to others, and since when (seconds of the clock)
        self._open: dict[UUID, RunLog] = {}  # root runs at work here, by id
        self._abandoned: dict[UUID, Open] = {}  # root runs that nobody here works on, though they may not have ended
        self._own: set[UUID] = set()  # root runs that were opened here, and let go of before their end
        self._stop_news = asyncio.Event()
        self._closed = False
        self._tasks: list[asyncio.Task[None]] = []
        self._unsubscribe: Callable[[], None] = lambda: None
        self._logger = get_logger("metier.runs")

    async def start(self) -> None:
        """Write, read and listen; claims are held from when the engine starts."""
        self._engine.hold(self)
        self._unsubscribe = self._db.on_notify(STOP_CHANNEL, self._stop_news.set)
        self._tasks = [
            self._begin("writer", self._writer.work()),
            self._begin("table", self._table.work()),
            self._begin("stops", self._watch_stops()),
        ]

    async def aclose(self) -> None:
        """Store what is queued, hand on what is still open, and let readers go."""
        if self._closed or not self._tasks:
            return
        self._closed = True
        await self._engine.rest()
        writer, table, stops = self._tasks
        self._stop_news.set()
        self._unsubscribe()
        for run_log in self._open.values():
            run_log.log.flush()
        self._writer.close()
        await asyncio.gather(writer, stops, return_exceptions=True)
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
        run_id: UUID | None = None,
    ) -> RunLog:
        """Open a run and begin its log; row and first message are stored in one commit before this returns.

        Args:
            kind: `turn` for a turn of a thread, else `agent`, `skill`, `function`, …
            name: The agent's (or other thing's) name.
            input: Any JSON value.
            parent: The run it works for; None for a root run.
            thread_id: The thread of a turn; the turn gets the next number in it.
            run_id: The id it gets; a new one if left out. Nobody else may open a run of this id meanwhile.

        Raises:
            Conflict: The thread's last turn has not ended.
            RunStopped: The parent is lost, broken or ended.
            OnlyViewing: The actor only looks as another.
            Unavailable: The database is gone, or Metier is shutting down.
        """
        check_acts(actor)
        if self._closed or not self._tasks:
            raise Unavailable("Metier is shutting down and begins nothing new.")
        run_id = run_id or self._clock.new_id()
        run = self._new_run(actor, run_id, kind=kind, name=name, input=input, parent=parent, thread_id=thread_id)
        rows = [run.new_row(self._engine.worker.id)]
        run_log = self._new_log(run, parent)
        if message is not None:
            rows += run_log.message_rows([message])
        await self._store_new(run_log, rows, is_root=parent is None)
        if parent is None:
            run_log.run = replace(run, turn=run_log.log.turn)
            self._open[run.id] = run_log
        return run_log

    async def forget_workers(self) -> int:
        """Forget processes that ended a day ago and left nothing open; give how many."""
        return await self._claims.forget_workers()

    async def exists(self, run_id: UUID, transaction: Transaction | None = None) -> bool:
        """Say whether there is a run of this id, in any workspace; nobody learns more of it.

        Args:
            transaction: On whose connection it is asked; on another if left out.
        """
        return await (transaction or self._db).value("select exists (select from core.run where id = %s)", [run_id])

    def resumes(self, kind: str, resume: Resume, able: Able | None = None) -> None:
        """Let root runs of this kind go on after a take-over; those of other kinds end as interrupted.

        Args:
            able: Whether this process can; a run for which it cannot is left to other processes for 30 s.
        """
        self._resume[kind] = (resume, able or _always)

    async def requeue(self, root_id: UUID) -> bool:
        """Let a root run that waits go on now, on any process; False if it does not wait (any more)."""
        return await self._claims.requeue(root_id)

    def take_up(self, root_id: UUID) -> None:
        """Let this process go on with a root run that waits once it may, though it takes nothing over by itself."""
        self._own.add(root_id)

    async def stop(self, actor: Actor, run_id: UUID) -> None:
        """Ask a run, and those below it, to stop; its owner learns of it at once, on whatever process it is.

        One that waits goes on to its end.

        Raises:
            NotFound: There is no run of this id that the actor may see.
        """
        run = await self.get(actor, run_id)
        asked = {"workspace": run.workspace_id, "root": run.root_id, "id": run.id, "now": self._clock.now()}
        async with self._db.transaction() as transaction:
            await transaction.rows(_ASK_TO_STOP, asked)
            await note(transaction, self._clock, actor, "run.stopped", target=run.name, target_id=run.id)
        await self.requeue(run.root_id)
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
        """Take over what dead workers left behind, or end what cannot go on; gives the number of root runs."""
        await self._hand_on_abandoned()
        found = await self._claims.open()
        self._left = {run.id: self._left[run.id] for run in found if run.id in self._left}
        swept = [await self._see_to(run) for run in found if run.id not in self._open]
        await self._claims.end_orphans()
        return sum(swept)

    def give_up(self) -> None:
        """Give up all runs of this process: it was silent for too long."""
        for run_log in list(self._open.values()):
            run_log.log.lose(StepInterrupted("This process was silent for too long and taken for dead."))

    # opening

    def _new_run(
        self,
        actor: Actor,
        run_id: UUID,
        *,
        kind: str,
        name: str,
        input: Any,
        parent: RunLog | None,
        thread_id: UUID | None,
    ) -> Run:
        now = self._clock.now()
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
        return self._root_log(run)

    def _root_log(self, run: Run, claim: Claim | None = None) -> RunLog:
        log = Log(
            self._writer,
            self._clock,
            workspace_id=run.workspace_id,
            root_id=run.id,
            epoch=run.epoch,
            seq=claim.seq if claim else 0,
            on_loss=lambda: self._lost(run_log),
        )
        run_log = RunLog(run, log, self._known, parent=None, on_end=self._ended, claim=claim)
        return run_log

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
        except BaseException:
            if is_root:  # if it is committed all the same, nobody works on it
                done.add_done_callback(lambda _: self._abandon(run))
            raise

    # taking over and handing on

    async def _see_to(self, run: Open) -> bool:
        """Go on with a root run that nobody holds, or end it; False if that is not for this process to do."""
        if run.kind not in self._resume:
            return await self._claims.interrupt(run.id, run.epoch)
        resume, able = self._resume[run.kind]
        if self._closed or not (self._engine.takes_over or run.id in self._own) or await self._leaves(run, able):
            return False
        claim = await self._claims.claim(run)
        if claim is None:
            return False
        run_log = self._open[run.id] = self._root_log(claim.run, claim)
        if claim.to_stop:
            run_log.stop()
        resume(run_log)
        return True

    async def _leaves(self, run: Open, able: Able) -> bool:
        """Say whether a run is left to processes that have what it needs."""
        if await able(run):
            return False
        return self._clock.monotonic() - self._left.setdefault(run.id, self._clock.monotonic()) < PATIENCE_S

    def _lost(self, run_log: RunLog) -> None:
        self._forget(run_log)
        run_log.stop()

    def _ended(self, run_log: RunLog, stored: bool) -> None:
        self._forget(run_log)
        run_log.log.cut()
        if not stored:
            self._abandon(run_log.run)
        elif run_log.run.status is Status.WAITING:
            self._own.add(run_log.run.id)

    def _abandon(self, run: Run) -> None:
        self._abandoned[run.id] = Open.of(run)
        self._own.add(run.id)

    def _forget(self, run_log: RunLog) -> None:
        """Let go of a log; the run may be at work here again already, in another epoch."""
        if self._open.get(run_log.run.id) is run_log:
            del self._open[run_log.run.id]
        self._own.discard(run_log.run.id)

    async def _leave(self) -> None:
        """Hand on what is still open here; no other process need wait for a silence."""
        for run_log in list(self._open.values()):
            await self._hand_on(Open.of(run_log.run))
            run_log.log.lose(StepInterrupted("Metier was shut down while the run was at work."))
        await self._hand_on_abandoned()

    async def _hand_on_abandoned(self) -> None:
        for run in list(self._abandoned.values()):
            await self._hand_on(run)
            self._abandoned.pop(run.id, None)

    async def _hand_on(self, run: Open) -> None:
        if run.kind in self._resume:
            await self._claims.hand_on(run.id, run.epoch)
        else:
            await self._claims.interrupt(run.id, run.epoch)

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

    async def _watch_stops(self) -> None:
        """Look for stops, until closed."""
        while not self._closed:
            self._stop_news.clear()
            try:
                await self._see_stops()
            except Exception as error:  # noqa: BLE001 - the worker's edge: no database now
                self._logger.warning("cannot look for stops", cause=str(error))
            await happens(self._stop_news, SAFETY_S)

    async def _see_stops(self) -> None:
        logs = {run_log.run.id: run_log for run_log in self._at_work() if not run_log.stopping.is_set()}
        if logs:
            rows = await self._db.rows(
                "select id from core.run where id = any(%s) and stop_requested_at is not null", [list(logs)]
            )
            for row in rows:
                logs[row["id"]].stop()


async def _always(run: Open) -> bool:
    """Say that this process can go on with a run, whatever it needs."""
    return True


def _ignore(run_log: RunLog, stored: bool) -> None:
    """The end of a run below another: the root's end counts."""
