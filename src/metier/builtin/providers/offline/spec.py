"""What a question asks for: object, filter, sort, limit, fields. Tool call, restatement and table come from it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

Path = tuple[str, ...]

_EQUALITY = ("eq", "neq", "in", "not_in", "is")
_TEXT = ("like", "ilike", "contains", "starts_with", "ends_with")
_ORDER = ("gt", "gte", "lt", "lte", "between", "within")

#: An operator of the planner's own: a half-open range of moments, `{"gte": start, "lt": end}` in a filter.
RANGE = "range"
DEFAULT_LIMIT = 20  # what the find tools take when no limit is given
MAX_LIMIT = 100


@dataclass(frozen=True)
class Condition:
    """One comparison.

    Attributes:
        path: Field names, e.g. `("amount",)`, `("company", "city")`, `("amount", "currency_code")`.
        op: An operator of the filter language, or RANGE.
        value: JSON; for RANGE `[start, end]`, for `in` and `between` a list.
        shown: What people call the value where the JSON says nothing (a record's label per id).
    """

    path: Path
    op: str
    value: Any
    shown: tuple[str, ...] = ()


@dataclass(frozen=True)
class AnyOf:
    """One of several holds."""

    parts: tuple["Node", ...]


@dataclass(frozen=True)
class Not:
    """Something does not hold."""

    part: Condition


Node = Condition | AnyOf | Not


@dataclass(frozen=True)
class Order:
    """Sorting by one field."""

    path: Path
    descending: bool = False


@dataclass(frozen=True)
class Hit:
    """A record that a look-up by name found."""

    object: str
    id: str
    label: str


@dataclass(frozen=True)
class Spec:
    """A question, understood.

    Attributes:
        where: All of these hold.
        limit: Rows asked for; None leaves it to the tool.
        select: Fields asked for; empty for the usual ones.
        count: Only the number is asked for.
        one: The single record asked about.
    """

    object: str
    where: tuple[Node, ...] = ()
    sort: tuple[Order, ...] = ()
    limit: int | None = None
    select: tuple[Path, ...] = ()
    count: bool = False
    one: Hit | None = None

    def paths(self) -> list[Path]:
        """Give the fields that are filtered, sorted or asked for, each once."""
        found = [*self.select, *(path for node in self.where for path in paths(node)), *(o.path for o in self.sort)]
        return list(dict.fromkeys(found))


def paths(node: Node) -> list[Path]:
    """Give the fields that a part of a filter names."""
    match node:
        case Condition():
            return [node.path]
        case Not():
            return [node.part.path]
        case AnyOf():
            return [path for part in node.parts for path in paths(part)]


_OPPOSITE = {"eq": "neq", "neq": "eq", "in": "not_in", "not_in": "in"}


def negated(node: Node) -> Node | None:
    """Give the opposite of a part of a filter; None for one that has no plain opposite."""
    match node:
        case Not():
            return node.part
        case AnyOf():
            return None
        case Condition(op="is", value="null"):
            return replace(node, value="not_null")
        case Condition(op="is", value="not_null"):
            return replace(node, value="null")
        case Condition(op="eq", value=bool()):
            return replace(node, value=not node.value)
        case Condition():
            return replace(node, op=_OPPOSITE[node.op]) if node.op in _OPPOSITE else Not(node)


def any_of(parts: Iterable[Node]) -> Node:
    """Join parts by OR; equalities of one field become `in`."""
    flat = [p for part in parts for p in (part.parts if isinstance(part, AnyOf) else (part,))]
    first = flat[0]
    if len(flat) == 1:
        return first
    if isinstance(first, Condition) and all(
        isinstance(p, Condition) and p.path == first.path and p.op in ("eq", "in") and not isinstance(p.value, bool)
        for p in flat
    ):
        return one_of(first.path, [pair for p in flat if isinstance(p, Condition) for pair in _values(p)])
    return AnyOf(tuple(flat))


def one_of(path: Path, values: Sequence[tuple[Any, str]]) -> Condition:
    """Make `eq` or `in` of values and what people call them."""
    unique = {repr(value): (value, shown) for value, shown in values}
    pairs = list(unique.values())
    shown = tuple(text for _, text in pairs)
    labels = shown if any(shown) else ()
    if len(pairs) == 1:
        return Condition(path, "eq", pairs[0][0], labels)
    return Condition(path, "in", [value for value, _ in pairs], labels)


def _values(condition: Condition) -> list[tuple[Any, str]]:
    values = condition.value if condition.op == "in" else [condition.value]
    shown = condition.shown or ("",) * len(values)
    return list(zip(values, shown, strict=True))


# The tool's arguments ------------------------------------------------------------------------------


def where_json(nodes: Sequence[Node]) -> dict[str, Any]:
    """Give the filter tree of conditions that all hold: one object if no two clash, else an `and`."""
    bodies = [node_json(node) for node in nodes]
    merged: dict[str, Any] = {}
    for body in bodies:
        together = _merged(merged, body)
        if together is None:
            return {"and": bodies}
        merged = together
    return merged


def node_json(node: Node) -> dict[str, Any]:
    """Give the filter tree of one part."""
    match node:
        case AnyOf():
            return {"or": [node_json(part) for part in node.parts]}
        case Not():
            return {"not": node_json(node.part)}
        case Condition():
            body: Any = {node.op: node.value}
            if node.op == RANGE:
                body = {"gte": node.value[0], "lt": node.value[1]}
            for name in reversed(node.path):
                body = {name: body}
            return body


_LEAVES = frozenset((*_EQUALITY, *_TEXT, *_ORDER, "and", "or", "not"))


def _merged(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, Any] | None:
    if a and b and (_LEAVES & a.keys() or _LEAVES & b.keys()):
        if a.keys() & b.keys() or not (a.keys() <= _LEAVES and b.keys() <= _LEAVES):
            return None
        return {**a, **b} if not {"and", "or", "not"} & (a.keys() | b.keys()) else None
    found = dict(a)
    for key, value in b.items():
        if key in found:
            value = _merged(found[key], value)
            if value is None:
                return None
        found[key] = value
    return found


def arguments(spec: Spec, *, title: str) -> dict[str, Any]:
    """Give the arguments of the find tool.

    Args:
        title: The field that names a record; goes along with the fields asked for.
    """
    found: dict[str, Any] = {}
    where = where_json(spec.where)
    if where:
        found["where"] = where
    if spec.sort:
        found["sort"] = [("-" if order.descending else "") + ".".join(order.path) for order in spec.sort]
    if spec.count:
        found["limit"] = 0
    elif spec.limit is not None:
        found["limit"] = min(spec.limit, MAX_LIMIT)
    if spec.select and not spec.count:
        found["select"] = list(dict.fromkeys([title, *(path[0] for path in spec.select)]))
    return found
