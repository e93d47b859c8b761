"""Which agents there are in a workspace: those that code defines, and those that it has stored.

Stored ones are read anew each time, so that a change is there at once on every process; those of code cost nothing.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from metier.access import Access
from metier.access.desk import check_assignable, role_from
from metier.actor import Actor, Holder, Role
from metier.agents.agent import Agent
from metier.agents.form import agent_of
from metier.errors import Conflict, NotFound
from metier.filters import storable_text
from metier.registry import Registry, fold_name
from metier.store import Database

_OF_AGENT = "agent:"  # how links of an actor's chain begin


class Agents:
    """The agents of every workspace.

    Args:
        coded: Those that code defines, the same in each; they come first.
    """

    def __init__(self, db: Database, access: Access, coded: Registry[Agent]) -> None:
        self._db = db
        self._access = access
        self.coded = coded

    async def all(self, workspace_id: UUID) -> list[Agent]:
        """Give all agents, those of code first, then in the order in which they were made."""
        rows = await self._db.rows(
            "select body from core.agent where workspace_id = %s order by created_at, id", [workspace_id]
        )
        stored = [agent_of(row["body"]) for row in rows]
        return [*self.coded, *(agent for agent in stored if agent.name not in self.coded)]

    async def names(self, workspace_id: UUID) -> list[str]:
        """Give the names of all agents."""
        return [agent.name for agent in await self.all(workspace_id)]

    async def find(self, workspace_id: UUID, name: str) -> Agent | None:
        """Give an agent, or None; case, `_` and `-` make no difference."""
        if found := self.coded.find(name):
            return found
        if not storable_text(name):
            return None
        body = await self._db.value(
            "select body from core.agent where workspace_id = %s and name = %s", [workspace_id, fold_name(name)]
        )
        return None if body is None else agent_of(body)

    async def get(self, workspace_id: UUID, name: str) -> Agent:
        """Give an agent.

        Raises:
            NotFound: There is none; suggests the nearest.
        """
        found = await self.find(workspace_id, name)
        if found is None:
            raise NotFound("agent", name[:100], await self.names(workspace_id))
        return found

    def source(self, agent: Agent) -> str:
        """Say where an agent is from: `code`, or the `workspace`, which can change it."""
        return "code" if agent.name in self.coded else "workspace"

    async def as_of(self, workspace_id: UUID, name: str, moment: datetime) -> Agent:
        """Give an agent as it was at a moment: a run keeps the agent with which it began.

        Raises:
            NotFound: There is none now, whatever there was then.
        """
        now = await self.get(workspace_id, name)
        if name in self.coded:
            return now
        body = await self._db.value(_AS_OF, {"workspace": workspace_id, "name": now.name, "moment": moment})
        return now if body is None else agent_of(body)

    async def acting(self, actor: Actor, name: str) -> Actor:
        """Give the actor that an agent is when it acts for this one, with the roles it has now.

        Raises:
            NotFound: There is no such agent any more.
            Conflict: It has a role that it cannot have.
        """
        agent = await self.get(actor.workspace_id, name)
        acting = actor.through(agent.name, None)
        return replace(acting, roles=(*acting.roles, *await self._roles(actor.workspace_id, agent)))

    async def refresh(self, actor: Actor) -> Actor:
        """Look up anew what an actor may do, and the agents that act for it (S-05).

        Raises:
            NotSignedIn: The key is revoked, or the member is gone.
            NotFound, Conflict: As `acting`.
        """
        now = await self._access.refresh(replace(actor, roles=actor.roles[:1], chain=()))
        for link in actor.chain:
            now = await self.acting(now, link.removeprefix(_OF_AGENT))
        return now

    async def limited_by(self, workspace_id: UUID, agent: Agent) -> list[str]:
        """Give the names of the roles that limit an agent whoever asks: its own, and its app's."""
        return [row["wanted"] for row in await self._limits(workspace_id, agent)]

    async def _roles(self, workspace_id: UUID, agent: Agent) -> list[Role]:
        return [_limiting(agent, row) for row in await self._limits(workspace_id, agent)]

    async def _limits(self, workspace_id: UUID, agent: Agent) -> list[Mapping[str, Any]]:  # Any: columns of _LIMITS
        coded = agent.name in self.coded
        if coded and agent.role is None:
            return []
        values = {"workspace": workspace_id, "own": agent.role, "agent": None if coded else agent.name}
        return list(await self._db.rows(_LIMITS, values))


def _limiting(agent: Agent, row: Mapping[str, Any]) -> Role:  # Any: columns of _LIMITS
    if row["id"] is None:
        cure = "Make the role, or give the agent another."
        raise Conflict(f"The agent {agent.name!r} has the role {row['wanted']!r}, which there is not.", cure=cure)
    role = role_from(row)
    check_assignable(role, Holder.AGENTS)
    return role


# An app that was removed limits its agents still, should one of them be brought back alone.
_LIMITS = """
select wanted, r.id, r.name, r.label, r.body
from (
    select %(own)s::text as wanted where %(own)s::text is not null
    union
    select v.body->>'role'
    from core.definition d
    join core.definition a on a.workspace_id = d.workspace_id and a.id = d.app_id
    join core.definition_version v
        on v.workspace_id = a.workspace_id and v.definition_id = a.id and v.version = a.version
    where d.workspace_id = %(workspace)s and d.kind = 'agent' and d.name = %(agent)s and v.body->>'role' is not null
) w
left join core.role r on r.workspace_id = %(workspace)s and replace(r.name, '_', '-') = replace(lower(wanted), '_', '-')
order by wanted
"""

_AS_OF = """
select v.body from core.definition d
join core.definition_version v on v.workspace_id = d.workspace_id and v.definition_id = d.id
where d.workspace_id = %(workspace)s and d.kind = 'agent' and d.name = %(name)s and v.created_at <= %(moment)s
order by v.version desc limit 1
"""
