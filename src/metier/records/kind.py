"""Object types as definitions: what is right in a workspace, and the table and live row that a version makes."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID

import psycopg

from metier.definitions import Body, Edit, Future, Kind, Renames
from metier.errors import Conflict, Invalid, Problem
from metier.records import changes, ddl
from metier.records.catalog import CHANNEL
from metier.records.convert import conversion, convert
from metier.records.define import DefinedField
from metier.records.form import own_body, read_object
from metier.records.matching import Matching, match
from metier.records.policy import MEMBER
from metier.records.shape import Field, FieldType, ObjectType
from metier.store import Json, Transaction

OBJECT = "object"
ACCEPT_CONVERSION = "convert:"  # followed by a field's new name


class ObjectKind(Kind):
    """Object types. Publishing one makes its table, or adds to it what is new, and raises the schema epoch."""

    name = OBJECT
    label = "object type"
    flag = "DATA_MODEL"
    purge_flag = "DATA_MODEL_PURGE"
    refers_to = frozenset({OBJECT})
    folder = "objects"
    parts = "fields"
    code_types = (ObjectType, DefinedField)

    def of_code(self, thing: object) -> Body | None:
        """Give the body of an object type that an app's code has defined."""
        return own_body(thing) if isinstance(thing, ObjectType) else None

    def part_of_code(self, thing: object) -> tuple[str, Body] | None:
        """Give the field that an app's code adds to an object."""
        if isinstance(thing, DefinedField) and thing.object is not None:
            return thing.object, dict(thing.body)
        return None

    def form(self, raw: Body) -> Body:
        """Give an object type in canonical form: with what goes without saying, without the system fields."""
        return own_body(read_object(raw))

    async def validate(self, tx: Transaction, edit: Edit, future: Future) -> None:
        """Check names, titles and relation targets against the other object types.

        Raises:
            Invalid: Names each place.
            Conflict: Something points to what would be purged, or a relation would point to other records.
        """
        bodies = [*(await future.live(OBJECT)).values(), *(await future.archived(OBJECT)).values()]
        others = [thing for thing in map(ObjectType.from_json, bodies) if thing.name != edit.name]
        if edit.purged:
            _check_unreferred(edit.name, others)
        elif edit.after is not None:
            ddl.check_type(ObjectType.from_json(edit.after), [*others, MEMBER])
            _check_targets(edit, future)

    async def on_publish(self, tx: Transaction, edit: Edit) -> None:
        """Make or change the table, then the live row.

        Raises:
            Conflict: Values would have to be converted, and the author has not agreed or they do not convert; a hidden
                field of another type is in the way; the table is busy.
        """
        assert edit.after is not None
        after = ObjectType.from_json(edit.after)
        async with no_database_words():
            schema = await schema_of(tx, edit.workspace_id)
            if edit.before is not None:
                await _change_table(tx, schema, edit, ObjectType.from_json(edit.before), after)
            await ddl.apply(tx, schema, after)
        await _save(tx, edit, after)
        await raise_epoch(tx, edit.workspace_id)

    async def on_archive(self, tx: Transaction, edit: Edit) -> None:
        """Remove the live row; the table stays."""
        await tx.execute(_REMOVE, {"workspace": edit.workspace_id, "name": edit.name})
        await raise_epoch(tx, edit.workspace_id)

    async def on_purge(self, tx: Transaction, edit: Edit) -> None:
        """Remove the table with all records."""
        async with no_database_words():
            await ddl.drop_table(tx, await schema_of(tx, edit.workspace_id), edit.name)
        await changes.forget_object(tx, edit.workspace_id, edit.name)
        await raise_epoch(tx, edit.workspace_id)

    def parts_renamed(self, edit: Edit) -> Mapping[str, str]:
        """Give the new names of fields, by the old."""
        before, after = ObjectType.from_json(edit.before or {}), ObjectType.from_json(edit.after or {})
        return {old.name: new.name for old, new in match(edit.id, before, after).renamed}

    def renamed(self, body: Body, renames: Renames) -> Body:
        """Let relations point to objects by their new names."""
        names = renames.names
        fields = [
            field | {"target": names.get(field["target"], field["target"])} if "target" in field else field
            for field in body["fields"]
        ]
        return body | {"fields": fields}


async def schema_of(tx: Transaction, workspace_id: UUID) -> str:
    """Give the schema in which the workspace's records lie."""
    return await tx.value("select schema_name from core.workspace where id = %s", [workspace_id])


async def raise_epoch(tx: Transaction, workspace_id: UUID) -> None:
    """Make every compiled query of the workspace an old one, on every process."""
    await tx.execute("update core.workspace set schema_epoch = schema_epoch + 1 where id = %s", [workspace_id])
    await tx.notify(CHANNEL)


