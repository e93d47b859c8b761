"""What an actor may see, put beneath every query: what is hidden does not exist (S-08).

`visible` cuts the object types down to what the actor may read; every name is looked up in the outcome, so a hidden
object or relation is unknown to filters, sorts, selections and search. `scope` is the inner subquery that all SQL on
business data reads from: it offers the visible columns of the visible rows and nothing else.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import sqlalchemy as sa

from metier.actor import Action, Actor
from metier.records.columns import columns
from metier.records.shape import SYSTEM_FIELDS, Field, FieldType, ObjectType

WORKSPACE = "workspace"  # the parameter that keeps shared tables apart

#: The members of the workspace, as an object that nobody writes here. Never the password.
MEMBER = ObjectType(
    name="member",
    plural="members",
    label="Member",
    label_plural="Members",
    title="name",
    fields=(
        Field("name", "Name", FieldType.TEXT),
        Field("email", "E-mail", FieldType.TEXT, aliases=("mail", "address")),
        Field("time_zone", "Time zone", FieldType.TEXT),
        *SYSTEM_FIELDS,
    ),
    icon="people",
    description="People who can sign in to this workspace.",
    aliases=("user", "colleague", "teammate"),
    read_only=True,
)


def visible(objects: Iterable[ObjectType], actor: Actor) -> dict[str, ObjectType]:
    """Give the object types the actor may read, by name, each with the fields it may read."""
    readable = {thing.name: thing for thing in objects if actor.may(Action.READ, thing.name)}
    return {name: replace(thing, fields=visible_fields(thing, readable, actor)) for name, thing in readable.items()}


def visible_fields(object_type: ObjectType, readable: Mapping[str, ObjectType], actor: Actor) -> tuple[Field, ...]:
    """Give the fields that may be read: a relation only where its target may be read too."""
    return tuple(
        field
        for field in object_type.fields
        if (field.type is not FieldType.RELATION or field.target in readable)
        and actor.may_field(Action.READ, object_type.name, field.name)
    )


def settable_fields(object_type: ObjectType, actor: Actor) -> frozenset[str]:
    """Give the names of the fields whose values the actor may set when it creates or changes records.

    Args:
        object_type: Cut down to what the actor may see.
        actor: Allowed to create or update records of the object; checked elsewhere.
    """
    if object_type.read_only:
        return frozenset()
    own = [field.name for field in object_type.fields if not field.system]
    return frozenset(name for name in own if actor.may_field(Action.UPDATE, object_type.name, name))


def label_scope(object_type: ObjectType, schema: str, name: str) -> sa.Subquery:
    """Give the visible rows with what names them: the id and the title."""
    named = tuple(field for field in object_type.fields if field.name in ("id", object_type.title))
    return scope(replace(object_type, fields=named), schema, name)


def scope(object_type: ObjectType, schema: str, name: str, *, deleted: bool = False) -> sa.Subquery:
    """Give the visible columns and rows of an object as a subquery.

    A plain subquery is flattened by the planner; a materialised one, a barrier view or row-level security is not.

    Args:
        object_type: Cut down to what the actor may see.
        schema: The workspace's schema.
        name: The subquery's alias.
        deleted: Give the rows that are deleted instead of those that are there.
    """
    shown = {column: kind for field in object_type.fields for column, kind in columns(field).items()}
    home, place = ("core", "member") if object_type.read_only else (schema, object_type.name)
    kept = {"deleted_at": sa.TIMESTAMP(timezone=True)} | ({"workspace_id": sa.Uuid()} if object_type.read_only else {})
    table = sa.table(place, *(sa.column(c, kind) for c, kind in (shown | kept).items()), schema=home).alias("x")
    return (
        sa.select(*(table.c[column] for column in shown))
        .where(*_rows(object_type, table, deleted=deleted))
        .subquery(name)
    )


def _rows(object_type: ObjectType, table: sa.FromClause, *, deleted: bool) -> list[sa.ColumnElement[bool]]:
    """Give what holds for every visible row: all of these together."""
    gone = table.c.deleted_at
    conditions: list[sa.ColumnElement[bool]] = [gone.is_not(None) if deleted else gone.is_(None)]
    if object_type.read_only:
        conditions.append(table.c.workspace_id == sa.bindparam(WORKSPACE, type_=sa.Uuid()))
    return conditions
