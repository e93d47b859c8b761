"""REST: agents, those of code and those that the workspace has stored. Versions of these are in `definitions`."""

from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from metier.actor import AI_FEATURE, check_feature, check_flag
from metier.agents import AGENT, AgentKind
from metier.agents.form import MOST
from metier.api.auth import Asker, House
from metier.api.errors import error_answers
from metier.definitions import NEW
from metier.tools import Confirm

_TEXT: dict[str, Any] = {"type": "string", "maxLength": 2000}
CHOICES = [choice.value for choice in Confirm]
_LIMITS: dict[str, Any] = {
    "type": "object",
    "properties": {key: {"type": "number", "minimum": 1, "maximum": most} for key, most in MOST.items()},
}


def _said(schema: dict[str, Any], example: Any) -> Any:
    """Describe a value that the room itself reads and checks; left out, it is not said at all."""
    return Field(default=None, json_schema_extra=schema | {"examples": [example]})


def _needed(schema: dict[str, Any], example: Any) -> Any:
    """Describe a value that must be sent."""
    return Field(json_schema_extra=schema | {"examples": [example]})


class AgentForm(BaseModel):
    """What can be said of an agent; what is left out stays, null takes a value away."""

    model_config = ConfigDict(extra="allow")  # what is unknown is refused, with the nearest name, by the room itself

    label: Any = _said(_TEXT, "Scout")
    description: Any = _said(_TEXT, "Finds what customers asked before.")
    prompt: Any = _said({"type": "string"}, "You find what customers asked before.")
    model: Any = _said(_TEXT, "default-smart-model")
    toolsets: Any = _said({"type": "array", "items": {"type": "string"}}, ["records"])
    role: Any = _said(_TEXT, "member")
    limits: Any = _said(_LIMITS, {"max_steps": 10})
    confirm: Any = _said({"enum": [*CHOICES, None]}, "always")
    note: str = Field(default="", max_length=500)

    def values(self) -> dict[str, Any]:
        """Give what was said of the agent."""
        return self.model_dump(exclude_unset=True, exclude={"note", "revision"})


class NewAgent(AgentForm):
    """An agent to make."""

    name: Any = _needed(_TEXT, "scout")
    prompt: Any = _needed({"type": "string"}, "You find what customers asked before.")


class ChangedAgent(AgentForm):
    """What to change of an agent."""

    revision: int | None = Field(default=None, ge=1)


def router() -> APIRouter:
    """Make the routes."""
    routes = APIRouter(prefix="/api/v1/agents", tags=["agents"], responses=error_answers(401, 403, 404, 409, 422))
    _add_reading(routes)
    _add_changes(routes)
    return routes


def _add_reading(routes: APIRouter) -> None:
    @routes.get("")
    async def list_agents(house: House, actor: Asker) -> dict[str, Any]:
        """List the agents you can ask."""
        check_feature(actor, AI_FEATURE)
        found = await house.agents.all(actor.workspace_id) if actor.holds("AI") else ()
        return {
            "data": [{"name": a.name, "label": a.title, "description": a.description, "model": a.model} for a in found]
        }

    @routes.get("/{name}")
    async def get_agent(house: House, actor: Asker, name: str) -> dict[str, Any]:
        """Get one agent with its prompt and limits."""
        check_flag(actor, AgentKind.flag)
        agent = await house.agents.get(actor.workspace_id, name)
        limited_by = await house.agents.limited_by(actor.workspace_id, agent)
        return agent.to_json() | {"source": house.agents.source(agent), "limited_by": limited_by}


def _add_changes(routes: APIRouter) -> None:
    @routes.post("", status_code=201)
    async def create_agent(house: House, actor: Asker, body: NewAgent) -> dict[str, Any]:
        """Make an agent; it can be asked at once, on every process."""
        made = await house.definitions.publish(actor, AGENT, body.values(), expected=NEW, note=body.note)
        return made.to_json()

    @routes.patch("/{name}")
    async def change_agent(house: House, actor: Asker, name: str, body: ChangedAgent) -> dict[str, Any]:
        """Change an agent, from the next message on."""
        changed = await house.definitions.amend(
            actor, AGENT, name, body.values(), expected=body.revision, note=body.note
        )
        return changed.to_json()

    @routes.delete("/{name}", status_code=204)
    async def archive_agent(house: House, actor: Asker, name: str) -> Response:
        """Archive an agent; nobody can ask it, and its turns at work end at their next step."""
        await house.definitions.archive(actor, AGENT, name)
        return Response(status_code=204)
