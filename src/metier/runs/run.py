"""What is known of a run, as values."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from metier.errors import Invalid, Problem
from metier.events import Status
from metier.llm.messages import Message, Usage
from metier.runs.form import encode, message_parts

#: Columns of `core.run` that make a Run.
COLUMNS = (
    "workspace_id, id, root_id, parent_id, kind, name, status, thread_id, turn, actor, principal_id, input, output,"
    " stop_reason, error, epoch, usage, cost_micros, created_at, started_at, ended_at"
)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Run:
    """One piece of work: a turn, or an agent, skill or function at work for one.

    Attributes:
        root_id: The run at the top of the tree; its own id if it is that one.
        kind: `turn`, `agent`, `skill`, `function`, …
        name: The agent's (or other thing's) name.
        turn: Its number in the thread, from 1; None for a run that is no turn.
        actor: Who acts: `{"kind", "id", "label", "chain": [...]}`, never roles.
        input, output: Any JSON values.
        error: `{"error", "message", "cure"?, …}` of a run that did not succeed.
        epoch: Fencing token; only writes of this epoch count.
        usage: Tokens of this run and those below: `{"input_tokens", "output_tokens", "cached_tokens",
            "reasoning_tokens"}`; empty before the first model call has ended.
        cost_micros: Their price in micro-dollars.
    """

    workspace_id: UUID
    id: UUID
    root_id: UUID
    parent_id: UUID | None
    kind: str
    name: str
    status: Status
    thread_id: UUID | None
    turn: int | None
    actor: Mapping[str, Any]
    principal_id: UUID
    input: Any  # any JSON value
    created_at: datetime
    output: Any = None  # any JSON value
    stop_reason: str | None = None
    error: Mapping[str, Any] | None = None
    epoch: int = 1
    usage: Mapping[str, int] = field(default_factory=dict[str, int])
    cost_micros: int = 0
    started_at: datetime | None = None
    ended_at: datetime | None = None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Run":
        """Read a row of `COLUMNS`."""
        facts: dict[str, Any] = {**row, "status": Status(row["status"])}
        return cls(**facts)

    def new_row(self, worker_id: UUID) -> tuple[str, bytes]:
        """Give the row that begins the run, owned by a worker (`metier.runs.statement`)."""
        row = {
            "workspace_id": self.workspace_id,
            "id": self.id,
            "root_id": self.root_id,
            "parent_id": self.parent_id,
            "kind": self.kind,
            "name": self.name,
            "status": self.status,
            "thread_id": self.thread_id,
            "actor": self.actor,
            "principal_id": self.principal_id,
            "input": self.input,
            "epoch": self.epoch,
            "worker_id": worker_id,
            "created_at": self.created_at,
        }
        return "runs", encode(row)

    def state_row(self) -> bytes:
        """Give the row that says how the run stands now."""
        return encode(
            {
                "root_id": self.root_id,
                "id": self.id,
                "status": self.status,
                "output": self.output,
                "stop_reason": self.stop_reason,
                "error": self.error,
                "usage": self.usage,
                "cost_micros": self.cost_micros,
                "ended_at": self.ended_at,
            }
        )


@dataclass(frozen=True)
class RunPage:
    """Some runs, and where the next ones begin (None on the last page)."""

    runs: Sequence[Run]
    next_cursor: str | None


@dataclass(frozen=True)
class StoredMessage:
    """A message and its place."""

    run_id: UUID
    seq: int
    turn: int | None
    message: Message
    created_at: datetime


@dataclass(frozen=True)
class PromptSent:
    """One model call: what was sent, and how it ended.

    Attributes:
        status: `reserved` while it is under way, then `settled`, `stopped` (closed early by who asked) or `failed`.
        kept: False once its prompt is let go of for its age; `system`, `tools` and `messages` are empty then.
        tools: `[{"name", "description", "parameters"}]`.
        estimated: Whether `usage` was counted by us, because the provider did not say.
        first_ms, ms: Milliseconds until the first chunk, and in all.
    """

    call_id: UUID
    model: str
    status: str
    kept: bool
    system: str
    tools: Sequence[Mapping[str, Any]]
    messages: Sequence[Message]
    usage: Usage
    estimated: bool
    cost_micros: int
    started_at: datetime
    first_ms: float | None
    ms: float | None
    error: Mapping[str, Any] | None

    def to_json(self) -> dict[str, Any]:
        """Give the form clients get."""
        return {
            "call_id": str(self.call_id),
            "model": self.model,
            "status": self.status,
            "kept": self.kept,
            "system": self.system,
            "tools": list(self.tools),
            "messages": [{"role": m.role, "parts": message_parts(m)} for m in self.messages],
            "usage": self.usage.to_json(),
            "estimated": self.estimated,
            "cost_micros": self.cost_micros,
            "started_at": self.started_at.isoformat(),
            "first_ms": self.first_ms,
            "ms": self.ms,
            "error": self.error,
        }


def page_cursor(created_at: datetime, id: UUID) -> str:
    """Give the place behind a run, or a request, in a list that has the newest first."""
    return f"{(created_at - _EPOCH) // timedelta(microseconds=1)}-{id.hex}"


def read_page_cursor(text: str) -> tuple[datetime, UUID]:
    """Read it back: when the last one of the page was created, and its id.

    Raises:
        Invalid: It was not made by us.
    """
    found = re.fullmatch(r"(\d{1,16})-([0-9a-f]{32})", text)
    if not found:
        raise Invalid.of(
            [Problem("cursor", f"{text!r} is not a cursor of this list; send back 'next_cursor'")], what="The request"
        )
    return _EPOCH + timedelta(microseconds=int(found[1])), UUID(found[2])
