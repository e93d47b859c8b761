"""Row predicates in Twenty's spelling, as filter trees: conditions with an operand, groups of them with AND or OR.

`{"field": "owner", "operand": "IS", "value": {"isCurrentWorkspaceMemberSelected": true}}` → `{"owner": "me"}`

A tree may be nested (`{"logicalOperator": "OR", "predicates": […], "groups": […]}`) or come as two flat lists, whose
members name their group. Names and values are read later, with those of any other filter.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from metier.errors import BadFilter
from metier.filters.operands import is_list, is_object, storable_text
from metier.filters.tree import DEEPEST, MOST_CONDITIONS, snake

Filter = dict[str, Any]  # Any: JSON

_TAILS = ("_id", "_universal_identifier", "_metadata_id")


def is_predicate(raw: Any) -> bool:
    """Say whether a JSON value is a predicate or a group in Twenty's spelling."""
    return is_object(raw) and bool({"operand", "logical_operator"} & {snake(str(key)) for key in raw})


def read_predicate(raw: Any, path: str, *, depth: int = 0) -> Filter:
    """Turn a predicate or a nested group into a filter tree.

    Raises:
        BadFilter: It has not this form, or an operand that is unknown or not there yet.
    """
    if not is_object(raw):
        raise BadFilter(path, "expected an object with field, operand and value.", example=EXAMPLE)
    body = {snake(str(key)): value for key, value in raw.items()}
    return _group(body, path, depth) if "logical_operator" in body else _predicate(body, path)


def read_flat(predicates: Sequence[Any], groups: Sequence[Any], path: str) -> Filter:
    """Turn the two flat lists of one role and object into a filter tree; what is in no group is joined by AND.

    Raises:
        BadFilter: A group is unknown, named twice or inside itself; else as `read_predicate`.
    """
    return _Flat(_bodies(predicates, path), _groups(_bodies(groups, f"{path}.groups"), f"{path}.groups"), path).read()


EXAMPLE = {"field": "stage", "operand": "IS", "value": "won"}


# --- groups ----------------------------------------------------------------------------------------------------------


def _group(body: Mapping[str, Any], path: str, depth: int) -> Filter:
    if depth > DEEPEST:
        raise BadFilter(path, f"the groups are nested too deep; at most {DEEPEST} levels are allowed.")
    parts: list[Filter] = []
    for key in ("predicates", "groups"):
        inner = body.get(key, ())
        if not is_list(inner):
            raise BadFilter(f"{path}.{key}", "expected a list.", example=[EXAMPLE])
        parts += [read_predicate(one, f"{path}.{key}.{i}", depth=depth + 1) for i, one in enumerate(inner)]
    return _joined(_operator(body, path), parts, path)


def _operator(body: Mapping[str, Any], path: str) -> str:
    word = str(body.get("logical_operator", "AND")).lower()
    if word not in ("and", "or"):
        raise BadFilter(f"{path}.logicalOperator", f"{word!r} joins nothing.", allowed=("AND", "OR"), given=word)
    return word


def _joined(operator: str, parts: Sequence[Filter], path: str) -> Filter:
    if operator == "or" and not parts:
        raise BadFilter(path, "needs at least one predicate.", example=[EXAMPLE])
    return parts[0] if len(parts) == 1 else {operator: list(parts)}


class _Flat:
    """Two flat lists, put together by the names of their groups."""

    def __init__(self, predicates: Sequence[Filter], groups: Mapping[str, Filter], path: str) -> None:
        self._predicates, self._groups, self._path = predicates, groups, path
        for i, body in enumerate(predicates):
            self._check_group(body, f"{path}.{i}")
        for body in groups.values():
            self._check_group(body, f"{path}.groups")

    def read(self) -> Filter:
        tops = [name for name, body in self._groups.items() if _home(body) is None]
        found = sum((self._reached(name, ()) for name in tops), 0)
        if found < len(self._groups):
            raise BadFilter(f"{self._path}.groups", "a group lies inside itself.")
        return _joined("and", self._inside(None), self._path)

    def _inside(self, home: str | None) -> list[Filter]:
        """Give what lies right in a group, in the order of the positions."""
        here: list[tuple[float, Filter]] = []
        for i, body in enumerate(self._predicates):
            if _home(body) == home:
                here.append((_position(body), _predicate(body, f"{self._path}.{i}")))
        for name, body in self._groups.items():
            if _home(body) == home:
                path = f"{self._path}.groups.{name}"
                here.append((_position(body), _joined(_operator(body, path), self._inside(name), path)))
        return [part for _, part in sorted(here, key=lambda one: one[0])]

    def _reached(self, name: str, above: tuple[str, ...]) -> int:
        if len(above) > DEEPEST:
            raise BadFilter(f"{self._path}.groups", f"nested too deep; at most {DEEPEST} levels are allowed.")
        inner = [other for other, body in self._groups.items() if _home(body) == name]
        return 1 + sum(self._reached(other, (*above, name)) for other in inner)

    def _check_group(self, body: Filter, path: str) -> None:
        home = _home(body)
        if home is not None and home not in self._groups:
            raise BadFilter(path, f"there is no group {home!r}.", allowed=tuple(self._groups), given=home)


def _bodies(raw: Any, path: str) -> list[Filter]:
    if not is_list(raw) or len(raw) > MOST_CONDITIONS:
        raise BadFilter(path, f"expected a list of at most {MOST_CONDITIONS}.", example=[EXAMPLE])
    for i, one in enumerate(raw):
        if not is_object(one):
            raise BadFilter(f"{path}.{i}", "expected an object.", example=EXAMPLE)
    return [{snake(str(key)): value for key, value in one.items()} for one in raw]


