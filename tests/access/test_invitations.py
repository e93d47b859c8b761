"""Invitations: made by few, used once, worth nothing when who made them may no longer."""

import asyncio

import pytest

from metier.access import Access, NewInvitation
from metier.access.invitations import name_of
from metier.actor import Action, Actor
from metier.errors import AlreadyExists, Conflict, Invalid, MissingPermission, NotFound, NotSignedIn
from metier.store import Database
from metier.testing import FrozenClock
from tests.access.conftest import PASSWORD, People

WEEK_S = 7 * 24 * 3600
BO = {"name": "Bo Li", "password": "a long password", "time_zone": "Asia/Tokyo"}


@pytest.fixture
async def invitation(access: Access, people: People) -> NewInvitation:
    """Bo is invited as member."""
    return await access.invite(people.ada, email="Bo@acme.test ", role="member")


async def test_without_the_flag_nobody_is_invited(access: Access, people: People, invitation: NewInvitation):
    for attempt in (
        access.invite(people.mo, email="x@acme.test", role="member"),
        access.add_member(people.mo, email="x@acme.test", role="member"),
        access.invite_member(people.mo, people.mo.principal.id),
        access.invitations(people.mo),
        access.withdraw_invitation(people.mo, invitation.id),
    ):
        with pytest.raises(MissingPermission, match="WORKSPACE_MEMBERS"):
            await attempt
    assert (await access.invited(invitation.token)).email == "bo@acme.test"


async def test_nobody_invites_with_more_than_they_have(access: Access, people: People):
    await access.create_role(
        people.ada, name="clerk", label="Clerk", all_objects=[Action.READ], flags=["WORKSPACE_MEMBERS"]
    )
    bare = await access.create_member(people.workspace_id, name="Boss", email="boss@acme.test", role="admin")
    await access.set_role(people.ada, people.mo.principal.id, role="clerk")
    clerk = await access.refresh(people.mo)

    for attempt in (
        access.invite(clerk, email="x@acme.test", role="admin"),
        access.invite(clerk, email="x@acme.test", role="member"),
        access.add_member(clerk, email="x@acme.test", role="admin"),
        access.invite_member(clerk, bare),
    ):
        with pytest.raises(MissingPermission, match="may do more"):
            await attempt
    assert await access.invitations(people.ada) == []
    assert (await access.invite(clerk, email="x@acme.test", role="clerk")).email == "x@acme.test"


async def test_an_invitation_makes_a_member_once(access: Access, elsewhere: Access, people: People, invitation):
    seen = await elsewhere.invited(invitation.token)
    signed_in = await elsewhere.accept(invitation.token, **BO, locale="ja")

    assert (seen.workspace, seen.email, seen.role_label, seen.name, seen.invited_by) == (
        "Acme",
        "bo@acme.test",
        "Member",
        "",
        "Ada Park",
    )
    actor = signed_in.actor
    assert (actor.label, actor.roles[0].name) == ("Bo Li", "member")
    assert (actor.principal.time_zone, actor.principal.locale) == ("Asia/Tokyo", "ja")
    assert (await access.sign_in("bo@acme.test", BO["password"])).actor == actor
    assert await access.invitations(people.ada) == []
    for again in (access.invited(invitation.token), access.accept(invitation.token, **BO)):
        with pytest.raises(NotSignedIn, match="Ask for a new one"):
            await again


async def test_of_many_who_use_it_at_once_one_becomes_a_member(access, elsewhere, invitation, db: Database):
    ends = await asyncio.gather(
        *(room.accept(invitation.token, **BO) for _ in range(5) for room in (access, elsewhere)),
        return_exceptions=True,
    )

    assert sum(isinstance(end, NotSignedIn) for end in ends) == 9, ends
    assert await db.value("select count(*) from core.member where email = 'bo@acme.test'") == 1


async def test_a_slip_is_named_whole_and_costs_nothing(access: Access, invitation: NewInvitation):
    with pytest.raises(Invalid) as caught:
        await access.accept(invitation.token, name=" ", password="short", time_zone="Mars/Base", locale="x!")

    assert [problem.path for problem in caught.value.problems] == ["name", "password", "time_zone", "locale"]
    assert (await access.accept(invitation.token, **BO)).actor.label == "Bo Li"


async def test_it_expires_after_a_week_and_is_still_listed(access, people, invitation, clock: FrozenClock):
    clock.forward(WEEK_S - 1)
    await access.invited(invitation.token)
    clock.forward(1)

    for late in (access.invited(invitation.token), access.accept(invitation.token, **BO)):
        with pytest.raises(NotSignedIn):
            await late
    assert [one.email for one in await access.invitations(people.ada)] == ["bo@acme.test"]


async def test_it_is_withdrawn(access: Access, people: People, invitation: NewInvitation, stranger: Actor):
    with pytest.raises(NotFound):
        await access.withdraw_invitation(stranger, invitation.id)
    await access.withdraw_invitation(people.ada, invitation.id)
    await access.withdraw_invitation(people.ada, invitation.id)

    with pytest.raises(NotSignedIn):
        await access.accept(invitation.token, **BO)


