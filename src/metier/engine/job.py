"""What the house does by itself, and what is known of each time it does it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeVar
from uuid import UUID

from metier.engine.ticks import When
from metier.events import Status

T = TypeVar("T")


class AtWork(Protocol):
    """A job, as its work sees it.

    Attributes:
        tick_at: The moment it is for.
    """

    tick_at: datetime

    async def once(self, name: str, do: Callable[[], Awaitable[T]]) -> T:
        """Do a step whose result (JSON) is stored: who goes on after the process died gets that, and does it no more.

        A step the process died in is done again. Steps come in the same order each time.
        """
        ...

    async def tell(self, words: str, counts: Mapping[str, int]) -> None:
        """Say how far it has come, between two steps.

        Args:
            words: What it is at: `deleted records`.
            counts: How much of what was done, by `part` or `part/WORKSPACE`; those told before stay.

        Raises:
            Cancelled: Somebody stopped the job.
            CancelledError: Another process has it.
        """
        ...


Work = Callable[[AtWork], Awaitable[None]]


@dataclass(frozen=True)
class Schedule:
    """Something the house does by itself, at most once at a time over all processes.

    A tick that comes while the one before is at work is skipped. Of ticks that passed while no process was there, the
    last one is made up for. A failure is logged and shown, and the next tick tries again.

    Attributes:
        name: An identifier; what is stored goes by it.
        work: Does it, once for each tick. What it does is the same when done again: a process may die in it.
    """

    name: str
    label: str
    description: str
    when: When
    work: Work


@dataclass(frozen=True)
class Job:
    """One time a schedule was due.

    Attributes:
        tick_at: The moment it is for; the same tick is never two jobs.
        asked_by: Who asked for it, as ids and labels; None for a tick.
        status: queued, running, succeeded, failed, stopped, or skipped: the one before was still at work.
        starts: How often a process began with it; more than once if one died.
        doing: What it is at, or was last.
        counts: How much was done, by `part` or `part/WORKSPACE`.
        error: What went wrong, `{"error", "message", "cure"?}`.
    """

    id: UUID
    schedule: str
    tick_at: datetime
    status: Status
    asked_by: Mapping[str, Any] | None
    starts: int
    doing: str
    counts: Mapping[str, int]
    error: Mapping[str, Any] | None
    stopping: bool
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True)
class Scheduled:
    """A schedule with how it stands.

    Attributes:
        next_at: When it is due; None while it is paused.
        last: The job that began last, skipped ones aside.
    """

    schedule: Schedule
    paused_at: datetime | None
    paused_by: Mapping[str, Any] | None
    next_at: datetime | None
    last: Job | None = field(default=None)