def _groups(bodies: Sequence[Filter], path: str) -> dict[str, Filter]:
    found: dict[str, Filter] = {}
    for i, body in enumerate(bodies):
        name = body.get("id", body.get("universal_identifier"))
        if not isinstance(name, str) or not storable_text(name) or name in found:
            raise BadFilter(f"{path}.{i}.id", "expected an id that no other group has.", example="deals")
        found[name] = body
    return found


def _home(body: Mapping[str, Any]) -> str | None:
    """Give the group that a predicate or group lies in."""
    for stem in ("parent_group", "parent_row_level_permission_predicate_group", "group", _GROUP):
        for key in (stem, *(f"{stem}{tail}" for tail in _TAILS)):
            if isinstance(home := body.get(key), str):
                return home
    return None


_GROUP = "row_level_permission_predicate_group"


def _position(body: Mapping[str, Any]) -> float:
    place = body.get("position", body.get(f"position_in_{_GROUP}", 0))
    return place if isinstance(place, int | float) and not isinstance(place, bool) else 0


# --- predicates ------------------------------------------------------------------------------------------------------


def _predicate(body: Mapping[str, Any], path: str) -> Filter:
    field = _name(body, "field")
    if field is None:
        raise BadFilter(f"{path}.field", "expected the name of a field.", example="owner")
    if part := body.get("sub_field_name"):
        field = f"{field}.{part}"
    operand = str(body.get("operand", "")).strip().upper()
    if operand == "VECTOR_SEARCH":
        raise BadFilter(f"{path}.operand", "there is no full-text search yet, so no record can be chosen by it.")
    make = _OPERANDS.get(operand)
    if make is None:
        raise BadFilter(f"{path}.operand", f"there is no operand {operand!r}.", allowed=OPERANDS, given=operand)
    return make(field, _value(body), path)


def _name(body: Mapping[str, Any], stem: str) -> str | None:
    keys = (stem, f"{stem}_name", *(f"{stem}{tail}" for tail in _TAILS))
    return next((str(body[key]) for key in keys if isinstance(body.get(key), str) and body[key]), None)


def _value(body: Mapping[str, Any]) -> Any:
    """Give the operand: a field of the member who acts, a relation's choice, or the value as it is."""
    if mine := _name(body, "workspace_member_field"):
        part = body.get("workspace_member_sub_field_name")
        return {"me": f"{mine}.{part}" if part else mine}
    value = body.get("value")
    if not is_object(value):
        return value
    chosen = {snake(str(key)): inner for key, inner in value.items()}
    ids = chosen.get("selected_record_ids")
    mine = [*(["me"] if chosen.get("is_current_workspace_member_selected") is True else [])]
    if is_list(ids) or mine:
        return [*mine, *(ids if is_list(ids) else ())]
    return value


def _is(field: str, value: Any, path: str) -> Filter:
    if is_list(value):
        return {field: value[0]} if len(value) == 1 else {field: {"in": list(value)}}
    return {field: {"eq": value}}


def _is_not(field: str, value: Any, path: str) -> Filter:
    if is_list(value) and len(value) != 1:
        return {field: {"not_in": list(value)}}
    return {field: {"neq": value[0] if is_list(value) else value}}


def _any_of(field: str, value: Any, path: str) -> Filter:
    """Match what contains one of the values."""
    if not is_list(value):
        return {field: {"contains": value}}
    if not value:
        raise BadFilter(f"{path}.value", "needs at least one value.", example="Berlin")
    return {"or": [{field: {"contains": one}} for one in value]}


def _relative(field: str, value: Any, path: str) -> Filter:
    """Read `{"direction": "PAST", "amount": 7, "unit": "DAY"}` or `PAST_7_DAY`."""
    if is_object(value):
        given = {str(key).lower(): inner for key, inner in value.items()}
        text = "_".join(str(given[key]) for key in ("direction", "amount", "unit") if given.get(key) is not None)
    else:
        text = str(value)
    found = _RELATIVE.fullmatch(text.strip())
    if found is None:
        raise BadFilter(f"{path}.value", f"{text[:60]!r} is no stretch of time.", example="PAST_7_DAY")
    direction, amount, unit = found[1].lower(), found[2], found[3].lower()
    if direction == "this":
        return {field: {"within": f"this_{unit}"}}
    return {field: {"within": f"{'last' if direction == 'past' else 'next'}_{amount or 1}_{unit}s"}}


_RELATIVE = re.compile(r"(PAST|NEXT|THIS)_(?:(\d{1,6})_)?(HOUR|DAY|WEEK|MONTH|QUARTER|YEAR)S?(?:;.*)?", re.IGNORECASE)

Make = Callable[[str, Any, str], Filter]


def _plain(op: str) -> Make:
    return lambda field, value, path: {field: {op: value}}


def _fixed(op: str, operand: str) -> Make:
    return lambda field, value, path: {field: {op: operand}}


_OPERANDS: Mapping[str, Make] = {
    "IS": _is,
    "IS_NOT": _is_not,
    "IS_NOT_NULL": _fixed("is", "not_null"),
    "LESS_THAN_OR_EQUAL": _plain("lte"),
    "GREATER_THAN_OR_EQUAL": _plain("gte"),
    "IS_BEFORE": _plain("lt"),
    "IS_AFTER": _plain("gt"),
    "CONTAINS": _any_of,
    "DOES_NOT_CONTAIN": lambda field, value, path: {"not": _any_of(field, value, path)},
    "IS_EMPTY": _fixed("is", "null"),
    "IS_NOT_EMPTY": _fixed("is", "not_null"),
    "IS_RELATIVE": _relative,
    "IS_IN_PAST": _fixed("lt", "now"),
    "IS_IN_FUTURE": _fixed("gt", "now"),
    "IS_TODAY": _fixed("within", "today"),
}

OPERANDS = tuple(_OPERANDS)
