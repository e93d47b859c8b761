"""Roles are definitions: versions, drafts and ways back, and nobody gets more by any of them."""

from typing import Any

import pytest

from metier.access import ROLE
from metier.actor import ROW_RULES_FEATURE, Action, Actor
from metier.definitions import Source
from metier.errors import (
    AlreadyExists,
    BadManifest,
    Conflict,
    FeatureOff,
    Invalid,
    MetierError,
    MissingPermission,
    NotFound,
)
from metier.testing import House

CLERK = {"name": "clerk", "all_objects": ["read"], "flags": ["ROLES", "DATA_MODEL", "WORKSPACE_MEMBERS"]}


@pytest.fixture
async def clerk(house: House) -> Actor:
    """Mo, who may manage roles and the data model, and read."""
    access = house.metier.access
    await house.metier.definitions.publish(house.actor, ROLE, CLERK)
    member = await access.create_member(house.actor.workspace_id, name="Mo", role="clerk")
    return await access.actor_for_member(house.actor.workspace_id, member)


async def published(house: House, body: dict[str, Any], *, actor: Actor | None = None, **more: Any) -> Any:
    return await house.metier.definitions.publish(actor or house.actor, ROLE, body, **more)


async def test_without_the_flag_versions_are_neither_seen_nor_made(house: House):
    guest = await house.member(flags=["AI", "API_KEYS_AND_WEBHOOKS"])
    definitions = house.metier.definitions

    for attempt in (
        definitions.history(guest, ROLE, "member"),
        definitions.publish(guest, ROLE, {"name": "mine"}),
        definitions.save_draft(guest, ROLE, {"name": "mine"}),
        definitions.rollback(guest, ROLE, "member", 1),
        definitions.archive(guest, ROLE, "member"),
    ):
        with pytest.raises(MissingPermission):
            await attempt


async def test_no_way_leads_above_ones_own_role(house: House, clerk: Actor):
    """By publishing, by a draft, by going back, by bringing back."""
    definitions = house.metier.definitions
    await published(house, {"name": "boss", "all_objects": ["read", "destroy"]})
    await published(house, {"name": "boss", "all_objects": ["read"]})
    await published(house, {"name": "gone", "flags": ["SECURITY"]})
    await definitions.archive(house.actor, ROLE, "gone")
    await definitions.save_draft(clerk, ROLE, CLERK | {"all_objects": ["read", "update"]})

    for attempt in (
        published(house, CLERK | {"all_objects": ["read", "update"]}, actor=clerk),
        published(house, {"name": "more", "flags": ["SECURITY"]}, actor=clerk),
        definitions.publish_draft(clerk, ROLE, "clerk"),
        definitions.rollback(clerk, ROLE, "boss", 1),
        definitions.restore(clerk, ROLE, "gone"),
        definitions.archive(clerk, ROLE, "member"),
    ):
        with pytest.raises(MissingPermission):
            await attempt

    assert await house.metier.access.refresh(clerk) == clerk
    assert [v.version for v in await definitions.history(house.actor, ROLE, "clerk")] == [1]


async def test_admin_stays_what_it_is_by_every_way(house: House):
    definitions = house.metier.definitions

    for attempt in (
        published(house, {"name": "admin"}),
        published(house, {"name": "helper"}, name="admin"),
        definitions.archive(house.actor, ROLE, "admin"),
    ):
        with pytest.raises(MetierError) as refused:
            await attempt
        assert refused.value.status in (409, 422)

    assert (await definitions.get(house.actor, ROLE, "admin")).version == 1


async def test_going_back_holds_at_once_for_who_holds_the_role(house: House, clerk: Actor):
    access = house.metier.access
    await access.update_role(house.actor, "clerk", all_objects=["read", "update"], note="Mo helps out.")
    assert (await access.refresh(clerk)).may(Action.UPDATE, "company")

    await house.metier.definitions.rollback(house.actor, ROLE, "clerk", 1)

    assert await access.refresh(clerk) == clerk
    versions = await house.metier.definitions.history(house.actor, ROLE, "clerk")
    assert [(v.version, v.note) for v in versions] == [(3, "Version 1 again."), (2, "Mo helps out."), (1, "")]


async def test_what_changes_nothing_is_no_version(house: House):
    made = await published(house, {"name": "rep", "objects": {"companies": ["read"]}})

    again = await published(house, {"name": "rep", "objects": {"company": ["read"]}})
    same = await house.metier.access.update_role(house.actor, "rep", all_objects=[])

    assert made.body is not None
    assert made.body["objects"] == {"company": ["read"]}
    assert (again.version, same.id) == (1, made.id)


