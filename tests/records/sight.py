"""What somebody sees, worked out in Python: roles as data, applied row by row. The other side of the differential test.

It shares no code with `metier.actor`, `metier.filters` and `metier.records`; roles are the JSON that people write.
Conditions of row rules have three outcomes: one that compares with a member who is not there is neither true nor false.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from metier.records import Field, FieldType, ObjectType
from tests.records import brute
from tests.records.brute import PARTS, Data, Row

Roles = Sequence[Mapping[str, Any]]  # JSON as a client writes it; `read`, `where` …


@dataclass(frozen=True)
class Me:
    """The member who acts: `{"id", "name", "email", "time_zone"}`, all None for a key."""

    fields: Mapping[str, Any]


def seen(data: Data, roles: Roles, me: Me) -> Data:
    """Give what is left of everything for somebody with these roles."""
    readable = {name for name in data.types if all("read" in _actions(role, name) for role in roles)}
    types = {name: cut(data.types[name], roles, readable) for name in data.types if name in readable}
    rows = {name: [row for row in data.rows[name] if may(data, roles, me, name, row, "read")] for name in types}
    return replace(data, types=types, rows=rows)


def may(data: Data, roles: Roles, me: Me, name: str, row: Row, action: str) -> bool:
    """Say whether the rules of all roles let the action happen with the row: its own, and those for reading."""
    rules = [rule for role in roles for rule in role.get("rows", {}).get(name, ())]
    wanted = [rule["where"] for rule in rules if {"read", action} & set(rule.get("actions") or {"read", action})]
    return all(truth(data, data.types[name], row, where, me) is True for where in wanted)


def _actions(role: Mapping[str, Any], name: str) -> Sequence[str]:
    return role["objects"].get(name, role["all_objects"])


def cut(kind: ObjectType, roles: Roles, readable: set[str]) -> ObjectType:
    hidden = {field for role in roles for field, left in role.get("fields", {}).get(kind.name, {}).items() if not left}
    fields = tuple(
        f for f in kind.fields if f.name not in hidden and (f.type is not FieldType.RELATION or f.target in readable)
    )
    return replace(kind, fields=fields, title="id" if kind.title in hidden else kind.title)


# --- three outcomes --------------------------------------------------------------------------------------------------


def truth(data: Data, kind: ObjectType, row: Row, where: Mapping[str, Any], me: Me) -> bool | None:
    return _all(_clause(data, kind, row, key, value, me) for key, value in where.items())


def _all(outcomes: Any) -> bool | None:
    found = list(outcomes)
    return False if False in found else None if None in found else True


def _not(outcome: bool | None) -> bool | None:
    return None if outcome is None else not outcome


def _clause(data: Data, kind: ObjectType, row: Row, key: str, value: Any, me: Me) -> bool | None:
    if key == "and":
        return _all(truth(data, kind, row, part, me) for part in value)
    if key == "or":
        return _not(_all(_not(truth(data, kind, row, part, me)) for part in value))
    if key == "not":
        return _not(truth(data, kind, row, value, me))
    head, dot, rest = key.partition(".")
    if dot:
        return _clause(data, kind, row, head, {rest: value}, me)
    field = kind.by_name.get(head) or kind.by_name[head.removesuffix("_id")]
    tests = value if isinstance(value, Mapping) else {"eq": value}
    return _all(_part(data, field, row, op, operand, me) for op, operand in tests.items())


def _part(data: Data, field: Field, row: Row, op: str, operand: Any, me: Me) -> bool | None:
    if field.type is FieldType.RELATION and op not in ("eq", "neq", "in", "not_in", "is"):
        there = data.types[field.target or ""]
        return _clause(data, there, data.target(field, row), op, operand, me)
    if op in PARTS.get(field.type, ()):
        tests = operand if isinstance(operand, Mapping) else {"eq": operand}
        inner = (row.get(field.name) or {}).get(op)
        return _all(_with_me(o, v, me, lambda o, v: brute.holds(o, inner, v, lambda x: x)) for o, v in tests.items())
    if field.type is FieldType.RELATION:
        return _with_me(op, operand, me, lambda o, v: brute.holds(o, row.get(field.name), v, str))
    return _with_me(op, operand, me, lambda o, v: brute.part(data, field, row, o, v))


def _with_me(op: str, operand: Any, me: Me, holds: Any) -> bool | None:
    """Decide a comparison after the member's own values were put in."""
    if isinstance(operand, list) and op in ("in", "not_in"):
        there = [value for value in (_mine(one, me) for one in operand) if value is not MISSING]
        found = holds("in", there)
        outcome = True if found else None if len(there) < len(operand) else False
        return outcome if op == "in" else _not(outcome)
    value = _mine(operand, me)
    return None if value is MISSING else holds(op, value)


def _mine(operand: Any, me: Me) -> Any:
    name = "id" if operand == ME else operand["me"] if isinstance(operand, Mapping) else None
    if name is None:
        return operand
    return MISSING if me.fields[name] is None else me.fields[name]


ME = "me"  # no invented text is this word
MISSING = object()
