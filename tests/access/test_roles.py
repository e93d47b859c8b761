"""Roles: nobody makes, changes, gives or takes one that may do more than they may."""

import asyncio

import pytest

from metier.access import Access
from metier.actor import Action, Actor
from metier.errors import AlreadyExists, Conflict, Invalid, MissingPermission, NotFound
from metier.store import Database
from tests.access.conftest import People


@pytest.fixture
async def clerk(access: Access, people: People) -> Actor:
    """Mo, who may manage roles and members, and read."""
    await access.create_role(
        people.ada,
        name="clerk",
        label="Clerk",
        all_objects=[Action.READ],
        flags=["ROLES", "WORKSPACE_MEMBERS"],
    )
    await access.set_role(people.ada, people.mo.principal.id, role="clerk")
    return await access.refresh(people.mo)


async def test_without_the_flags_roles_are_neither_made_changed_nor_given(access: Access, people: People):
    for attempt in (
        access.create_role(people.mo, name="mine", label="Mine"),
        access.update_role(people.mo, "member", flags=["AI", "ROLES"]),
        access.set_role(people.mo, people.mo.principal.id, role="admin"),
    ):
        with pytest.raises(MissingPermission):
            await attempt


async def test_nobody_lifts_themselves(access: Access, people: People, clerk: Actor):
    for attempt in (
        access.create_role(clerk, name="more", label="More", all_objects=[Action.UPDATE]),
        access.update_role(clerk, "clerk", all_objects=[Action.READ, Action.UPDATE]),
        access.set_role(clerk, clerk.principal.id, role="admin"),
        access.set_role(clerk, people.ada.principal.id, role="clerk"),
        access.update_role(clerk, "member", flags=[]),
    ):
        with pytest.raises(MissingPermission):
            await attempt

    assert await access.refresh(clerk) == clerk
    assert (await access.refresh(people.ada)).roles[0].name == "admin"


async def test_a_role_may_be_made_within_ones_own(access: Access, clerk: Actor):
    role = await access.create_role(clerk, name="peeker", label="Peeker", objects={"company": [Action.READ]})

    assert role.allows(Action.READ, "company")
    assert not role.allows(Action.READ, "person")
    assert role in await access.roles(clerk)


async def test_names_compare_after_folding(access: Access, people: People):
    await access.create_role(people.ada, name="sales_rep", label="Sales rep")

    with pytest.raises(AlreadyExists):
        await access.create_role(people.ada, name="sales-rep", label="Another")
    await access.set_role(people.ada, people.mo.principal.id, role="Sales_Rep")

    assert (await access.refresh(people.mo)).roles[0].label == "Sales rep"


async def test_odd_names_and_unknown_flags_are_refused(access: Access, people: People):
    with pytest.raises(Invalid) as name:
        await access.create_role(people.ada, name="Drop table", label="x")
    with pytest.raises(Invalid) as flag:
        await access.create_role(people.ada, name="x", label="x", flags=["ROLE"])

    assert name.value.problems[0].path == "name"
    assert flag.value.problems[0].did_you_mean == "ROLES"


async def test_the_admin_role_stays_what_it_is(access: Access, people: People):
    with pytest.raises(Conflict):
        await access.update_role(people.ada, "admin", flags=[])


async def test_a_workspace_keeps_an_admin(access: Access, people: People):
    with pytest.raises(Conflict):
        await access.set_role(people.ada, people.ada.principal.id, role="member")

    assert (await access.refresh(people.ada)).holds("ROLES")


async def test_two_admins_who_resign_at_once_leave_one(access: Access, people: People, db: Database):
    """The second waits for the first, and then sees that nobody else is left."""
    await access.set_role(people.ada, people.mo.principal.id, role="admin")
    mo = await access.refresh(people.mo)

    async with db.transaction() as adas:
        await adas.execute("select from core.workspace for update")
        await adas.execute(
            "update core.member set role_id = (select id from core.role where name = 'member') where id = %s",
            [people.ada.principal.id],
        )
        mos = asyncio.create_task(access.set_role(mo, mo.principal.id, role="member"))
        await asyncio.wait([mos], timeout=0.3)
        assert not mos.done()

    with pytest.raises(Conflict):
        await mos


async def test_members_of_other_workspaces_are_unknown(access: Access, people: People):
    other = await access.create_workspace("Other")
    boss = await access.actor_for_member(other, await access.create_member(other, name="Boss", role="admin"))

    with pytest.raises(NotFound):
        await access.set_role(boss, people.mo.principal.id, role="admin")
