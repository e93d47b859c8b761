"""REST: looking as a role or a member."""

from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from metier.actor import Actor
from metier.api.auth import SIGN_IN_COOKIE, VIEW_HEADER, Asker, House, Looker
from metier.api.errors import error_answers
from metier.errors import Forbidden


class NewView(BaseModel):
    """Whom to look as: a role by its name, or a member by id or e-mail."""

    model_config = ConfigDict(extra="forbid")

    role: str | None = Field(default=None, max_length=200, examples=["member"])
    member: str | None = Field(default=None, max_length=300)


def router() -> APIRouter:
    """Make the routes."""
    routes = APIRouter(prefix="/api/v1/me/view", tags=["me"], responses=error_answers(401, 403, 404, 422))

    @routes.get("")
    async def get_view(house: House, actor: Asker) -> dict[str, Any]:
        """Say whom you look as, and whom you can look as."""
        sights = await house.access.sights(actor.viewing.viewer if actor.viewing else actor)
        return {"viewing": actor.viewing and actor.viewing.to_json(), **sights.to_json()}

    @routes.post("")
    async def begin_view(request: Request, house: House, actor: Asker, body: NewView) -> dict[str, Any]:
        """Look as a role or a member from this browser's next request on; nothing can be changed meanwhile."""
        seen = await house.access.begin_view(actor, token_of(request, actor), role=body.role, member=body.member)
        return {"viewing": seen.viewing and seen.viewing.to_json()}

    @routes.delete("", status_code=204)
    async def end_view(request: Request, house: House, actor: Looker) -> Response:
        """Look as yourself again."""
        await house.access.end_view(actor, token_of(request, actor))
        return Response(status_code=204)

    return routes


def token_of(request: Request, actor: Actor) -> str:
    """Give the sign-in of the browser that asks.

    Raises:
        Forbidden: A key asks, which keeps nothing between its requests.
    """
    token = request.cookies.get(SIGN_IN_COOKIE)
    if token is None or request.headers.get("authorization"):
        cure = f"Send the header {VIEW_HEADER}: role:NAME or member:EMAIL with each request."
        raise Forbidden(f"{actor.label!r} is no browser that could go on looking.", cure=cure)
    return token
