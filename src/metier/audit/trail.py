"""Reading the audit log, and walking its chain."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from metier.actor import Actor, check_flag
from metier.errors import Invalid, Problem
from metier.store import Database

FLAG = "SECURITY"
PAGE_MAX = 500
WALK = 2_000  # rows read at once
SEAL_MOST = 2_000  # rows put into the chain at once

_COLUMNS = (
    "id, ts, actor, action, target, target_id, decision, rule, tool, arguments_hash, rows, approval_id, run_id,"
    " details, seq, encode(hash, 'hex') as hash"
)

#: What a hash covers, as `core.audit_text` says it when a row is sealed.
_TEXT = (
    "jsonb_build_array(a.workspace_id, a.id, extract(epoch from a.ts) * 1000000, a.actor, a.principal_id, a.action,"
    " a.target, a.target_id, a.decision, a.rule, a.tool, a.arguments_hash, a.rows, a.approval_id, a.run_id,"
    " a.details)::text"
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class AuditPage:
    """Some rows, the newest first, and where the next ones begin (None on the last page)."""

    rows: Sequence[Mapping[str, Any]]
    next_cursor: str | None


@dataclass(frozen=True)
class Verdict:
    """What a walk along the chain found.

    Attributes:
        rows: Sealed rows that were walked.
        head: The last one's hash, hex; write it down, and no rewriting of the whole chain can be hidden.
        waiting: Rows that are not in the chain yet.
        broken: The first place that is not right, and why; None if all is.
    """

    rows: int
    head: str
    waiting: int
    broken: tuple[int, str] | None

    def to_json(self) -> dict[str, Any]:
        """Give the form clients get."""
        broken = None if self.broken is None else {"seq": self.broken[0], "problem": self.broken[1]}
        return {
            "ok": self.broken is None,
            "rows": self.rows,
            "head": self.head,
            "waiting": self.waiting,
            "broken": broken,
        }


class Audit:
    """The audit logs of all workspaces, for who holds the flag `SECURITY`."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def list(
        self,
        actor: Actor,
        *,
        action: str | None = None,
        decision: str | None = None,
        principal: UUID | None = None,
        run: UUID | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> AuditPage:
        """List rows, the newest first.

        Args:
            action: One action, `role.changed`, or all of a thing, `role`.
            principal: Who did it, through an agent or not.
            limit: Rows per page, 1-500.

        Raises:
            MissingPermission: The actor does not hold SECURITY.
            Invalid: An argument is none of those.
        """
        check_flag(actor, FLAG)
        if not 1 <= limit <= PAGE_MAX:
            raise Invalid.of([Problem("limit", f"must be 1 to {PAGE_MAX}, not {limit}")], what="The request")
        before = (None, None) if cursor is None else _read_cursor(cursor)
        rows = await self._db.rows(
            f"""
            select {_COLUMNS} from core.audit where workspace_id = %(workspace)s
                and (%(action)s::text is null or action = %(action)s::text
                    or starts_with(action, %(action)s::text || '.'))
                and (%(decision)s::text is null or decision = %(decision)s::text)
                and (%(principal)s::uuid is null or principal_id = %(principal)s::uuid)
                and (%(run)s::uuid is null or run_id = %(run)s::uuid)
                and (%(before)s::timestamptz is null or (ts, id) < (%(before)s::timestamptz, %(before_id)s::uuid))
            order by ts desc, id desc limit %(limit)s
            """,
            {
                "workspace": actor.workspace_id,
                "action": _clean(action),
                "decision": _clean(decision),
                "principal": principal,
                "run": run,
                "before": before[0],
                "before_id": before[1],
                "limit": limit + 1,
            },
        )
        page = rows[:limit]
        return AuditPage(page, _cursor(page[-1]) if len(rows) > limit else None)

    async def verify(self, actor: Actor) -> Verdict:
        """Walk the workspace's chain from its beginning, and say where it breaks, if it does.

        Raises:
            MissingPermission: The actor does not hold SECURITY.
        """
        check_flag(actor, FLAG)
        while await seal(self._db):
            pass
        seq, before, broken = 0, b"", None
        async for row in self._walk(actor.workspace_id):
            broken = _problem(row, seq, before)
            if broken:
                break
            seq, before = row["seq"], row["hash"]
        counts = await self._db.row(
            "select (select count(*) from core.audit where workspace_id = %(workspace)s and seq is null) as waiting,"
            " h.seq, h.hash from (select 1) one left join core.audit_head h on h.workspace_id = %(workspace)s",
            {"workspace": actor.workspace_id},
        )
        assert counts is not None
        if broken is None and (counts["seq"] or 0, counts["hash"] or b"") > (seq, before):
            broken = (seq + 1, "the chain ended later once: rows are missing at its end")
        return Verdict(seq, before.hex(), counts["waiting"], broken)

    async def sweep(self) -> int:
        """Put committed rows into their chains; the engine asks for it every few seconds."""
        await seal(self._db)
        return 0

    def give_up(self) -> None:
        """Nothing is held here that others could take over."""

    async def _walk(self, workspace_id: UUID) -> AsyncGenerator[Mapping[str, Any], None]:
        after = 0
        while True:
            rows = await self._db.rows(
                f"select a.seq, a.hash, {_TEXT} as text from core.audit a"
                " where a.workspace_id = %s and a.seq > %s order by a.seq limit %s",
                [workspace_id, after, WALK],
            )
            for row in rows:
                yield row
                after = row["seq"]
            if len(rows) < WALK:
                return


async def seal(db: Database) -> int:
    """Put committed rows into their chains; gives how many. Safe on all processes at once."""
    return await db.value("select core.seal_audit(%s)", [SEAL_MOST])


def _problem(row: Mapping[str, Any], seq: int, before: bytes) -> tuple[int, str] | None:
    if row["seq"] != seq + 1:
        return seq + 1, "the row is missing"
    if sha256(before + f"{row['seq']} {row['text']}".encode()).digest() != row["hash"]:
        return row["seq"], "the row, or its hash, is not what was written"
    return None


def _clean(text: str | None) -> str | None:
    return text.replace("\x00", "") if text else None


def _cursor(row: Mapping[str, Any]) -> str:
    return f"{(row['ts'] - _EPOCH) // timedelta(microseconds=1)}-{row['id'].hex}"


def _read_cursor(text: str) -> tuple[datetime, UUID]:
    micros, _, last = text.partition("-")
    try:
        if not micros.isascii():
            raise ValueError
        return _EPOCH + timedelta(microseconds=int(micros)), UUID(last)
    except (ValueError, OverflowError):
        problem = Problem("cursor", f"{text!r} is not a cursor of this list; send back 'next_cursor'")
        raise Invalid.of([problem], what="The request") from None
