"""The names an actor may use in filters and sorts: the fields of the objects it sees, and their parts."""

from collections.abc import Callable, Sequence
from functools import cached_property

from metier.filters import Choice, Comparable, Entry, Kind
from metier.records.columns import PARTS
from metier.records.shape import Field, FieldType, ObjectType

#: Fields whose own value is no single column's, and how they compare as a whole.
_WHOLE = {FieldType.CURRENCY: Kind.NUMBER, FieldType.EMAILS: Kind.TEXT, FieldType.LINKS: Kind.TEXT}


class ObjectNames:
    """The names of one object. `look_up` gives those of the objects its relations point to."""

    def __init__(self, object_type: ObjectType, look_up: "Callable[[str], ObjectNames]") -> None:
        self.object_type = object_type
        self._look_up = look_up

    @property
    def name(self) -> str:
        return self.object_type.name

    def get(self, name: str) -> Entry | None:
        return self._entries.get(name)

    def known(self) -> Sequence[str]:
        return [field.name for field in self.object_type.fields]

    @cached_property
    def _entries(self) -> dict[str, Entry]:
        entries = {field.name: self._entry(field) for field in self.object_type.fields}
        for field in self.object_type.fields:
            if field.type is FieldType.RELATION:
                entries.setdefault(f"{field.name}_id", Entry(field.name, comparable(field)))
        return entries

    def _entry(self, field: Field) -> Entry:
        thing = comparable(field)
        if field.type is FieldType.RELATION and field.target:
            return Entry(field.name, thing, self._look_up(field.target), relation=True)
        if field.name == "id":
            thing = Comparable(Kind.UUID, label=field.label, target=self.object_type.name)
        return Entry(field.name, thing, PartNames(field) if field.type in PARTS else None)


class PartNames:
    """The names of a composite field's parts."""

    def __init__(self, field: Field) -> None:
        self._field = field
        self._parts = {part.name: part for part in PARTS[field.type] if part.kind}

    @property
    def name(self) -> str:
        return self._field.name

    def get(self, name: str) -> Entry | None:
        part = self._parts.get(name)
        if part is None or part.kind is None:
            return None
        label = f"{self._field.label} {part.name.replace('_', ' ')}"
        return Entry(name, Comparable(part.kind, name, label=label, whole=part.kind is Kind.NUMBER))

    def known(self) -> Sequence[str]:
        return list(self._parts)


def comparable(field: Field) -> Comparable:
    """Say how the field compares as a whole."""
    if field.type is FieldType.RELATION:
        return Comparable(Kind.UUID, "id", label=field.label, target=field.target)
    if field.type is FieldType.FULL_NAME:
        return Comparable(Kind.TEXT, label=field.label)
    if kind := _WHOLE.get(field.type):
        money = kind is Kind.NUMBER
        return Comparable(kind, label=field.label, whole=money, micros=money)
    return Comparable(
        Kind(field.type.value),
        label=field.label,
        whole=field.type is FieldType.NUMBER and not field.decimals,
        choices=tuple(Choice(option.value, option.label, option.aliases) for option in field.options),
        unit=field.unit,
    )
