"""What a question should answer, worked out row by row in Python: the other side of the differential test.

It shares no code with `metier.filters` and `metier.records`; it takes the where tree as a client writes it.
Rows are `{"id": UUID, "deleted": bool, "created_at": datetime, field: JSON value as inserted}`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cmp_to_key
from typing import Any
from uuid import UUID

from metier.records import Field, FieldType, ObjectType

Row = Mapping[str, Any]

EMPTY: Row = {"id": None}
PARTS = {
    FieldType.CURRENCY: ("amount_micros", "currency_code"),
    FieldType.EMAILS: ("primary_email",),
    FieldType.LINKS: ("primary_link_url", "primary_link_label"),
    FieldType.FULL_NAME: ("first_name", "last_name"),
}


@dataclass(frozen=True)
class Data:
    """Object types and all rows ever inserted, by object."""

    types: Mapping[str, ObjectType]
    rows: Mapping[str, Sequence[Row]]
    now: datetime

    def visible(self, name: str) -> list[Row]:
        return [row for row in self.rows[name] if not row["deleted"]]

    def target(self, field: Field, row: Row) -> Row:
        """Follow a relation; to an empty row where it points to nothing that can be seen."""
        found = [r for r in self.visible(field.target or "") if str(r["id"]) == row.get(field.name)]
        return found[0] if found else EMPTY


def answer(data: Data, name: str, where: Mapping[str, Any], sort: Sequence[str]) -> list[Row]:
    """Give all matching rows in order."""
    kind = data.types[name]
    found = [row for row in data.visible(name) if matches(data, kind, row, where)]
    return sorted(found, key=cmp_to_key(lambda a, b: compare(data, kind, a, b, sort)))


# --- filter ----------------------------------------------------------------------------------------------------------


def matches(data: Data, kind: ObjectType, row: Row, where: Mapping[str, Any]) -> bool:
    return all(clause(data, kind, row, key, value) for key, value in where.items())


def clause(data: Data, kind: ObjectType, row: Row, key: str, value: Any) -> bool:
    if key == "and":
        return all(matches(data, kind, row, part) for part in value)
    if key == "or":
        return any(matches(data, kind, row, part) for part in value)
    if key == "not":
        return not matches(data, kind, row, value)
    head, dot, rest = key.partition(".")
    if dot:
        return clause(data, kind, row, head, {rest: value})
    field = kind.by_name.get(head) or kind.by_name[head.removesuffix("_id")]
    if not isinstance(value, Mapping):
        value = {"eq": value}
    return all(part(data, field, row, op, operand) for op, operand in value.items())


def part(data: Data, field: Field, row: Row, op: str, operand: Any) -> bool:
    if field.type is FieldType.RELATION:
        target = data.target(field, row)
        if op not in ("eq", "neq", "in", "not_in", "is"):
            return clause(data, data.types[field.target or ""], target, op, operand)
        there = target["id"]
        return holds(op, there and str(there), operand, str)
    if op in PARTS.get(field.type, ()):
        if not isinstance(operand, Mapping):
            operand = {"eq": operand}
        inner = (row.get(field.name) or {}).get(op)
        return all(holds(o, inner, v, lambda x: x) for o, v in operand.items())
    if field.type is FieldType.DATE_TIME:
        return instants(op, row.get(field.name), operand, data.now)
    return holds(op, whole(field, row), operand, READ.get(field.type, lambda x: x))


def whole(field: Field, row: Row) -> Any:
    """Give what a field compares by as a whole."""
    value = row.get(field.name)
    if value is None:
        return None
    if field.type is FieldType.CURRENCY:
        return Decimal(value["amount_micros"]) / 1_000_000
    if field.type is FieldType.FULL_NAME:
        return " ".join(p for p in (value.get("first_name"), value.get("last_name")) if p) or None
    if field.type in PARTS:
        return value[PARTS[field.type][0]]
    if field.type is FieldType.DATE:
        return date.fromisoformat(value)
    return str(value) if field.type is FieldType.UUID else value


READ: Mapping[FieldType, Callable[[Any], Any]] = {
    FieldType.CURRENCY: lambda x: Decimal(str(x)),
    FieldType.DATE: lambda x: x if isinstance(x, date) else date.fromisoformat(x),
    FieldType.UUID: str,
}


def holds(op: str, value: Any, operand: Any, read: Callable[[Any], Any]) -> bool:
    """Decide one comparison; a missing value equals nothing and is unequal to everything."""
    if op == "is":
        return (
            (value is None) if operand == "null" else (value is not None) if operand == "not_null" else value is operand
        )
    if op in ("neq", "not_in"):
        return not holds({"neq": "eq", "not_in": "in"}[op], value, operand, read)
    if value is None:
        return op == "eq" and operand is None
    if op == "in":
        return any(value == read(one) for one in operand)
    if op == "between":
        return read(operand[0]) <= value <= read(operand[1])
    if op == "within":
        first, last = days(operand)
        return first <= value <= last
    return operand is not None and COMPARE[op](value, read(operand))


def like(value: str, pattern: str) -> bool:
    pieces = re.findall(r"\\.|.", pattern, re.DOTALL)
    shapes = {"%": ".*", "_": "."}
    regex = "".join(shapes.get(p) or re.escape(p[1] if len(p) == 2 else p) for p in pieces)
    return re.fullmatch(regex, value, re.DOTALL) is not None


COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": lambda a, b: a == b,
    "gt": lambda a, b: a > b,
    "gte": lambda a, b: a >= b,
    "lt": lambda a, b: a < b,
    "lte": lambda a, b: a <= b,
    "like": like,
    "ilike": lambda a, b: like(a.lower(), b.lower()),
    "contains": lambda a, b: b.lower() in a.lower(),
    "starts_with": lambda a, b: a.lower().startswith(b.lower()),
    "ends_with": lambda a, b: a.lower().endswith(b.lower()),
}


# --- time: Saturday, 21 November 2026, 09:00 UTC ----------------------------------------------------------------------

TODAY = date(2026, 11, 21)
DAYS = {  # word → first and last day
    "today": (date(2026, 11, 21), date(2026, 11, 21)),
    "yesterday": (date(2026, 11, 20), date(2026, 11, 20)),
    "tomorrow": (date(2026, 11, 22), date(2026, 11, 22)),
    "this_week": (date(2026, 11, 16), date(2026, 11, 22)),
    "this_month": (date(2026, 11, 1), date(2026, 11, 30)),
    "previous_month": (date(2026, 10, 1), date(2026, 10, 31)),
    "this_quarter": (date(2026, 10, 1), date(2026, 12, 31)),
    "previous_year": (date(2025, 1, 1), date(2025, 12, 31)),
}
ROLLING = {  # word → days from today; the future begins after now
    "last_7_days": -7,
    "last_2_weeks": -14,
    "next_10_days": 10,
    "next_week": 7,
}


def days(word: str) -> tuple[date, date]:
    if word in DAYS:
        return DAYS[word]
    count = ROLLING[word]
    if count < 0:
        return TODAY + timedelta(days=count), TODAY
    return TODAY + timedelta(days=1), TODAY + timedelta(days=count)


def instants(op: str, raw: Any, operand: Any, now: datetime) -> bool:
    """Decide a comparison of instants, days of 24 hours in UTC."""
    if op == "neq":
        return not instants("eq", raw, operand, now)
    if op == "not_in":
        return not instants("in", raw, operand, now)
    value = None if raw is None else raw if isinstance(raw, datetime) else datetime.fromisoformat(raw)
    if op == "is":
        return (value is None) == (operand == "null")
    if value is None:
        return False
    if op == "in":
        return any(instants("eq", value, one, now) for one in operand)
    if op == "between":
        return instants("gte", value, operand[0], now) and instants("lte", value, operand[1], now)
    if op == "within":
        return within(value, operand, now)
    if len(operand) == 10:
        start = datetime.combine(date.fromisoformat(operand), datetime.min.time(), UTC)
        end = start + timedelta(days=1)
        sides = {"eq": start <= value < end, "gt": value >= end, "gte": value >= start}
        return (sides | {"lt": value < start, "lte": value < end})[op]
    return COMPARE[op](value, datetime.fromisoformat(operand))


def within(value: datetime, word: str, now: datetime) -> bool:
    if word in DAYS:
        first, last = DAYS[word]
        return first <= value.astimezone(UTC).date() <= last
    edge = now + timedelta(days=ROLLING[word])
    return edge <= value <= now if edge < now else now < value <= edge


# --- order -----------------------------------------------------------------------------------------------------------


def compare(data: Data, kind: ObjectType, a: Row, b: Row, sort: Sequence[str]) -> int:
    steps = [(word.lstrip("-"), word.startswith("-")) for word in sort or ["-created_at"]]
    for path, descending in [*steps, ("id", steps[-1][1])]:
        x, y = key(data, kind, a, path), key(data, kind, b, path)
        if x == y:
            continue
        if x is None or y is None:
            return 1 if x is None else -1
        return (1 if x > y else -1) * (-1 if descending else 1)
    return 0


def key(data: Data, kind: ObjectType, row: Row, path: str) -> Any:
    head, _, rest = path.partition(".")
    if head in ("id", "created_at"):
        return row.get(head)
    field = kind.by_name.get(head) or kind.by_name[head.removesuffix("_id")]
    if field.type is FieldType.RELATION:
        target = data.target(field, row)
        if head != field.name:
            return target["id"]
        there = data.types[field.target or ""]
        return key(data, there, target, rest or there.title)
    if rest:
        value = (row.get(head) or {}).get(rest)
    elif field.type is FieldType.DATE_TIME:
        value = row.get(head) and datetime.fromisoformat(row[head])
    else:
        value = whole(field, row)
    if field.type is FieldType.SELECT:
        return None if value is None else [o.value for o in field.options].index(value)
    if field.type is FieldType.UUID:
        return value and UUID(value)
    return value.lower() if isinstance(value, str) else value
