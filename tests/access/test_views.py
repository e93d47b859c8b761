"""Looking as a role or a member: never more than one's own sight, nothing is changed, and all of it is written down."""

from uuid import uuid4

import pytest

from metier.access import Access
from metier.actor import Action, Actor, check
from metier.errors import (
    Invalid,
    MissingPermission,
    NotFound,
    NotSignedIn,
    OnlyViewing,
)
from metier.store import Database
from tests.access.conftest import PASSWORD, People


@pytest.fixture
async def token(access: Access, people: People) -> str:
    """Ada's browser."""
    return (await access.sign_in("ada@acme.test", PASSWORD)).token


async def entries(db: Database) -> list[tuple[str, str, str]]:
    rows = await db.rows("select action, target, rule from core.audit where action like 'view.%' order by id")
    return [(row["action"], row["target"], row["rule"]) for row in rows]


async def test_nobody_looks_as_another_without_the_flag(access: Access, people: People, db: Database):
    token = (await access.sign_in("mo@acme.test", PASSWORD)).token

    for act in (
        access.sights(people.mo),
        access.viewed(people.mo, role="admin"),
        access.viewed(people.mo, member="ada@acme.test"),
        access.begin_view(people.mo, token, role="admin"),
        access.look(people.mo, "role:admin", "a test"),
    ):
        with pytest.raises(MissingPermission):
            await act

    assert (await access.actor_for_sign_in(token)).viewing is None
    assert await entries(db) == []


async def test_one_is_looked_as_by_name(access: Access, people: People, stranger: Actor, token: str):
    with pytest.raises(NotFound):
        await access.viewed(people.ada, role="membre")
    with pytest.raises(NotFound):
        await access.viewed(people.ada, member=str(uuid4()))
    with pytest.raises(NotFound):
        await access.viewed(stranger, member=str(people.mo.principal.id))
    with pytest.raises(Invalid):
        await access.viewed(people.ada)
    with pytest.raises(Invalid):
        await access.viewed(people.ada, role="member", member="mo@acme.test")
    for text in ("", "member", "role:", "agent:x"):
        with pytest.raises(Invalid):
            await access.look(people.ada, text, "a test")
    with pytest.raises(NotSignedIn):
        await access.begin_view(stranger, token, role="member")


async def test_a_view_shows_what_both_see_and_not_more(access: Access, people: People):
    await access.create_role(
        people.ada, name="looker", flags=["IMPERSONATE"], all_objects=["read"], objects={"deal": []}
    )
    await access.create_role(
        people.ada, name="seller", flags=["AI"], all_objects=["read", "update"], objects={"bill": []}
    )
    lee = await access.create_member(people.workspace_id, name="Lee", role="looker")
    looker = await access.actor_for_member(people.workspace_id, lee)

    seller = await access.viewed(looker, role="seller")
    admin = await access.viewed(looker, role="admin")

    assert [seller.may(Action.READ, name) for name in ("note", "bill", "deal")] == [True, False, False]
    assert not seller.may(Action.UPDATE, "note")
    assert not seller.holds("AI")
    assert not admin.may(Action.READ, "deal")
    assert not admin.holds("ROLES")


async def test_rules_with_me_mean_each_their_own(access: Access, people: People):
    rule = [{"where": {"owner": "me"}}]
    for name in ("mine", "too"):
        flags = ["IMPERSONATE"] if name == "mine" else []
        await access.create_role(people.ada, name=name, flags=flags, all_objects=["read"], rows={"deal": rule})
    lee = await access.create_member(people.workspace_id, name="Lee", role="mine")
    ann = await access.create_member(people.workspace_id, name="Ann", role="too")
    looker = await access.actor_for_member(people.workspace_id, lee)

    as_ann = await access.viewed(looker, member=str(ann))
    as_role = await access.viewed(looker, role="too")

    assert (as_ann.me.id, as_role.me.id) == (ann, lee)
    assert [rule.me and rule.me.id for rule in as_ann.row_rules(Action.READ, "deal")] == [None, lee]
    assert [rule.me for rule in as_role.row_rules(Action.READ, "deal")] == [None]


