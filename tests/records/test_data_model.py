"""Object types change at run time: fields come, go, come back with their values, and what points to them follows."""

import asyncio
from copy import copy
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from metier.actor import FLAGS, Action
from metier.definitions import Definition
from metier.errors import (
    AlreadyExists,
    Conflict,
    Invalid,
    MetierError,
    MissingPermission,
    NotFound,
    UnknownField,
    VersionConflict,
)
from metier.records import ObjectType, Records
from metier.records.form import own_body
from tests.records.world import COMPANY, World, object_type

SHIP: dict[str, Any] = {
    "name": "ship",
    "fields": [
        {"name": "name", "type": "text"},
        {"name": "crew", "type": "number"},
        {"name": "state", "type": "select", "options": ["afloat", {"value": "sunk", "color": "bad"}]},
        {"name": "owner", "type": "relation", "target": "company"},
    ],
}


async def names_of(world: World, name: str = "ship") -> list[str]:
    """Give the fields that records of the object have, without the system's."""
    return [field.name for field in (await world.records.object(world.admin, name)).fields if not field.system]


async def columns(world: World, table: str = "ship") -> set[str]:
    rows = await world.db.rows(
        "select column_name from information_schema.columns where table_schema = %s and table_name = %s",
        [world.schema, table],
    )
    return {row["column_name"] for row in rows} - {"id", "created_at", "updated_at", "deleted_at"}


async def error_of(call: Any) -> MetierError:
    with pytest.raises(MetierError) as caught:
        await call
    return caught.value


@pytest.fixture
async def ship(world: World) -> Definition:
    made = await world.data_model.create(world.admin, SHIP)
    (acme,) = await world.insert("company", {"name": "Acme"})
    await world.insert(
        "ship",
        {"name": "Aurora", "crew": 120, "state": "afloat", "owner": str(acme)},
        {"name": "Bora", "crew": 8, "state": "sunk"},
    )
    return made


# --- who may ---------------------------------------------------------------------------------------------------------


async def test_who_may_not_change_the_data_model_changes_nothing(world: World, ship: Definition):
    model, other = world.data_model, world.actor(flags=["AI", "DATA_MODEL_PURGE"])

    for refused in (
        model.create(other, {**SHIP, "name": "boat"}),
        model.publish(other, object_type("boat")),
        model.publish_all(other, [object_type("boat")]),
        model.change(other, "ship", {"label": "Boat"}),
        model.add_field(other, "ship", {"name": "x", "type": "text"}),
        model.change_field(other, "ship", "crew", {"label": "Hands"}),
        model.preview(other, "ship", "crew", {"type": "text"}),
        model.hide_field(other, "ship", "crew"),
        model.hidden_fields(other, "ship"),
        model.restore_field(other, "ship", "crew"),
        model.purge_field(other, "ship", "crew", confirm="ship.crew"),
    ):
        assert isinstance(await error_of(refused), MissingPermission)

    assert (await world.definitions.get(world.admin, "object", "ship")).version == 1


# --- making ----------------------------------------------------------------------------------------------------------


async def test_what_goes_without_saying_is_made_of_the_names(world: World, ship: Definition):
    body = ship.body or {}

    assert {key: body[key] for key in ("plural", "label", "label_plural", "title")} == {
        "plural": "ships",
        "label": "Ship",
        "label_plural": "Ships",
        "title": "name",
    }
    assert body["fields"][2]["options"] == [
        {"value": "afloat", "label": "Afloat", "color": "grey"},
        {"value": "sunk", "label": "Sunk", "color": "bad"},
    ]
    assert await world.names("ship", {"state": "sunk"}) == ["Bora"]
    assert await world.names("ship", {"owner.name": "Acme"}) == ["Aurora"]


async def test_a_name_is_taken_once(world: World, ship: Definition):
    assert isinstance(await error_of(world.data_model.create(world.admin, SHIP)), AlreadyExists)
    await world.definitions.archive(world.admin, "object", "ship")
    with pytest.raises(AlreadyExists, match="already a"):
        await world.data_model.create(world.admin, SHIP)
    with pytest.raises(Invalid, match="is the name of 'ship'"):
        await world.data_model.create(world.admin, {**SHIP, "name": "vessel", "plural": "ships"})


