"""Object types become tables: only ever added to, in one transaction, known everywhere at once."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from metier.clock import Clock
from metier.errors import Conflict, Invalid, MissingPermission, NotFound, UnknownField
from metier.records import Field, FieldType, ObjectType, Records
from metier.records.shape import SYSTEM_FIELDS
from metier.store import Database
from tests.records.world import COMPANY, DEAL, STAGES, World, object_type


async def epoch(world: World) -> int:
    return await world.db.value("select schema_epoch from core.workspace where id = %s", [world.workspace_id])


async def test_who_may_not_change_the_model_changes_nothing(world: World):
    before = await epoch(world)

    with pytest.raises(MissingPermission):
        await world.data_model.publish(world.actor(flags=["AI"]), object_type("thing"))

    assert await epoch(world) == before
    with pytest.raises(NotFound):
        await world.records.object(world.admin, "thing")


async def test_a_field_is_added_to_records_that_are_there(world: World):
    (old,) = await world.insert("company", {"name": "Acme"})
    assert (await world.records.find(world.admin, "company", where={"name": "Acme"})).records
    more = replace(COMPANY, fields=(*COMPANY.fields[:2], Field("motto", "Motto", FieldType.TEXT), *COMPANY.fields[2:]))

    await world.publish(more)
    (new,) = await world.insert("company", {"name": "Bolt", "motto": "go"})

    assert (await world.records.get(world.admin, "company", old))["motto"] is None
    assert (await world.records.get(world.admin, "company", new))["motto"] == "go"
    assert await world.names("company", {"motto": {"neq": "go"}}) == ["Acme"]


async def test_a_removed_field_is_hidden_and_comes_back_with_its_values(world: World):
    await world.insert("company", {"name": "Acme", "city": "Berlin"})
    less = replace(COMPANY, fields=tuple(field for field in COMPANY.fields if field.name != "city"))

    await world.publish(less)
    with pytest.raises(UnknownField):
        await world.names("company", {"city": "Berlin"})
    with pytest.raises(UnknownField):
        await world.names("deal", {"company.city": "Berlin"})
    await world.publish(COMPANY)

    assert await world.names("company", {"city": "Berlin"}) == ["Acme"]


async def test_a_field_keeps_its_type(world: World):
    before = await epoch(world)
    fields = tuple(replace(f, type=FieldType.NUMBER) if f.name == "city" else f for f in COMPANY.fields)
    finer = tuple(replace(f, decimals=2) if f.name == "employees" else f for f in COMPANY.fields)
    gone = tuple(f for f in COMPANY.fields if f.name != "city")

    for changed in (fields, finer):
        with pytest.raises(Conflict, match="would be converted to"):
            await world.publish(replace(COMPANY, fields=changed))
    await world.publish(replace(COMPANY, fields=gone))
    with pytest.raises(Conflict, match="'city' of 'company' holds text and cannot become bigint"):
        await world.publish(replace(COMPANY, fields=fields))

    assert await epoch(world) == before + 1


async def test_publishing_the_same_again_is_nothing(world: World):
    before = await epoch(world)

    await world.publish(COMPANY, DEAL)

    assert await epoch(world) == before


WRONG: dict[str, tuple[Any, str, str]] = {
    "reserved name": ({"name": "in", "type": "text"}, "fields.1.name", "means something else"),
    "combining word": ({"name": "and", "type": "text"}, "fields.1.name", "means something else"),
    "column of PostgreSQL": ({"name": "xmin", "type": "text"}, "fields.1.name", "means something else"),
    "system column": ({"name": "deleted_at", "type": "date_time"}, "fields.1.name", "collides with a system field"),
    "system field of another type": ({"name": "id", "type": "text"}, "fields.1.name", "collides with a system field"),
    "no target": ({"name": "x", "type": "relation", "target": "moon"}, "fields.1.target", "no object 'moon'"),
    "too long": ({"name": "x" * 49, "type": "emails"}, "fields.1.name", "too long"),
    "no name": ({"name": "X y", "type": "text"}, "fields.1.name", "must match"),
    "quotes": ({"name": 'x"; drop schema core cascade; --', "type": "text"}, "fields.1.name", "must match"),
    "no type": ({"name": "x", "type": "blob"}, "fields.1.type", "not a field type"),
    "no options": ({"name": "x", "type": "select"}, "fields.1.options", "at least one option"),
    "options twice": (
        {"name": "x", "type": "select", "options": STAGES[:1] * 2},
        "fields.1.options",
        "different",
    ),
    "wrong options": ({"name": "x", "type": "select", "options": ["a"]}, "fields.1.options", "objects with value"),
    "zero in an option": (
        {"name": "x", "type": "select", "options": [{"value": "\0", "label": "x"}]},
        "fields.1.options.0.value",
        "no definition can hold",
    ),
    "wrong decimals": ({"name": "x", "type": "number", "decimals": "2"}, "fields.1.decimals", "whole number"),
}


async def test_wrong_types_are_told_with_their_place(world: World):
    before = await epoch(world)
    for what, (field, path, words) in WRONG.items():
        with pytest.raises(Invalid) as caught:
            await world.publish(object_type("thing", field))
        found = {problem.path: problem.problem for problem in caught.value.problems}
        assert words in found.get(path, ""), (what, found)

    assert await epoch(world) == before


async def test_names_of_others_are_taken(world: World):
    for name, plural in [("deals", "x"), ("x", "deal"), ("x", "companies"), ("x", "members"), ("members", "x")]:
        with pytest.raises(Invalid, match="is the name of"):
            await world.publish(object_type(name, plural=plural))
    with pytest.raises(Invalid, match="kept by the house"):
        await world.publish(object_type("member", plural="x"))


async def test_columns_of_two_fields_may_not_meet(world: World):
    clash = [{"name": "boss_id", "type": "uuid"}, {"name": "boss", "type": "relation", "target": "company"}]

    with pytest.raises(Invalid, match="collides with 'boss_id'"):
        await world.publish(object_type("thing", *clash))


async def test_a_title_is_a_text(world: World):
    with pytest.raises(Invalid, match="must be a field of type text or full_name"):
        await world.publish(object_type("thing", {"name": "size", "type": "number"}, title="size"))


async def test_words_of_sql_are_good_names(world: World):
    fields = [{"name": n, "type": "text"} for n in ("select", "user", "group", "page", "s", "x", "t", "table")]
    await world.publish(object_type("order", *fields, plural="select"), object_type("page", *fields, plural="pages"))

    await world.insert("order", {"name": "a", "select": "s", "user": "u", "t": "t", "page": "p"})
    await world.insert("page", {"name": "b", "page": "p", "s": "s"})

    assert await world.names("order", {"user": "u", "t": {"contains": "T"}}, sort="page,-select") == ["a"]
    assert (await world.records.find(world.admin, "pages", count="exact", sort="s")).records[0]["page"] == "p"
    assert [hit.label for hit in await world.records.search(world.admin, "a")] == ["a"]


async def test_objects_may_point_at_themselves_and_each_other(world: World):
    """A ring is closed by publishing its first object again."""
    await world.publish(object_type("a", {"name": "up", "type": "relation", "target": "a"}))
    await world.publish(object_type("b", {"name": "first", "type": "relation", "target": "a"}))
    ring = [{"name": n, "type": "relation", "target": t} for n, t in (("up", "a"), ("other", "b"))]
    await world.publish(object_type("a", *ring))

    (a,) = await world.insert("a", {"name": "A"})
    (b,) = await world.insert("b", {"name": "B", "first": str(a)})
    await world.insert("a", {"name": "A2", "up": str(a), "other": str(b)})

    assert await world.names("a", {"other.first.name": "A"}) == ["A2"]


async def test_two_publish_at_once(db: Database, clock: Clock):
    world = await World.make(db, clock)
    kinds = [object_type("thing", {"name": f"f{i}", "type": "text"}) for i in range(6)]
    others = [object_type(f"o{i}") for i in range(6)]

    await asyncio.gather(*(world.publish(kind) for kind in [*kinds, *others]))

    assert await epoch(world) == 13
    seen = await world.records.objects(world.admin)
    assert {kind.name for kind in seen} == {"thing", *(f"o{i}" for i in range(6)), "member"}
    (last,) = [field.name for field in seen[[k.name for k in seen].index("thing")].fields if field.name.startswith("f")]
    assert await world.names("thing", {last: {"is": "null"}}) == []


async def test_another_process_hears_of_it(world: World):
    elsewhere = Records(world.db, world.clock)  # a door of its own, as another process has
    await _until(lambda: elsewhere._catalog._changes > 0)  # it listens
    assert [kind.name for kind in await elsewhere.objects(world.admin)] == ["company", "person", "deal", "member"]
    heard = elsewhere._catalog._changes

    await world.publish(object_type("thing"))

    await _until(lambda: elsewhere._catalog._changes > heard)
    assert "thing" in [kind.name for kind in await elsewhere.objects(world.admin)]


async def _until(done: Callable[[], bool]) -> None:
    for _ in range(500):
        if done():
            return
        await asyncio.sleep(0.01)
    pytest.fail("it never happened")


async def test_objects_are_the_same_list_until_something_changes(world: World):
    first = await world.records.objects(world.admin)

    assert await world.records.objects(world.actor()) is first
    assert await world.records.objects(world.reader("company")) is not first
    await world.publish(object_type("thing"))
    assert [kind.name for kind in await world.records.objects(world.admin)] == [
        "company", "person", "deal", "thing", "member",
    ]  # fmt: skip


async def test_a_workspace_that_does_not_exist(world: World):
    actor = replace(world.admin, workspace_id=uuid4())

    with pytest.raises(NotFound, match="No workspace"):
        await world.records.objects(actor)
    with pytest.raises(NotFound, match="No workspace"):
        await world.data_model.publish(actor, object_type("thing"))


async def test_types_come_back_as_they_were_published(world: World):
    assert (await world.records.object(world.admin, "Companies")) == COMPANY
    rich = ObjectType(
        "ticket", "tickets", "Ticket", "Tickets", "name", (Field("name", "N", FieldType.TEXT, unit="u"), *SYSTEM_FIELDS)
    )
    await world.publish(rich)
    assert await world.records.object(world.admin, "ticket") == rich


async def test_long_titles_are_told_when_a_text_becomes_the_title(world: World):
    """An index holds at most 2.7 kB of a title; texts that are no titles may be longer."""
    await world.publish(object_type("thing", {"name": "body", "type": "text"}))
    await world.insert("thing", {"body": "".join(chr(0x4E00 + i * 7 % 20_000) for i in range(20_000))})

    with pytest.raises(Conflict, match="too long to be sorted by"):
        await world.publish(replace(object_type("thing", {"name": "body", "type": "text"}), title="body"))

    assert (await world.records.object(world.admin, "thing")).title == "name"


async def test_a_busy_table_is_not_waited_for_for_ever(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("metier.definitions.change.LOCK_WAIT_MS", 50)
    before = await epoch(world)
    more = replace(COMPANY, fields=(Field("motto", "Motto", FieldType.TEXT), *COMPANY.fields))

    async with world.db.transaction() as tx:
        await tx.execute(f'lock table "{world.schema}".company in access share mode')
        with pytest.raises(Conflict, match="The table is busy"):
            await world.publish(more)

    assert await epoch(world) == before
    await world.publish(more)
    assert (await world.records.object(world.admin, "company")).fields[0].name == "motto"
