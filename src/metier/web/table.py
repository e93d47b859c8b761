"""Tables of records: which columns they have, and what their rows need to be drawn and edited."""

from collections.abc import Mapping, Sequence
from typing import Any

from metier.actor import Action, Actor
from metier.formats.writing import Writing
from metier.records.shape import Field, ObjectType
from metier.web import entry
from metier.web.editing import editable


def columns(kind: ObjectType) -> list[Field]:
    """Give the columns: what names a record first, its id not at all."""
    title = kind.by_name[kind.title]
    return [title, *(f for f in kind.fields if f.name not in (kind.title, "id"))]


def rows(
    kind: ObjectType,
    records: Sequence[Mapping[str, Any]],
    *,
    actor: Actor,
    writing: Writing,
    objects: Mapping[str, ObjectType],
    start: int = 0,
    deleted: bool = False,
) -> dict[str, Any]:
    """Give what `records/_rows.html` and `records/_editors.html` draw.

    Args:
        writing: How values are written for the person.
        objects: What the actor may see, by name.
        start: Number of the first row.
        deleted: These are deleted: they can be restored, and nothing else.
    """
    return {
        "kind": kind,
        "columns": columns(kind),
        "rows": records,
        "start": start,
        "deleted": deleted,
        "objects": objects,
        "editable": frozenset[str]() if deleted else editable(kind, actor),
        "removable": actor.may(Action.DELETE, kind.name),
        "fill": entry.filler(writing),
    }