async def test_the_order_of_objects_is_that_of_their_making(world: World):
    listed = [thing.name for thing in await world.records.objects(world.admin)]
    await world.definitions.archive(world.admin, "object", "person")
    await world.publish(object_type("thing"))

    await world.definitions.restore(world.admin, "object", "person")

    assert [thing.name for thing in await world.records.objects(world.admin)] == [*listed[:-1], "thing", "member"]


# --- fields ----------------------------------------------------------------------------------------------------------


async def test_a_field_is_added_changed_hidden_and_comes_back(world: World, ship: Definition):
    model, admin = world.data_model, world.admin

    await model.add_field(admin, "ship", {"name": "berth", "type": "text", "label": "Place"})
    await world.insert("ship", {"name": "Calypso", "berth": "7"})
    await model.change_field(admin, "ship", "berth", {"label": "Berth", "description": "Where it lies"})
    assert await names_of(world) == ["name", "crew", "state", "owner", "berth"]

    await model.hide_field(admin, "ship", "crew", note="nobody counts")
    assert await names_of(world) == ["name", "state", "owner", "berth"]
    with pytest.raises(UnknownField):
        await world.names("ship", {"crew": 120})
    (hidden,) = await model.hidden_fields(admin, "ship")
    assert (hidden.field.name, hidden.version, hidden.place) == ("crew", 3, 1)

    await model.restore_field(admin, "ship", "crew")
    assert await names_of(world) == ["name", "crew", "state", "owner", "berth"]
    assert await world.names("ship", {"crew": 120}) == ["Aurora"]
    assert await model.hidden_fields(admin, "ship") == []
    notes = [version.note for version in await world.definitions.history(admin, "object", "ship")]
    assert notes == ["'crew' is back.", "nobody counts", "", "", ""]


WRONG_FIELDS: dict[str, tuple[dict[str, Any], str, str]] = {
    "no type": ({"name": "x"}, "type", "is not a field type"),
    "unknown key": ({"name": "x", "type": "text", "lable": "X"}, "lable", "there is no key 'lable'"),
    "system": ({"name": "x", "type": "text", "system": True}, "system", "there is no key"),
    "wrong name": ({"name": "X y", "type": "text"}, "name", "must match"),
    "no name": ({"type": "text"}, "name", "must match"),
    "no target": ({"name": "x", "type": "relation", "target": "moon"}, "target", "no object 'moon'"),
    "wrong color": (
        {"name": "x", "type": "select", "options": [{"value": "a", "color": "pink"}]},
        "options.0.color",
        "is not a color",
    ),
    "long label": ({"name": "x", "type": "text", "label": "x" * 101}, "label", "one line"),
    "lines": ({"name": "x", "type": "text", "label": "a\nb"}, "label", "one line"),
    "words": ({"name": "x", "type": "text", "aliases": [""]}, "aliases", "at most 50 words"),
    "identifier": ({"name": "x", "type": "text", "universal_identifier": "7"}, "universal_identifier", "UUID"),
}


@pytest.mark.parametrize("what", WRONG_FIELDS)
async def test_a_wrong_field_is_told_with_its_place(world: World, ship: Definition, what: str):
    field, path, words = WRONG_FIELDS[what]

    error = await error_of(world.data_model.add_field(world.admin, "ship", field))

    assert isinstance(error, Invalid)
    assert path in [problem.path for problem in error.problems], error.to_json()
    assert words in str(error.to_json())
    assert (await world.definitions.get(world.admin, "object", "ship")).version == 1


async def test_what_is_not_there_is_not_found(world: World, ship: Definition):
    model, admin = world.data_model, world.admin

    for call in (
        model.change(admin, "shp", {"label": "x"}),
        model.change_field(admin, "ship", "crw", {"label": "x"}),
        model.hide_field(admin, "ship", "id"),
        model.restore_field(admin, "ship", "crew"),
        model.purge_field(admin, "ship", "crew", confirm="ship.crew"),
    ):
        assert isinstance(await error_of(call), NotFound)
    assert "Did you mean 'crew'" in str(await error_of(model.hide_field(admin, "ship", "crw")))


