"""Agents as definitions: what is right in a workspace, and the live row that every process reads."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from metier.access import ROLE
from metier.actor import Holder
from metier.agents.agent import Agent
from metier.agents.form import body_of, read_agent
from metier.clock import Clock
from metier.definitions import Body, Edit, Future, Kind
from metier.errors import AlreadyExists, Conflict, Invalid, MetierError, Problem, nearest
from metier.llm.catalog import ModelCatalog
from metier.registry import Registry, fold_name
from metier.store import Json, Transaction

AGENT = "agent"


class AgentKind(Kind):
    """Agents of a workspace, beside those that code defines.

    Args:
        coded: The agents that code defines; their names are taken.
        toolsets: The names of the groups of tools that there are.
        catalog: Knows the models.
    """

    name = AGENT
    label = "agent"
    flag = "AI_SETTINGS"
    purge_flag = "AI_SETTINGS"
    refers_to = frozenset({ROLE})
    folder = "agents"
    code_types = (Agent,)
    acts = True

    def __init__(self, clock: Clock, coded: Registry[Agent], toolsets: Collection[str], catalog: ModelCatalog) -> None:
        self._clock = clock
        self._coded = coded
        self._toolsets = toolsets
        self._catalog = catalog

    def form(self, raw: Body) -> Body:
        """Give an agent in canonical form."""
        return read_agent(raw)

    def unknown(self, name: str, known: Iterable[str]) -> MetierError:
        """Tell of an agent that there is not, or that is no definition."""
        if name not in self._coded:
            return super().unknown(name, known)
        sentence = f"The agent {name[:100]!r} comes with Metier or a package, so it has no versions here."
        return Conflict(sentence, cure="Make an agent of your own: metier agents create NAME --prompt …")

    def of_code(self, thing: object) -> Body | None:
        """Give the body of an agent that an app's code has defined."""
        return body_of(thing) if isinstance(thing, Agent) else None

    async def settled(self, edit: Edit, future: Future) -> Body:
        """Let it name its role and groups of tools as they are called."""
        assert edit.after is not None
        body = dict(edit.after)
        if "role" in body:
            body["role"] = _own(body["role"], await future.live(ROLE), "role", "role")
        if "toolsets" in body:
            known = self._toolsets
            names = [_own(n, known, f"toolsets.{i}", "group of tools") for i, n in enumerate(body["toolsets"])]
            body["toolsets"] = list(dict.fromkeys(names))
        return body

    async def validate(self, tx: Transaction, edit: Edit, future: Future) -> None:
        """Check its name, model and role.

        Raises:
            AlreadyExists: Code defines an agent of that name.
            Conflict: Its role is not for agents.
            Invalid: It would get another name; no such model is configured.
        """
        if edit.after is None:
            return
        if edit.name in self._coded:
            raise AlreadyExists("agent that comes with Metier or a package", edit.name)
        if edit.name_before not in (None, edit.name):
            problem = f"an agent keeps its name, here {edit.name_before!r}; its label can change"
            raise Invalid.of([Problem("name", problem, example=edit.name_before)], what="The agent")
        if edit.after["model"] != (edit.before or {}).get("model"):
            self._catalog.resolve(edit.after["model"])
        if "role" in edit.after:
            roles = await future.live(ROLE)
            _check_for_agents(roles[_own(edit.after["role"], roles, "role", "role")])

    async def check_referred(self, edit: Edit, future: Future) -> None:
        """Refuse to archive a role that an agent has, or to keep agents from having it."""
        held = [name for name, body in (await future.live(AGENT)).items() if body.get("role") == edit.name]
        if not held:
            return
        if edit.after is None:
            cure = "Give them another role first."
            raise Conflict(f"The role {edit.name!r} is held by the agents {', '.join(sorted(held))}.", cure=cure)
        _check_for_agents(edit.after)

    async def on_publish(self, tx: Transaction, edit: Edit) -> None:
        """Write the live row."""
        values = {"workspace": edit.workspace_id, "id": edit.id, "name": edit.name, "body": Json(edit.after)}
        await tx.execute(_SAVE, values | {"now": self._clock.now()})

    async def on_archive(self, tx: Transaction, edit: Edit) -> None:
        """Remove the live row; its turns that are at work end at their next step."""
        await tx.execute("delete from core.agent where workspace_id = %s and id = %s", [edit.workspace_id, edit.id])


def _own(name: str, known: Collection[str], path: str, what: str) -> str:
    """Give the name of what there is; case, `_` and `-` make no difference."""
    found = {fold_name(one): one for one in known}
    if fold_name(name) not in found:
        near = nearest(name, known)
        problem = Problem(path, f"there is no {what} {name!r}", tuple(known), did_you_mean=near)
        cure = f"Did you mean {near!r}?" if near else f"There are {', '.join(known)}."
        raise Invalid.of([problem], what="The agent", cure=cure)
    return found[fold_name(name)]


def _check_for_agents(role: Mapping[str, Any]) -> None:
    if Holder.AGENTS not in role["can_be_assigned_to"]:
        cure = "Choose another role, or let agents have this one."
        raise Conflict(f"The role {role['name']!r} is not for agents.", cure=cure)


_SAVE = """
insert into core.agent (workspace_id, id, name, body, created_at, updated_at)
select workspace_id, id, %(name)s, %(body)s, created_at, %(now)s
from core.definition where workspace_id = %(workspace)s and id = %(id)s
on conflict (workspace_id, id) do update
set name = excluded.name, body = excluded.body, updated_at = excluded.updated_at
"""
