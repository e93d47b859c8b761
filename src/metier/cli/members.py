"""`metier members` and `metier invitations`: who belongs to the workspace."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from metier.cli.house import open_house, writing_for
from metier.cli.link import base_url
from metier.cli.terminal import note, say, say_json, say_table
from metier.errors import NotFound

if TYPE_CHECKING:
    from metier.access import Invitation, Member, NewInvitation
    from metier.formats.writing import Writing

Email = Annotated[str, typer.Argument(help="The member's e-mail.")]
Role = Annotated[str, typer.Option(help="What they may do, e.g. member; see: metier roles list")]
Url = Annotated[str | None, typer.Option(help="Where the server is reached, if not where it listens.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    _register_members(app)
    _register_invitations(app)


def _register_members(app: typer.Typer) -> None:
    members = typer.Typer(help="Members: people who belong to the workspace.", no_args_is_help=True)
    app.add_typer(members, name="members")

    @members.command("list")
    def list_members(as_json: AsJson = False) -> None:
        """List the members, those who are deactivated last."""
        asyncio.run(_list(as_json=as_json))

    @members.command("add")
    def add_member(
        email: Email,
        role: Role,
        name: Annotated[str | None, typer.Option(help="What people call them; made of the e-mail if left out.")] = None,
        url: Url = None,
        as_json: AsJson = False,
    ) -> None:
        """Add a member at once, and print the link with which they come in; nobody sends it for you."""
        asyncio.run(_add(email, role, name, url, as_json=as_json))

    @members.command("set-role")
    def set_role(
        email: Email, role: Annotated[str, typer.Argument(help="The role's name.")], as_json: AsJson = False
    ) -> None:
        """Give a member another role, from their next request on."""
        asyncio.run(_change(email, role=role, as_json=as_json))

    @members.command("remove")
    def remove_member(email: Email, as_json: AsJson = False) -> None:
        """Deactivate a member: sign-ins and keys they made end at once; what they did stays."""
        asyncio.run(_change(email, active=False, as_json=as_json))

    @members.command("restore")
    def restore_member(email: Email, as_json: AsJson = False) -> None:
        """Let a deactivated member sign in again."""
        asyncio.run(_change(email, active=True, as_json=as_json))


def _register_invitations(app: typer.Typer) -> None:
    invitations = typer.Typer(help="Invitations: links with which people become members.", no_args_is_help=True)
    app.add_typer(invitations, name="invitations")

    @invitations.command("list")
    def list_invitations(as_json: AsJson = False) -> None:
        """List the open invitations, newest first, without their links."""
        asyncio.run(_invitations(as_json=as_json))

    @invitations.command("create")
    def create_invitation(email: Email, role: Role, url: Url = None, as_json: AsJson = False) -> None:
        """Make a link with which somebody becomes a member, and print it, this once."""
        asyncio.run(_invite(email, role, url, as_json=as_json))

    @invitations.command("withdraw")
    def withdraw_invitation(email: Annotated[str, typer.Argument(help="Whom it invites.")]) -> None:
        """Make an invitation's link worthless."""
        asyncio.run(_withdraw(email))


async def _list(*, as_json: bool) -> None:
    async with open_house() as (metier, operator):
        members = await metier.access.members(operator)
    if as_json:
        for member in members:
            say_json(member.to_json())
    else:
        say_table(("name", "e-mail", "role", "time zone", "state"), [_row(member) for member in members])


async def _add(email: str, role: str, name: str | None, url: str | None, *, as_json: bool) -> None:
    base = base_url(url)
    async with open_house() as (metier, operator):
        made = await metier.access.add_member(operator, email=email, role=role, name=name)
    if not as_json:
        note(f"{made.email} is a member.")
    _say_link(made, base, as_json=as_json)


async def _change(email: str, *, role: str | None = None, active: bool | None = None, as_json: bool) -> None:
    async with open_house() as (metier, operator):
        member = await metier.access.member_by_email(operator, email)
        await metier.access.change_member(operator, member.id, role=role, active=active)
        member = await metier.access.member(operator, member.id)
    if as_json:
        say_json(member.to_json())
    else:
        say(f"{member.name} ({member.email}): {member.role}, {_state(member)}")


async def _invitations(*, as_json: bool) -> None:
    async with open_house() as (metier, operator):
        writing = writing_for(metier, operator)
        invitations = await metier.access.invitations(operator)
    if as_json:
        for invitation in invitations:
            say_json(invitation.to_json())
    else:
        say_table(("e-mail", "role", "invited by", "expires"), [_invitation_row(one, writing) for one in invitations])


async def _invite(email: str, role: str, url: str | None, *, as_json: bool) -> None:
    base = base_url(url)
    async with open_house() as (metier, operator):
        made = await metier.access.invite(operator, email=email, role=role)
    _say_link(made, base, as_json=as_json)


async def _withdraw(email: str) -> None:
    wanted = email.strip().lower()
    async with open_house() as (metier, operator):
        invitations = await metier.access.invitations(operator)
        found = next((one for one in invitations if one.email == wanted), None)
        if found is None:
            raise NotFound("invitation of", email, (one.email for one in invitations))
        await metier.access.withdraw_invitation(operator, found.id)
    say(f"Withdrawn: {found.email}")


def _say_link(made: "NewInvitation", base: str, *, as_json: bool) -> None:
    url = f"{base}/invite/{made.token}"
    if as_json:
        member_id = made.member_id and str(made.member_id)
        say_json({"email": made.email, "member_id": member_id, "url": url, "expires_at": made.expires_at.isoformat()})
    else:
        note("Pass the link on: it works once, within 7 days, while the server runs.")
        say(url)


def _state(member: "Member") -> str:
    if member.deactivated_at:
        return "deactivated"
    return "active" if member.has_password else "no password yet"


def _row(member: "Member") -> tuple[str, ...]:
    return member.name, member.email or "", member.role, member.time_zone, _state(member)


def _invitation_row(invitation: "Invitation", writing: "Writing") -> tuple[str, ...]:
    expires = writing.moment(invitation.expires_at)
    return invitation.email, invitation.role, invitation.invited_by, expires
