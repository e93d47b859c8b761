"""Filters in words.

`{"created_at": {"within": "last_7_days"}}` → "Created in the last 7 days (14 Nov 2026 09:00 – 21 Nov 2026 09:00)"
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from metier.filters import And, Ends, Kind, Node, Not, Op, Test, range_ends
from metier.filters.operands import is_list
from metier.filters.times import fold_word
from metier.formats.writing import Writing, moment_in
from metier.records.catalog import View
from metier.records.shape import Field, ObjectType

MOST_NAMED = 6  # values of a list that are named one by one

Labels = Mapping[UUID, str]

_WORDS = {
    "eq": "is",
    "neq": "is not",
    "gt": "is more than",
    "gte": "is at least",
    "lt": "is less than",
    "lte": "is at most",
    "in": "is",
    "not_in": "is not",
    "like": "is like",
    "ilike": "is like",
    "contains": "contains",
    "starts_with": "starts with",
    "ends_with": "ends with",
    "null": "is empty",
    "not_null": "is not empty",
}
_TIME_WORDS = {
    "eq": "on",
    "neq": "not on",
    "gt": "after",
    "gte": "since",
    "lt": "before",
    "lte": "until",
    "null": "is empty",
    "not_null": "is not empty",
}


def ids_of(node: Node) -> dict[str, set[UUID]]:
    """Give the records a filter names by id, per object, so that they can be looked up."""
    found: dict[str, set[UUID]] = {}
    for test in _tests(node):
        operand = test.said.operand
        values: Sequence[Any] = operand if is_list(operand) else [operand]
        if test.thing.target:
            found.setdefault(test.thing.target, set()).update(v for v in values if isinstance(v, UUID))
    return found


def describe(node: Node, view: View, object_type: ObjectType, labels: Labels, writing: Writing) -> str:
    """Say what a filter asks for; empty if it asks for everything.

    Args:
        labels: What people call the records that the filter names by id.
        writing: How values are written for the person.
    """
    return _Words(view, object_type, labels, writing).say(node)


def _tests(node: Node) -> list[Test]:
    if isinstance(node, Test):
        return [node]
    parts = (node.part,) if isinstance(node, Not) else node.parts
    return [test for part in parts for test in _tests(part)]


class _Words:
    def __init__(self, view: View, object_type: ObjectType, labels: Labels, writing: Writing) -> None:
        self._view, self._object_type, self._labels, self._writing = view, object_type, labels, writing

    def say(self, node: Node, *, inner: bool = False) -> str:
        if isinstance(node, Test):
            return self._test(node)
        if isinstance(node, Not):
            return f"not ({self.say(node.part) or 'everything'})"
        said = [words for words in (self.say(part, inner=True) for part in node.parts) if words]
        joined = (" and " if isinstance(node, And) else " or ").join(said)
        return f"({joined})" if inner and len(said) > 1 else joined

    def _test(self, test: Test) -> str:
        name, said = self._name(test), test.said
        times = test.thing.kind in (Kind.DATE, Kind.DATE_TIME)
        if said.op == "within":
            return f"{name} {self._within(test)}"
        if said.op == "between":
            low, high = (self._value(test, value) for value in said.operand)
            return f"{name} from {low} to {high}" if times else f"{name} is from {low} to {high}"
        words = (_TIME_WORDS if times else _WORDS).get(said.op, "")
        if said.op in ("null", "not_null"):
            return f"{name} {words}"
        if said.op in ("in", "not_in"):
            return f"{name} {'is' if said.op == 'in' else 'is not'} {self._any(test, said.operand)}"
        if isinstance(said.operand, datetime) and said.op in ("eq", "neq"):
            words = words.replace("on", "at")
        return f"{name} {words} {self._value(test, said.operand)}"

    def _name(self, test: Test) -> str:
        """Name a field with the way to it: `Company’s City`."""
        labels: list[str] = []
        at: ObjectType | None = self._object_type
        field: Field | None = None
        for step in test.path:
            field = at.by_name[step] if at else None
            labels.append(field.label if field else step)
            at = self._view.objects.get(field.target or "") if field else None
        if test.thing.part not in ("", "id") and test.thing.label:
            labels[-1] = test.thing.label
        return "’s ".join(labels)

    def _any(self, test: Test, values: Sequence[Any]) -> str:
        if not values:
            return "one of nothing"
        named = [self._value(test, value) for value in values[:MOST_NAMED]]
        more = len(values) - len(named)
        last = f"{more} more" if more else named.pop()
        return f"{', '.join(named)} or {last}" if named else last

    def _value(self, test: Test, value: Any) -> str:
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, date):
            return self._time(value)
        if isinstance(value, UUID):
            return self._labels.get(value, str(value))
        if isinstance(value, int | float):
            unit = f" {test.thing.unit}" if test.thing.unit else ""
            return f"{self._writing.exact(value)}{unit}"
        for choice in test.thing.choices:
            if choice.value == value:
                return choice.label
        return f"“{value}”"

    def _time(self, value: date) -> str:
        if not isinstance(value, datetime):
            return self._writing.day(value)
        here = moment_in(self._writing.zone, value)
        return f"{self._writing.day(here.date())} {self._writing.clock(here)}"

    def _within(self, test: Test) -> str:
        """Say a time word and the range it stands for; of a half-open range of days, the last day."""
        word = fold_word(test.said.operand)
        first, last = test.said.ends or (date.min, date.min)
        whole = range_ends(word, "date" if test.thing.kind is Kind.DATE else "date_time") is Ends.START
        if whole and "hour" not in word:
            first = first.date() if isinstance(first, datetime) else first
            last = (last.date() if isinstance(last, datetime) else last) - timedelta(days=1)
        elif test.op is Op.LAST_END and not isinstance(first, datetime):
            first += timedelta(days=1)
        span = self._time(first) if first == last else f"{self._time(first)} – {self._time(last)}"
        spoken = word.replace("_", " ")
        return f"{'in the ' if spoken.startswith(('last', 'next', 'previous')) else ''}{spoken} ({span})"