async def test_what_is_ones_own_is_nobodys_while_one_looks_as_another_member(access: Access, people: People):
    as_mo = await access.viewed(people.ada, member="mo@acme.test")
    as_role = await access.viewed(people.ada, role="member")

    assert as_mo.own_id not in (people.mo.principal.id, people.ada.principal.id)
    assert as_role.own_id == people.ada.principal.id
    assert (as_mo.me.label, as_mo.label, as_mo.to_json()["id"]) == (
        "Mo",
        "Ada Park (as Mo)",
        str(people.ada.principal.id),
    )
    assert (as_mo.own_roles, people.ada.own_roles) == ((), people.ada.roles)


async def test_whoever_looks_changes_nothing(access: Access, people: People, db: Database, token: str):
    seen = await access.viewed(people.ada, role="admin")
    before = await db.value("select count(*) from core.audit")

    for act in (
        access.create_role(seen, name="new"),
        access.update_profile(seen, name="Eve"),
        access.set_password(seen, email="eve@acme.test", password="long enough 1", current=PASSWORD),
        access.create_key(seen, role="admin", name="k"),
        access.change_member(seen, people.mo.principal.id, role="admin"),
        access.invite(seen, email="bo@acme.test", role="member"),
        access.set_feature_flag(seen, "IS_AI_ENABLED", value=False),
        access.set_time_zone(seen, "Asia/Tokyo"),
        access.begin_view(seen, token, role="member"),
        access.viewed(seen, role="member"),
    ):
        with pytest.raises(OnlyViewing):
            await act
    with pytest.raises(OnlyViewing):
        check(seen, Action.UPDATE, "company")

    assert await db.value("select count(*) from core.audit") == before
    assert (await access.profile(people.ada)).name == "Ada Park"
    assert await access.keys(people.ada) == []


async def test_a_view_is_kept_with_the_browser_and_written_down(
    access: Access, elsewhere: Access, people: People, db: Database, token: str
):
    other = (await access.sign_in("ada@acme.test", PASSWORD)).token
    await access.begin_view(people.ada, token, member="mo@acme.test")
    seen = await elsewhere.actor_for_sign_in(token)

    assert seen.viewing is not None
    assert (seen.viewing.kind, seen.viewing.label) == ("member", "Mo")
    assert (await elsewhere.actor_for_sign_in(other)).viewing is None
    assert (await access.refresh(seen)).viewing == seen.viewing

    await access.end_view(seen, token)
    await access.end_view(people.ada, token)
    assert (await elsewhere.actor_for_sign_in(token)).viewing is None
    assert await entries(db) == [("view.begun", "Mo", ""), ("view.ended", "", "stopped")]


async def test_a_single_look_is_written_down(access: Access, people: People, db: Database):
    seen = await access.look(people.ada, "role:member", "GET /api/v1/records/company")

    row = await db.row("select action, target, details, actor from core.audit where action = 'view.used'")
    assert seen.viewing is not None
    assert row is not None
    assert (row["target"], row["details"]["what"]) == ("Member", "GET /api/v1/records/company")
    assert row["actor"]["label"] == "Ada Park"


async def test_a_view_ends_with_the_flag(access: Access, elsewhere: Access, people: People, db: Database):
    await access.create_role(people.ada, name="looker", flags=["IMPERSONATE"])
    await access.change_member(people.ada, people.mo.principal.id, role="looker")
    mo = await access.refresh(people.mo)
    token = (await access.sign_in("mo@acme.test", PASSWORD)).token
    seen = await access.begin_view(mo, token, role="member")

    await access.update_role(people.ada, "looker", flags=[])

    assert (await elsewhere.actor_for_sign_in(token)).viewing is None
    assert [(action, bool(rule)) for action, _, rule in await entries(db)] == [
        ("view.begun", False),
        ("view.ended", True),
    ]
    with pytest.raises(MissingPermission):
        await elsewhere.refresh(seen)
    await access.update_role(people.ada, "looker", flags=["IMPERSONATE"])
    assert (await elsewhere.actor_for_sign_in(token)).viewing is None


async def test_a_view_ends_with_who_is_looked_as(access: Access, people: People, token: str):
    await access.begin_view(people.ada, token, member="mo@acme.test")
    await access.change_member(people.ada, people.mo.principal.id, active=False)
    assert (await access.actor_for_sign_in(token)).viewing is None

    await access.create_role(people.ada, name="brief")
    await access.begin_view(people.ada, token, role="brief")
    await access.delete_role(people.ada, "brief")
    assert (await access.actor_for_sign_in(token)).viewing is None
