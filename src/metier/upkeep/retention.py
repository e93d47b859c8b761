"""How long a workspace keeps what is not needed for ever."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from metier.actor import Actor, check_flag
from metier.audit import note
from metier.clock import Clock
from metier.errors import Invalid, NotFound, Problem
from metier.store import Database
from metier.upkeep.kept import Kept
from metier.upkeep.schedules import FLAG

LONGEST_DAYS = 36_500


@dataclass(frozen=True)
class Term:
    """How long a workspace keeps something: `days`, None for ever; `chosen` by it, or as a new workspace has it."""

    kept: Kept
    days: int | None
    chosen: bool

    def to_json(self) -> dict[str, Any]:
        """Give it as data: `{"name", "label", "description", "days", "default_days", "chosen"}`."""
        kept = self.kept
        about = {"name": kept.name, "label": kept.label, "description": kept.description}
        return about | {"days": self.days, "default_days": kept.days, "chosen": self.chosen}


class Retention:
    """Keeps the terms of each workspace.

    Raises, whatever is asked:
        MissingPermission: The actor does not hold WORKSPACE.
        NotFound: Nothing of this name is kept for some time only; suggests the nearest.
    """

    def __init__(self, db: Database, clock: Clock, things: Sequence[Kept]) -> None:
        self._db = db
        self._clock = clock
        self._things = {one.name: one for one in things}

    async def terms(self, actor: Actor) -> list[Term]:
        """Give the terms of everything that has one."""
        check_flag(actor, FLAG)
        return await self._terms(actor.workspace_id)

    async def keep(self, actor: Actor, name: str, days: int | None) -> Term:
        """Choose how long something is kept, from the next night on; None for ever.

        Raises:
            Invalid: The number is not 1 to 36,500.
        """
        check_flag(actor, FLAG)
        thing = self._known(name)
        if days is not None and not 1 <= days <= LONGEST_DAYS:
            raise Invalid.of([Problem("days", f"must be 1 to {LONGEST_DAYS:,}, or null for ever", example=thing.days)])
        values = {"workspace": actor.workspace_id, "kept": name, "days": days}
        async with self._db.transaction() as transaction:
            await transaction.execute(_KEEP, values)
            await note(transaction, self._clock, actor, "retention.changed", target=name, details={"days": days})
        return Term(thing, days, chosen=True)

    async def reset(self, actor: Actor, name: str) -> Term:
        """Keep something as long as a new workspace does."""
        check_flag(actor, FLAG)
        thing = self._known(name)
        async with self._db.transaction() as transaction:
            await transaction.execute(
                "delete from core.retention where workspace_id = %s and kept = %s", [actor.workspace_id, name]
            )
            await note(transaction, self._clock, actor, "retention.changed", target=name, details={"days": thing.days})
        return Term(thing, thing.days, chosen=False)

    async def due(self, workspace_id: UUID) -> list[tuple[Kept, datetime]]:
        """Give what a workspace lets go of by now: everything of before the moment."""
        now = self._clock.now()
        terms = await self._terms(workspace_id)
        return [(term.kept, now - timedelta(days=term.days)) for term in terms if term.days is not None]

    def thing(self, name: str) -> Kept:
        """Give a kind of thing by its name."""
        return self._known(name)

    def _known(self, name: str) -> Kept:
        if name not in self._things:
            raise NotFound("kept thing", name, self._things)
        return self._things[name]

    async def _terms(self, workspace_id: UUID) -> list[Term]:
        rows = await self._db.rows("select kept, days from core.retention where workspace_id = %s", [workspace_id])
        chosen = {row["kept"]: row["days"] for row in rows}
        return [Term(one, chosen.get(one.name, one.days), one.name in chosen) for one in self._things.values()]


_KEEP = """
insert into core.retention (workspace_id, kept, days) values (%(workspace)s, %(kept)s, %(days)s)
on conflict (workspace_id, kept) do update set days = excluded.days
"""
