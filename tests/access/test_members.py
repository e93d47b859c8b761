"""Members: who may change them, what ends at once when one is shut out (S-05), and that an admin is left."""

import asyncio

import pytest

from metier.access import Access
from metier.actor import Action, Actor, PrincipalKind
from metier.errors import Conflict, Forbidden, MissingPermission, NotFound, NotSignedIn
from metier.store import Database
from tests.access.conftest import PASSWORD, People


@pytest.fixture
async def clerk(access: Access, people: People) -> Actor:
    """Cleo, who may manage members and keys, and read."""
    flags = ["WORKSPACE_MEMBERS", "API_KEYS_AND_WEBHOOKS"]
    await access.create_role(people.ada, name="clerk", label="Clerk", all_objects=[Action.READ], flags=flags)
    member_id = await access.create_member(people.workspace_id, name="Cleo", email="cleo@acme.test", role="clerk")
    return await access.actor_for_member(people.workspace_id, member_id)


async def test_without_the_flag_members_are_neither_seen_nor_changed(access: Access, people: People):
    ada = people.ada.principal.id
    for attempt in (
        access.members(people.mo),
        access.member(people.mo, people.mo.principal.id),
        access.member_by_email(people.mo, "mo@acme.test"),
        access.change_member(people.mo, people.mo.principal.id, role="admin"),
        access.change_member(people.mo, ada, active=False),
        access.change_member(people.mo, ada, active=True),
    ):
        with pytest.raises(MissingPermission, match="WORKSPACE_MEMBERS"):
            await attempt


async def test_nobody_touches_who_may_do_more(access: Access, people: People, clerk: Actor):
    for attempt in (
        access.change_member(clerk, people.ada.principal.id, active=False),
        access.change_member(clerk, people.ada.principal.id, role="clerk"),
        access.change_member(clerk, clerk.principal.id, role="admin"),
        access.change_member(clerk, people.mo.principal.id, active=False),
    ):
        with pytest.raises(MissingPermission):
            await attempt

    assert (await access.refresh(people.ada)).roles[0].name == "admin"
    await access.change_member(people.ada, people.mo.principal.id, role="clerk")
    await access.change_member(clerk, people.mo.principal.id, active=False)


async def test_members_of_another_workspace_are_unknown(access: Access, people: People, stranger: Actor):
    """S-04."""
    mo = people.mo.principal.id
    for attempt in (
        access.member(stranger, mo),
        access.change_member(stranger, mo, active=False),
        access.change_member(stranger, mo, role="admin"),
        access.member_by_email(stranger, "mo@acme.test"),
        access.invite_member(stranger, mo),
    ):
        with pytest.raises(NotFound):
            await attempt

    assert await access.refresh(people.mo) == people.mo
    assert [member.name for member in await access.members(stranger)] == ["Boss"]


async def test_members_are_listed_by_name(access: Access, people: People, clerk: Actor):
    await access.change_member(people.ada, people.ada.principal.id, role="admin")
    await access.change_member(people.ada, clerk.principal.id, active=False)

    found = await access.members(people.ada)

    assert [(m.name, m.role, m.has_password, m.deactivated_at is None) for m in found] == [
        ("Ada Park", "admin", True, True),
        ("Mo", "member", True, True),
        ("Cleo", "clerk", False, False),
    ]
    assert found[0].to_json()["active"] is True


async def test_shut_out_means_every_way_in_at_once(access: Access, elsewhere: Access, people: People, db: Database):
    """S-05: sign-ins, links, keys of the member and of their keys, and what runs for them, on every process."""
    ada, mo = people.ada, people.mo
    await access.change_member(ada, mo.principal.id, role="admin")
    mo = await access.refresh(mo)
    signed_in = await access.sign_in("mo@acme.test", PASSWORD)
    link = await access.member_link(mo)
    key = await access.create_key(mo, role="admin", name="mo's")
    of_key = await access.create_key(await access.actor_for_key(key.token), role="admin", name="of mo's")
    of_ada = await access.create_key(ada, role="admin", name="ada's")
    invitation = await access.invite(mo, email="friend@acme.test", role="admin")
    by_key = await access.invite(await access.actor_for_key(of_key.token), email="foe@acme.test", role="admin")

    await access.change_member(ada, mo.principal.id, active=False)

    for attempt in (
        elsewhere.actor_for_sign_in(signed_in.token),
        elsewhere.sign_in("mo@acme.test", PASSWORD),
        elsewhere.use_link(link),
        elsewhere.actor_for_key(key.token),
        elsewhere.actor_for_key(of_key.token),
        elsewhere.refresh(mo),
        elsewhere.refresh(mo.through("clerk", None)),
        elsewhere.profile(mo),
        elsewhere.update_profile(mo, name="Mo again"),
        elsewhere.set_password(mo, email="mo@acme.test", password="another password", current=PASSWORD),
        elsewhere.invited(invitation.token),
        elsewhere.invited(by_key.token),
    ):
        with pytest.raises(NotSignedIn):
            await attempt
    for unknown in (
        elsewhere.actor_for_member(people.workspace_id, mo.principal.id),
        elsewhere.actor_for_email(people.workspace_id, "mo@acme.test"),
    ):
        with pytest.raises(NotFound):
            await unknown
    assert (await elsewhere.actor_for_key(of_ada.token)).label == "ada's"
    assert await db.value("select count(*) from core.sign_in where member_id = %s", [mo.principal.id]) == 0


