"""Hosts that agents may reach by themselves, also after they have read what others wrote (S-16).

The list is the workspace's. What is not on it needs a person's yes; what the guard does not let pass stays out of
reach, listed or not.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from metier.actor import Actor, check_flag
from metier.audit import note as write_down
from metier.clock import Clock
from metier.egress import clean_host, covers
from metier.errors import Conflict, Invalid, NotFound, Problem
from metier.filters import storable_text
from metier.store import Database

FLAG = "API_KEYS_AND_WEBHOOKS"
MOST = 500  # hosts of one workspace
NOTE_MAX = 200  # characters


@dataclass(frozen=True)
class AllowedHost:
    """A host on the list: `api.example.com`, or `*.example.com` for all below it. `note` says what it is for."""

    host: str
    note: str
    created_at: datetime

    def to_json(self) -> dict[str, Any]:
        """Give it as data; the time is ISO 8601."""
        return {"host": self.host, "note": self.note, "created_at": self.created_at.isoformat()}


class AllowedHosts:
    """Keeps the list of each workspace."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def hosts(self, actor: Actor) -> list[AllowedHost]:
        """Give the list, by host.

        Raises:
            MissingPermission: The actor does not hold API_KEYS_AND_WEBHOOKS.
        """
        check_flag(actor, FLAG)
        return await self._listed(actor.workspace_id)

    async def allow(self, actor: Actor, host: str, *, note: str | None = None) -> AllowedHost:
        """Put a host on the list, or change its note; agents may go there from their next call on.

        Raises:
            MissingPermission: The actor does not hold API_KEYS_AND_WEBHOOKS.
            Invalid: It is no host, or the note is too long.
            Conflict: The list is full.
        """
        check_flag(actor, FLAG)
        host = clean_host(host)
        if note is not None and (len(note) > NOTE_MAX or not storable_text(note)):
            raise Invalid.of([Problem("note", f"must have at most {NOTE_MAX} characters")], what="The host")
        listed = await self._listed(actor.workspace_id)
        if len(listed) >= MOST and host not in [one.host for one in listed]:
            raise Conflict(f"The list has {MOST} hosts, and no more.", cure="Use *.example.com for all of a domain.")
        values = {
            "workspace": actor.workspace_id,
            "host": host,
            "note": None if note is None else note.strip(),
            "now": self._clock.now(),
            "by": actor.principal.id,
        }
        async with self._db.transaction() as transaction:
            row = await transaction.row(_INSERT, values)
            await write_down(transaction, self._clock, actor, "host.allowed", target=host)
        assert row is not None
        return AllowedHost(**row)

    async def disallow(self, actor: Actor, host: str) -> None:
        """Take a host off the list; agents need a person's yes for it from their next call on.

        Raises:
            MissingPermission: The actor does not hold API_KEYS_AND_WEBHOOKS.
            NotFound: It is not on the list.
        """
        check_flag(actor, FLAG)
        async with self._db.transaction() as transaction:
            touched = await transaction.execute(
                "delete from core.allowed_host where workspace_id = %s and host = %s",
                [actor.workspace_id, _as_listed(host)],
            )
            if touched:
                await write_down(transaction, self._clock, actor, "host.removed", target=_as_listed(host))
        if not touched:
            raise NotFound("allowed host", host, [one.host for one in await self._listed(actor.workspace_id)])

    async def allows(self, workspace_id: UUID) -> Callable[[str], bool]:
        """Give what says of a host whether agents may reach it by themselves, as the list is now."""
        listed = [one.host for one in await self._listed(workspace_id)]
        return lambda host: covers(listed, host)

    async def _listed(self, workspace_id: UUID) -> list[AllowedHost]:
        rows = await self._db.rows(
            "select host, note, created_at from core.allowed_host where workspace_id = %s order by host", [workspace_id]
        )
        return [AllowedHost(**row) for row in rows]


_INSERT = """
insert into core.allowed_host (workspace_id, host, note, created_at, created_by)
values (%(workspace)s, %(host)s, coalesce(%(note)s, ''), %(now)s, %(by)s)
on conflict (workspace_id, host) do update set note = coalesce(%(note)s, allowed_host.note)
returning host, note, created_at
"""


def _as_listed(host: str) -> str:
    try:
        return clean_host(host)
    except Invalid:
        return "?"  # no listed one looks so
