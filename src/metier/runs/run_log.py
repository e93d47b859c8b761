"""A run as the one who does its work holds it: messages, events, text, model calls and the end go in here."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from metier.actor import Actor
from metier.audit import Entry
from metier.errors import RunStopped, StepInterrupted
from metier.events import EventType, Status
from metier.llm.messages import Message, Usage
from metier.runs.claims import Claim, Left
from metier.runs.form import clean_text, encode, message_parts
from metier.runs.known import Known
from metier.runs.log import Log
from metier.runs.requests.request import Request
from metier.runs.run import Run

_UNSTORABLE = {
    "error": "RunStopped",
    "message": "A part of this run could not be stored, so the run ends here.",
    "cure": "Ask again; the operator's log has the cause.",
}


class RunLog:
    """One open run. Its owner writes; everybody reads through `Runs.follow`.

    What is put is committed in the order it was put. Nothing raises for a write that fails later: what is awaited
    next does (`put`'s future, `emit`, a reservation), and nothing is written after it. If another process has ended
    or taken over the run, that is a `StepInterrupted`, and `stopping` is set as well.

    Attributes:
        run: The run as it is now.
        left: What earlier owners have left behind; nothing for a run that was opened here.
        messages: How many it has.
        stopping: Set when somebody wants the run to stop; its owner then ends it within one step.
    """

    def __init__(
        self,
        run: Run,
        log: Log,
        known: Known,
        *,
        parent: "RunLog | None",
        on_end: "Callable[[RunLog, bool], None]",
        claim: Claim | None = None,
    ) -> None:
        self.run = run
        self.left = claim.left if claim else Left()
        self.messages = claim.messages if claim else 0
        self.stopping = asyncio.Event()
        self.log = log
        self.known = known
        self.parent = parent
        self._children: list[RunLog] = []
        self._on_end = on_end
        self._closed = False
        self._part = claim.part if claim else 0
        self._offsets: dict[EventType, int] = {}
        if parent is not None:
            parent.adopt(self)

    def put(
        self, *, messages: Sequence[Message] = (), events: Sequence[tuple[EventType, Mapping[str, Any]]] = ()
    ) -> asyncio.Future[None]:
        """Queue messages and events for the next commit; readers get the events once it is done.

        Returns:
            A future that is done when they are committed; it may be ignored.

        Raises:
            TypeError: Something in them is not JSON.
        """
        if self._closed or self.log.fault is not None:
            return _failed(self.log.fault or RunStopped("The run has ended."))
        bodies = [(kind, encode(data)) for kind, data in events]
        rows = self.message_rows(messages)
        rows += [self.log.event_row(self.run.id, kind, body) for kind, body in bodies]
        return self.log.write(rows)

    def note(self, actor: Actor, entry: Entry) -> None:
        """Queue a row of the audit log, for the next commit: what the actor did or tried in this run."""
        if self._closed or self.log.fault is not None:
            return
        row = entry.row(
            self.run.workspace_id,
            actor.to_json(),
            id=self.log.clock.new_id(),
            now=self.log.clock.now(),
            principal_id=actor.principal.id,
            run_id=self.run.id,
        )
        row["root_id"] = self.run.root_id
        self.log.hold("audits", encode(row))

    async def emit(self, type: EventType, data: Mapping[str, Any]) -> None:
        """Put an event and wait until it is committed.

        Raises:
            RunStopped: It could not be; the run is lost or broken.
        """
        await self.put(events=[(type, data)])

    def delta(self, type: EventType, text: str) -> None:
        """Give readers a piece of text (`token` or `reasoning`) at once; the log has it within 50 ms."""
        text = clean_text(text)
        if not text or self._closed:
            return
        offset = self._offsets.get(type, 0)
        self.log.delta(self.run.id, type, self._part, offset, text)
        self._offsets[type] = offset + len(text)

    def next_part(self) -> None:
        """Begin a new part of text; nothing changes if the current one is empty."""
        if self._offsets:
            self._part += 1
            self._offsets.clear()

    def tree(self) -> "Iterator[RunLog]":
        """Give this run and those below it that this process has opened."""
        yield self
        for child in self._children:
            yield from child.tree()

    def stop(self) -> None:
        """Ask the run and those below it to stop."""
        for log in self.tree():
            log.stopping.set()

    async def close(
        self,
        status: Status,
        *,
        output: Any = None,
        stop_reason: str,
        error: Mapping[str, Any] | None = None,
        messages: Sequence[Message] = (),
    ) -> None:
        """End the run: last messages, its row, an `error` event if there is one, and `complete`, in one commit.

        Runs below it that are still open are ended as interrupted. A run that has ended already, here or by another
        process, stays as it is.

        Args:
            output: Any JSON value.
            error: `{"error", "message", "cure"?, …}`.
            messages: What is said with it. Whoever goes on with a run after a crash asks the model again unless its
                last words are stored, so these and the end belong together.

        Raises:
            Unavailable: The database is gone.
        """
        if self._closed:
            return
        for child in self._children:
            await child.close(Status.INTERRUPTED, stop_reason="parent_ended")
        self._closed = True
        stored = False
        try:
            await self._end(status, output, stop_reason, error, messages)
            stored = True
        finally:
            self._on_end(self, stored)

    async def wait(self, asked: Sequence[Request] = ()) -> None:
        """Let go of a root run that waits for a person, in one commit with what is asked, behind all that was put.

        It belongs to no worker then, and costs nothing; readers stay. An answer to all it has asked, or
        `Runs.requeue`, lets it go on, on any process.

        Raises:
            RunStopped: The run is lost or broken.
            Unavailable: The database is gone.
        """
        self.check()
        waiting = replace(self.run, status=Status.WAITING)
        self._closed = True
        stored = False
        try:
            rows = [("requests", encode(request.row())) for request in asked]
            told = [encode(request.told()) for request in asked]
            rows += [
                self.log.event_row(request.run_id, EventType.INTERRUPT, data)
                for request, data in zip(asked, told, strict=True)
            ]
            await self.log.write(rows, states={waiting.id: waiting.state_row()})
            self.run, stored = waiting, True
        finally:
            self._on_end(self, stored)

    # for the ledger and for Runs

    def check(self) -> None:
        """Raise what keeps the run from being written, if anything does."""
        if self._closed or self.log.fault is not None:
            raise self.log.fault or RunStopped("The run has ended.")

    def adopt(self, child: "RunLog") -> None:
        """Take a run below this one in."""
        self._children.append(child)
        if self.stopping.is_set():
            child.stop()

    def message_rows(self, messages: Sequence[Message]) -> list[tuple[str, bytes]]:
        """Number messages; their rows go into the next write."""
        first = self.messages + 1
        rows = [("messages", self._message_row(message, seq)) for seq, message in enumerate(messages, start=first)]
        for message in messages:
            self.messages += 1
            self.known.note(message, (self.run.id, self.messages))
        return rows

    async def reserve_call(self, call_id: UUID, rows: Sequence[tuple[str, bytes]]) -> Mapping[str, Any] | None:
        """Store the row of a model call that is about to be made; gives why not, if a budget does not allow it.

        Raises:
            RunStopped: It could not be; the run is lost or broken.
        """
        self.check()
        done = self.log.write(rows, makes=call_id)
        await done
        return done.refused

    def settle_call(
        self, call_id: UUID, row: tuple[str, bytes], usage: Usage, cost_micros: int, told: Mapping[str, Any]
    ) -> None:
        """Queue the end of a model call, add it to this run and those above, and tell readers with a `usage` event."""
        states: dict[UUID, bytes] = {}
        above: RunLog | None = self
        while above is not None:
            above.run = _with_usage(above.run, usage, cost_micros)
            states[above.run.id] = above.run.state_row()
            above = above.parent
        if self.log.fault is not None:
            return
        rows = [row] if self._closed else [row, self.log.event_row(self.run.id, EventType.USAGE, encode(told))]
        self.log.write(rows, states=states, settles=call_id)

    def _message_row(self, message: Message, seq: int) -> bytes:
        return encode(
            {
                "root_id": self.run.root_id,
                "workspace_id": self.run.workspace_id,
                "run_id": self.run.id,
                "seq": seq,
                "thread_id": self.run.thread_id if self.parent is None else None,
                "role": message.role,
                "parts": message_parts(message),
                "created_at": self.log.clock.now(),
                "epoch": self.log.epoch,
                "log_seq": self.log.seq,
            }
        )

    async def _end(
        self,
        status: Status,
        output: Any,
        stop_reason: str,
        error: Mapping[str, Any] | None,
        messages: Sequence[Message],
    ) -> None:
        ended = self._ended(status, output, stop_reason, error)
        try:
            await self._store_end(ended, messages if self.log.fault is None else ())
        except StepInterrupted:
            self.run = replace(self.run, status=Status.INTERRUPTED)
        except (RunStopped, TypeError):
            await self._store_end(self._ended(Status.FAILED, None, "error", _UNSTORABLE))

    def _ended(self, status: Status, output: Any, stop_reason: str, error: Mapping[str, Any] | None) -> Run:
        now = self.log.clock.now()
        return replace(self.run, status=status, output=output, stop_reason=stop_reason, error=error, ended_at=now)

    async def _store_end(self, ended: Run, messages: Sequence[Message] = ()) -> None:
        if isinstance(self.log.fault, StepInterrupted):
            raise self.log.fault
        state = ended.state_row()
        bodies = [(kind, encode(data)) for kind, data in _last_words(ended)]
        rows = self.message_rows(messages)
        rows += [self.log.event_row(ended.id, kind, body) for kind, body in bodies]
        await self.log.write(rows, states={ended.id: state}, last=True)
        self.run = ended


def _last_words(run: Run) -> list[tuple[EventType, Mapping[str, Any]]]:
    complete = {
        "status": run.status,
        "output": run.output,
        "stop_reason": run.stop_reason,
        "usage": run.usage,
        "cost": run.cost_micros,
    }
    if run.error is None:
        return [(EventType.COMPLETE, complete)]
    error = {key: run.error[key] for key in ("error", "message", "cure") if run.error.get(key)}
    return [(EventType.ERROR, error), (EventType.COMPLETE, complete)]


def _with_usage(run: Run, usage: Usage, cost_micros: int) -> Run:
    return replace(run, usage=(Usage(**run.usage) + usage).to_json(), cost_micros=run.cost_micros + cost_micros)


def _failed(error: BaseException) -> asyncio.Future[None]:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.set_exception(error)
    future.exception()  # who does not await it has been told before
    return future