async def test_a_hidden_name_is_restored_or_purged_not_made_anew(world: World, ship: Definition):
    await world.data_model.hide_field(world.admin, "ship", "crew")

    with pytest.raises(Conflict, match="has a hidden field 'crew'"):
        await world.data_model.add_field(world.admin, "ship", {"name": "crew", "type": "text"})
    with pytest.raises(Conflict, match="already a field 'crew' of 'ship'; it may be hidden"):
        await world.data_model.change_field(world.admin, "ship", "state", {"name": "crew"})
    with pytest.raises(Conflict, match="has a field 'state' already"):
        await world.data_model.add_field(world.admin, "ship", {"name": "state", "type": "text"})


async def test_the_title_is_not_hidden(world: World, ship: Definition):
    with pytest.raises(Invalid, match="choose another title first"):
        await world.data_model.hide_field(world.admin, "ship", "name")


async def test_two_who_change_one_object_do_not_undo_each_other(world: World, ship: Definition):
    fields = [{"name": f"f{i}", "type": "text"} for i in range(4)]

    done = await asyncio.gather(
        *(world.data_model.add_field(world.admin, "ship", field) for field in fields), return_exceptions=True
    )

    added = [field["name"] for field, one in zip(fields, done, strict=True) if isinstance(one, Definition)]
    assert all(isinstance(one, Definition | VersionConflict) for one in done)
    assert set((await names_of(world))[4:]) == set(added) != set()
    with pytest.raises(VersionConflict):
        await world.data_model.hide_field(world.admin, "ship", "crew", expected=ship.revision)


# --- purge -----------------------------------------------------------------------------------------------------------


async def test_a_purged_field_is_gone_with_its_values(world: World, ship: Definition):
    model, admin = world.data_model, world.admin
    await model.hide_field(admin, "ship", "owner")
    assert "owner_id" in await columns(world)
    for may_not in (
        world.actor(flags=["DATA_MODEL"]),
        world.actor(flags=["DATA_MODEL_PURGE"]),
        world.actor({"ship": {Action.READ, Action.UPDATE}}, flags=FLAGS),
    ):
        assert isinstance(
            await error_of(model.purge_field(may_not, "ship", "owner", confirm="ship.owner")), MissingPermission
        )
    with pytest.raises(Invalid, match=r"type 'ship\.owner'"):
        await model.purge_field(admin, "ship", "owner", confirm="owner")

    await model.purge_field(admin, "ship", "owner", confirm="ship.owner")

    assert "owner_id" not in await columns(world)
    assert await model.hidden_fields(admin, "ship") == []
    assert isinstance(await error_of(model.restore_field(admin, "ship", "owner")), NotFound)
    await model.add_field(admin, "ship", {"name": "owner", "type": "text"})
    assert (await world.records.find(admin, "ship")).records[0]["owner"] is None


async def test_a_purged_object_is_gone_with_its_records(world: World, ship: Definition):
    await world.definitions.archive(world.admin, "object", "ship")
    await world.definitions.purge(world.admin, "object", "ship", confirm="ship")

    assert await columns(world) == set()
    await world.data_model.create(world.admin, SHIP)
    assert await world.names("ship", {}) == []


async def test_what_others_point_to_is_not_purged(world: World, ship: Definition):
    definitions, admin = world.definitions, world.admin
    await definitions.archive(admin, "object", "company")
    with pytest.raises(Conflict, match=r"pointed to by company\.parent|ship\.owner"):
        await definitions.purge(admin, "object", "company", confirm="company")

    for name in ("person", "deal", "ship"):
        await definitions.archive(admin, "object", name)
    with pytest.raises(Conflict, match=r"ship\.owner"):
        await definitions.purge(admin, "object", "company", confirm="company")
    for name in ("deal", "person", "ship"):
        await definitions.purge(admin, "object", name, confirm=name)
    await definitions.purge(admin, "object", "company", confirm="company")

    assert [thing.name for thing in await world.records.objects(admin)] == ["member"]


