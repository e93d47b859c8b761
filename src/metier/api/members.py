"""REST: members and invitations, that is who belongs to the workspace."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from metier.access import NewInvitation
from metier.api.auth import Asker, House, metier_of
from metier.api.errors import error_answers


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewMember(_Body):
    """A member to add."""

    email: str = Field(max_length=254, examples=["ada@example.com"])
    role: str = Field(max_length=100, examples=["member"])
    name: str | None = Field(default=None, max_length=200, examples=["Ada Park"])


class ChangedMember(_Body):
    """What to change of a member; what is left out stays."""

    role: str | None = Field(default=None, max_length=100, examples=["member"])
    active: bool | None = Field(default=None, strict=True)


class NewInvitationBody(_Body):
    """Somebody to invite."""

    email: str = Field(max_length=254, examples=["ada@example.com"])
    role: str = Field(max_length=100, examples=["member"])


class Acceptance(_Body):
    """What the invited one says of himself or herself."""

    token: str = Field(max_length=200)
    name: str = Field(max_length=200, examples=["Ada Park"])
    password: str = Field(max_length=1000)
    time_zone: str = Field(default="UTC", max_length=100, examples=["Europe/Berlin"])
    locale: str = Field(default="en", max_length=100)


def router() -> APIRouter:
    """Make the routes."""
    routes = APIRouter(prefix="/api/v1", tags=["members"], responses=error_answers(401, 403, 404, 409, 422))
    _add_members(routes)
    _add_invitations(routes)
    return routes


def _add_members(routes: APIRouter) -> None:
    @routes.get("/members")
    async def list_members(house: House, actor: Asker) -> dict[str, Any]:
        """List the members, those who are deactivated last."""
        return {"data": [member.to_json() for member in await house.access.members(actor)]}

    @routes.post("/members", status_code=201)
    async def add_member(request: Request, house: House, actor: Asker, body: NewMember) -> dict[str, Any]:
        """Add a member at once; the link with which they come in is shown this once."""
        made = await house.access.add_member(actor, email=body.email, role=body.role, name=body.name)
        assert made.member_id is not None
        member = await house.access.member(actor, made.member_id)
        return {"member": member.to_json(), "invitation": invitation_json(request, made)}

    @routes.get("/members/{member_id}")
    async def get_member(house: House, actor: Asker, member_id: UUID) -> dict[str, Any]:
        """Get one member."""
        return (await house.access.member(actor, member_id)).to_json()

    @routes.patch("/members/{member_id}")
    async def change_member(house: House, actor: Asker, member_id: UUID, body: ChangedMember) -> dict[str, Any]:
        """Give a member another role, deactivate or reactivate them; holds from their next request on."""
        await house.access.change_member(actor, member_id, role=body.role, active=body.active)
        return (await house.access.member(actor, member_id)).to_json()

    @routes.post("/members/{member_id}/invitation", status_code=201)
    async def invite_member(request: Request, house: House, actor: Asker, member_id: UUID) -> dict[str, Any]:
        """Make a new link for a member who has no password yet; shown this once."""
        return invitation_json(request, await house.access.invite_member(actor, member_id))


def _add_invitations(routes: APIRouter) -> None:
    @routes.get("/invitations")
    async def list_invitations(house: House, actor: Asker) -> dict[str, Any]:
        """List the open invitations, newest first, without their links."""
        return {"data": [invitation.to_json() for invitation in await house.access.invitations(actor)]}

    @routes.post("/invitations", status_code=201)
    async def invite(request: Request, house: House, actor: Asker, body: NewInvitationBody) -> dict[str, Any]:
        """Invite somebody; the link is shown this once, and nobody sends it for you."""
        return invitation_json(request, await house.access.invite(actor, email=body.email, role=body.role))

    @routes.delete("/invitations/{invitation_id}", status_code=204)
    async def withdraw_invitation(house: House, actor: Asker, invitation_id: UUID) -> Response:
        """Make an invitation's link worthless."""
        await house.access.withdraw_invitation(actor, invitation_id)
        return Response(status_code=204)

    @routes.post("/invitations/accept", openapi_extra={"security": []}, status_code=201)
    async def accept_invitation(house: House, body: Acceptance) -> dict[str, Any]:
        """Become a member with an invitation's token; needs no credential. Sign in with e-mail and password then."""
        signed_in = await house.access.accept(
            body.token, name=body.name, password=body.password, time_zone=body.time_zone, locale=body.locale
        )
        await house.access.sign_out(signed_in.token)  # a program keeps no cookie
        return {"member_id": str(signed_in.actor.principal.id)}


def invitation_json(request: Request, made: NewInvitation) -> dict[str, Any]:
    """Give an invitation just made as clients get it, with the link to pass on."""
    return {
        "id": str(made.id),
        "email": made.email,
        "token": made.token,
        "url": invitation_url(request, made),
        "expires_at": made.expires_at.isoformat(),
    }


def invitation_url(request: Request, made: NewInvitation) -> str:
    """Give the address that an invitation's link leads to."""
    base = metier_of(request).settings.public_url or str(request.base_url)
    return f"{base.rstrip('/')}/invite/{made.token}"
