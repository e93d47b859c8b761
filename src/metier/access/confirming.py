"""Which changes agents have confirmed before they make them, as the workspace has chosen.

What is chosen for an agent counts, else what its author wrote, else what is chosen for all.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID

from metier.access.desk import Desk
from metier.actor import Actor, check_flag
from metier.audit import note
from metier.errors import Invalid, NotFound, Problem, nearest
from metier.store import Database, Json, Transaction

CHOSEN_WITH = "AI_SETTINGS"


class Confirm(StrEnum):
    """Which changes are confirmed."""

    ALWAYS = "always"
    OUTSIDE_OWN = "outside_own"
    NEVER = "never"

    @classmethod
    def read(cls, text: str, path: str) -> "Confirm":
        """Read a choice.

        Raises:
            Invalid: It is none; names the place and the nearest.
        """
        if text in tuple(cls):
            return cls(text)
        problem = Problem(path, f"{text!r} is not known", tuple(cls), did_you_mean=nearest(text, cls))
        raise Invalid.of([problem], what="The choice")


@dataclass(frozen=True)
class Confirming:
    """What a workspace has chosen: for all agents, and for some of them."""

    default: Confirm = Confirm.ALWAYS
    agents: Mapping[str, Confirm] = field(default_factory=dict[str, Confirm])

    def of(self, agent: str, own: Confirm | None) -> Confirm:
        """Give what holds for an agent whose author wrote `own`, or nothing."""
        return self.agents.get(agent) or own or self.default

    def to_json(self) -> dict[str, Any]:
        """Give the choices: `{"default": "always", "agents": {"crm-assistant": "outside_own"}}`."""
        return {"default": self.default.value, "agents": {name: one.value for name, one in self.agents.items()}}


class ConfirmChoices(Desk):
    """The choices of workspaces."""

    async def confirming(self, workspace_id: UUID) -> Confirming:
        """Give what a workspace has chosen."""
        return await _chosen(self._db, workspace_id)

    async def choose_confirming(
        self,
        actor: Actor,
        *,
        default: str | None = None,
        agents: Mapping[str, str | None] | None = None,
        known: Collection[str] = (),
    ) -> Confirming:
        """Choose anew; what is left out stays. Holds from the next step of every run on.

        Args:
            agents: A choice by agent; None takes back the one there is.
            known: The names of the agents that there are.

        Raises:
            MissingPermission: The actor does not hold AI_SETTINGS.
            Invalid: A choice is none.
            NotFound: There is no such agent.
        """
        check_flag(actor, CHOSEN_WITH)
        given = agents or {}
        changed = {name: Confirm.read(one, f"agents.{name}") if one else None for name, one in given.items()}
        for name in changed:
            if name not in known:
                raise NotFound("agent", name, known)
        new_default = None if default is None else Confirm.read(default, "default")
        async with self._db.transaction() as transaction:
            await transaction.execute("select from core.workspace where id = %s for update", [actor.workspace_id])
            now = await _chosen(transaction, actor.workspace_id)
            kept = {**now.agents, **changed}
            chosen = Confirming(new_default or now.default, {name: one for name, one in kept.items() if one})
            await transaction.execute(
                "update core.workspace set settings = jsonb_set(settings, '{confirm}', %s) where id = %s",
                [Json(chosen.to_json()), actor.workspace_id],
            )
            await note(transaction, self._clock, actor, "confirming.changed", details=chosen.to_json())
        return chosen


async def _chosen(place: Database | Transaction, workspace_id: UUID) -> Confirming:
    chosen = await place.value("select settings->'confirm' from core.workspace where id = %s", [workspace_id])
    if not chosen:
        return Confirming()
    agents = {name: Confirm(one) for name, one in chosen["agents"].items()}
    return Confirming(Confirm(chosen["default"]), agents)
