"""What everything from the third floor up is given first: who acts, where, and the doors open to that one."""

from collections.abc import AsyncGenerator, Awaitable, Generator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from metier.access import Outside
from metier.actor import Actor
from metier.audit import Entry
from metier.clock import Clock
from metier.errors import Unavailable
from metier.events import EventType
from metier.llm.messages import Chunk, Request
from metier.records import Records


class Emit(Protocol):
    """Queues an event of the current run; awaiting the result waits until it is committed."""

    def __call__(self, type: EventType, data: Mapping[str, Any]) -> Awaitable[None]: ...


class Note(Protocol):
    """Writes a row of the audit log in the current run: what the actor did or tried."""

    def __call__(self, actor: Actor, entry: Entry) -> None: ...


class Ask(Protocol):
    """The one door to models: reserves, calls, settles and records. `actor` is who asks, as looked up for this call."""

    def __call__(self, request: Request, *, actor: Actor) -> AsyncGenerator[Chunk, None]: ...


class _Heard:
    """Already done: outside a run nothing listens."""

    def __await__(self) -> Generator[None, None, None]:
        return
        yield


def _no_run(type: EventType, data: Mapping[str, Any]) -> Awaitable[None]:
    return _Heard()


def _no_log(actor: Actor, entry: Entry) -> None:
    """Outside a run nothing is called for an agent."""


async def no_model(request: Request, *, actor: Actor) -> AsyncGenerator[Chunk, None]:
    """Refuse to ask a model: there is no run on whose account it would be."""
    raise Unavailable("No model can be asked outside a run.")
    yield  # makes it what `Ask` is


@dataclass(frozen=True)
class Context:
    """One actor's view of the house, for the length of one piece of work.

    Attributes:
        actor: Who acts; looked up again before each model and tool call.
        records: The one door to business data; give it `ctx.actor`.
        llm: The one door to models.
        run_id, root_id: The run this happens in, if any.
        emit: Writes an event of that run.
        effect_key: Names the tool call at work, `RUN/STEP/CALL`, the same on every attempt: an effect that carries it
            is had once, however often a process dies on the way. Empty outside a tool call.
        note: Writes a row of the audit log, in the commit of the run's events.
        outside: The one door to other servers; give it `ctx.actor`. None where there is none.
    """

    actor: Actor
    clock: Clock
    records: Records
    llm: Ask
    run_id: UUID | None = None
    root_id: UUID | None = None
    emit: Emit = _no_run
    effect_key: str = ""
    note: Note = _no_log
    outside: Outside | None = None

    def now(self) -> datetime:
        """Give the time of day where the person is."""
        return self.clock.now().astimezone(ZoneInfo(self.actor.me.time_zone))
