"""Values become values of another type all together or not at all, and no text on earth makes a converter fail."""

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metier.actor import FLAGS, Action
from metier.errors import Conflict, MissingPermission
from metier.records import Field, FieldType, Option
from metier.records.convert import Conversion, conversion, targets
from metier.store import Database
from tests.records.world import World, object_type
from tests.scale import cases

ZONE = "Europe/Berlin"
T = FieldType
OPTIONS = (Option("won", "Customer", aliases=("closed",)), Option("lost", "Lost"), Option("customer", "Other"))

FIELDS: dict[str, Field] = {
    "text": Field("x", "X", T.TEXT),
    "whole": Field("x", "X", T.NUMBER),
    "number": Field("x", "X", T.NUMBER, decimals=2),
    "boolean": Field("x", "X", T.BOOLEAN),
    "date": Field("x", "X", T.DATE),
    "date_time": Field("x", "X", T.DATE_TIME),
    "select": Field("x", "X", T.SELECT, options=OPTIONS),
    "emails": Field("x", "X", T.EMAILS),
    "links": Field("x", "X", T.LINKS),
    "full_name": Field("x", "X", T.FULL_NAME),
}

#: From, to, {value: what it becomes}, values that do not convert.
TABLE: list[tuple[str, str, dict[Any, Any], list[Any]]] = [
    ("text", "whole", {"7": 7, " -12 ": -12, "+007": 7, "9" * 15: 10**15 - 1}, ["", "1.0", "1e3", "1,000", "9" * 16]),
    ("text", "number", {"7": 7.0, "-1.25": -1.25, "0.1": 0.1}, ["1.", ".5", "1.2.3", "inf", "NaN", "0." + "1" * 15]),
    ("text", "boolean", {"Yes": True, "true": True, "1": True, " no": False, "0": False}, ["maybe", "y", ""]),
    (
        "text",
        "date",
        {"2026-03-01": "2026-03-01", " 2024-02-29 ": "2024-02-29"},
        ["2026-02-29", "2026-13-01", "2026-3-1", "01.03.2026", "0000-01-01", "2026-03-01T09:30Z", "today"],
    ),
    (
        "text",
        "date_time",
        {
            "2026-03-01T09:30:00Z": "2026-03-01T09:30:00+00:00",
            "2026-03-01 09:30": "2026-03-01T08:30:00+00:00",
            "2026-07-01T09:30:00.25+02:00": "2026-07-01T07:30:00.25+00:00",
        },
        ["2026-03-01", "2026-02-30T09:30Z", "2026-03-01T24:00Z", "2026-03-01T09:60Z", "0001-01-01T00:00Z", "now"],
    ),
    ("text", "select", {"won": "won", "CUSTOMER": "customer", " lost": "lost", "Closed": "won"}, ["new", ""]),
    (
        "text",
        "emails",
        {"ada@b.example": {"primary_email": "ada@b.example", "additional_emails": []}},
        ["ada", "@"],
    ),
    (
        "text",
        "links",
        {
            "https://a.example/x": {
                "primary_link_url": "https://a.example/x",
                "primary_link_label": None,
                "secondary_links": [],
            }
        },
        ["a.example", "javascript:alert(1)", "https://"],
    ),
    ("whole", "text", {-7: "-7", 2**60: str(2**60)}, []),
    ("whole", "number", {7: 7.0, 2**53: 2.0**53}, [2**53 + 1, -(2**62)]),
    ("number", "whole", {7.0: 7, -2.0: -2}, [0.5, 1e300, -1e18]),
    ("number", "text", {0.1: "0.1", 100.0: "100"}, []),
    ("boolean", "text", {True: "yes", False: "no"}, []),
    ("date", "text", {"2026-03-01": "2026-03-01", "0070-01-01": "0070-01-01"}, []),
    ("date", "date_time", {"2026-07-01": "2026-06-30T22:00:00+00:00"}, ["0001-01-01", "9999-12-31"]),
    ("date_time", "date", {"2026-06-30T22:00:00Z": "2026-07-01", "2026-06-30T21:59:59Z": "2026-06-30"}, []),
    ("date_time", "text", {"2026-06-30T22:00:00.5Z": "2026-06-30T22:00:00.500000Z"}, []),
    ("select", "text", {"won": "Customer", "lost": "Lost"}, []),
    (
        "emails",
        "text",
        {"a@b.example": "a@b.example"},
        [{"primary_email": "a@b.example", "additional_emails": ["c@b.example"]}],
    ),
    (
        "links",
        "text",
        {"https://a.example": "https://a.example"},
        [{"primary_link_url": "https://a.example", "primary_link_label": "A"}],
    ),
    ("full_name", "text", {("Ada", "Park"): "Ada Park", (None, "Park"): "Park"}, []),
]


