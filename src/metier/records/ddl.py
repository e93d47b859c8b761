"""Tables for object types: made and added to when a type is published, in the transaction of its version.

`create table` / `add column` + indexes. A field that is no longer in the type keeps its column, unseen, until it is
purged; renaming an object or a field renames its table or columns; only `convert` changes what a column holds.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.schema import CreateColumn, CreateIndex, CreateTable
from sqlalchemy.types import TypeEngine

from metier.errors import Conflict, Invalid, Problem
from metier.filters import RESERVED
from metier.records import columns as cols
from metier.records.policy import MEMBER
from metier.records.shape import SYSTEM_FIELDS, Field, FieldType, ObjectType
from metier.registry import fold_name
from metier.store import Transaction

LONGEST_NAME = 63  # bytes of a PostgreSQL identifier
MOST_INDEXES = 16  # of one table

_SYSTEM: Mapping[str, TypeEngine[Any]] = {
    "id": sa.Uuid(),
    "created_at": sa.TIMESTAMP(timezone=True),
    "updated_at": sa.TIMESTAMP(timezone=True),
    "deleted_at": sa.TIMESTAMP(timezone=True),
}
_SYSTEM_FIELDS = {field.name: field for field in SYSTEM_FIELDS}
_TAKEN_BY_POSTGRESQL = frozenset({"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"})


def check_type(object_type: ObjectType, others: Iterable[ObjectType]) -> None:
    """Check an object type beyond its form.

    Args:
        object_type: The one to publish.
        others: All object types of the workspace except this one, `member` too.

    Raises:
        Invalid: Names each place: a reserved or colliding name, an unknown relation target, a title that is no text.
    """
    neighbours = {other.name: other for other in others if other.name != object_type.name}
    problems = [*_name_problems(object_type, neighbours.values()), *_field_problems(object_type, neighbours)]
    if problems:
        raise Invalid.of(problems, what=f"The object type {object_type.name!r}")


async def apply(tx: Transaction, schema: str, object_type: ObjectType) -> None:
    """Make the table and indexes of an object type, or add what they lack.

    Raises:
        Conflict: A column of a field's name exists with another type; converting is a separate act.
    """
    have = await columns_of(tx, schema, object_type.name)
    table = table_of(schema, object_type)
    if not have:
        await tx.execute(sql_text(CreateTable(table)))
    else:
        _check_columns(object_type, have)
        for column in table.columns:
            if column.name not in have:
                await tx.execute(
                    f"alter table {quoted(schema, table.name)} add column {sql_text(CreateColumn(column))}"
                )
    await _drop_indexes(tx, schema, table, object_type)
    for index in _all_indexes(table, object_type):
        await tx.execute(sql_text(CreateIndex(index, if_not_exists=True)))


def unique_indexes(table: sa.Table, object_type: ObjectType) -> dict[str, sa.Index]:
    """Give the indexes that keep values unique among the records that are not deleted, by field name."""
    unique = {f.name: cols.unique_form(f, cols.value(f, "", table.c)) for f in object_type.fields if f.unique}
    return {name: _index(table, _IndexPlan(name, (form,)), unique=True) for name, form in unique.items()}


def unique_field(schema: str, object_type: ObjectType, index: str | None) -> Field | None:
    """Give the field whose unique index has this name."""
    named = unique_indexes(table_of(schema, object_type), object_type)
    return next((object_type.by_name[name] for name, one in named.items() if one.name == index), None)


async def rename(
    tx: Transaction, schema: str, before: ObjectType, after: ObjectType, fields: Iterable[tuple[Field, Field]]
) -> None:
    """Give the table, the columns of renamed fields and their indexes their new names.

    Args:
        fields: Pairs of old and new field, of equal columns but for the names.
    """
    renamed = {old.name: new.name for old, new in fields if old.name != new.name}
    if before.name != after.name:
        await tx.execute(f"alter table {quoted(schema, before.name)} rename to {quoted(after.name)}")
    where = quoted(schema, after.name)
    pairs = [
        pair
        for old, new in fields
        if old.name != new.name
        for pair in zip(cols.columns(old), cols.columns(new), strict=True)
    ]
    for i, (name, _) in enumerate(pairs):  # in two rounds: two fields may exchange their names
        await tx.execute(f'alter table {where} rename column "{name}" to "+{i}"')
    for i, (_, name) in enumerate(pairs):
        await tx.execute(f'alter table {where} rename column "+{i}" to "{name}"')
    old_names = _index_names(table_of(schema, before), before)
    for (use, unique), name in _index_names(table_of(schema, after), after).items():
        known = old_names.get((next((old for old, new in renamed.items() if new == use), use), unique), name)
        if known != name:
            await tx.execute(f"alter index if exists {quoted(schema, known)} rename to {quoted(name)}")


async def drop_columns(tx: Transaction, schema: str, table: str, field: Field) -> None:
    """Remove the columns of a field with all values in them."""
    for name in cols.columns(field):
        await tx.execute(f"alter table {quoted(schema, table)} drop column if exists {quoted(name)}")


async def drop_table(tx: Transaction, schema: str, table: str) -> None:
    """Remove a table with all records in it."""
    await tx.execute(f"drop table if exists {quoted(schema, table)}")


async def columns_of(tx: Transaction, schema: str, table: str) -> dict[str, str]:
    """Give the columns that a table has, with their types as PostgreSQL writes them; none if there is no table."""
    rows = await tx.rows(_COLUMNS, {"schema": schema, "table": table})
    return {row["name"]: row["type"] for row in rows}


def fits_columns(field: Field, have: Mapping[str, str]) -> bool:
    """Say whether a table has the columns of a field."""
    return all(have.get(name) == kind.compile(cols.dialect()).lower() for name, kind in cols.columns(field).items())


@dataclass(frozen=True)
class _IndexPlan:
    """An index to be made: its expressions in order, most wanted first."""

    name: str
    expressions: Sequence[cols.Expression]
    partial: bool = True


def indexes(table: sa.Table, object_type: ObjectType) -> list[sa.Index]:
    """Give the indexes of an object: newest first, title, relations, selects, e-mails, numbers, dates."""
    c = table.c
    newest = (c.created_at.desc(), c.id.desc())
    plans = [_IndexPlan("newest", newest), _IndexPlan("updated", (c.updated_at.desc(), c.id.desc()))]
    title = object_type.by_name[object_type.title]
    # Not partial: PostgreSQL uses the statistics of an expression only if its index holds all rows.
    plans.append(_IndexPlan(title.name, (cols.folded(cols.value(title, "", c)), c.id), partial=False))
    ranked = sorted((f for f in object_type.fields if f.type in _INDEXED), key=lambda f: _INDEXED[f.type])
    for field in ranked:
        value = cols.value(field, "", c)
        if field.type in (FieldType.RELATION, FieldType.SELECT):
            plans.append(_IndexPlan(field.name, (value, *newest)))
        elif field.type is FieldType.EMAILS:
            plans.append(_IndexPlan(field.name, (value, c.id)))
        elif not field.system:
            plans.append(_IndexPlan(field.name, (value.desc().nulls_last(), c.id.desc())))
    return [_index(table, plan) for plan in plans[:MOST_INDEXES]]


#: Field types worth an index, most wanted first.
_INDEXED: Mapping[FieldType, int] = {
    FieldType.RELATION: 0,
    FieldType.SELECT: 1,
    FieldType.EMAILS: 2,
    FieldType.CURRENCY: 3,
    FieldType.DATE: 3,
    FieldType.DATE_TIME: 3,
    FieldType.NUMBER: 3,
}


def _index(table: sa.Table, plan: _IndexPlan, *, unique: bool = False) -> sa.Index:
    """Make an index, mostly over the records that are not deleted; its name tells another definition from this one."""
    text = ", ".join(sql_text(expression) for expression in plan.expressions)
    mark = blake2b(f"{table.name}: {'unique ' * unique}{text}".encode(), digest_size=4).hexdigest()
    name = f"{table.name[:24]}_{plan.name[:24]}_{mark}"
    where = table.c.deleted_at.is_(None) if plan.partial else None
    use = (plan.name, unique)
    return sa.Index(name, *plan.expressions, _table=table, unique=unique, postgresql_where=where, info={"use": use})


def _all_indexes(table: sa.Table, object_type: ObjectType) -> list[sa.Index]:
    return [*unique_indexes(table, object_type).values(), *indexes(table, object_type)]


def _index_names(table: sa.Table, object_type: ObjectType) -> dict[tuple[str, bool], str]:
    """Give the names of the indexes by what each is for: a field or an order, and whether it keeps values unique."""
    return {index.info["use"]: str(index.name) for index in _all_indexes(table, object_type)}


async def _drop_indexes(tx: Transaction, schema: str, table: sa.Table, object_type: ObjectType) -> None:
    """Drop the indexes of ours that the type has no use for any more, such as those of hidden fields."""
    wanted = {index.name for index in _all_indexes(table, object_type)}
    for row in await tx.rows(_INDEXES, {"schema": schema, "table": table.name}):
        if row["name"] not in wanted:
            await tx.execute(f"drop index {quoted(schema, row['name'])}")


def table_of(schema: str, object_type: ObjectType) -> sa.Table:
    """Give the table of an object type, with all its columns."""
    own = {name: kind for field in object_type.fields for name, kind in cols.columns(field).items()}
    return sa.Table(
        object_type.name,
        sa.MetaData(schema=schema),
        sa.Column("id", sa.Uuid(), primary_key=True),
        *(sa.Column(name, kind, nullable=name == "deleted_at") for name, kind in _SYSTEM.items() if name != "id"),
        *(sa.Column(name, kind) for name, kind in own.items() if name not in _SYSTEM),
    )


def _check_columns(object_type: ObjectType, have: Mapping[str, str]) -> None:
    for field in object_type.fields:
        for name, kind in cols.columns(field).items():
            wanted = kind.compile(cols.dialect()).lower()
            if have.get(name, wanted) != wanted:
                raise Conflict(
                    f"The field {field.name!r} of {object_type.name!r} holds {have[name]} and cannot become {wanted}.",
                    cure="Purge the hidden field of this name, or choose another name.",
                )


def _name_problems(object_type: ObjectType, others: Iterable[ObjectType]) -> list[Problem]:
    taken = {fold_name(name): other.name for other in others for name in (other.name, other.plural)}
    problems = [
        Problem(key, f"{name!r} is the name of {taken[fold_name(name)]!r}")
        for key, name in (("name", object_type.name), ("plural", object_type.plural))
        if fold_name(name) in taken
    ]
    if object_type.name == MEMBER.name or object_type.read_only:
        problems.append(Problem("name", f"{object_type.name!r} is kept by the house and cannot be published"))
    title = object_type.by_name.get(object_type.title)
    if title is None or title.type not in (FieldType.TEXT, FieldType.FULL_NAME):
        problems.append(Problem("title", f"{object_type.title!r} must be a field of type text or full_name"))
    return problems


def _field_problems(object_type: ObjectType, others: Mapping[str, ObjectType]) -> list[Problem]:
    problems: list[Problem] = []
    taken: dict[str, str] = dict.fromkeys(_SYSTEM, "a system field")
    for i, field in enumerate(object_type.fields):
        if field == _SYSTEM_FIELDS.get(field.name):
            continue
        problems += _one_field_problems(field, f"fields.{i}", object_type, others)
        for column in cols.columns(field):
            if column in taken:
                problems.append(Problem(f"fields.{i}.name", f"{field.name!r} collides with {taken[column]}"))
            if len(column) > LONGEST_NAME:
                problems.append(Problem(f"fields.{i}.name", f"{field.name!r} is too long for its type"))
            taken[column] = repr(field.name)
    return problems


def _one_field_problems(
    field: Field, path: str, object_type: ObjectType, others: Mapping[str, ObjectType]
) -> list[Problem]:
    problems: list[Problem] = []
    if field.name in RESERVED or field.name in _TAKEN_BY_POSTGRESQL:
        problems.append(Problem(f"{path}.name", f"{field.name!r} means something else; choose another name"))
    known = {*others, object_type.name}
    if field.type is FieldType.RELATION and field.target not in known:
        problem = f"there is no object {field.target!r} to point to"
        problems.append(Problem(f"{path}.target", problem, allowed=tuple(sorted(known))))
    values = [option.value for option in field.options]
    if len(set(values)) != len(values) or any(not cols.good_option(value) for value in values):
        problems.append(Problem(f"{path}.options", "option values must be different, non-empty texts"))
    return problems


def sql_text(element: Any) -> str:  # Any: SQLAlchemy's DDL elements and expressions share no typed base with `compile`
    """Write a DDL element or an expression, values in place; statements without parameters are sent as they are."""
    return str(element.compile(dialect=_named_dialect(), compile_kwargs={"literal_binds": True})).strip()


@cache
def _named_dialect() -> sa.Dialect:
    """Give a dialect that leaves percent signs alone."""
    return PGDialect_psycopg(paramstyle="named")


def quoted(*names: str) -> str:
    """Give an identifier as SQL writes it, parts joined by dots."""
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)


_COLUMNS = """
select a.attname as name, format_type(a.atttypid, a.atttypmod) as type
from pg_attribute a
where a.attrelid = to_regclass(format('%%I.%%I', %(schema)s::text, %(table)s::text))
    and a.attnum > 0 and not a.attisdropped
"""

_INDEXES = """
select c.relname as name
from pg_index i join pg_class c on c.oid = i.indexrelid
where i.indrelid = to_regclass(format('%%I.%%I', %(schema)s::text, %(table)s::text))
    and not i.indisprimary and c.relname ~ '_[0-9a-f]{8}$'
"""
