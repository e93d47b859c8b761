"""Filter trees: from what people, models and clients write to conditions that name columns and hold checked values.

`{"and": [{"amount": {"gt": 100}}, {"company.name": "Acme"}]}` → And(Test, Test) and [100000000, "Acme"]

The tree holds no values, only the place of each in the list: two filters of one shape are equal and share one
compiled query. Operators that mean the same with other operands are lowered to one (see `Op`).
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol

from metier.errors import BadFilter, UnknownField
from metier.filters import operands
from metier.filters.operands import MICROS, OPERATORS, Comparable, Here, Kind, Value
from metier.filters.times import UNITS, Ends, TimeKind, day_start, range_ends, time_range

DEEPEST = 10  # groups, relations and composite fields inside each other
MOST_CONDITIONS = 200
MOST_HOPS = 3  # relations in one path


class Op(StrEnum):
    """What the database is asked. Each is true or false for every row: nothing compares as unknown.

    A missing value is unequal to every value, so it matches NEQ and NOT_IN, and no other but NULL.
    """

    EQ = "eq"
    NEQ = "neq"
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"
    IN = "in"
    NOT_IN = "not_in"
    LIKE = "like"
    ILIKE = "ilike"
    CONTAINS = "contains"
    STARTS_WITH = "starts_with"
    ENDS_WITH = "ends_with"
    NULL = "null"
    NOT_NULL = "not_null"
    BOTH_ENDS = "[]"  # two values: at least the first, at most the second
    FIRST_END = "[)"
    LAST_END = "(]"


@dataclass(frozen=True)
class Said:
    """A condition as it was written, for people: the operator and its checked operand, in the unit it was given."""

    op: str
    operand: Any = None  # Value, a list of them, or for `within` the word
    ends: tuple[date, date] | None = None  # of a time word


@dataclass(frozen=True)
class Test:
    """One comparison.

    Attributes:
        path: Relations to follow, then the field, e.g. `("company", "name")`.
        slot: Place of its (first) value in the list.
    """

    path: tuple[str, ...]
    thing: Comparable
    op: Op
    slot: int
    said: Said = field(compare=False, default=Said(""))


@dataclass(frozen=True)
class And:
    """All of the parts; of none, everything."""

    parts: "tuple[Node, ...]"


@dataclass(frozen=True)
class Or:
    """One of the parts at least; of none, nothing."""

    parts: "tuple[Node, ...]"


@dataclass(frozen=True)
class Not:
    """Exactly what the part does not match, missing values included."""

    part: "Node"


Node = Test | And | Or | Not


@dataclass(frozen=True)
class Where:
    """A filter that was read: its shape and its values."""

    tree: Node
    values: tuple[Any, ...]  # Value or list of Value, as stored


@dataclass(frozen=True)
class Entry:
    """What a name stands for.

    Attributes:
        name: The field's own name, however it was spelled.
        thing: How it compares itself; None if only its parts do.
        inside: The names within: parts of a composite field, fields of a related object.
        relation: Whether `inside` belongs to another object.
    """

    name: str
    thing: Comparable | None
    inside: "Names | None" = None
    relation: bool = False


class Names(Protocol):
    """The names that may be used in one place: an object's fields or a composite field's parts, for one actor."""

    @property
    def name(self) -> str:
        """The object's or field's name, for errors."""
        ...

    def get(self, name: str) -> Entry | None:
        """Give what this exact name stands for; None if there is no such name, or none for this actor."""
        ...

    def known(self) -> Sequence[str]:
        """Give all names, for suggestions."""
        ...


@dataclass(frozen=True)
class Spot:
    """A name that was found, and the way to it."""

    entry: Entry
    path: tuple[str, ...]


@dataclass(frozen=True)
class Scope:
    """The names at one place of the tree and the way there."""

    names: Names
    path: tuple[str, ...] = ()
    composite: bool = False

    def find(self, dotted: str, path: str) -> Spot:
        """Find a name, `company.name` too.

        Raises:
            UnknownField: No such name here for this actor.
            BadFilter: The path follows too many relations.
        """
        head, _, rest = dotted.partition(".")
        entry = self.names.get(head) or self.names.get(snake(head))
        if entry is None:
            raise UnknownField(head, self.names.name, self.names.known(), path=path)
        spot = Spot(entry, self.path if self.composite else (*self.path, entry.name))
        return self.within(spot, path).find(rest, path) if rest else spot

    def within(self, spot: Spot, path: str) -> "Scope":
        """Step into a relation or a composite field."""
        if spot.entry.inside is None:
            raise BadFilter(path, f"{spot.entry.name!r} has no fields of its own.")
        if spot.entry.relation and len(spot.path) > MOST_HOPS:
            raise BadFilter(path, f"a path may follow at most {MOST_HOPS} relations.")
        return Scope(spot.entry.inside, spot.path, composite=not spot.entry.relation)


def snake(name: str) -> str:
    """Give `closeDate` as `close_date`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def read_where(where: Any, names: Names, here: Here, *, path: str = "where") -> Where:
    """Read a filter tree.

    Args:
        where: Any JSON value; `{}` and None match everything.
        names: What the actor may name.
        here: When and where it is read, and who `"me"` is.
        path: How errors call the whole.

    Raises:
        UnknownField: It names what does not exist for the actor.
        BadFilter: Anything else is wrong: form, operator, operand, depth, size. Names the place and an example.
    """
    reader = _Reader(here)
    tree = reader.group({} if where is None else where, Scope(names), path, depth=0)
    return Where(tree, tuple(reader.values))


