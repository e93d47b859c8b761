"""Hypothesis strategies that invent object types, rows full of gaps, and questions about them."""

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from hypothesis import strategies as st

from metier.filters import RESERVED
from metier.records import Field, FieldType, ObjectType
from tests.records.brute import DAYS, PARTS, ROLLING
from tests.records.world import object_type

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)

#: Letters whose lower case every server agrees on, and what has a meaning in patterns, JSON and SQL.
TEXT = st.text(alphabet="aAbB éÉñßЖж%_\\'\".,{}$&<日", max_size=5)
NUMBERS = st.one_of(st.integers(-3, 3), st.sampled_from([0, 10**6, -(10**12), 2**53]))
FLOATS = st.one_of(st.sampled_from([0.0, -0.0, 0.1, 0.2, 1e-9, -1.5, 2.5e17]), st.integers(-3, 3).map(float))
DATES = st.one_of(
    st.integers(-40, 40).map(lambda n: (NOW + timedelta(days=n)).date()),
    st.sampled_from([date(1, 1, 2), date(2024, 2, 29), date(2025, 1, 1), date(9999, 12, 30)]),
)


def _edges() -> list[datetime]:
    """Give the instants at which some time word begins or ends."""
    midnights = [datetime.combine(day, time(), UTC) for span in DAYS.values() for day in span]
    nexts = [midnight + timedelta(days=1) for midnight in midnights]
    return [*midnights, *nexts, NOW, *(NOW + timedelta(days=count) for count in ROLLING.values())]


MOMENTS = st.one_of(
    st.sampled_from(_edges()),
    st.builds(lambda edge, u: edge + timedelta(microseconds=u), st.sampled_from(_edges()), st.sampled_from([-1, 1])),
    st.builds(lambda d, m: NOW + timedelta(days=d, minutes=m), st.integers(-15, 15), st.integers(-99, 99)),
)
OPTIONS = ("b", "a", "c d", "Ü")
MONEY = st.one_of(st.integers(-3, 3).map(lambda n: n * 1_000_000), st.integers(-2_000_001, 2_000_001))
MAILS = st.builds(lambda a, b: f"{a}@{b}", st.sampled_from(["a", "A", "zoe"]), st.sampled_from(["x.io", "é.example"]))
URLS = st.sampled_from(["https://a.example", "https://A.example/x%20y", "http://b.example/_"])
PIECES = st.text(alphabet="abÄ", min_size=1, max_size=2)


@dataclass(frozen=True)
class Question:
    where: dict[str, Any]
    sort: list[str]
    limit: int


@dataclass(frozen=True)
class Story:
    """Two object types (`thing` points to `other` and to itself), their rows, and questions about `thing`.

    Relations are given as the place of the target among its object's rows.
    """

    thing: ObjectType
    other: ObjectType
    rows: Mapping[str, list[dict[str, Any]]]
    questions: list[Question]


# --- types -----------------------------------------------------------------------------------------------------------

NAMES = st.text(alphabet=string.ascii_lowercase + "_", min_size=1, max_size=6).map(lambda s: f"f{s}")
SCALARS = [kind for kind in FieldType if kind is not FieldType.RELATION]


@st.composite
def fields(draw: st.DrawFn, prefix: str, least: int) -> list[dict[str, Any]]:
    kinds = draw(st.lists(st.sampled_from(SCALARS), min_size=least, max_size=5))
    made: list[dict[str, Any]] = []
    for place, kind in enumerate(kinds):
        field: dict[str, Any] = {"name": f"{prefix}{place}_{draw(NAMES)}"[:20].rstrip("_"), "type": kind.value}
        if kind is FieldType.SELECT:
            field["options"] = [{"value": value, "label": value.upper()} for value in OPTIONS]
        if kind is FieldType.NUMBER:
            field["decimals"] = draw(st.sampled_from([0, 2]))
        made.append(field)
    assert not {field["name"] for field in made} & RESERVED
    return made


# --- rows ------------------------------------------------------------------------------------------------------------


