"""Writing: refused first, then done; a refusal changes nothing, and what is hidden cannot be reached (S-04, S-09)."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from metier.actor import Action, Actor
from metier.errors import (
    Conflict,
    Invalid,
    MetierError,
    MissingPermission,
    NoSuchRecord,
    NotFound,
    ReadOnlyObject,
    RecordChanged,
    ValueTaken,
)
from metier.records import Operation, Records
from metier.testing import FrozenClock
from tests.records.world import COMPANY, World, euros, object_type

Write = Callable[[Records, Actor, str, UUID], Awaitable[Any]]

WRITES: dict[str, tuple[Action, Write]] = {
    "create": (Action.CREATE, lambda r, a, name, _: r.create(a, name, {"name": "New"})),
    "update": (Action.UPDATE, lambda r, a, name, i: r.update(a, name, i, {"name": "New"})),
    "delete": (Action.DELETE, lambda r, a, name, i: r.delete(a, name, i)),
    "restore": (Action.DELETE, lambda r, a, name, i: r.restore(a, name, i)),
    "destroy": (Action.DESTROY, lambda r, a, name, i: r.destroy(a, name, i)),
    "batch": (Action.UPDATE, lambda r, a, name, i: r.batch(a, name, [Operation("update", i, {"name": "New"})])),
    "insert": (Action.CREATE, lambda r, a, name, _: r.insert(a, name, [{"name": "New"}])),
}


async def error_of(asked: Awaitable[Any]) -> MetierError:
    with pytest.raises(MetierError) as caught:
        await asked
    return caught.value


async def everything(world: World) -> list[Any]:
    """Give all there is, deleted or not, and the log: what a refusal must leave alone."""
    tables = [await world.db.rows(f'select * from "{world.schema}"."{n}" order by id') for n in ("company", "deal")]
    return [*tables, await world.log(), await world.db.rows("select * from core.effect")]


# --- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", WRITES)
async def test_each_write_needs_its_permission(world: World, how: str):
    (company,) = await world.insert("company", {"name": "Acme"})
    needed, write = WRITES[how]
    before = await everything(world)

    refused = await error_of(write(world.records, world.actor({"company": set(Action) - {needed}}), "company", company))
    hidden = await error_of(write(world.records, world.actor({"company": ()}), "company", company))

    assert isinstance(refused, MissingPermission)
    assert isinstance(hidden, NotFound)
    assert hidden.message.startswith("No object 'company'")
    assert await everything(world) == before


async def test_an_upsert_needs_both_permissions(world: World):
    for missing in (Action.CREATE, Action.UPDATE):
        actor = world.actor({"person": set(Action) - {missing}})

        assert isinstance(await error_of(world.records.upsert(actor, "person", {"emails": "a@b.c"})), MissingPermission)


async def test_what_is_read_only_says_so(world: World):
    member = await world.member("Sam Ito")

    for _, write in WRITES.values():
        assert isinstance(await error_of(write(world.records, world.admin, "member", member)), ReadOnlyObject)


@pytest.mark.parametrize("how", ["update", "delete", "restore", "destroy", "batch"])
async def test_foreign_destroyed_and_unknown_ids_answer_alike(world: World, how: str):
    """S-04: the answer tells nothing of what is there."""
    other = await World.make(world.db, world.clock, world.records)
    await other.publish(COMPANY)
    (foreign,) = await other.insert("company", {"name": "Theirs"})
    (gone,) = await world.insert("company", {"name": "Gone"})
    await world.records.destroy(world.admin, "company", gone)
    write = WRITES[how][1]

    for wanted in (uuid4(), foreign, gone):
        error = await error_of(write(world.records, world.admin, "company", wanted))
        assert (type(error), error.message) == (NoSuchRecord, f"No company '{wanted}'."), wanted
    assert isinstance(await error_of(world.records.update(world.admin, "company", "nonsense", {})), NoSuchRecord)
    assert (await other.record("company", foreign))["name"] == "Theirs"


async def test_a_deleted_record_is_unknown_to_all_but_restore_and_destroy(world: World):
    (company,) = await world.insert("company", {"name": "Acme"})
    await world.delete("company", company)

    for how in ("update", "delete"):
        assert isinstance(await error_of(WRITES[how][1](world.records, world.admin, "company", company)), NoSuchRecord)
    await world.records.restore(world.admin, "company", company)
    assert (await world.record("company", company))["name"] == "Acme"


async def test_relations_lead_only_to_what_the_actor_sees(world: World):
    (company,) = await world.insert("company", {"name": "Acme"})
    (deal,) = await world.insert("deal", {"name": "Big"})
    clerk = world.actor({"company": ()})
    (gone,) = await world.insert("company", {"name": "Gone"})
    await world.delete("company", gone)

    unknown = await error_of(world.records.update(clerk, "deal", deal, {"company": str(company)}))
    deleted = await error_of(world.records.update(world.admin, "deal", deal, {"company": str(gone)}))
    nothing = await error_of(world.records.update(world.admin, "deal", deal, {"company": str(uuid4())}))

    assert "has no field 'company'" in unknown.problems[0].problem
    assert [e.problems[0].path for e in (deleted, nothing)] == ["company", "company"]
    assert "there is no company" in deleted.problems[0].problem
    assert (await world.record("deal", deal))["company"] is None


@pytest.mark.parametrize("name", ["id", "created_at", "updated_at"])
async def test_what_the_house_keeps_cannot_be_set(world: World, name: str):
    (company,) = await world.insert("company", {"name": "Acme"})

    error = await error_of(world.records.update(world.admin, "company", company, {name: str(uuid4())}))

    assert isinstance(error, Invalid)
    assert error.problems[0].path == name


async def test_all_mistakes_of_a_batch_are_told_with_their_places(world: World):
    (company,) = await world.insert("company", {"name": "Acme"})
    before = await everything(world)
    batch = [
        Operation("create", values={"name": "Bolt"}, path="operations.0.values"),
        Operation("update", company, {"employees": "many"}, path="operations.1.values", id_path="operations.1.id"),
        Operation("create", values={"nmae": "x"}, path="operations.2.values"),
    ]

    error = await error_of(world.records.batch(world.admin, "company", batch))

    assert [p.path for p in error.problems] == ["operations.1.values.employees", "operations.2.values.nmae"]
    assert await everything(world) == before


async def test_one_unknown_id_refuses_the_whole_batch(world: World):
    (company,) = await world.insert("company", {"name": "Acme"})
    before = await everything(world)
    batch = [
        Operation("create", values={"name": "Bolt"}, id_path="operations.0.id"),
        Operation("update", company, {"name": "Changed"}, id_path="operations.1.id"),
        Operation("delete", uuid4(), id_path="operations.2.id"),
        Operation("delete", uuid4(), id_path="operations.3.id"),
    ]

    error = await error_of(world.records.batch(world.admin, "company", batch))

    assert isinstance(error, NoSuchRecord)
    assert [p.path for p in error.problems] == ["operations.2.id", "operations.3.id"]
    assert await everything(world) == before


async def test_a_batch_is_capped(world: World):
    error = await error_of(world.records.batch(world.admin, "company", [Operation("create")] * 1_001))

    assert isinstance(error, Invalid)
    assert "at most 1000" in error.message


# --- writing ---------------------------------------------------------------------------------------------------------


async def test_a_created_record_comes_back_as_it_is_found(world: World):
    member = await world.member("Sam Ito")
    values = {
        "name": "Acme",
        "revenue": euros(5),
        "owner": str(member),
        "site": "acme.example",
        "founded": "2020-02-29",
    }

    written = await world.records.create(world.admin, "companies", values)

    assert written.one.record == await world.record("company", written.one.id)
    assert list(written.one.record) == list(await world.record("company", written.one.id))
    assert written.one.values["owner"] == (None, {"id": str(member), "label": "Sam Ito"})
    assert set(written.one.values) == set(values)


async def test_an_update_changes_what_is_named_and_nothing_else(world: World, clock: FrozenClock):
    (company,) = await world.insert("company", {"name": "Acme", "city": "Berlin", "employees": 5, "revenue": euros(1)})
    old = await world.record("company", company)
    clock.forward(60)

    written = await world.records.update(world.admin, "company", company, {"employees": 6, "revenue": None, "city": ""})

    new = await world.record("company", company)
    assert new == old | {"employees": 6, "revenue": None, "city": None, "updated_at": clock.now().isoformat()}
    assert written.one.record == new
    assert dict(written.one.values) == {
        "city": ("Berlin", None),
        "employees": (5, 6),
        "revenue": (euros(1), None),
    }


async def test_an_update_that_changes_nothing_writes_nothing(world: World, clock: FrozenClock):
    (company,) = await world.insert("company", {"name": "Acme", "site": "acme.example", "revenue": euros(1)})
    before = await everything(world)
    clock.forward(60)

    same = {"name": "Acme", "site": "https://acme.example", "revenue": euros(1)}
    written = await world.records.update(world.admin, "company", company, same)
    empty = await world.records.update(world.admin, "company", company, {})

    assert (written.id, written.one.kind, dict(written.one.values)) == (None, None, {})
    assert empty.one.record == written.one.record == await world.record("company", company)
    assert await everything(world) == before


async def test_every_version_has_a_time_of_its_own(world: World):
    """The clock stands still; two versions can be told apart nevertheless."""
    (company,) = await world.insert("company", {"name": "Acme"})

    times = [(await world.record("company", company))["updated_at"]]
    for name in ("Bolt", "Cask", "Dune"):
        written = await world.records.update(world.admin, "company", company, {"name": name})
        times.append((written.one.record or {})["updated_at"])

    assert times == sorted(set(times))


async def test_relations_are_connected_and_disconnected(world: World):
    (company,) = await world.insert("company", {"name": "Acme", "site": "Acme.example"})
    (person,) = await world.insert("person", {"full": {"first_name": "Ada"}, "emails": "ada@acme.example"})
    (deal,) = await world.insert("deal", {"name": "Big"})
    acme, ada = {"id": str(company), "label": "Acme"}, {"id": str(person), "label": "Ada"}
    forms = [
        ({"company": str(company)}, acme),
        ({"company": None}, None),
        ({"companyId": str(company)}, acme),
        ({"company": {"disconnect": True}}, None),
        ({"company": {"connect": {"id": str(company)}}}, acme),
        ({"company_id": ""}, None),
        ({"company": {"connect": {"site": "https://ACME.example"}}}, acme),
    ]

    for values, expected in forms:
        await world.records.update(world.admin, "deal", deal, values)
        assert (await world.record("deal", deal))["company"] == expected, values
    await world.records.update(world.admin, "deal", deal, {"contact": {"connect": {"emails": "ADA@acme.example"}}})
    assert (await world.record("deal", deal))["contact"] == ada


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"connect": {"site": "nowhere.example"}}, "there is no company with this 'site'"),
        ({"connect": {"name": "Acme"}}, "expected one of id, site of a company"),
        ({"connect": {}}, "expected one of id, site"),
        ({"connect": {"id": "x"}}, "expected the id of a company"),
        ({"connect": "x", "disconnect": True}, "holds more than 'connect'"),
        ({"disconnect": False}, "expected one of id, site"),
        ({"connect": {"site": "javascript:alert(1)"}}, "is no web address"),
    ],
)
async def test_connections_to_nothing_are_refused(world: World, given: Any, words: str):
    await world.insert("company", {"name": "Acme", "site": "acme.example"})

    error = await error_of(world.records.create(world.admin, "deal", {"name": "Big", "company": given}))

    assert error.problems[0].path.startswith("company")
    assert words in error.problems[0].problem
    assert (await world.records.find(world.admin, "deal")).records == []


async def test_a_batch_does_its_operations_in_order(world: World):
    one, two = await world.insert("company", {"name": "One"}, {"name": "Two"})

    written = await world.records.batch(
        world.admin,
        "company",
        [
            Operation("update", one, {"name": "1"}),
            Operation("update", two, {"employees": 2}),
            Operation("update", one, {"name": "I", "city": "Rome"}),
            Operation("delete", two),
            Operation("create", values={"name": "Three"}),
            Operation("restore", two),
            Operation("destroy", one),
        ],
    )

    kinds = [str(done.kind) for done in written.done]
    assert kinds == ["updated", "updated", "updated", "deleted", "created", "restored", "destroyed"]
    found = (await world.records.find(world.admin, "company", sort="name")).records
    assert [(r["name"], r["employees"]) for r in found] == [("Three", None), ("Two", 2)]
    assert {row["write_id"] for row in (await world.log())[2:]} == {written.id}


# --- somebody else wrote meanwhile -----------------------------------------------------------------------------------


async def test_a_record_changed_since_it_was_read_is_left_alone(world: World):
    (company,) = await world.insert("company", {"name": "Acme"})
    read = (await world.record("company", company))["updated_at"]
    await world.records.update(world.admin, "company", company, {"name": "Bolt"})

    error = await error_of(world.records.update(world.admin, "company", company, {"name": "Cask"}, if_updated_at=read))

    assert isinstance(error, RecordChanged)
    assert error.to_json()["current"]["name"] == "Bolt"
    await world.records.update(
        world.admin, "company", company, {"name": "Cask"}, if_updated_at=error.current["updated_at"]
    )
    assert (await world.record("company", company))["name"] == "Cask"


@pytest.mark.parametrize("since", ["yesterday", "2026-03-01", "soon", 5])
async def test_a_version_is_a_time(world: World, since: Any):
    (company,) = await world.insert("company", {"name": "Acme"})

    error = await error_of(world.records.update(world.admin, "company", company, {}, if_updated_at=since))

    assert isinstance(error, Invalid)
    assert error.problems[0].path == "if_updated_at"


async def test_two_writers_of_one_version_end_with_one_winner(world: World):
    (company,) = await world.insert("company", {"name": "Acme", "employees": 0})
    read = (await world.record("company", company))["updated_at"]

    writes = [
        world.records.update(world.admin, "company", company, {"employees": n}, if_updated_at=read) for n in range(1, 9)
    ]
    ended = await asyncio.gather(*writes, return_exceptions=True)

    won = [end for end in ended if not isinstance(end, BaseException)]
    assert len(won) == 1
    assert all(isinstance(end, RecordChanged) for end in ended if end not in won)
    assert (await world.record("company", company))["employees"] == (won[0].one.record or {})["employees"]


async def test_batches_that_cross_each_other_all_end(world: World):
    """Rows are locked in the order of their ids within a group; what deadlocks nevertheless is tried again."""
    ids = await world.insert("company", *({"name": str(i)} for i in range(6)))
    orders = [ids, ids[::-1], ids[3:] + ids[:3], ids[::-1]]

    batches = [[Operation("update", one, {"employees": n}) for one in order] for n, order in enumerate(orders)]
    mixed = [[batch[0], Operation("create", values={"name": "x"}), *batch[1:]] for batch in batches]
    await asyncio.gather(*(world.records.batch(world.admin, "company", batch) for batch in mixed))

    found = (await world.records.find(world.admin, "company", where={"name": {"neq": "x"}})).records
    assert len({record["employees"] for record in found}) == 1


# --- unique fields ---------------------------------------------------------------------------------------------------


async def test_a_unique_value_is_had_by_one_record(world: World):
    ada, bob = await world.insert(
        "person",
        {"emails": "ada@acme.example"},
        {"emails": "bob@acme.example"},
    )

    taken = await error_of(world.records.create(world.admin, "person", {"emails": " ADA@acme.example "}))
    moved = await error_of(world.records.update(world.admin, "person", bob, {"emails": "Ada@Acme.example"}))
    batch = [
        Operation("create", values={"emails": f"{name}@acme.example"}, path=f"operations.{i}.values")
        for i, name in enumerate(("cyd", "ada", "dee"))
    ]
    placed = await error_of(world.records.batch(world.admin, "person", batch))

    assert all(isinstance(error, ValueTaken) for error in (taken, moved, placed))
    assert taken.problems[0].path == moved.problems[0].path == "emails"
    assert placed.problems[0].path == "operations.1.values.emails"
    assert len((await world.records.find(world.admin, "person")).records) == 2
    await world.delete("person", ada)
    await world.records.create(world.admin, "person", {"emails": "ada@acme.example"})
    assert isinstance(await error_of(world.records.restore(world.admin, "person", ada)), ValueTaken)


async def test_many_records_may_lack_a_unique_value(world: World):
    assert len(await world.insert("person", {}, {}, {"emails": ""})) == 3


async def test_an_upsert_changes_who_has_the_value_and_creates_who_has_it_not(world: World):
    (ada,) = await world.insert("person", {"emails": "ada@acme.example", "full": {"first_name": "Ada"}})

    changed = await world.records.upsert(
        world.admin, "person", {"emails": "ADA@acme.example", "full": {"first_name": "Ada", "last_name": "Park"}}
    )
    made = await world.records.upsert(world.admin, "person", {"emails": "bob@acme.example"})
    again = await world.records.upsert(world.admin, "person", {"emails": "bob@acme.example"})

    assert (changed.one.id, str(changed.one.kind)) == (ada, "updated")
    assert (str(made.one.kind), again.one.kind, again.one.id) == ("created", None, made.one.id)
    assert len((await world.records.find(world.admin, "person")).records) == 2


async def test_upserts_of_one_batch_see_each_other(world: World):
    batch = [
        Operation("upsert", values={"emails": "a@x.example", "full": {"first_name": "A"}}),
        Operation("upsert", values={"emails": "b@x.example"}),
        Operation("upsert", values={"emails": "A@x.example", "full": {"first_name": "B"}}),
    ]

    written = await world.records.batch(world.admin, "person", batch)

    assert [str(done.kind) for done in written.done] == ["created", "created", "updated"]
    assert written.done[0].id == written.done[2].id


async def test_upserts_at_once_make_one_record(world: World):
    writes = [
        world.records.upsert(world.admin, "person", {"emails": "ada@acme.example", "full": {"first_name": str(n)}})
        for n in range(8)
    ]

    written = await asyncio.gather(*writes)

    assert len({one.one.id for one in written}) == 1
    assert len((await world.records.find(world.admin, "person")).records) == 1


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("deal", {"name": "Big"}, "'deal' has no unique field"),
        ("person", {"full": {"first_name": "Ada"}}, "needs the value of a unique field"),
        ("person", {"emails": None}, "needs the value of a unique field"),
    ],
)
async def test_an_upsert_must_say_who_is_meant(world: World, name: str, values: dict[str, Any], words: str):
    error = await error_of(world.records.upsert(world.admin, name, values))

    assert isinstance(error, Invalid)
    assert words in error.problems[0].problem


async def test_an_upsert_by_two_values_of_two_records_is_refused(world: World):
    await world.publish(
        object_type(
            "part",
            {"name": "code", "type": "text", "unique": True},
            {"name": "number", "type": "number", "unique": True},
        )
    )
    await world.insert("part", {"code": "a", "number": 1}, {"code": "b", "number": 2})

    error = await error_of(world.records.upsert(world.admin, "part", {"code": "A", "number": 2}))
    chosen = await world.records.upsert(world.admin, "part", {"code": "A", "number": 3}, by="code")

    assert isinstance(error, Conflict)
    assert "different records" in error.message
    assert (chosen.one.record or {})["number"] == 3


# --- deleting --------------------------------------------------------------------------------------------------------


async def test_deleted_records_are_found_by_who_may_restore_them(world: World):
    kept, gone = await world.insert("company", {"name": "Kept"}, {"name": "Gone"})
    await world.delete("company", gone)

    found = await world.records.find(world.admin, "company", deleted=True, count="exact")

    assert ([r["name"] for r in found.records], found.total) == (["Gone"], 1)
    assert await world.names("company", {}) == ["Kept"]
    clerk = world.actor({"company": {Action.READ, Action.UPDATE}})
    assert isinstance(await error_of(world.records.find(clerk, "company", deleted=True)), MissingPermission)
    assert kept


async def test_restoring_what_is_there_does_nothing(world: World):
    (company,) = await world.insert("company", {"name": "Acme"})
    before = await everything(world)

    written = await world.records.restore(world.admin, "company", company)

    assert written.one.kind is None
    assert await everything(world) == before


async def test_a_destroyed_record_leaves_no_value_behind(world: World):
    (company,) = await world.insert("company", {"name": "Secret Ltd"})
    await world.records.update(world.admin, "company", company, {"city": "Secretville"})

    written = await world.records.destroy(world.admin, "company", company)

    assert (written.one.record, dict(written.one.values)) == (None, {})
    assert [row["kind"] for row in await world.log()] == ["created", "updated", "destroyed"]
    assert "Secret" not in repr(await everything(world))
