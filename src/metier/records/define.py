"""Object types and fields as an app's code defines them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from metier.errors import Invalid, Problem
from metier.records.form import read_object
from metier.records.shape import ObjectType


@dataclass(frozen=True)
class DefinedField:
    """A field; one with an `object` is added to that object, which is another's."""

    name: str
    body: Mapping[str, Any]  # Any: JSON, read with the object
    object: str | None = None


def define_field(
    *,
    name: str,
    type: str,
    object: str | None = None,
    label: str | None = None,
    description: str | None = None,
    options: Sequence[str | Mapping[str, Any]] = (),
    target: str | None = None,
    decimals: int | None = None,
    unit: str | None = None,
    unique: bool | None = None,
) -> DefinedField:
    """Define a field of an object type, or one to add to an object of others.

    Args:
        object: The object that gets it; left out for a field of `define_object`.

    Source: the keys are those of docs/reference/definitions.md, section "Fields".
    """
    said: dict[str, Any] = {
        "name": name,
        "type": type,
        "label": label,
        "description": description,
        "options": list(options) or None,
        "target": target,
        "decimals": decimals,
        "unit": unit,
        "unique": unique,
    }
    return DefinedField(name, {key: value for key, value in said.items() if value is not None}, object)


def define_object(
    *,
    name: str,
    fields: Sequence[DefinedField | Mapping[str, Any]],
    plural: str | None = None,
    label: str | None = None,
    label_plural: str | None = None,
    title: str | None = None,
    icon: str | None = None,
    description: str | None = None,
    aliases: Sequence[str] = (),
    universal_identifier: str | None = None,
) -> ObjectType:
    """Define an object type; what is left out is made of the names.

    Raises:
        Invalid: Names every place that is wrong.
    """
    for i, field in enumerate(fields):
        if isinstance(field, DefinedField) and field.object not in (None, name):
            problem = f"{field.name!r} is a field of {field.object!r}; leave its object out"
            raise Invalid.of([Problem(f"fields.{i}.object", problem)], what=f"The object type {name!r}")
    said: dict[str, Any] = {
        "name": name,
        "plural": plural,
        "label": label,
        "label_plural": label_plural,
        "title": title,
        "icon": icon,
        "description": description,
        "aliases": list(aliases) or None,
        "fields": [dict(field.body if isinstance(field, DefinedField) else field) for field in fields],
        "universal_identifier": universal_identifier,
    }
    return read_object({key: value for key, value in said.items() if value is not None})