def value_of(field: Field) -> st.SearchStrategy[Any]:
    """Invent a JSON value as it is inserted."""
    match field.type:
        case FieldType.TEXT:
            return TEXT.filter(bool)
        case FieldType.NUMBER:
            return FLOATS if field.decimals else NUMBERS
        case FieldType.BOOLEAN:
            return st.booleans()
        case FieldType.DATE:
            return DATES.map(date.isoformat)
        case FieldType.DATE_TIME:
            return MOMENTS.map(datetime.isoformat)
        case FieldType.SELECT:
            return st.sampled_from(OPTIONS)
        case FieldType.CURRENCY:
            return st.fixed_dictionaries({"amount_micros": MONEY, "currency_code": st.sampled_from(["EUR", "USD"])})
        case FieldType.EMAILS:
            return st.fixed_dictionaries({"primary_email": MAILS})
        case FieldType.LINKS:
            label = st.one_of(st.none(), PIECES)
            return st.fixed_dictionaries({"primary_link_url": URLS, "primary_link_label": label})
        case FieldType.FULL_NAME:
            some = st.one_of(st.none(), PIECES)
            names = st.fixed_dictionaries({"first_name": some, "last_name": some})
            return names.filter(lambda name: any(name.values()))
        case _:
            return st.uuids().map(str)


@st.composite
def row_of(draw: st.DrawFn, kind: ObjectType, sizes: Mapping[str, int]) -> dict[str, Any]:
    row: dict[str, Any] = {"deleted": draw(st.integers(0, 9)) == 0, "created_at": draw(MOMENTS)}
    for field in kind.fields:
        if field.system:
            continue
        if field.type is FieldType.RELATION:
            places = sizes[field.target or ""]
            row[field.name] = draw(st.one_of(st.none(), st.integers(0, places - 1))) if places else None
        else:
            row[field.name] = draw(st.one_of(st.none(), value_of(field)))
    return row


# --- questions -------------------------------------------------------------------------------------------------------


def operand_of(field: Field, part: str, seen: Sequence[Any]) -> st.SearchStrategy[Any]:
    """Invent an operand, often one that a row has."""
    if part:
        drawn = value_of(field).map(lambda value: value[part]).filter(lambda value: value is not None)
    elif field.type is FieldType.CURRENCY:
        drawn = st.one_of(MONEY.map(lambda micros: micros / 1_000_000), st.integers(-3, 3))
    elif field.type is FieldType.FULL_NAME:
        drawn = st.builds(lambda a, b: f"{a} {b}", PIECES, PIECES)
    elif field.type in PARTS:
        drawn = value_of(field).map(lambda value: value[PARTS[field.type][0]])
    elif field.type is FieldType.DATE_TIME:
        drawn = st.one_of(MOMENTS.map(datetime.isoformat), MOMENTS.map(lambda moment: moment.date().isoformat()))
    else:
        drawn = value_of(field)
    return st.one_of(st.sampled_from(seen), st.sampled_from(seen), drawn) if seen else drawn


TEXTUAL = ("like", "ilike", "contains", "starts_with", "ends_with")
ORDERED = ("gt", "gte", "lt", "lte", "between")
OPERATORS = {
    FieldType.TEXT: ("eq", "neq", "in", "not_in", "is", *TEXTUAL),
    FieldType.NUMBER: ("eq", "neq", "in", "not_in", "is", *ORDERED),
    FieldType.BOOLEAN: ("eq", "neq", "is"),
    FieldType.DATE: ("eq", "neq", "in", "not_in", "is", "within", *ORDERED),
    FieldType.DATE_TIME: ("eq", "neq", "in", "not_in", "is", "within", *ORDERED),
    FieldType.SELECT: ("eq", "neq", "in", "not_in", "is"),
    FieldType.UUID: ("eq", "neq", "in", "not_in", "is"),
}


@st.composite
def condition(draw: st.DrawFn, field: Field, part: str, seen: Sequence[Any]) -> dict[str, Any]:
    """Invent `{operator: operand}`."""
    kind = field.type
    if part:
        kind = FieldType.NUMBER if part == "amount_micros" else FieldType.TEXT
    elif kind is FieldType.CURRENCY:
        kind = FieldType.NUMBER
    elif kind in PARTS:
        kind = FieldType.TEXT
    op = draw(st.sampled_from(OPERATORS[kind]))
    values = operand_of(field, part, seen)
    if kind is FieldType.NUMBER and op in ORDERED:
        values = st.one_of(values, st.integers(-3, 3).map(lambda n: n + 0.5))
    if op in ("in", "not_in"):
        return {op: draw(st.lists(values, max_size=3))}
    if op == "between":
        return {op: [draw(values), draw(values)]}
    if op == "within":
        return {op: draw(st.sampled_from([*DAYS, *ROLLING]))}
    if op == "is":
        return {op: draw(st.sampled_from(["null", "not_null", *([True, False] if kind is FieldType.BOOLEAN else [])]))}
    if op in TEXTUAL:
        return {op: draw(st.one_of(TEXT, PIECES, st.just("%a%"), st.just("_\\%"))).rstrip("\\")}
    return {op: draw(values)}


