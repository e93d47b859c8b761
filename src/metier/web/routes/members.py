"""Settings, Members: who belongs to the workspace, with which role, and who is invited."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from metier.access import Member, NewInvitation
from metier.access.members import FLAG
from metier.actor import Actor, Role, check_flag
from metier.api.auth import Asker, House
from metier.api.members import invitation_url
from metier.app import Metier
from metier.errors import MetierError
from metier.web.forms import read_form, wrong
from metier.web.pages import page

URL = "/settings/members"


def router() -> APIRouter:
    """Make the routes."""
    routes = APIRouter(prefix=URL)
    routes.add_api_route("", show_members)
    routes.add_api_route("/invite", invite, methods=["POST"])
    routes.add_api_route("/invitations/{invitation_id}/withdraw", withdraw, methods=["POST"])
    routes.add_api_route("/{member_id}/invite", invite_member, methods=["POST"])
    routes.add_api_route("/{member_id}/role", set_role, methods=["POST"])
    routes.add_api_route("/{member_id}/active", set_active, methods=["POST"])
    return routes


async def show_members(request: Request, house: House, actor: Asker, saved: UUID | None = None) -> Response:
    """List members and open invitations."""
    return await _members_page(request, house, actor, saved=saved)


async def invite(request: Request, house: House, actor: Asker) -> Response:
    """Make an invitation and show its link, this once."""
    given = await read_form(request, "email", "role")
    try:
        made = await house.access.invite(actor, email=given["email"], role=given["role"])
    except MetierError as error:
        return await _members_page(request, house, actor, given=given, error=error)
    return await _members_page(request, house, actor, made=made)


async def invite_member(request: Request, house: House, actor: Asker, member_id: UUID) -> Response:
    """Make a link for a member who has no password yet, and show it, this once."""
    try:
        made = await house.access.invite_member(actor, member_id)
    except MetierError as error:
        return await _members_page(request, house, actor, error=error)
    return await _members_page(request, house, actor, made=made)


async def withdraw(house: House, actor: Asker, invitation_id: UUID) -> Response:
    """Make an invitation's link worthless."""
    await house.access.withdraw_invitation(actor, invitation_id)
    return RedirectResponse(URL, status_code=303)


async def set_role(request: Request, house: House, actor: Asker, member_id: UUID) -> Response:
    """Give a member another role."""
    given = await read_form(request, "role")
    return await _change(request, house, actor, member_id, role=given["role"])


async def set_active(request: Request, house: House, actor: Asker, member_id: UUID) -> Response:
    """Deactivate a member, or reactivate (`active=yes`)."""
    given = await read_form(request, "active")
    return await _change(request, house, actor, member_id, active=given["active"] == "yes")


async def _change(
    request: Request,
    house: Metier,
    actor: Actor,
    member_id: UUID,
    *,
    role: str | None = None,
    active: bool | None = None,
) -> Response:
    try:
        await house.access.change_member(actor, member_id, role=role, active=active)
    except MetierError as error:
        return await _members_page(request, house, actor, error=error)
    return RedirectResponse(f"{URL}?saved={member_id}", status_code=303)


@dataclass(frozen=True)
class Line:
    """A member as the page shows them.

    Attributes:
        roles: Those that who asks may give this member; none where the member may do more.
        self: Whether it is who asks.
    """

    member: Member
    roles: list[Role]
    self: bool


async def _members_page(
    request: Request,
    house: Metier,
    actor: Actor,
    *,
    made: NewInvitation | None = None,
    saved: UUID | None = None,
    given: Mapping[str, str] | None = None,
    error: MetierError | None = None,
) -> Response:
    check_flag(actor, FLAG)
    members = await house.access.members(actor)
    roles = await house.access.roles_to_give(actor)
    names = {role.name for role in roles}
    return await page(
        request,
        "settings/members.html",
        actor=actor,
        status=error.status if error else 200,
        lines=[Line(m, roles if m.role in names else [], m.id == actor.principal.id) for m in members],
        invitations=await house.access.invitations(actor),
        roles=roles,
        made=made,
        link=invitation_url(request, made) if made else "",
        saved=next((member for member in members if member.id == saved), None),
        given={"email": "", "role": ""} | dict(given or {}),
        now=house.clock.now(),
        **wrong(error, "email", "role"),
    )
