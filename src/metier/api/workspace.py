"""REST: models, what is confirmed, keys, and the health of the server."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from metier.actor import AI_FEATURE, Actor, check_feature
from metier.api.auth import Asker, House, checkup_of
from metier.api.errors import error_answers
from metier.app import Metier


class NewKey(BaseModel):
    """A key to make."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=100, examples=["nightly import"])
    role: str = Field(max_length=100, examples=["member"])
    expires_at: AwareDatetime | None = Field(default=None, examples=["2030-01-01T00:00:00Z"])


class ChangedWorkspace(BaseModel):
    """What to change of the workspace."""

    model_config = ConfigDict(extra="forbid")

    time_zone: str = Field(max_length=100, examples=["Europe/Berlin"])


def router() -> APIRouter:
    """Make the routes."""
    routes = APIRouter(prefix="/api/v1", tags=["workspace"], responses=error_answers(401, 403, 404, 422))
    _add_workspace(routes)
    _add_models(routes)
    _add_confirming(routes)
    _add_keys(routes)
    return routes


def health_router() -> APIRouter:
    """Make the probe, and the checks for admins."""
    routes = APIRouter(tags=["health"])

    @routes.get("/api/v1/health", responses=error_answers(401, 403))
    async def health(request: Request, actor: Asker) -> dict[str, Any]:
        """List what was checked on this server, what was found and what to do about it; looked at once a minute."""
        checks = await checkup_of(request).checks(actor)
        return {"ok": all(check.ok for check in checks), "data": [check.to_json() for check in checks]}

    @routes.get("/healthz", responses={503: {"description": "The database does not answer"}})
    async def healthz(house: House, response: Response) -> dict[str, Any]:
        """Say whether the server can work."""
        fine = await house.alive()
        response.status_code = 200 if fine else 503
        return {"status": "ok" if fine else "database unreachable", "version": house.version}

    return routes


def _add_workspace(routes: APIRouter) -> None:
    @routes.get("/workspace")
    async def get_workspace(house: House, actor: Asker) -> dict[str, Any]:
        """Say where the workspace is: its days and months begin at midnight there."""
        return {"id": str(actor.workspace_id), "time_zone": await house.access.time_zone(actor)}

    @routes.patch("/workspace")
    async def change_workspace(house: House, actor: Asker, body: ChangedWorkspace) -> dict[str, Any]:
        """Say where the workspace is."""
        await house.access.set_time_zone(actor, body.time_zone)
        return {"id": str(actor.workspace_id), "time_zone": await house.access.time_zone(actor)}


def _add_models(routes: APIRouter) -> None:
    @routes.get("/models")
    async def list_models(house: House, actor: Asker) -> dict[str, Any]:
        """List the models that are configured."""
        check_feature(actor, AI_FEATURE)
        return {
            "data": [
                {"id": m.id, "label": m.label, "context_tokens": m.context_tokens, "ai": m.ai}
                for m in house.catalog.models()
                if actor.holds("AI")
            ]
        }


class ChosenConfirming(BaseModel):
    """Which changes agents have confirmed; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    default: str | None = Field(None, examples=["always"])
    agents: dict[str, str | None] | None = Field(None, max_length=500, examples=[{"crm-assistant": "outside_own"}])


def _add_confirming(routes: APIRouter) -> None:
    @routes.get("/confirming")
    async def get_confirming(house: House, actor: Asker) -> dict[str, Any]:
        """Say which changes agents have confirmed before they make them, as the workspace has chosen."""
        return await _confirming(house, actor)

    @routes.patch("/confirming")
    async def choose_confirming(house: House, actor: Asker, body: ChosenConfirming) -> dict[str, Any]:
        """Choose which changes agents have confirmed, for all of them or for some; null takes a choice back."""
        known = await house.agents.names(actor.workspace_id)
        await house.access.choose_confirming(actor, default=body.default, agents=body.agents, known=known)
        return await _confirming(house, actor)


async def _confirming(house: Metier, actor: Actor) -> dict[str, Any]:
    chosen = await house.access.confirming(actor.workspace_id)
    agents = await house.agents.all(actor.workspace_id)
    effective = {agent.name: chosen.of(agent.name, agent.confirm).value for agent in agents}
    return chosen.to_json() | {"effective": effective}


def _add_keys(routes: APIRouter) -> None:
    @routes.get("/keys")
    async def list_keys(house: House, actor: Asker) -> dict[str, Any]:
        """List the workspace's API keys, without their secrets."""
        return {"data": [key.to_json() for key in await house.access.keys(actor)]}

    @routes.post("/keys", status_code=201)
    async def create_key(house: House, actor: Asker, body: NewKey) -> dict[str, Any]:
        """Make an API key; its token is shown this once."""
        key = await house.access.create_key(
            actor, role=body.role, name=body.name.replace("\x00", ""), expires_at=body.expires_at
        )
        return {"id": str(key.id), "token": key.token, "prefix": key.prefix}

    @routes.delete("/keys/{key_id}", status_code=204)
    async def revoke_key(house: House, actor: Asker, key_id: UUID) -> Response:
        """Revoke an API key; it is refused from the next request on."""
        await house.access.revoke_key(actor, key_id)
        return Response(status_code=204)