@st.composite
def leaf(draw: st.DrawFn, kind: ObjectType, story: Mapping[str, Any], hops: int = 0) -> dict[str, Any]:
    """Invent a condition on one field: whole, by a part, through a relation; nested or dotted."""
    field = draw(st.sampled_from([f for f in kind.fields if f.name not in ("id", "updated_at")]))
    if field.type is FieldType.RELATION:
        return draw(relation_leaf(field, story, hops))
    parts = PARTS.get(field.type, ())
    part = draw(st.sampled_from(["", *parts])) if parts else ""
    known = [row.get(field.name) for row in story["rows"].get(kind.name, ()) if row.get(field.name) is not None]
    if field.name == "created_at":
        known = [moment.isoformat() for moment in known]
    elif part:
        known = [value[part] for value in known if value.get(part) is not None]
    elif field.type in PARTS:
        known = []
    test = draw(condition(field, part, known))
    if part:
        return {f"{field.name}.{part}": test} if draw(st.booleans()) else {field.name: {part: test}}
    if "eq" in test and draw(st.booleans()):
        return {field.name: test["eq"]}
    return {field.name: test}


@st.composite
def relation_leaf(draw: st.DrawFn, field: Field, story: Mapping[str, Any], hops: int) -> dict[str, Any]:
    ids = story["rows"][field.target]
    if hops < 2 and draw(st.booleans()):
        there = draw(tree(story["types"][field.target], story, depth=1, hops=hops + 1))
        if len(there) == 1 and "." not in (name := next(iter(there))) and name not in ("and", "or", "not"):
            return draw(st.sampled_from([{f"{field.name}.{name}": there[name]}, {field.name: there}]))
        return {field.name: there}
    name = draw(st.sampled_from([field.name, f"{field.name}_id"]))
    op = draw(st.sampled_from(["eq", "neq", "in", "not_in", "is"]))
    if op == "is" or not ids:
        return {name: {"is": draw(st.sampled_from(["null", "not_null"]))}}
    target = st.integers(0, len(ids) - 1).map(lambda place: Place(field.target or "", place))
    return {name: {op: draw(st.lists(target, max_size=3) if op.endswith("in") else target)}}


@dataclass(frozen=True)
class Place:
    """A record by its place among its object's rows, until it has an id."""

    object: str
    place: int


@st.composite
def tree(draw: st.DrawFn, kind: ObjectType, story: Mapping[str, Any], depth: int, hops: int = 0) -> dict[str, Any]:
    """Invent a where tree that is not empty."""
    if depth == 0 or draw(st.booleans()):
        return draw(leaf(kind, story, hops))
    inner = tree(kind, story, depth - 1, hops)
    word = draw(st.sampled_from(["and", "or", "not", "keys"]))
    if word == "not":
        return {"not": draw(inner)}
    if word == "keys":
        return draw(inner) | draw(inner)
    return {word: draw(st.lists(inner, min_size=1, max_size=3))}


@st.composite
def sort(draw: st.DrawFn, kind: ObjectType, types: Mapping[str, ObjectType]) -> list[str]:
    names = ["created_at", *(field.name for field in kind.fields if not field.system)]
    for field in kind.fields:
        if field.type is FieldType.RELATION:
            inner = [f.name for f in types[field.target or ""].fields if not f.system and f.type not in PARTS]
            names += [f"{field.name}_id", *(f"{field.name}.{name}" for name in inner)]
        names += [f"{field.name}.{part}" for part in PARTS.get(field.type, ())]
    chosen = draw(st.lists(st.sampled_from(names), max_size=3, unique=True))
    return [("-" if draw(st.booleans()) else "") + name for name in chosen]


@st.composite
def stories(draw: st.DrawFn, questions: int) -> Story:
    relations = [
        {"name": "rel", "type": "relation", "target": "other"},
        {"name": "up", "type": "relation", "target": "thing"},
    ]
    other = object_type("other", *draw(fields("o", 1)))
    thing = object_type("thing", *draw(fields("t", 2)), *relations)
    sizes = {"other": draw(st.integers(0, 5)), "thing": draw(st.sampled_from([0, 1, *range(6, 18)]))}
    types = {"other": other, "thing": thing}
    rows = {name: [draw(row_of(types[name], sizes)) for _ in range(size)] for name, size in sizes.items()}
    story = {"types": types, "rows": rows}
    asked = st.builds(
        Question,
        st.one_of(*[tree(thing, story, depth=depth) for depth in (0, 1, 2, 3)]) | st.just({}),
        sort(thing, types),
        st.sampled_from([1, 2, 3, 5, 50]),
    )
    return Story(thing, other, rows, draw(st.lists(asked, min_size=questions, max_size=questions)))
