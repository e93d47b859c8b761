"""One row of the audit log, and the one call that adds it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from metier.actor import Actor, check_acts
from metier.clock import Clock
from metier.store import Database, Json, Transaction

Decision = Literal["done", "allowed", "refused"]

_INSERT = """
insert into core.audit (workspace_id, id, ts, actor, principal_id, action, target, target_id, decision, rule, tool,
    arguments_hash, rows, approval_id, run_id, details)
values (%(workspace_id)s, %(id)s, %(ts)s, %(actor)s, %(principal_id)s, %(action)s, %(target)s, %(target_id)s,
    %(decision)s, %(rule)s, %(tool)s, %(arguments_hash)s, %(rows)s, %(approval_id)s, %(run_id)s, %(details)s)
"""


@dataclass(frozen=True)
class Entry:
    """What is written down.

    Attributes:
        action: What was done or tried: `tool.called`, `role.changed`, `key.created`, …
        target: What it was done to, as people call it.
        decision: `done` for a change; `allowed` or `refused` for what was asked for.
        rule: The rule that decided, as a sentence or an error's name.
        arguments_hash: SHA-256 of a tool call's arguments, hex; never the arguments.
        rows: How many rows it touched, if that is known.
        details: More facts, any JSON values; no secrets.
    """

    action: str
    target: str = ""
    target_id: str = ""
    decision: Decision = "done"
    rule: str = ""
    tool: str = ""
    arguments_hash: str = ""
    rows: int | None = None
    approval_id: UUID | None = None
    run_id: UUID | None = None
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def row(
        self,
        workspace_id: UUID,
        who: Mapping[str, Any],
        *,
        id: UUID,
        now: datetime,
        principal_id: UUID | None,
        run_id: UUID | None = None,
    ) -> dict[str, Any]:
        """Give the row, JSON values as they are."""
        return {
            "workspace_id": workspace_id,
            "id": id,
            "ts": now,
            "actor": dict(who),
            "principal_id": principal_id,
            "action": self.action,
            "target": self.target,
            "target_id": self.target_id,
            "decision": self.decision,
            "rule": self.rule,
            "tool": self.tool,
            "arguments_hash": self.arguments_hash,
            "rows": self.rows,
            "approval_id": self.approval_id,
            "run_id": run_id or self.run_id,
            "details": dict(self.details),
        }


async def note(
    place: Database | Transaction,
    clock: Clock,
    actor: Actor,
    action: str,
    *,
    target: str = "",
    target_id: object = "",
    rows: int | None = None,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Write down that the actor did something; in the transaction of the change, so that both are there or neither.

    Args:
        action: The thing and what was done to it: `role.changed`.
        details: What changed, any JSON values; no secrets.

    Raises:
        OnlyViewing: The actor only looks as another, and so changes nothing.
    """
    check_acts(actor)
    entry = Entry(action, target, str(target_id), rows=rows, details=details or {})
    await note_by(place, clock, actor.workspace_id, actor.to_json(), entry)


async def note_by(
    place: Database | Transaction, clock: Clock, workspace_id: UUID, who: Mapping[str, Any], entry: Entry
) -> None:
    """Write an entry down for one who has no Actor yet.

    Args:
        who: `{"kind", "id", "label", "chain"}`; `id` is a UUID as text, if it is known.
    """
    principal = who.get("id")
    row = entry.row(
        workspace_id, who, id=clock.new_id(), now=clock.now(), principal_id=UUID(principal) if principal else None
    )
    await keep(place, row)


async def keep(place: Database | Transaction, row: Mapping[str, Any]) -> None:
    """Write a row of `Entry.row` down."""
    await place.execute(_INSERT, {**row, "actor": Json(row["actor"]), "details": Json(row["details"])})
