"""What is hidden does not exist: for every name, in every place where a name can stand (S-08)."""

from collections.abc import Awaitable, Callable
from itertools import combinations
from typing import Any
from uuid import uuid4

import pytest

from metier.actor import Action, Actor, Role
from metier.clock import Clock
from metier.errors import MetierError, MissingPermission, NoSuchRecord, NotFound, ReadOnlyObject, UnknownField
from metier.records import Records
from metier.store import Database
from tests.records.world import COMPANY, DEAL, PERSON, World, euros, object_type

OBJECTS = ("company", "person", "deal", "member")
Ask = Callable[[Records, Actor], Awaitable[Any]]


async def fill(world: World) -> dict[str, Any]:
    """Put one record of each object into the world; gives their ids."""
    member = await world.member("Sam Ito", "sam@example.com")
    (company,) = await world.insert("company", {"name": "Acme", "owner": str(member)})
    (person,) = await world.insert("person", {"full": {"first_name": "Ada"}, "company": str(company)})
    (deal,) = await world.insert("deal", {"name": "Big", "company": str(company), "contact": str(person)})
    return {"company": company, "person": person, "deal": deal, "member": member}


async def error_of(asked: Awaitable[Any]) -> MetierError:
    with pytest.raises(MetierError) as caught:
        await asked
    return caught.value


@pytest.mark.parametrize("hidden", OBJECTS)
async def test_hidden_object_answers_as_an_unknown_one(world: World, hidden: str):
    ids = await fill(world)
    actor = world.reader(*(name for name in OBJECTS if name != hidden))
    asks: list[Ask] = [
        lambda records, actor: records.object(actor, hidden),
        lambda records, actor: records.find(actor, hidden),
        lambda records, actor: records.find_json(actor, hidden, count="exact"),
        lambda records, actor: records.get(actor, hidden, ids[hidden]),
        lambda records, actor: records.describe(actor, hidden, {"id": str(ids[hidden])}),
        lambda records, actor: records.insert(actor, hidden, [{}]),
    ]

    errors = [await error_of(ask(world.records, actor)) for ask in asks]

    assert {type(error) for error in errors} == {NotFound}
    assert {error.message for error in errors} == {f"No object {hidden!r}."}
    assert all(hidden not in problem.allowed for error in errors for problem in error.problems)


NAMINGS = {
    "where": {"where": {"company": {"is": "null"}}},
    "where by id": {"where": {"company_id": {"is": "null"}}},
    "where path": {"where": {"company": {"name": "Acme"}}},
    "dotted path": {"where": {"company.name": "Acme"}},
    "longer path": {"where": {"contact.company.name": "Acme"}},
    "inside not": {"where": {"not": {"or": [{"company": {"name": {"contains": "a"}}}]}}},
    "sort": {"sort": "-company"},
    "sort by id": {"sort": "company_id"},
    "sort path": {"sort": ["name", "company.name"]},
    "select": {"select": ["name", "company"]},
    "select by id": {"select": ["company_id"]},
}


@pytest.mark.parametrize("naming", NAMINGS)
async def test_hidden_relation_answers_as_an_unknown_field(world: World, naming: str):
    """Word for word as where the object was never made."""
    await fill(world)
    bare = await World.make(world.db, world.clock, world.records)
    person = object_type("person", *_bare(PERSON, "company"), title="full", plural="people")
    await bare.publish(person, object_type("deal", *_bare(DEAL, "company")))

    hidden = await error_of(world.records.find(world.reader("person", "deal"), "deal", **NAMINGS[naming]))
    unknown = await error_of(bare.records.find(bare.reader("person", "deal"), "deal", **NAMINGS[naming]))

    assert isinstance(hidden, UnknownField)
    assert hidden.to_json() == unknown.to_json()
    assert "company" not in hidden.problems[0].allowed


def _bare(object_type: Any, without: str) -> list[dict[str, Any]]:
    fields = [field.to_json() for field in object_type.fields if not field.system]
    return [field for field in fields if field["name"] not in (without, "name")]


async def test_hidden_relation_cannot_be_written(world: World):
    ids = await fill(world)
    actor = world.actor({"company": set()})

    error = await error_of(world.records.insert(actor, "deal", [{"name": "x", "company": str(ids["company"])}]))

    assert error.problems[0].path == "rows.0.company"
    assert "has no field 'company'" in error.problems[0].problem


async def test_records_of_hidden_objects_are_in_no_answer(world: World):
    await fill(world)
    actor = world.reader("deal")

    page = await world.records.find(actor, "deal")

    assert set(page.records[0]) == {"id", "name", "stage", "amount", "score", "due_at", "created_at", "updated_at"}
    assert "Acme" not in repr(page)
    assert await world.records.search(actor, "Acme") == []
    assert [hit.label for hit in await world.records.search(actor, "big")] == ["Big"]


