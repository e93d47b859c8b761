"""Specs of invented objects, restated, plan back to themselves; so do the chips' labels put together."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metier.builtin.providers.offline.outcome import Answer
from metier.builtin.providers.offline.plan import chips
from metier.builtin.providers.offline.restate import restate
from metier.builtin.providers.offline.spec import (
    RANGE,
    AnyOf,
    Condition,
    Hit,
    Node,
    Not,
    Order,
    Path,
    Spec,
    arguments,
    paths,
)
from metier.filters import Here, read_where
from metier.records.catalog import View
from metier.records.shape import Field, FieldType, ObjectType
from tests.builtin.planner.workshop import BOAT, OBJECTS, SAILOR, TRIP, ZONE, clockwork, teller, understanding
from tests.scale import cases

WORDS = ["harbour", "lantern", "otter", "quill", "Zephyr", "Marble", "Nutmeg", "Saffron", "Tundra", "Violet"]
RECORDS = {
    "boat": [Hit("boat", "b1", "Windfall"), Hit("boat", "b2", "Otter of the North")],
    "sailor": [Hit("sailor", "s1", "Mira Okafor"), Hit("sailor", "s2", "Jon de Vries")],
    "member": [Hit("member", "m2", "Lee Chan"), Hit("member", "m3", "Ruth Ng")],
}
KNOWN = {hit.label.casefold(): (hit,) for hits in RECORDS.values() for hit in hits}
WITHIN = [
    *("today", "yesterday", "tomorrow", "this_week", "this_month", "this_quarter", "this_year"),
    *("last_week", "last_month", "next_week", "next_year", "last_7_days", "last_24_hours", "next_3_months"),
    *("previous_week", "previous_quarter"),
]
UNDERSTANDING = understanding()
BY_NAME = {kind.name: kind for kind in OBJECTS}
CLOCK = clockwork()
VIEW = View(UUID(int=1), "w_1", BY_NAME)
HERE = Here(now=CLOCK.now, me=UUID(int=2))

texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join)
days = st.dates(date(1990, 1, 1), date(2040, 12, 31))


def moment(day: date, minutes: int) -> str:
    return (datetime.combine(day, datetime.min.time(), ZoneInfo(ZONE)) + timedelta(minutes=minutes)).isoformat()


def instants(step: int = 1) -> st.SearchStrategy[str]:
    return st.builds(moment, days, st.integers(1, 1438).map(lambda m: m // step * step))


midnights = st.builds(moment, days, st.just(0))


def several(values: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(values, min_size=2, max_size=3, unique=True)


def equalities(path: Path, values: st.SearchStrategy[Any]) -> st.SearchStrategy[Condition]:
    return st.one_of(
        st.builds(Condition, st.just(path), st.sampled_from(["eq", "neq"]), values),
        st.builds(Condition, st.just(path), st.sampled_from(["in", "not_in"]), several(values)),
    )


def emptiness(path: Path) -> st.SearchStrategy[Condition]:
    return st.builds(Condition, st.just(path), st.just("is"), st.sampled_from(["null", "not_null"]))


def on_text(path: Path, field: Field) -> st.SearchStrategy[Condition]:
    found = st.sampled_from(["like", "ilike", "contains", "starts_with", "ends_with"])
    return equalities(path, texts) | st.builds(Condition, st.just(path), found, texts)


def on_number(path: Path, field: Field) -> st.SearchStrategy[Condition]:
    numbers: st.SearchStrategy[Any] = st.integers(0, 3_000_000)
    if field.decimals or field.type is FieldType.CURRENCY:
        numbers = numbers | st.integers(1, 99_999).map(lambda cents: round(cents / 100 + 0.01, 2)).filter(
            lambda value: value != int(value)
        )
    compared = st.builds(Condition, st.just(path), st.sampled_from(["gt", "gte", "lt", "lte"]), numbers)
    between = st.builds(Condition, st.just(path), st.just("between"), st.lists(numbers, min_size=2, max_size=2))
    return equalities(path, numbers) | compared | between


def on_date(path: Path, field: Field) -> st.SearchStrategy[Condition]:
    iso = days.map(date.isoformat)
    compared = st.builds(Condition, st.just(path), st.sampled_from(["gt", "gte", "lt", "lte"]), iso)
    pairs = st.lists(days, min_size=2, max_size=2, unique=True).map(lambda two: [d.isoformat() for d in sorted(two)])
    between = st.builds(Condition, st.just(path), st.just("between"), pairs)
    words = st.builds(
        Condition, st.just(path), st.just("within"), st.sampled_from([w for w in WITHIN if "hour" not in w])
    )
    return equalities(path, iso) | compared | between | words


def on_moment(path: Path, field: Field) -> st.SearchStrategy[Condition]:
    compared = st.builds(Condition, st.just(path), st.sampled_from(["gt", "gte", "lt", "lte"]), instants())
    whole = st.builds(Condition, st.just(path), st.sampled_from(["gte", "lt"]), midnights)
    between = st.builds(Condition, st.just(path), st.just("between"), st.lists(instants(), min_size=2, max_size=2))
    words = st.builds(Condition, st.just(path), st.just("within"), st.sampled_from(WITHIN))
    pairs = st.tuples(days, st.integers(1, 400)).map(
        lambda two: [moment(two[0], 0), moment(two[0] + timedelta(days=two[1]), 0)]
    )
    spans = st.builds(Condition, st.just(path), st.just(RANGE), pairs)
    return equalities(path, instants()) | compared | whole | between | words | spans


def on_select(path: Path, field: Field) -> st.SearchStrategy[Condition]:
    values = st.sampled_from([option.value for option in field.options])
    wide = equalities(path, values)
    return wide.filter(lambda c: not isinstance(c.value, list) or len(c.value) < len(field.options))


def on_boolean(path: Path, field: Field) -> st.SearchStrategy[Condition]:
    return st.builds(Condition, st.just(path), st.just("eq"), st.booleans())


def on_relation(path: Path, field: Field) -> st.SearchStrategy[Condition]:
    hits = RECORDS[field.target or ""]

    def one(op: str, hit: Hit) -> Condition:
        return Condition(path, op, hit.id, (hit.label,))

    def both(op: str) -> Condition:
        return Condition(path, op, [hit.id for hit in hits], tuple(hit.label for hit in hits))

    single = st.builds(one, st.sampled_from(["eq", "neq"]), st.sampled_from(hits))
    found = single | st.builds(both, st.sampled_from(["in", "not_in"]))
    return found | st.just(Condition(path, "eq", "me")) if field.target == "member" else found


def on_uuid(path: Path, field: Field) -> st.SearchStrategy[Condition]:
    return equalities(path, st.integers(1, 2**100).map(lambda n: str(UUID(int=n))))


ON: dict[FieldType, Callable[[Path, Field], st.SearchStrategy[Condition]]] = {
    FieldType.TEXT: on_text,
    FieldType.FULL_NAME: on_text,
    FieldType.EMAILS: on_text,
    FieldType.LINKS: on_text,
    FieldType.NUMBER: on_number,
    FieldType.CURRENCY: on_number,
    FieldType.DATE: on_date,
    FieldType.DATE_TIME: on_moment,
    FieldType.SELECT: on_select,
    FieldType.BOOLEAN: on_boolean,
    FieldType.RELATION: on_relation,
    FieldType.UUID: on_uuid,
}


def conditions(kind: ObjectType, prefix: Path = ()) -> st.SearchStrategy[Condition]:
    """Conditions on any field of an object, and of the objects it points to."""
    found: list[st.SearchStrategy[Condition]] = []
    for field in kind.fields:
        path = (*prefix, field.name)
        found.append(ON[field.type](path, field))
        if field.name not in ("id", "created_at", "updated_at"):
            found.append(emptiness(path))
        if field.type is FieldType.RELATION and not prefix and field.target != "member":
            found.append(conditions(BY_NAME[field.target or ""], path))
    return st.one_of(found)


def opposite_needed(condition: Condition) -> bool:
    return condition.op not in ("eq", "neq", "in", "not_in", "is")


def nodes(kind: ObjectType) -> st.SearchStrategy[Node]:
    plain = conditions(kind)
    return st.one_of(
        plain,
        plain,
        plain.filter(opposite_needed).map(Not),
        st.lists(plain.filter(opposite_needed), min_size=2, max_size=2).map(lambda parts: AnyOf(tuple(parts))),
    )


def distinct(found: list[Node]) -> bool:
    """Each field once: two conditions on one field may be read as a list of values."""
    named = [path for node in found for path in paths(node)]
    return len(named) == len(set(named)) and sum(isinstance(node, AnyOf) for node in found) <= 1


def filters(kind: ObjectType) -> st.SearchStrategy[tuple[Node, ...]]:
    several_nodes = st.lists(nodes(kind), max_size=3).filter(distinct)
    return several_nodes.map(lambda found: tuple(sorted(found, key=lambda node: isinstance(node, AnyOf))))


def orders(kind: ObjectType) -> st.SearchStrategy[tuple[Order, ...]]:
    sortable = [f for f in kind.fields if f.type not in (FieldType.UUID, FieldType.EMAILS, FieldType.LINKS)]

    def order(field: Field, descending: bool) -> Order:
        path = (field.name, BY_NAME[field.target].title) if field.target else (field.name,)
        return Order(path, descending)

    one = st.builds(order, st.sampled_from(sortable), st.booleans())
    return st.lists(one, max_size=2, unique_by=lambda o: o.path).map(tuple)


def selects(kind: ObjectType) -> st.SearchStrategy[tuple[Path, ...]]:
    names = [f.name for f in kind.fields if not f.system]
    return st.lists(st.sampled_from(names), max_size=3, unique=True).map(lambda ns: tuple((n,) for n in ns))


def specs_of(kind: ObjectType) -> st.SearchStrategy[Spec]:
    counts = st.builds(lambda where: Spec(kind.name, where, count=True), filters(kind))
    limits = st.none() | st.integers(1, 100)
    lists = st.builds(Spec, st.just(kind.name), filters(kind), orders(kind), limits, selects(kind))
    return lists | lists | counts


SPECS = st.one_of([specs_of(kind) for kind in (BOAT, SAILOR, TRIP)])


@pytest.mark.proof
@settings(max_examples=cases(600), deadline=None, suppress_health_check=list(HealthCheck))
@given(SPECS)
def test_a_restatement_plans_back_to_its_spec(spec: Spec) -> None:
    said = restate(spec, teller(spec.object, UNDERSTANDING, CLOCK))

    outcome = UNDERSTANDING.outcome(said, CLOCK, known=KNOWN)

    assert isinstance(outcome, Answer), f"{said!r}: {outcome}"
    assert outcome.spec == spec, said
    assert not outcome.unread


@pytest.mark.proof
@settings(max_examples=cases(300), deadline=None, suppress_health_check=list(HealthCheck))
@given(SPECS)
def test_the_labels_of_the_chips_put_together_plan_back_to_the_same(spec: Spec) -> None:
    said = "; ".join(chip["label"] for chip in chips(spec, teller(spec.object, UNDERSTANDING, CLOCK)))

    outcome = UNDERSTANDING.outcome(said, CLOCK, known=KNOWN)

    assert isinstance(outcome, Answer), f"{said!r}: {outcome}"
    assert outcome.spec == spec, said


@pytest.mark.parametrize("record", [hit for hits in RECORDS.values() for hit in hits], ids=lambda hit: hit.label)
def test_a_single_record_is_restated_so_that_it_is_found_again(record: Hit) -> None:
    spec = Spec(record.object, one=record, select=((BY_NAME[record.object].title,),))

    said = restate(spec, teller(record.object, UNDERSTANDING, CLOCK))

    assert UNDERSTANDING.outcome(said, CLOCK, known=KNOWN) == Answer(spec, 1.0, (), True)


@pytest.mark.proof
@settings(max_examples=cases(300), deadline=None, suppress_health_check=list(HealthCheck))
@given(SPECS)
def test_the_filter_of_a_plan_is_one_that_records_reads(spec: Spec) -> None:
    given_arguments = arguments(spec, title=BY_NAME[spec.object].title)
    ids = {hit.id: str(UUID(int=i)) for i, hit in enumerate(hit for hits in RECORDS.values() for hit in hits)}

    read = read_where(with_real_ids(given_arguments.get("where"), ids), VIEW.names(spec.object), HERE)

    assert bool(read.values) <= bool(spec.where)


def with_real_ids(body: Any, ids: dict[str, str]) -> Any:
    """Put UUIDs for the short ids of `RECORDS`."""
    if isinstance(body, dict):
        return {key: with_real_ids(value, ids) for key, value in body.items()}
    if isinstance(body, list):
        return [with_real_ids(value, ids) for value in body]
    return ids.get(body, body) if isinstance(body, str) else body