async def test_the_operators_keys_are_not_the_first_admins(access: Access, people: People):
    """The operator acts as that admin, who may be shut out one day: programs go on."""
    operator = await access.operator()
    assert (operator.principal.kind, operator.principal.id) == (PrincipalKind.OPERATOR, people.ada.principal.id)
    key = await access.create_key(operator, role="member", name="nightly")
    invitation = await access.invite(operator, email="friend@acme.test", role="member")
    await access.change_member(people.ada, people.mo.principal.id, role="admin")

    await access.change_member(await access.refresh(people.mo), people.ada.principal.id, active=False)

    assert (await access.actor_for_key(key.token)).label == "nightly"
    assert (await access.invited(invitation.token)).email == "friend@acme.test"
    assert (await access.operator()).label == "Mo"


async def test_reactivated_means_the_role_as_before_and_new_sign_ins(access: Access, people: People):
    key = await access.create_key(people.ada, role="member", name="k")
    before = await access.sign_in("mo@acme.test", PASSWORD)
    await access.change_member(people.ada, people.mo.principal.id, active=False)
    await access.change_member(people.ada, people.mo.principal.id, active=False)

    await access.change_member(people.ada, people.mo.principal.id, active=True)

    assert await access.refresh(people.mo) == people.mo
    assert (await access.sign_in("mo@acme.test", PASSWORD)).actor == people.mo
    with pytest.raises(NotSignedIn):
        await access.actor_for_sign_in(before.token)
    assert (await access.actor_for_key(key.token)).label == "k"


async def test_nobody_deactivates_themselves_but_the_operator_may_for_them(access: Access, people: People):
    await access.change_member(people.ada, people.mo.principal.id, role="admin")

    with pytest.raises(Forbidden, match="themselves"):
        await access.change_member(people.ada, people.ada.principal.id, active=False)
    await access.change_member(await access.operator(), people.ada.principal.id, active=False)

    with pytest.raises(NotSignedIn):
        await access.refresh(people.ada)


async def test_the_last_admin_is_neither_shut_out_nor_demoted(access: Access, people: People):
    operator, ada = await access.operator(), people.ada.principal.id
    for attempt in (
        access.change_member(operator, ada, active=False),
        access.change_member(operator, ada, role="member"),
        access.change_member(operator, ada, role="member", active=False),
    ):
        with pytest.raises(Conflict, match="at least one admin"):
            await attempt
    assert await access.refresh(people.ada) == people.ada

    await access.change_member(people.ada, people.mo.principal.id, role="admin")
    await access.change_member(people.ada, people.mo.principal.id, active=False)
    with pytest.raises(Conflict):
        await access.change_member(people.ada, ada, role="member")


async def test_two_admins_who_shut_each_other_out_leave_one(access: Access, people: People, db: Database):
    await access.change_member(people.ada, people.mo.principal.id, role="admin")
    mo = await access.refresh(people.mo)

    ends = await asyncio.gather(
        access.change_member(people.ada, mo.principal.id, active=False),
        access.change_member(mo, people.ada.principal.id, active=False),
        return_exceptions=True,
    )

    assert sorted(type(end).__name__ for end in ends) == ["Conflict", "NoneType"]
    assert await db.value("select count(*) from core.member where deactivated_at is null") == 1


async def test_role_and_state_change_together_or_not_at_all(access: Access, people: People):
    with pytest.raises(NotFound):
        await access.change_member(people.ada, people.mo.principal.id, role="nobody", active=False)
    assert await access.refresh(people.mo) == people.mo

    await access.change_member(people.ada, people.mo.principal.id, role="admin", active=False)

    found = await access.member_by_email(people.ada, " Mo@acme.test")
    assert (found.role, found.deactivated_at is not None) == ("admin", True)