# --- archive ---------------------------------------------------------------------------------------------------------


async def test_an_archived_object_is_nowhere_and_comes_back_whole(world: World, ship: Definition):
    admin = world.admin
    await world.definitions.archive(admin, "object", "company")

    assert "company" not in [thing.name for thing in await world.records.objects(admin)]
    assert isinstance(await error_of(world.records.find(admin, "company")), NotFound)
    assert await names_of(world) == ["name", "crew", "state"]
    assert await world.records.search(admin, "acme") == []
    with pytest.raises(Conflict, match="is archived"):
        await world.data_model.change(admin, "company", {"label": "Firm"})
    await world.data_model.change(admin, "ship", {"label": "Vessel"})  # it keeps its way to what is archived

    await world.definitions.restore(admin, "object", "company")

    assert await world.names("ship", {"owner.name": "Acme"}) == ["Aurora"]
    assert [hit.label for hit in await world.records.search(admin, "acme")] == ["Acme"]


# --- names -----------------------------------------------------------------------------------------------------------


async def test_a_field_is_renamed_with_its_values(world: World, ship: Definition):
    model, admin = world.data_model, world.admin

    renamed = await model.change_field(admin, "ship", "crew", {"name": "hands", "label": "Hands"})

    assert await names_of(world) == ["name", "hands", "state", "owner"]
    assert await world.names("ship", {"hands": {"gt": 100}}) == ["Aurora"]
    assert await columns(world) == {"name", "hands", "state", "owner_id"}
    back = await world.definitions.rollback(admin, "object", "ship", 1)
    assert back.version == (renamed.version or 0) + 1
    assert await world.names("ship", {"crew": {"gt": 100}}) == ["Aurora"]


async def test_the_title_and_a_relation_are_renamed(world: World, ship: Definition):
    await world.data_model.change_field(world.admin, "ship", "name", {"name": "call_sign"})
    await world.data_model.change_field(world.admin, "ship", "owner", {"name": "line"})

    assert (await world.records.object(world.admin, "ship")).title == "call_sign"
    (found,) = (await world.records.find(world.admin, "ship", where={"line.name": "Acme"})).records
    assert (found["call_sign"], found["line"]["label"]) == ("Aurora", "Acme")
    assert [hit.label for hit in await world.records.search(world.admin, "aurora")] == ["Aurora"]


async def test_a_new_field_may_have_the_first_name_of_a_renamed_one(world: World, ship: Definition):
    model, admin = world.data_model, world.admin
    await model.change_field(admin, "ship", "crew", {"name": "hands"})
    await model.add_field(admin, "ship", {"name": "crew", "type": "text"})

    await model.change(admin, "ship", {"label": "Boat"})

    assert await world.names("ship", {"hands": 120}) == ["Aurora"]
    assert await world.names("ship", {"crew": {"is": "null"}, "hands": 8}) == ["Bora"]


async def test_two_fields_exchange_their_names(world: World):
    one, two = str(uuid4()), str(uuid4())
    fields = [
        {"name": "first", "type": "text", "universal_identifier": one},
        {"name": "second", "type": "text", "universal_identifier": two},
    ]
    await world.publish(object_type("pair", *fields))
    await world.insert("pair", {"name": "p", "first": "1", "second": "2"})
    turned = [fields[0] | {"name": "second"}, fields[1] | {"name": "first"}]

    await world.publish(object_type("pair", *turned))

    (found,) = (await world.records.find(world.admin, "pair")).records
    assert (found["second"], found["first"]) == ("1", "2")


async def test_an_object_is_renamed_and_relations_follow(world: World, ship: Definition):
    model, admin = world.data_model, world.admin
    await model.change(admin, "company", {"name": "firm", "plural": "firms", "label": "Firm", "label_plural": "Firms"})

    assert isinstance(await error_of(world.records.find(admin, "company")), NotFound)
    assert await world.names("firms", {}) == ["Acme"]
    assert await world.names("ship", {"owner.name": "Acme"}) == ["Aurora"]
    assert (await world.records.object(admin, "firm")).by_name["parent"].target == "firm"
    assert (await world.definitions.history(admin, "object", "ship"))[0].note == "'company' is called 'firm' now."
    assert await columns(world, "company") == set()

    await world.definitions.rollback(admin, "object", "firm", 1)
    assert await world.names("companies", {}) == ["Acme"]
    assert await world.names("ship", {"owner.name": "Acme"}) == ["Aurora"]