@asynccontextmanager
async def no_database_words() -> AsyncGenerator[None]:
    """Say in our own words why a table could not be changed."""
    try:
        yield
    except psycopg.errors.LockNotAvailable:
        raise Conflict("The table is busy.", cure="Try again in a moment.") from None
    except psycopg.errors.ProgramLimitExceeded:
        raise Conflict("Some titles are too long to be sorted by.", cure="Shorten them, then publish again.") from None
    except psycopg.errors.UniqueViolation:
        raise Conflict(
            "A field cannot be unique, for some records have the same value.", cure="Change these values first."
        ) from None
    except psycopg.errors.DuplicateTable:
        raise Conflict("Two object types cannot exchange their names.", cure="Take a third name in between.") from None
    except psycopg.errors.TooManyColumns:
        raise Conflict(
            "The table has as many columns as it can hold, hidden fields counted.", cure="Purge hidden fields."
        ) from None


async def _change_table(tx: Transaction, schema: str, edit: Edit, before: ObjectType, after: ObjectType) -> None:
    """Let the values follow their fields."""
    matching = match(edit.id, before, after)
    await _check_free(tx, schema, before, matching)
    for old, new in matching.converted:
        _check_accepted(edit, before, old, new)
        how = conversion(old, new, edit.actor.principal.time_zone)
        await convert(tx, schema, before.name, old, new, how)
    kept = [(replace(new, name=old.name, target=old.target), new) for old, new in matching.kept]
    await ddl.rename(tx, schema, before, after, kept)
    fields = {old.name: new.name for old, new in matching.renamed}
    await changes.follow(tx, edit.workspace_id, before.name, after.name, fields)


async def _check_free(tx: Transaction, schema: str, before: ObjectType, matching: Matching) -> None:
    """Refuse a new name that a hidden field has."""
    leaving = {column for old, _ in matching.renamed for column in ddl.cols.columns(old)}
    have = (await ddl.columns_of(tx, schema, before.name)).keys() - leaving
    for _, new in matching.renamed:
        if have & ddl.cols.columns(new).keys():
            raise Conflict(
                f"There is already a field {new.name!r} of {before.name!r}; it may be hidden.",
                cure="Choose another name, or purge the hidden field.",
            )


def _check_accepted(edit: Edit, before: ObjectType, old: Field, new: Field) -> None:
    wanted = f"{ACCEPT_CONVERSION}{new.name}"
    if wanted not in edit.accept:
        what = f"The field {old.name!r} of {before.name!r} holds {_holds(old)}"
        raise Conflict(
            f"{what}, which would be converted to {_holds(new)}.",
            cure=f"Look at what would become of the values, then agree with {wanted!r}.",
        )


def _holds(field: Field) -> str:
    if field.type is not FieldType.NUMBER:
        return field.type.value
    return "numbers with decimals" if field.decimals else "whole numbers"


def _check_unreferred(name: str, others: list[ObjectType]) -> None:
    """Refuse to purge what relations point to."""
    pointing = [f"{thing.name}.{field.name}" for thing in others for field in thing.fields if field.target == name]
    if pointing:
        raise Conflict(
            f"The records of {name!r} are pointed to by {', '.join(pointing)}.",
            cure="Remove these fields first, or purge their objects.",
        )


def _check_targets(edit: Edit, future: Future) -> None:
    """Refuse to let a relation point to records of another object, for its ids would mean nothing there."""
    if edit.before is None or edit.after is None:
        return
    before, after = ObjectType.from_json(edit.before), ObjectType.from_json(edit.after)
    renamed = future.renamed(OBJECT)
    for old, new in match(edit.id, before, after).kept:
        target = renamed.get(old.target or "", old.target)
        if old.type is new.type is FieldType.RELATION and target != new.target:
            place = next(i for i, field in enumerate(after.fields) if field.name == new.name)
            problem = f"{new.name!r} points to {target!r}; its values would mean nothing as {new.target!r}"
            raise Invalid.of([Problem(f"fields.{place}.target", problem)], what=f"The object type {after.name!r}")


async def _save(tx: Transaction, edit: Edit, after: ObjectType) -> None:
    values: Mapping[str, Any] = {
        "workspace": edit.workspace_id,
        "id": edit.id,
        "name": after.name,
        "before": edit.name_before if edit.before is not None else None,
        "plural": after.plural,
        "body": Json(after.to_json()),
    }
    if not await tx.execute(_UPDATE, values):
        await tx.execute(_INSERT, values)


_UPDATE = """
update core.object_type o
set name = %(name)s, plural = %(plural)s, body = %(body)s, updated_at = d.updated_at
from core.definition d
where d.workspace_id = %(workspace)s and d.id = %(id)s and o.workspace_id = %(workspace)s and o.name = %(before)s
"""

# It comes after those that were made before it: a new one last, one that comes back where it was.
_INSERT = """
insert into core.object_type (workspace_id, name, plural, body, position, created_at, updated_at)
select d.workspace_id, %(name)s, %(plural)s, %(body)s, coalesce(max(older.position) + 1, 0),
    d.created_at, d.updated_at
from core.definition d
left join (
    select o.position, e.created_at, e.id, e.workspace_id
    from core.object_type o
    join core.definition e on e.workspace_id = o.workspace_id and e.kind = 'object' and e.name = o.name
) older on older.workspace_id = d.workspace_id and (older.created_at, older.id) < (d.created_at, d.id)
where d.workspace_id = %(workspace)s and d.id = %(id)s
group by d.workspace_id, d.created_at, d.updated_at
"""

_REMOVE = "delete from core.object_type where workspace_id = %(workspace)s and name = %(name)s"
