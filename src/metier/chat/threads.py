"""Threads: conversations of one principal with one agent."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from metier.actor import AI_FEATURE, Actor, check_acts, check_feature
from metier.audit import note
from metier.clock import Clock
from metier.errors import Invalid, NotFound, Problem
from metier.store import Database

MAX_TITLE = 60  # characters


@dataclass(frozen=True)
class Thread:
    """A conversation. `title` is empty until the first message."""

    id: UUID
    title: str
    agent: str
    model: str | None
    created_at: datetime
    updated_at: datetime

    def to_json(self) -> dict[str, Any]:
        """Give the thread as clients get it."""
        return {
            "id": str(self.id),
            "title": self.title,
            "agent": self.agent,
            "model": self.model,
            "created_at": self.created_at.isoformat(),
            "updated_at": self.updated_at.isoformat(),
        }


_COLUMNS = "id, title, agent, model, created_at, updated_at"
_MINE = "workspace_id = %(workspace)s and principal_id = %(principal)s and deleted_at is null"


class Threads:
    """The threads of each principal; nobody else's can be seen or named, and none while AI is off (FeatureOff)."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def create(self, actor: Actor, *, agent: str, model: str | None) -> Thread:
        """Begin a conversation."""
        check_acts(actor)
        row = await self._db.row(
            "insert into core.thread"
            " (workspace_id, id, principal_kind, principal_id, agent, model, created_at, updated_at)"
            " values (%(workspace)s, %(id)s, %(kind)s, %(principal)s, %(agent)s, %(model)s, %(now)s, %(now)s)"
            f" returning {_COLUMNS}",
            _scope(actor)
            | {
                "id": self._clock.new_id(),
                "kind": actor.principal.kind.value,
                "agent": agent,
                "model": model,
                "now": self._clock.now(),
            },
        )
        assert row is not None
        return Thread(**row)

    async def list(self, actor: Actor, *, q: str = "", limit: int = 50) -> list[Thread]:
        """Give the actor's threads, the last used first; `q` is looked for in titles."""
        rows = await self._db.rows(
            f"select {_COLUMNS} from core.thread where {_MINE} and (%(q)s::text = '' or title ilike %(pattern)s)"
            " order by updated_at desc, id desc limit %(limit)s",
            _scope(actor) | {"q": q, "pattern": _contains(q), "limit": max(1, min(limit, 200))},
        )
        return [Thread(**row) for row in rows]

    async def get(self, actor: Actor, thread_id: UUID) -> Thread:
        """Give one thread.

        Raises:
            NotFound: There is none of this id that is the actor's.
        """
        row = await self._db.row(
            f"select {_COLUMNS} from core.thread where {_MINE} and id = %(id)s", _scope(actor) | {"id": thread_id}
        )
        if row is None:
            raise NotFound("thread", str(thread_id))
        return Thread(**row)

    async def model(self, workspace_id: UUID, thread_id: UUID) -> str | None:
        """Give the model chosen for a thread, which may be deleted: its last turn still ends."""
        return await self._db.value(
            "select model from core.thread where workspace_id = %s and id = %s", [workspace_id, thread_id]
        )

    async def rename(self, actor: Actor, thread_id: UUID, title: str) -> Thread:
        """Give a thread another title."""
        check_acts(actor)
        if not title.strip():
            raise Invalid.of([Problem("title", "must not be empty", example="New companies this week")])
        await self.get(actor, thread_id)
        await self._db.execute(
            f"update core.thread set title = %(title)s where {_MINE} and id = %(id)s",
            _scope(actor) | {"id": thread_id, "title": shorten(title)},
        )
        return await self.get(actor, thread_id)

    async def delete(self, actor: Actor, thread_id: UUID) -> None:
        """Take a thread out of sight; its runs stay in the log."""
        thread = await self.get(actor, thread_id)
        async with self._db.transaction() as transaction:
            await transaction.execute(
                f"update core.thread set deleted_at = %(now)s where {_MINE} and id = %(id)s",
                _scope(actor) | {"id": thread_id, "now": self._clock.now()},
            )
            await note(transaction, self._clock, actor, "thread.deleted", target=thread.title, target_id=thread_id)

    async def restore(self, actor: Actor, thread_id: UUID) -> None:
        """Bring a deleted thread back.

        Raises:
            NotFound: There is none of this id that is the actor's.
        """
        async with self._db.transaction() as transaction:
            title = await transaction.value(
                "update core.thread set deleted_at = null"
                " where workspace_id = %(workspace)s and principal_id = %(principal)s and id = %(id)s returning title",
                _scope(actor) | {"id": thread_id},
            )
            if title is None:
                raise NotFound("thread", str(thread_id))
            await note(transaction, self._clock, actor, "thread.restored", target=title, target_id=thread_id)

    async def touch(self, actor: Actor, thread_id: UUID, text: str) -> None:
        """Note that the thread was used; the first text becomes its title."""
        check_acts(actor)
        await self._db.execute(
            "update core.thread set updated_at = %(now)s, title = case when title = '' then %(title)s else title end"
            f" where {_MINE} and id = %(id)s",
            _scope(actor) | {"id": thread_id, "now": self._clock.now(), "title": shorten(text)},
        )


def shorten(text: str) -> str:
    """Fold white space and cut at a word to at most 60 characters."""
    words = " ".join(text.split())
    if len(words) <= MAX_TITLE:
        return words
    cut = words[: MAX_TITLE - 1]
    return (cut.rsplit(" ", 1)[0] if " " in cut[30:] else cut).rstrip(" ,.;:") + "…"


def _scope(actor: Actor) -> dict[str, Any]:
    check_feature(actor, AI_FEATURE)
    return {"workspace": actor.workspace_id, "principal": actor.own_id}


def _contains(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
