"""What a run tells while it works: event names, their one stored and streamed form, and the cursor.

Each root run has one log. An event's place in it is `(epoch, seq)`: `seq` counts up within an epoch, a take-over by
another worker opens the next epoch. Clients get the place as an opaque cursor and only send it back.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, Self
from uuid import UUID

from metier.errors import Invalid, Problem


class EventType(StrEnum):
    """Names of events (after seed 004, extended)."""

    STAGE = "stage"
    TOKEN = "token"
    REASONING = "reasoning"
    TOOL_CALL = "tool_call"
    TOOL_RESULT = "tool_result"
    PLAN_STEP = "plan_step"
    RESUMED = "resumed"
    RECORD_CHANGED = "record_changed"
    INTERRUPT = "interrupt"
    INTERRUPT_RESPONSE = "interrupt_response"
    USAGE = "usage"
    ERROR = "error"
    COMPLETE = "complete"


#: Text in pieces: sent to local readers at once, stored in batches. All other events are stored before they are sent.
DELTAS = frozenset({EventType.TOKEN, EventType.REASONING})


class Status(StrEnum):
    """States of a run, the same words in API, CLI and pages."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    STOPPED = "stopped"
    SKIPPED = "skipped"
    INTERRUPTED = "interrupted"

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self not in (Status.QUEUED, Status.RUNNING, Status.WAITING)


class Cursor(NamedTuple):
    """A place in a root run's log; `Cursor(0, 0)` is before the first event."""

    epoch: int
    seq: int

    def __str__(self) -> str:
        return f"{self.epoch}-{self.seq}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a cursor that a client sent back.

        Raises:
            Invalid: It was not made by us.
        """
        found = re.fullmatch(r"(\d{1,9})-(\d{1,15})", text)
        if not found:
            raise Invalid.of(
                [Problem("after", f"{text!r} is not a cursor of this log; send back the 'id' of an event")],
                what="The cursor",
            )
        return cls(int(found[1]), int(found[2]))


START = Cursor(0, 0)


@dataclass(frozen=True)
class Event:
    """One thing that happened in a run.

    `data` by type:
        stage: `{name, status: running|completed|failed}`
        token, reasoning: `{part, offset, text}`: text to put at `offset` characters into part number `part`
        tool_call: `{call_id, name, arguments, category, effect}`
        tool_result: `{call_id, name, success, message, result?, error?, ms}`
        plan_step: `{plan}`: what the offline planner understood, see `docs/reference/events.md`
        resumed: `{part, after}`: another worker goes on; text from part number `part` on, and the plan steps that came
            behind the place `after`, are taken back and told again
        record_changed: `{object, id, label, kind, change_id, write_id, fields}`: what a tool did to a record; `fields`
            are the names of those that have another value now
        interrupt: `{request_id, call_id, kind, title, why, tool, arguments, changes, hash, …}`: the run asks a person
        interrupt_response: `{request_id, call_id, status, answer, by, note}`
        usage: `{model, input_tokens, output_tokens, cached_tokens, cost_micros}`
        error: `{error, message, cure?}`
        complete: `{status, output, stop_reason, usage, cost}`; `cost` in micro-dollars; the last event of its run
    """

    root_id: UUID
    run_id: UUID
    epoch: int
    seq: int
    ts: datetime
    type: EventType
    data: dict[str, Any]

    @property
    def cursor(self) -> Cursor:
        """The event's place."""
        return Cursor(self.epoch, self.seq)

    def to_json(self) -> dict[str, Any]:
        """Give the stored and CLI form."""
        return {
            "run_id": str(self.run_id),
            "seq": self.seq,
            "ts": self.ts.isoformat(),
            "type": self.type.value,
            "data": self.data,
        }