async def test_a_held_role_is_not_archived(house: House, clerk: Actor):
    with pytest.raises(Conflict, match="held: 1 members"):
        await house.metier.access.delete_role(house.actor, "clerk")

    assert await house.metier.access.refresh(clerk) == clerk


async def test_an_archived_role_is_nobodys_and_comes_back_the_same(house: House):
    access, definitions = house.metier.access, house.metier.definitions
    made = await access.create_role(house.actor, name="rep", objects={"company": ["read"]})

    await access.delete_role(house.actor, "rep")

    with pytest.raises(NotFound):
        await access.create_member(house.actor.workspace_id, name="Bo", role="rep")
    with pytest.raises(AlreadyExists, match="archived role"):
        await access.create_role(house.actor, name="Rep".lower())
    await definitions.restore(house.actor, ROLE, "rep")
    assert await access.role(house.actor, "rep") == made


async def test_a_role_keeps_its_name(house: House):
    await published(house, {"name": "rep"})

    with pytest.raises(Invalid) as wrong:
        await published(house, {"name": "salesperson"}, name="rep")

    assert wrong.value.problems[0].path == "name"


async def test_who_renames_a_field_needs_no_say_over_roles(house: House):
    """S-08: what a role withholds follows, as a version of its own that nobody had to be allowed to make."""
    keeper = await house.member(flags=["DATA_MODEL"])
    await house.metier.access.create_role(house.actor, name="rep", fields={"company": {"employees": []}})

    await house.metier.data_model.change_field(keeper, "company", "employees", {"name": "staff"})

    assert (await house.metier.access.role(house.actor, "rep")).fields["company"] == {"staff": frozenset()}
    newest = (await house.metier.definitions.history(house.actor, ROLE, "rep"))[0]
    assert (newest.version, newest.body["fields"]) == (2, {"company": {"staff": []}})
    assert "called 'staff' now" in newest.note


async def test_a_role_and_the_object_it_names_are_made_together_or_not_at_all(house: House):
    ship = {"name": "ship", "fields": [{"name": "name", "type": "text"}]}

    async def both(role: dict[str, Any]) -> None:
        async with house.metier.definitions.change(house.actor) as change:
            await change.publish(ROLE, Source.of(role))
            await change.publish("object", Source.of(ship))

    with pytest.raises(Invalid) as wrong:
        await both({"name": "sailor", "fields": {"ship": {"mast": []}}})
    with pytest.raises(NotFound):
        await house.metier.records.object(house.actor, "ship")
    await both({"name": "sailor", "objects": {"ships": ["read"]}})

    assert wrong.value.problems[0].path == "fields.ship.mast"
    assert (await house.metier.access.role(house.actor, "sailor")).objects == {"ship": frozenset({Action.READ})}


async def test_what_a_role_says_of_an_archived_object_stays_and_holds_again(house: House):
    access, definitions = house.metier.access, house.metier.definitions
    await access.create_role(house.actor, name="rep", objects={"note": []})
    await definitions.archive(house.actor, "object", "note")

    changed = await access.update_role(house.actor, "rep", flags=["AI"])
    with pytest.raises(Invalid):
        await access.update_role(house.actor, "rep", objects={"note": ["read"]})

    assert changed.objects == {"note": frozenset()}


async def test_rules_for_rows_change_by_no_way_while_they_are_off(house: House):
    rule = {"opportunity": [{"where": {"owner": "me"}}]}
    await published(house, {"name": "rep", "rows": rule})
    await published(house, {"name": "rep"})
    await house.metier.access.set_feature_flag(house.actor, ROW_RULES_FEATURE, value=False)
    actor = await house.metier.access.refresh(house.actor)

    for attempt in (
        published(house, {"name": "rep", "rows": rule}, actor=actor),
        house.metier.definitions.rollback(actor, ROLE, "rep", 1),
    ):
        with pytest.raises(FeatureOff):
            await attempt


@pytest.mark.parametrize(
    ("text", "places"),
    [
        (
            'name = "rep"\nflags = ["IA"]\n\n[objects]\ncompany = ["reed"]\n',
            {"roles/rep.toml:2:1", "roles/rep.toml:5:1"},
        ),
        ('name = "rep"\n\n[objects]\ncompny = ["read"]\n', {"roles/rep.toml:4:1"}),
    ],
)
async def test_a_slip_in_a_file_is_told_at_its_line(house: House, text: str, places: set[str]):
    """Also one that only this workspace can tell."""
    with pytest.raises(BadManifest) as wrong:
        await house.metier.definitions.publish(house.actor, ROLE, Source.named("roles/rep.toml", text.encode()))

    assert {problem.path for problem in wrong.value.problems} == places