class _Reader:
    """Reads one tree and collects its values."""

    def __init__(self, here: Here) -> None:
        self._here = here
        self._conditions = 0
        self._negated = False
        self.values: list[Any] = []  # Value or list of Value

    def group(self, raw: Any, scope: Scope, path: str, *, depth: int) -> Node:
        """Read an object: every key must hold."""
        if not operands.is_object(raw):
            raise operands.expected(path, raw, "an object of conditions", {"name": {"contains": "ac"}})
        if depth > DEEPEST:
            raise BadFilter(path, f"the filter is nested too deep; at most {DEEPEST} levels are allowed.")
        parts = [self._key(_key(key, path), value, scope, path, depth) for key, value in raw.items()]
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _key(self, key: str, raw: Any, scope: Scope, path: str, depth: int) -> Node:
        here = f"{path}.{key}"
        if key == "not":
            self._negated = not self._negated
            part = self.group(raw, scope, here, depth=depth + 1)
            self._negated = not self._negated
            return Not(part)
        if key in ("and", "or"):
            return self._list(key, raw, scope, here, depth)
        return self._spot(scope.find(key, here), raw, scope, here, depth)

    def _list(self, key: str, raw: Any, scope: Scope, path: str, depth: int) -> Node:
        if not operands.is_list(raw):
            raise operands.expected(path, raw, "a list of conditions", [{"name": {"contains": "ac"}}])
        if key == "or" and not raw:
            raise BadFilter(path, "needs at least one condition.", example=[{"name": {"contains": "ac"}}])
        self._limit(len(raw), path)
        parts = tuple(self.group(c, scope, f"{path}.{i}", depth=depth + 1) for i, c in enumerate(raw))
        return And(parts) if key == "and" else Or(parts)

    def _spot(self, spot: Spot, raw: Any, scope: Scope, path: str, depth: int) -> Node:
        """Read what stands at a field: operators, names within, or a plain value."""
        if operands.is_object(raw):
            return self._conditions_of(spot, raw, scope, path, depth)
        op = "in" if operands.is_list(raw) else "eq"
        return self._test(spot, op, raw, path)

    def _conditions_of(self, spot: Spot, raw: Mapping[Any, Any], scope: Scope, path: str, depth: int) -> Node:
        if not raw:
            raise BadFilter(path, "says nothing.", allowed=_operators(spot), example={"is": "not_null"})
        parts: list[Node] = []
        for given, value in raw.items():
            key = _key(given, path)
            if (op := snake(key)) in _operators(spot):
                parts.append(self._test(spot, op, value, f"{path}.{key}"))
            else:
                parts.append(self._inner(spot, key, value, scope, path, depth))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _inner(self, spot: Spot, key: str, raw: Any, scope: Scope, path: str, depth: int) -> Node:
        """Read a key at a field that is none of its operators: a name within, or a mistake."""
        inside = spot.entry.inside
        if inside is None or not (spot.entry.relation or inside.get(key) or inside.get(snake(key))):
            allowed = (*_operators(spot), *(inside.known() if inside else ()))
            thing = spot.entry.thing
            what = f"{thing.kind.value.replace('_', ' ')} fields" if thing and not inside else repr(spot.entry.name)
            raise BadFilter(f"{path}.{key}", f"{key!r} is no operator of {what}.", allowed=allowed, given=key)
        return self.group({key: raw}, scope.within(spot, path), path, depth=depth + 1)

    def _test(self, spot: Spot, op: str, raw: Any, path: str) -> Node:
        thing = spot.entry.thing
        if thing is None:
            parts = spot.entry.inside.known() if spot.entry.inside else ()
            raise BadFilter(path, f"{spot.entry.name!r} is compared by its parts.", allowed=parts)
        if op not in OPERATORS[thing.kind]:  # a plain list where `in` is unknown
            raise operands.expected(path, raw, "one value", operands.example(thing))
        self._conditions += 1
        self._limit(self._conditions, path)
        known = self._mine(op, raw, thing, path)
        if known is None:
            return And(()) if self._negated else Or(())
        return _Lowering(spot.path, thing, self._here, self.values).lower(op, known[0], path)

    def _mine(self, op: str, raw: Any, thing: Comparable, path: str) -> tuple[Any] | None:
        """Put in what belongs to the member who acts. None if that is not there: such a test lets nothing by.

        Of a list, what is not there is left out, unless one asks for what is not in it.
        """
        if self._here.my is None:
            return (raw,)
        if not operands.is_list(raw):
            value = operands.mine(op, raw, thing, self._here, path)
            return None if value is operands.ABSENT else (value,)
        values = [operands.mine(op, one, thing, self._here, f"{path}.{i}") for i, one in enumerate(raw)]
        there = [value for value in values if value is not operands.ABSENT]
        asks_for_others = (op == "not_in") != self._negated
        return None if len(there) < len(values) and asks_for_others else (there,)

    def _limit(self, count: int, path: str) -> None:
        if count > MOST_CONDITIONS:
            raise BadFilter(path, f"the filter has too many conditions; at most {MOST_CONDITIONS} are allowed.")