CLEARED: dict[str, Any] = {"options": None, "decimals": None}


def _given(value: Any) -> Any:
    return {"first_name": value[0], "last_name": value[1]} if isinstance(value, tuple) else value


def _field(kind: str) -> dict[str, Any]:
    return FIELDS[kind].to_json()


async def _thing(world: World, kind: str, *values: Any) -> None:
    await world.publish(object_type("thing", _field(kind)))
    rows = [{"name": str(i), "x": _given(value)} for i, value in enumerate(values)]
    await world.insert("thing", *rows, {"name": "empty"})


async def _change(world: World, kind: str, **options: Any) -> None:
    admin = world.actor(time_zone=ZONE)
    await world.data_model.change_field(admin, "thing", "x", CLEARED | _field(kind), **options)


async def _values(world: World) -> list[Any]:
    page = await world.records.find(world.admin, "thing", sort="name")
    return [record["x"] for record in page.records]


@pytest.mark.parametrize(("old", "new", "fitting", "misfits"), TABLE, ids=[f"{row[0]}-{row[1]}" for row in TABLE])
async def test_values_become_what_is_said(
    world: World, old: str, new: str, fitting: dict[Any, Any], misfits: list[Any]
):
    storable = [value for value in misfits if value != ""]  # an empty text is no value
    await _thing(world, old, *fitting, *storable)
    admin = world.actor(time_zone=ZONE)
    with pytest.raises(Conflict, match="would be converted"):
        await _change(world, new)
    before = await _values(world)

    seen = await world.data_model.preview(admin, "thing", "x", CLEARED | _field(new))

    assert seen is not None
    assert (seen.values, seen.misfits) == (len(fitting) + len(storable), len(storable))
    assert seen.says
    if storable:
        assert seen.examples
        with pytest.raises(Conflict, match=f"{len(storable)} of {seen.values} values of 'x' do not become"):
            await _change(world, new, convert=True)
        assert await _values(world) == before
        ids = [row["id"] for row in (await world.records.find(world.admin, "thing", sort="name")).records]
        await world.db.execute(f'delete from "{world.schema}".thing where id = any(%s)', [ids[len(fitting) : -1]])
    await _change(world, new, convert=True)
    assert await _values(world) == [*fitting.values(), None]
    assert await world.names("thing", {"x": {"is": "null"}}) == ["empty"]


async def test_values_go_there_and_back(world: World):
    await _thing(world, "text", "1", "2")

    for kind in ("whole", "number", "text", "select"):
        field = _field(kind)
        if kind == "select":
            field["options"] = [{"value": "one", "label": "1"}, {"value": "two", "label": "2"}]
        await world.data_model.change_field(world.admin, "thing", "x", CLEARED | field, convert=True)

    assert await _values(world) == ["one", "two", None]
    await world.definitions.rollback(world.admin, "object", "thing", 1, accept=["convert:x"])
    assert await _values(world) == ["1", "2", None]
    assert (await world.names("thing", {"x": {"contains": "1"}})) == ["0"]


async def test_a_field_is_renamed_while_it_is_converted(world: World):
    await _thing(world, "text", "1", "2")

    await world.data_model.change_field(world.admin, "thing", "x", {"name": "count", "type": "number"}, convert=True)

    assert await world.names("thing", {"count": {"gt": 1}}) == ["1"]


async def test_deleted_records_count_too(world: World):
    await world.publish(object_type("thing", _field("text")))
    (gone, _) = await world.insert("thing", {"name": "a", "x": "no number"}, {"name": "b", "x": "1"})
    await world.delete("thing", gone)

    with pytest.raises(Conflict, match="1 of 2 values of 'x' do not become number: 'no number'"):
        await _change(world, "whole", convert=True)


async def test_who_may_not_change_all_values_converts_none(world: World):
    await _thing(world, "text", "secret")
    for actions in ({Action.READ}, {Action.UPDATE}, ()):
        other = world.actor({"thing": actions}, flags=FLAGS)
        with pytest.raises(MissingPermission):
            await world.data_model.preview(other, "thing", "x", {"type": "number"})
    with pytest.raises(MissingPermission):
        await world.data_model.change_field(
            world.actor({"thing": {Action.READ}}, flags=FLAGS), "thing", "x", {"type": "number"}, convert=True
        )


