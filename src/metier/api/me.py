"""REST: who asks, and what a person says of himself or herself."""

from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from metier.actor import FLAGS, Actor, PrincipalKind
from metier.api.auth import SIGN_IN_COOKIE, Asker, House
from metier.api.errors import error_answers
from metier.app import Metier
from metier.errors import Forbidden, Invalid, Problem

PEOPLE = (PrincipalKind.MEMBER, PrincipalKind.OPERATOR)


class NewProfile(BaseModel):
    """What to change of oneself; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(default=None, max_length=200, examples=["Ada Park"])
    time_zone: str | None = Field(default=None, max_length=100, examples=["Europe/Berlin"])
    locale: str | None = Field(default=None, max_length=100, examples=["en"])
    number_format: str | None = Field(default=None, max_length=100, examples=["dots_and_comma"])
    currency_display: str | None = Field(default=None, max_length=100, examples=["code"])
    date_format: str | None = Field(default=None, max_length=100, examples=["day_first"])
    time_format: str | None = Field(default=None, max_length=100, examples=["hour_24"])
    calendar_start_day: str | None = Field(default=None, max_length=100, examples=["monday"])


class NewPassword(BaseModel):
    """What to sign in with from now on."""

    model_config = ConfigDict(extra="forbid")

    password: str = Field(max_length=1000)
    current: str | None = Field(default=None, max_length=1000)
    email: str | None = Field(default=None, max_length=254, examples=["ada@example.com"])


def router() -> APIRouter:
    """Make the routes."""
    routes = APIRouter(prefix="/api/v1", tags=["me"], responses=error_answers(401, 403, 422))

    @routes.get("/me")
    async def get_me(house: House, actor: Asker) -> dict[str, Any]:
        """Say who you are, and what you may do besides your work with records."""
        return await _me(house, actor)

    @routes.patch("/me")
    async def change_me(house: House, actor: Asker, body: NewProfile) -> dict[str, Any]:
        """Change your name, time zone, language and forms of values; for people, not for keys."""
        await house.access.update_profile(actor, **body.model_dump())
        return await _me(house, await house.access.refresh(actor))

    @routes.post("/me/password", status_code=204, responses=error_answers(409, 429))
    async def set_password(request: Request, house: House, actor: Asker, body: NewPassword) -> Response:
        """Set the e-mail and password you sign in with; your sign-ins in other browsers end. Not for keys."""
        if actor.principal.kind not in PEOPLE:
            raise Forbidden(
                f"{actor.label!r} is an API key: it has no password, and sets nobody's.",
                cure="Sign in as the person, then set it there.",
            )
        await house.access.set_password(
            actor,
            email=body.email or await _own_email(house, actor),
            password=body.password,
            current=body.current,
            keep=request.cookies.get(SIGN_IN_COOKIE),
        )
        return Response(status_code=204)

    return routes


async def _me(house: Metier, actor: Actor) -> dict[str, Any]:
    principal, role = actor.principal, actor.roles[0]
    profile = await house.access.profile(actor) if principal.kind in PEOPLE else None
    return {
        "principal": {"kind": principal.kind.value, "id": str(principal.id), "label": principal.label},
        "role": {"name": role.name, "label": role.label},
        "viewing": actor.viewing and actor.viewing.to_json(),
        "flags": [flag for flag in FLAGS if actor.holds(flag)],
        "time_zone": actor.me.time_zone,
        "locale": actor.me.locale,
        **actor.me.formats.to_json(),
        "email": profile.email if profile else None,
        "has_password": profile.has_password if profile else False,
    }


async def _own_email(house: Metier, actor: Actor) -> str:
    profile = await house.access.profile(actor)
    if profile.email is None:
        raise Invalid.of([Problem("email", "you have no e-mail yet, so give one", example="ada@example.com")])
    return profile.email
