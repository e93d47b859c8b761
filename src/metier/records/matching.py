"""Which field of a new version is which of the old: by identifier, by name, or by what it was called first.

A field without a `universal_identifier` has one that follows from its object and its name. So a field that was renamed
(it then carries that one) is found again by the version in which it still had its first name.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from uuid import UUID, uuid5

from metier.records.shape import Field, FieldType, ObjectType


@dataclass(frozen=True)
class Matching:
    """What becomes of the fields of an object type.

    Attributes:
        kept: Pairs of old and new field, in the order of the new.
    """

    kept: tuple[tuple[Field, Field], ...]
    added: tuple[Field, ...]
    removed: tuple[Field, ...]

    @property
    def renamed(self) -> tuple[tuple[Field, Field], ...]:
        """The pairs that have another name."""
        return tuple((old, new) for old, new in self.kept if old.name != new.name)

    @property
    def converted(self) -> tuple[tuple[Field, Field], ...]:
        """The pairs that hold other values: another type, or a number that is whole on one side only."""
        return tuple((old, new) for old, new in self.kept if holds(old) != holds(new))


def holds(field: Field) -> tuple[object, ...]:
    """Say what the values of a field are; equal for fields whose values need no converting."""
    return field.type, field.type is FieldType.NUMBER and not field.decimals


def identity(object_id: UUID, field: Field) -> str:
    """Give what a field is known by through all its names."""
    return field.universal_identifier or str(uuid5(object_id, field.name))


def match(object_id: UUID, before: ObjectType, after: ObjectType) -> Matching:
    """Find the fields of one version in the next."""
    old, new = _own(before), _own(after)
    pairs: dict[str, str] = {}  # new name → old name
    for rule in (_by_identifier(old, new), _by_name(old, new), _by_first_name(object_id, old, new)):
        for name, found in rule.items():
            if name not in pairs and found not in pairs.values():
                pairs[name] = found
    return Matching(
        kept=tuple((old[found], new[name]) for name in new if (found := pairs.get(name))),
        added=tuple(field for name, field in new.items() if name not in pairs),
        removed=tuple(field for name, field in old.items() if name not in pairs.values()),
    )


def rename(object_id: UUID, object_type: ObjectType, old: str, new: str) -> ObjectType:
    """Give the object type with a field renamed, so that `match` finds it."""
    fields = tuple(
        replace(field, name=new, universal_identifier=identity(object_id, field)) if field.name == old else field
        for field in object_type.fields
    )
    title = new if object_type.title == old else object_type.title
    return replace(object_type, fields=fields, title=title)


def _own(object_type: ObjectType) -> dict[str, Field]:
    return {field.name: field for field in object_type.fields if not field.system}


def _by_identifier(old: Mapping[str, Field], new: Mapping[str, Field]) -> dict[str, str]:
    known = {key: name for name, field in old.items() if (key := field.universal_identifier)}
    return {name: known[key] for name, field in new.items() if (key := field.universal_identifier) and key in known}


def _by_name(old: Mapping[str, Field], new: Mapping[str, Field]) -> dict[str, str]:
    """Match fields of one name, unless both say that they are another."""
    return {
        name: name
        for name, field in new.items()
        if name in old
        and (
            None in (field.universal_identifier, old[name].universal_identifier)
            or field.universal_identifier == old[name].universal_identifier
        )
    }


def _by_first_name(object_id: UUID, old: Mapping[str, Field], new: Mapping[str, Field]) -> dict[str, str]:
    known = {identity(object_id, field): name for name, field in old.items()}
    return {name: known[key] for name, field in new.items() if (key := identity(object_id, field)) in known}