async def test_a_newer_one_replaces_it(access: Access, people: People, invitation: NewInvitation):
    newer = await access.invite(people.ada, email="bo@acme.test", role="admin")

    with pytest.raises(NotSignedIn):
        await access.invited(invitation.token)
    (listed,) = await access.invitations(people.ada)
    assert (listed.id, listed.role, listed.invited_by) == (newer.id, "admin", "Ada Park")
    assert newer.token not in str(listed.to_json())


async def test_who_may_no_longer_give_the_role_has_not_invited(access: Access, people: People):
    """Authority is live (S-05): looked up when the link is used, not when it was made."""
    await access.set_role(people.ada, people.mo.principal.id, role="admin")
    mo = await access.refresh(people.mo)
    as_admin = await access.invite(mo, email="a@acme.test", role="admin")
    as_member = await access.invite(mo, email="b@acme.test", role="member")

    await access.set_role(people.ada, mo.principal.id, role="member")
    for token in (as_admin.token, as_member.token):
        with pytest.raises(NotSignedIn):
            await access.accept(token, **BO)

    await access.set_role(people.ada, mo.principal.id, role="admin")
    assert (await access.accept(as_admin.token, **BO)).actor.roles[0].name == "admin"


async def test_a_revoked_key_has_not_invited(access: Access, people: People):
    key = await access.create_key(people.ada, role="admin", name="k")
    invitation = await access.invite(await access.actor_for_key(key.token), email="a@acme.test", role="member")

    await access.revoke_key(people.ada, key.id)

    with pytest.raises(NotSignedIn):
        await access.invited(invitation.token)


async def test_members_are_not_invited_again(access: Access, people: People, invitation: NewInvitation):
    with pytest.raises(AlreadyExists):
        await access.invite(people.ada, email="MO@acme.test", role="member")
    await access.change_member(people.ada, people.mo.principal.id, active=False)
    with pytest.raises(Conflict, match="deactivated") as caught:
        await access.add_member(people.ada, email="mo@acme.test", role="member")
    assert "Reactivate" in caught.value.cure

    await access.create_member(people.workspace_id, name="Bo", email="bo@acme.test")
    with pytest.raises(AlreadyExists):
        await access.accept(invitation.token, **BO)


@pytest.mark.parametrize(("email", "role", "error"), [("bo", "member", Invalid), ("bo@acme.test", "membr", NotFound)])
async def test_a_slip_invites_nobody(access: Access, people: People, email: str, role: str, error: type[Exception]):
    for attempt in (
        access.invite(people.ada, email=email, role=role),
        access.add_member(people.ada, email=email, role=role),
    ):
        with pytest.raises(error):
            await attempt
    assert len(await access.members(people.ada)) == 2


async def test_an_added_member_is_there_at_once_and_comes_in_by_the_link(access: Access, people: People):
    made = await access.add_member(people.ada, email="ada.lo-vel@acme.test", role="member")
    there = await access.member(people.ada, made.member_id)
    signed_in = await access.accept(made.token, **BO)

    assert (there.name, there.role, there.has_password) == ("Ada Lo Vel", "member", False)
    assert signed_in.actor.principal.id == made.member_id
    assert (await access.member(people.ada, made.member_id)).name == "Bo Li"
    with pytest.raises(NotSignedIn):
        await access.invited(made.token)
    with pytest.raises(Conflict, match="has a password"):
        await access.invite_member(people.ada, made.member_id)


async def test_a_lost_link_is_made_anew_and_a_password_ends_it(access: Access, people: People):
    made = await access.add_member(people.ada, email="bo@acme.test", role="member", name="Bo")
    newer = await access.invite_member(people.ada, made.member_id)
    with pytest.raises(NotSignedIn):
        await access.invited(made.token)
    assert (await access.invited(newer.token)).name == "Bo"

    bo = await access.actor_for_member(people.workspace_id, made.member_id)
    await access.set_password(bo, email="bo@acme.test", password=PASSWORD)

    with pytest.raises(NotSignedIn):
        await access.accept(newer.token, **BO)
    assert (await access.sign_in("bo@acme.test", PASSWORD)).actor == await access.refresh(bo)


async def test_deactivated_members_come_in_by_no_link(access: Access, people: People):
    made = await access.add_member(people.ada, email="bo@acme.test", role="member")
    await access.change_member(people.ada, made.member_id, active=False)
    with pytest.raises(NotSignedIn):
        await access.accept(made.token, **BO)
    with pytest.raises(Conflict, match="deactivated"):
        await access.invite_member(people.ada, made.member_id)


async def test_tokens_are_stored_as_hashes(access: Access, invitation: NewInvitation, db: Database):
    """S-35."""
    rows = await db.rows("select * from core.invitation")

    assert invitation.token.startswith("mi_")
    assert invitation.token not in str(rows)


def test_names_are_made_of_e_mails():
    assert [name_of(email) for email in ("ada.park@x.test", "bo@x.test", "--@x.test")] == [
        "Ada Park",
        "Bo",
        "--@x.test",
    ]
