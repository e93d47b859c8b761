"""Roles: nobody makes, changes, gives or takes one that may do more than they may."""

import asyncio
from typing import Any

import pytest

from metier.access import Access
from metier.actor import FLAGS, ROW_RULES_FEATURE, Action, Actor
from metier.errors import AlreadyExists, Conflict, FeatureOff, Invalid, MissingPermission, NotFound
from metier.store import Database, Json
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


async def test_admin_may_everything_whatever_an_older_release_stored(access: Access, people: People, db: Database):
    body = {"all_objects": ["read"], "objects": {"company": []}, "flags": ["AI"]}
    await db.execute("update core.role set body = %s where name = 'admin'", [Json(body)])

    ada = await access.refresh(people.ada)

    assert ada.roles == people.ada.roles
    assert all(ada.holds(flag) for flag in FLAGS)


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


@pytest.fixture
async def restricted(access: Access, people: People) -> Actor:
    """Mo, who may manage roles and see own deals only, without their margin."""
    await access.create_role(
        people.ada,
        name="lead",
        label="Lead",
        all_objects=[Action.READ, Action.UPDATE],
        fields={"deal": {"margin": [], "stage": ["read"]}},
        rows={"deal": [{"where": {"owner": "me"}, "actions": ["read", "update"]}]},
        flags=["ROLES", "WORKSPACE_MEMBERS", "AI"],
    )
    await access.set_role(people.ada, people.mo.principal.id, role="lead")
    return await access.refresh(people.mo)


OWN = {"where": {"owner": "me"}}
WITHHELD = {"margin": [], "stage": ["read"]}


@pytest.mark.parametrize(
    "form",
    [
        {"objects": {"deal": ["read"]}},
        {"objects": {"deal": ["read"]}, "fields": {"deal": WITHHELD}},
        {"objects": {"deal": ["read"]}, "rows": {"deal": [OWN]}},
        {"objects": {"deal": ["read"]}, "rows": {"deal": [OWN]}, "fields": {"deal": {"margin": ["read"]}}},
        {"all_objects": ["read"], "rows": {"deal": [{"where": {"owner": "you"}}]}, "fields": {"deal": WITHHELD}},
        {
            "all_objects": ["read", "update"],
            "rows": {"deal": [OWN | {"actions": ["read"]}]},
            "fields": {"deal": WITHHELD},
        },
        {"can_access_all_tools": True},
        {"can_update_all_settings": True},
        {"flags": ["DATA_MODEL"]},
    ],
)
async def test_s02_nobody_makes_a_role_that_sees_more_fields_or_rows(
    access: Access, restricted: Actor, form: dict[str, Any]
):
    with pytest.raises(MissingPermission):
        await access.create_role(restricted, name="more", **form)


@pytest.mark.parametrize(
    "form",
    [
        {"objects": {"company": ["read"]}},
        {"objects": {"deal": ["read"]}, "rows": {"deal": [OWN]}, "fields": {"deal": WITHHELD}},
        {"objects": {"deal": []}, "all_objects": ["read"]},
        {
            "all_objects": ["read"],
            "rows": {"deal": [OWN | {"actions": ["read"]}, {"where": {"stage": "new"}}]},
            "fields": {"deal": {"margin": [], "stage": [], "name": []}},
        },
        {"flags": ["AI"]},
    ],
)
async def test_a_role_may_be_made_that_sees_as_little(access: Access, restricted: Actor, form: dict[str, Any]):
    role = await access.create_role(restricted, name="less", **form)

    assert role in await access.roles(restricted)


async def test_all_of_a_kind_of_flag_may_be_given_by_who_has_them_all(access: Access, people: People):
    await access.create_role(people.ada, name="chief", can_access_all_tools=True, flags=["ROLES", "WORKSPACE_MEMBERS"])
    await access.set_role(people.ada, people.mo.principal.id, role="chief")
    chief = await access.refresh(people.mo)

    await access.create_role(chief, name="tools", can_access_all_tools=True)
    await access.create_role(chief, name="code", flags=["CODE_INTERPRETER_TOOL"])
    with pytest.raises(MissingPermission):
        await access.create_role(chief, name="settings", can_update_all_settings=True)


async def test_a_role_is_given_only_to_whom_it_is_for(access: Access, people: People):
    await access.create_role(people.ada, name="machine", can_be_assigned_to=["agents"])

    for attempt in (
        access.set_role(people.ada, people.mo.principal.id, role="machine"),
        access.create_member(people.workspace_id, name="Bo", role="machine"),
        access.create_key(people.ada, role="machine", name="k"),
    ):
        with pytest.raises(Conflict, match="is not for"):
            await attempt


async def test_a_role_that_is_held_stays_for_its_holders(access: Access, people: People):
    await access.create_role(people.ada, name="rep")
    await access.set_role(people.ada, people.mo.principal.id, role="rep")

    with pytest.raises(Conflict, match="1 members hold"):
        await access.update_role(people.ada, "rep", can_be_assigned_to=["agents"])
    with pytest.raises(Conflict, match="is held: 1 members"):
        await access.delete_role(people.ada, "rep")
    await access.set_role(people.ada, people.mo.principal.id, role="member")
    await access.delete_role(people.ada, "rep")

    with pytest.raises(NotFound):
        await access.role(people.ada, "rep")


async def test_the_admins_role_is_not_deleted_and_needs_the_flag(access: Access, people: People):
    with pytest.raises(Conflict):
        await access.delete_role(people.ada, "admin")
    with pytest.raises(MissingPermission):
        await access.delete_role(people.mo, "member")


async def test_a_role_is_called_anew(access: Access, people: People):
    await access.create_role(people.ada, name="rep", flags=["AI"])

    role = await access.update_role(people.ada, "rep", label=" Sales ", description="Sells.", icon="user")

    assert (role.label, role.description, role.flags) == ("Sales", "Sells.", {"AI"})
    assert await access.role(people.ada, "rep") == role


async def test_s05_a_changed_role_holds_at_once_on_every_process(access: Access, elsewhere: Access, people: People):
    await access.create_role(people.ada, name="rep", all_objects=["read"])
    await access.set_role(people.ada, people.mo.principal.id, role="rep")
    mo = await elsewhere.refresh(people.mo)

    await access.update_role(people.ada, "rep", fields={"deal": {"margin": []}}, rows={"deal": [OWN]})
    after = await elsewhere.refresh(mo)

    assert mo.may_field(Action.READ, "deal", "margin")
    assert not after.may_field(Action.READ, "deal", "margin")
    assert [rule.where for rule in after.row_rules(Action.READ, "deal")] == [{"owner": "me"}]


async def test_with_row_rules_off_they_stay_as_they_are_and_hold(access: Access, people: People):
    await access.create_role(people.ada, name="rep", all_objects=["read"], rows={"deal": [OWN]})
    await access.set_role(people.ada, people.mo.principal.id, role="rep")
    await access.set_feature_flag(people.ada, ROW_RULES_FEATURE, value=False)
    ada = await access.refresh(people.ada)

    for attempt in (
        access.update_role(ada, "rep", rows={}),
        access.update_role(ada, "rep", rows={"deal": [{"where": {"stage": "new"}}]}),
        access.create_role(ada, name="more", rows={"deal": [OWN]}),
    ):
        with pytest.raises(FeatureOff):
            await attempt
    await access.update_role(ada, "rep", flags=["AI"], rows={"deal": [OWN]})

    assert (await access.refresh(people.mo)).row_rules(Action.READ, "deal")