async def test_a_way_that_is_not_declared_is_told_with_those_that_are(world: World):
    await _thing(world, "date", "2026-03-01")

    for call in (
        world.data_model.preview(world.admin, "thing", "x", {"type": "boolean"}),
        world.data_model.change_field(world.admin, "thing", "x", {"type": "boolean"}, convert=True),
    ):
        with pytest.raises(Conflict, match="holds date and cannot become boolean") as caught:
            await call
        assert caught.value.cure == "It can become date_time, text."
    assert await world.data_model.preview(world.admin, "thing", "x", {"label": "Day"}) is None


# --- no value makes a converter fail ---------------------------------------------------------------------------------


async def _apply(db: Database, how: Conversion, texts: list[str]) -> list[tuple[bool, Any]]:
    """Give for each text whether it fits, and what it becomes if it does."""
    filled = next(iter(how.fills.values()))
    params = {name: value for name, value in how.params.items() if f"%({name})s" in how.fits + filled}
    rows = await db.rows(
        f"select {how.fits} as fits, case when {how.fits} then {filled} end as filled"
        ' from unnest(%(texts)s::text[]) as t("x")',
        {"texts": texts, **params},
    )
    return [(row["fits"], row["filled"]) for row in rows]


def _number(text: str) -> float | None:
    found = re.fullmatch(r"[+-]?[0-9]+(\.[0-9]+)?", text)
    return float(text) if found and sum(sign.isdigit() for sign in text) <= 15 else None


def _day(text: str) -> date | None:
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        return None
    with suppress(ValueError):
        return date.fromisoformat(text)
    return None


DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"

near = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12),
    st.from_regex(r"[+-]?[0-9]{1,17}(\.[0-9]{0,3})?", fullmatch=True),
    st.from_regex(
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})?)?", fullmatch=True
    ),
    st.sampled_from(["yes", "NO", "won", "Customer", "a@b", "http://x", "infinity", "epoch", "now", "-0", "٣", "１"]),
    st.dates().map(str),
    st.datetimes().map(lambda at: at.isoformat(timespec="seconds") + "Z"),
)


def _strip(text: str) -> str:
    return text.strip(" ")


@settings(max_examples=cases(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(near, min_size=1, max_size=30))
async def test_no_text_makes_a_converter_fail(db: Database, texts: list[str]):
    """Each text fits exactly if Python reads it so, and becomes what Python reads."""
    for kind in ("whole", "number", "boolean", "date", "date_time", "select", "emails", "links"):
        done = await _apply(db, conversion(FIELDS["text"], FIELDS[kind], ZONE), texts)
        for text, (fits, filled) in zip(texts, done, strict=True):
            plain = _strip(text)
            match kind:
                case "number":
                    assert filled == (_number(plain) if plain.isascii() else None), text
                case "whole":
                    wanted = _number(plain) if plain.isascii() and "." not in plain else None
                    assert filled == wanted, text
                case "date":
                    assert filled == (_day(plain) if plain.isascii() else None), text
                case "date_time":
                    assert not fits or (isinstance(filled, datetime) and _day(plain[:10])), text
                case _:
                    assert fits is (filled is not None)


numbers = st.integers(-(2**63), 2**63 - 1) | st.integers(-(10**6), 10**6)


@settings(max_examples=cases(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(numbers, min_size=1, max_size=30), floats=st.lists(st.floats(-1e300, 1e300), max_size=30))
async def test_no_number_makes_a_converter_fail(db: Database, values: list[int], floats: list[float]):
    whole, number = FIELDS["whole"], FIELDS["number"]
    there, back = conversion(whole, number, ZONE), conversion(number, whole, ZONE)

    for value, row in zip(values, await _numbers(db, there, "bigint", values), strict=True):
        assert row == (float(value) if abs(value) <= 2**53 else None)
    for value, row in zip(floats, await _numbers(db, back, "double precision", floats), strict=True):
        assert row == (int(value) if value.is_integer() and abs(value) <= 2**53 else None)


async def _numbers(db: Database, how: Conversion, kind: str, values: list[Any]) -> list[Any]:
    sql = f'select case when {how.fits} then {how.fills["x"]} end as filled from unnest(%s::{kind}[]) as t("x")'
    return [row["filled"] for row in await db.rows(sql, [values])]


def _pairs() -> Iterator[tuple[FieldType, FieldType]]:
    return ((kind, to) for kind in FieldType for to in targets(kind))


def test_each_declared_way_is_in_the_table():
    tried = {(FIELDS[old].type, FIELDS[new].type) for old, new, _, _ in TABLE}

    assert {pair for pair in _pairs() if FieldType.UUID not in pair} <= tried