async def test_every_set_of_readable_objects_sees_just_these(world: World):
    """All roles that reading can tell apart, times all objects."""
    await fill(world)
    for readable in (set(names) for n in range(5) for names in combinations(OBJECTS, n)):
        actor = world.reader(*readable)
        seen = {kind.name: kind for kind in await world.records.objects(actor)}
        hits = await world.records.search(actor, "a") + await world.records.search(actor, "b")

        assert set(seen) == readable
        for kind in seen.values():
            assert {field.target for field in kind.fields} <= {None, *readable}
            (record,) = (await world.records.find(actor, kind.plural)).records
            assert set(record) == {field.name for field in kind.fields}
        for name in set(OBJECTS) - readable:
            assert isinstance(await error_of(world.records.find(actor, name)), NotFound)
        assert {hit.object for hit in hits} <= readable


async def test_an_agent_sees_no_more_than_both_of_its_roles(world: World):
    await fill(world)
    role = Role(uuid4(), "agent", "Agent", frozenset(), {"company": frozenset({Action.READ})})
    agent = world.reader("company", "person").through("clerk", role)
    blind = world.reader("person").through("clerk", role)

    assert [kind.name for kind in await world.records.objects(agent)] == ["company"]
    assert await world.records.objects(blind) == []


@pytest.mark.parametrize("missing", list(Action))
async def test_each_action_needs_its_own_permission(world: World, missing: Action):
    actor = world.actor({"company": set(Action) - {missing}})

    if missing is Action.READ:
        assert isinstance(await error_of(world.records.insert(actor, "company", [{"name": "x"}])), NotFound)
    elif missing is Action.CREATE:
        assert isinstance(await error_of(world.records.insert(actor, "company", [{"name": "x"}])), MissingPermission)
        assert (await world.records.find(world.admin, "company")).records == []
    else:
        assert len(await world.records.insert(actor, "company", [{"name": "x"}])) == 1


async def test_nobody_writes_members(world: World):
    error = await error_of(world.records.insert(world.admin, "member", [{"name": "Eve"}]))

    assert isinstance(error, ReadOnlyObject)
    assert "cannot be written as records" in error.message
    assert (await world.records.find(world.admin, "member")).records == []


async def test_members_show_no_password(world: World):
    member = await world.member("Sam Ito", "sam@example.com")

    record = await world.records.get(world.admin, "member", member)

    assert set(record) == {"id", "name", "email", "time_zone", "created_at", "updated_at"}
    assert isinstance(
        await error_of(world.records.find(world.admin, "member", where={"password_hash": {"is": "not_null"}})),
        UnknownField,
    )


async def test_workspaces_do_not_see_each_other(world: World):
    ids = await fill(world)
    other = await World.make(world.db, world.clock, world.records)
    await other.publish(COMPANY)

    assert (await other.records.find(other.admin, "company")).records == []
    assert (await other.records.find(other.admin, "member")).records == []
    assert isinstance(await error_of(other.records.get(other.admin, "member", ids["member"])), NoSuchRecord)
    assert isinstance(await error_of(other.records.find(other.admin, "deal")), NotFound)
    with pytest.raises(MetierError, match="there is no member"):
        await other.insert("company", {"name": "Mine", "owner": str(ids["member"])})


async def test_deleted_records_do_not_exist(world: World):
    ids = await fill(world)
    await world.delete("company", ids["company"])
    records, admin = world.records, world.admin

    assert isinstance(await error_of(records.get(admin, "company", ids["company"])), NoSuchRecord)
    (deal,) = (await records.find(admin, "deal")).records
    assert deal["company"] is None
    assert (await records.find(admin, "deal", select=["company_id"])).records[0]["company_id"] is None
    assert await world.names("deal", {"company": str(ids["company"])}) == []
    assert await world.names("deal", {"company.name": "Acme"}) == []
    assert await world.names("deal", {"company": {"is": "null"}}) == ["Big"]
    assert await records.search(admin, "acme") == []
    with pytest.raises(MetierError, match="there is no company"):
        await world.insert("deal", {"name": "Late", "company": str(ids["company"])})


async def test_a_permission_taken_away_is_gone_at_once(world: World):
    await fill(world)
    before = world.reader("company", "deal")
    after = world.reader("deal")

    assert (await world.records.find(before, "company")).records
    assert isinstance(await error_of(world.records.find(after, "company")), NotFound)
    assert isinstance(await error_of(world.records.find(after, "deal", where={"company.name": "Acme"})), UnknownField)
    assert (await world.records.find(before, "deal", where={"company.name": "Acme"})).records


async def test_what_was_made_for_one_workspace_serves_no_other(db: Database, clock: Clock):
    """Two workspaces with objects of the same names share no compiled query."""
    records = Records(db, clock)
    one, two = await World.make(db, clock, records), await World.make(db, clock, records)
    await one.publish(COMPANY)
    await two.publish(COMPANY)
    await one.insert("company", {"name": "One", "revenue": euros(1)})
    await two.insert("company", {"name": "Two", "revenue": euros(1)})

    assert await one.names("company", {"revenue": {"gt": 0}}) == ["One"]
    assert await two.names("company", {"revenue": {"gt": 0}}) == ["Two"]