async def test_what_is_archived_follows_a_new_name_too(world: World, ship: Definition):
    await world.definitions.archive(world.admin, "object", "ship")
    await world.data_model.change(world.admin, "company", {"name": "firm", "plural": "firms"})

    await world.definitions.restore(world.admin, "object", "ship")

    assert await world.names("ship", {"owner.name": "Acme"}) == ["Aurora"]


async def test_a_relation_does_not_turn_to_other_records(world: World, ship: Definition):
    with pytest.raises(Invalid, match="'owner' points to 'company'") as caught:
        await world.data_model.change_field(world.admin, "ship", "owner", {"target": "person"})

    assert caught.value.problems[0].path == "target"


async def test_indexes_follow_their_fields(world: World, ship: Definition):
    async def indexes() -> set[str]:
        rows = await world.db.rows(
            "select indexdef from pg_indexes where schemaname = %s and tablename in ('ship', 'boat')", [world.schema]
        )
        return {row["indexdef"].partition(" USING ")[2] for row in rows}

    model, admin = world.data_model, world.admin
    before = await indexes()
    await model.hide_field(admin, "ship", "crew")
    without = await indexes()
    await model.restore_field(admin, "ship", "crew")
    assert await indexes() == before
    assert {text for text in before - without if "crew" in text} == before - without != set()
    kept = await world.db.rows(
        "select indexrelid from pg_index i join pg_class c on c.oid = i.indrelid"
        " join pg_namespace n on n.oid = c.relnamespace where n.nspname = %s and c.relname = 'ship'",
        [world.schema],
    )

    await model.change(admin, "ship", {"name": "boat", "plural": "boats"})
    await model.change_field(admin, "boat", "state", {"name": "status"})

    assert await indexes() == {text.replace("state", "status") for text in before}
    now = await world.db.rows(
        "select indexrelid from pg_index i join pg_class c on c.oid = i.indrelid"
        " join pg_namespace n on n.oid = c.relnamespace where n.nspname = %s and c.relname = 'boat'",
        [world.schema],
    )
    assert sorted(row["indexrelid"] for row in now) == sorted(row["indexrelid"] for row in kept)  # none was built anew


# --- the log of changes ----------------------------------------------------------------------------------------------


async def test_history_follows_new_names_and_undo_goes_through_them(world: World, ship: Definition):
    model, admin, records = world.data_model, world.admin, world.records
    (aurora,) = (await records.find(admin, "ship", where={"name": "Aurora"})).records
    written = await records.update(admin, "ship", aurora["id"], {"crew": 99})

    await model.change_field(admin, "ship", "crew", {"name": "hands"})
    await model.change(admin, "ship", {"name": "boat", "plural": "boats"})

    history = await records.history(admin, "boat", aurora["id"])
    assert history.changes[0].values == {"hands": (120, 99)}
    await records.undo(admin, written.id)
    assert await world.names("boat", {"hands": 120}) == ["Aurora"]


async def test_what_is_purged_leaves_no_value_in_the_log(world: World, ship: Definition):
    model, admin = world.data_model, world.admin
    (aurora,) = (await world.records.find(admin, "ship", where={"name": "Aurora"})).records
    await world.records.update(admin, "ship", aurora["id"], {"crew": 4711})
    log = (
        "select count(*) from core.change where workspace_id = %s and object = 'ship' and (before, after)::text like %s"
    )

    await model.hide_field(admin, "ship", "crew")
    assert await world.db.value(log, [world.workspace_id, "%4711%"]) == 1
    await model.purge_field(admin, "ship", "crew", confirm="ship.crew")
    assert await world.db.value(log, [world.workspace_id, "%4711%"]) == 0
    assert await world.db.value(log, [world.workspace_id, "%Aurora%"]) > 0
    await world.definitions.archive(admin, "object", "ship")
    await world.definitions.purge(admin, "object", "ship", confirm="ship")
    assert await world.db.value(log, [world.workspace_id, "%Aurora%"]) == 0