@dataclass(frozen=True)
class _Lowering:
    """Turns one condition into tests that the database can answer, and stores their values."""

    path: tuple[str, ...]
    thing: Comparable
    here: Here
    values: list[Any]  # Value or list of Value

    def lower(self, op: str, raw: Any, path: str) -> Node:
        if op == "is":
            return self._is(operands.read_is(raw, self.thing, path))
        if raw is None and op in ("eq", "neq"):
            return self._is("null" if op == "eq" else "not_null")
        if op == "within":
            return self._within(raw, path)
        if op == "between":
            return self._between(*operands.read_pair(raw, self.thing, self.here, path), path)
        if op in ("in", "not_in"):
            return self._in(op, operands.read_list(raw, self.thing, self.here, path), path)
        value = operands.read_value(raw, self.thing, self.here, path)
        if op in ("like", "ilike") and _ends_in_escape(str(value)):
            raise BadFilter(path, "the pattern ends in a lone backslash; write two for one.", example="ac%")
        return self._compare(op, value, path)

    def _test(self, op: Op, *values: Any, said: Said) -> Test:
        slot = len(self.values)
        self.values.extend(values)
        return Test(self.path, self.thing, op, slot, said)

    def _is(self, word: str) -> Node:
        if word in ("true", "false"):
            return self._test(Op.EQ, word == "true", said=Said("eq", word == "true"))
        return self._test(Op(word), said=Said(word))

    def _compare(self, op: str, value: Value, path: str) -> Node:
        """Lower a comparison with one value."""
        said = Said(op, value)
        if self.thing.kind is Kind.DATE_TIME and not isinstance(value, datetime) and isinstance(value, date):
            return self._day(op, value, said)
        if self.thing.kind is Kind.NUMBER and isinstance(value, int | float):
            return self._test(Op(op), _stored(value, op, self.thing, path), said=said)
        return self._test(Op(op), value, said=said)

    def _day(self, op: str, day: date, said: Said) -> Node:
        """Compare an instant with a whole day."""
        start, end = _day_ends(day, self.here)
        if op in ("eq", "neq"):
            inside = self._test(Op.FIRST_END, start, end, said=Said("eq", day))
            return inside if op == "eq" else Not(inside)
        edge = {"gt": (Op.GTE, end), "gte": (Op.GTE, start), "lt": (Op.LT, start), "lte": (Op.LT, end)}
        return self._test(edge[op][0], edge[op][1], said=said)

    def _in(self, op: str, values: list[Value], path: str) -> Node:
        kind = self.thing.kind
        if kind is Kind.DATE_TIME and any(not isinstance(value, datetime) for value in values):
            some = Or(tuple(self._compare("eq", value, path) for value in values))
            return some if op == "in" else Not(some)
        said = Said(op, values)
        if kind is Kind.NUMBER:
            stored = [_stored(v, "eq", self.thing, path) for v in values if isinstance(v, int | float)]
            return self._test(Op(op), stored, said=said)
        return self._test(Op(op), values, said=said)

    def _between(self, low: Value, high: Value, path: str) -> Node:
        said = Said("between", [low, high])
        if isinstance(low, int | float) and isinstance(high, int | float):
            ends = (_stored(low, "gte", self.thing, path), _stored(high, "lte", self.thing, path))
            return self._test(Op.BOTH_ENDS, *ends, said=said)
        if self.thing.kind is not Kind.DATE_TIME:
            return self._test(Op.BOTH_ENDS, low, high, said=said)
        first = low if isinstance(low, datetime) or not isinstance(low, date) else _day_ends(low, self.here)[0]
        if isinstance(high, date) and not isinstance(high, datetime):
            return self._test(Op.FIRST_END, first, _day_ends(high, self.here)[1], said=said)
        return self._test(Op.BOTH_ENDS, first, high, said=said)

    def _within(self, raw: Any, path: str) -> Node:
        kind: TimeKind = "date" if self.thing.kind is Kind.DATE else "date_time"
        word = raw if isinstance(raw, str) else ""
        try:
            first, last = time_range(word, kind, self.here.now, week_start=self.here.week_start)
        except ValueError as error:
            hint = str(error) if word else f"expected a time word, not {raw!r}"
            raise BadFilter(path, f"{hint}.", allowed=time_words(kind), example="last_7_days", given=word) from None
        stored = [end.astimezone(UTC) if isinstance(end, datetime) else end for end in (first, last)]
        op = {Ends.BOTH: Op.BOTH_ENDS, Ends.START: Op.FIRST_END, Ends.END: Op.LAST_END}[range_ends(word, kind)]
        return self._test(op, *stored, said=Said("within", word, (first, last)))


