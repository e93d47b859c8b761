"""What a role says of objects and fields, under their new names: else a renamed field would be hidden no more."""

from collections.abc import Mapping
from typing import Any

from metier.definitions import Renames
from metier.filters import snake
from metier.filters.operands import is_list, is_object
from metier.records.policy import MEMBER
from metier.records.shape import FieldType, ObjectType

Body = dict[str, Any]  # Any: JSON


def follow(body: Mapping[str, Any], renames: Renames) -> Body:
    """Give a role's body with the new names of objects and fields; equal to the old one if it names none of them.

    Args:
        body: As `metier.actor.Role.body` gives it.
        renames: Of object types.
    """
    reader = _Reader(renames)
    fields = body.get("fields", {})
    followed = {
        "objects": {reader.object(name): actions for name, actions in body.get("objects", {}).items()},
        "inherits": {reader.object(name): actions for name, actions in body.get("inherits", {}).items()},
        "fields": {
            reader.object(name): {reader.field(name, field): actions for field, actions in rules.items()}
            for name, rules in fields.items()
        },
        "rows": {
            reader.object(name): [rule | {"where": reader.where(rule["where"], name)} for rule in rules]
            for name, rules in body.get("rows", {}).items()
        },
    }
    return {**body, **{key: value for key, value in followed.items() if key in body}}


class _Reader:
    """Gives new names; the object types as they were say which names are relations, and to where."""

    def __init__(self, renames: Renames) -> None:
        self._renames = renames
        self._types = {name: ObjectType.from_json(body) for name, body in renames.before.items()}
        self._types[MEMBER.name] = MEMBER

    def object(self, name: str) -> str:
        return self._renames.names.get(name, name)

    def field(self, object_name: str, name: str) -> str:
        return self._renames.parts.get(object_name, {}).get(name, name)

    def where(self, raw: Any, object_name: str) -> Any:
        """Give a filter on an object with its fields' new names."""
        if is_list(raw):
            return [self.where(part, object_name) for part in raw]
        if not is_object(raw):
            return raw
        found: Body = {}
        for key, value in raw.items():
            if key in ("and", "or", "not"):
                found[key] = self.where(value, object_name)
            else:
                name, inside = self._path(str(key), object_name)
                found[name] = self.where(value, inside) if inside and is_object(value) else value
        return found

    def _path(self, dotted: str, object_name: str) -> tuple[str, str | None]:
        """Give the new name of a field, or of a path along relations, and the object it leads into."""
        head, dot, rest = dotted.partition(".")
        kind = self._types.get(object_name)
        for spelled in (head, snake(head)):
            for suffix in ("", "_id"):
                known = kind.by_name.get(spelled.removesuffix(suffix)) if kind else None
                if known is None or not spelled.endswith(suffix):
                    continue
                new = self.field(object_name, known.name)
                name = head if new == known.name else f"{new}{suffix}"
                inside = known.target if known.type is FieldType.RELATION else None
                if not rest:
                    return name, inside
                path, within = self._path(rest, inside) if inside else (rest, None)
                return f"{name}{dot}{path}", within
        return dotted, None