async def test_undoing_what_was_of_another_type_is_refused_plainly(world: World, ship: Definition):
    (aurora,) = (await world.records.find(world.admin, "ship", where={"name": "Aurora"})).records
    written = await world.records.update(world.admin, "ship", aurora["id"], {"crew": 99})
    await world.data_model.change_field(world.admin, "ship", "crew", {"type": "text"}, convert=True)

    assert (await error_of(world.records.undo(world.admin, written.id))).status in (409, 422)


# --- other processes -------------------------------------------------------------------------------------------------


@pytest.fixture
async def elsewhere(world: World, ship: Definition) -> Records:
    """The door of a process that reads the object types now and hears no news afterwards."""
    deaf: Any = copy(world.db)
    deaf.on_notify = lambda _channel, _callback: lambda: None
    other = Records(deaf, world.clock)
    await other.find(world.admin, "ship", where={"crew": 1})
    return other


async def test_who_was_looked_up_after_a_change_sees_it_everywhere(world: World, elsewhere: Records):
    await world.data_model.create(world.admin, {"name": "port", "fields": [{"name": "name", "type": "text"}]})
    epoch = await world.db.value("select schema_epoch from core.workspace where id = %s", [world.workspace_id])

    later = replace(world.admin, schema_epoch=epoch)

    assert "port" not in [thing.name for thing in await elsewhere.objects(world.admin)]
    assert "port" in [thing.name for thing in await elsewhere.objects(later)]
    assert (await elsewhere.find(later, "port")).records == []
    await elsewhere.create(later, "port", {"name": "Lagos"})


async def test_who_was_looked_up_before_a_change_gets_an_answer_of_after_it(world: World, elsewhere: Records):
    """A table that lost a column between the reading of the types and the statement is no fault of ours."""
    other = elsewhere
    model = other._catalog._models[world.workspace_id]

    await world.data_model.change_field(world.admin, "ship", "crew", {"name": "hands"})
    for ask, right in (
        (other.find(world.admin, "ship"), None),
        (other.find(world.admin, "ship", where={"crew": 1}), UnknownField),
        (other.create(world.admin, "ship", {"name": "Dora", "crew": 1}), UnknownField),
        (other.create(world.admin, "ship", {"name": "Dora"}), None),
    ):
        other._catalog._models[world.workspace_id] = model  # as if the news had not come yet
        if right is None:
            await ask
        else:
            assert isinstance(await error_of(ask), Invalid)
    other._catalog._models[world.workspace_id] = model
    await world.definitions.archive(world.admin, "object", "ship")
    await world.definitions.purge(world.admin, "object", "ship", confirm="ship")
    other._catalog._models[world.workspace_id] = model
    assert isinstance(await error_of(other.find(world.admin, "ship")), NotFound)
    other._catalog._models[world.workspace_id] = model
    assert await other.search(world.admin, "aurora") == []


# --- what is live ----------------------------------------------------------------------------------------------------


async def test_live_rows_say_what_the_definitions_say(world: World, ship: Definition):
    await world.data_model.change(world.admin, "company", {"name": "firm", "plural": "firms"})
    await world.data_model.hide_field(world.admin, "ship", "crew")
    await world.definitions.archive(world.admin, "object", "deal")

    rows = await world.db.rows("select body from core.object_type where workspace_id = %s", [world.workspace_id])

    live = await world.definitions.live(world.workspace_id, "object")
    assert {row["body"]["name"]: own_body(ObjectType.from_json(row["body"])) for row in rows} == live
    assert set(live) == {"firm", "person", "ship"}


async def test_a_type_with_other_words_is_the_same_table(world: World):
    await world.publish(replace(COMPANY, label="Firm", icon="factory", aliases=("client",)))

    found = await world.records.object(world.admin, "company")
    assert (found.label, found.icon, found.aliases) == ("Firm", "factory", ("client",))