def time_words(kind: TimeKind) -> tuple[str, ...]:
    """Give the forms of time words, for suggestions."""
    units = [unit for unit in UNITS if kind == "date_time" or unit != "hour"]
    calendar = [f"{which}_{unit}" for which in ("this", "previous") for unit in units]
    rolling = [f"{which}_7_{unit}s" for which in ("last", "next") for unit in units]
    return ("today", "yesterday", "tomorrow", *calendar, *rolling)


def _operators(spot: Spot) -> tuple[str, ...]:
    return OPERATORS[spot.entry.thing.kind] if spot.entry.thing else ()


def _key(key: Any, path: str) -> str:
    """Give a key as a text that can stand in errors."""
    text = str(key)[:200]
    if not operands.storable_text(text):
        raise BadFilter(path, f"{text!r} is no name.")
    return text


def _stored(value: int | float, op: str, thing: Comparable, path: str) -> int | float:
    """Give a number as it is stored; where whole ones are stored, round so that the comparison keeps its meaning."""
    if not thing.whole:
        return float(value)
    exact = Decimal(repr(value)) * (MICROS if thing.micros else 1)
    if exact == exact.to_integral_value():
        return int(exact)
    if op in ("gt", "lte"):
        return math.floor(exact)
    if op in ("gte", "lt"):
        return math.ceil(exact)
    finest = "millionths" if thing.micros else "whole numbers"
    raise BadFilter(path, f"{thing.label or 'the field'} holds {finest}, so {value!r} is never met.", example=100)


def _day_ends(day: date, here: Here) -> tuple[datetime, datetime]:
    """Give the first instant of a day and that of the next, where the person is, in UTC."""
    return day_start(day, here.now).astimezone(UTC), day_start(day + timedelta(days=1), here.now).astimezone(UTC)


def _ends_in_escape(pattern: str) -> bool:
    return (len(pattern) - len(pattern.rstrip("\\"))) % 2 == 1
