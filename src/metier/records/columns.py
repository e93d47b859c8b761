"""How a field lies in its table: its columns, what of it is compared and sorted, its JSON.

The one place that knows columns; `ddl`, `compile` and `write` ask here, so that an index and the query that is meant
to use it hold the same expression.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.sql.base import ReadOnlyColumnCollection
from sqlalchemy.types import TypeEngine

from metier.filters import Kind, storable_text
from metier.records.shape import Field, FieldType

Expression = sa.ColumnElement[Any]  # of any SQL type: the fields decide at run time
Columns = ReadOnlyColumnCollection[str, Any]

LONGEST_OPTION = 100  # characters
UNTITLED = "Untitled"  # the label of a record whose title is empty

#: The SQL type of each kind's values.
KIND_TYPES: Mapping[Kind, TypeEngine[Any]] = {
    Kind.TEXT: sa.Text(),
    Kind.NUMBER: sa.Double(),
    Kind.BOOLEAN: sa.Boolean(),
    Kind.DATE: sa.Date(),
    Kind.DATE_TIME: sa.TIMESTAMP(timezone=True),
    Kind.SELECT: sa.Text(),
    Kind.UUID: sa.Uuid(),
}

_SCALARS: Mapping[FieldType, TypeEngine[Any]] = {
    FieldType.TEXT: sa.Text(),
    FieldType.BOOLEAN: sa.Boolean(),
    FieldType.DATE: sa.Date(),
    FieldType.DATE_TIME: sa.TIMESTAMP(timezone=True),
    FieldType.SELECT: sa.Text(),
    FieldType.UUID: sa.Uuid(),
}


@dataclass(frozen=True)
class Part:
    """One column of a composite field."""

    name: str
    type: TypeEngine[Any]
    kind: Kind | None  # None: cannot be compared


#: The parts of composite fields. The first is what the field is compared by, and null exactly when the field is.
PARTS: Mapping[FieldType, tuple[Part, ...]] = {
    FieldType.CURRENCY: (
        Part("amount_micros", sa.BigInteger(), Kind.NUMBER),
        Part("currency_code", sa.Text(), Kind.TEXT),
    ),
    FieldType.EMAILS: (
        Part("primary_email", sa.Text(), Kind.TEXT),
        Part("additional_emails", pg.ARRAY(sa.Text()), None),
    ),
    FieldType.LINKS: (
        Part("primary_link_url", sa.Text(), Kind.TEXT),
        Part("primary_link_label", sa.Text(), Kind.TEXT),
        Part("secondary_links", pg.JSONB(), None),
    ),
    FieldType.FULL_NAME: (
        Part("first_name", sa.Text(), Kind.TEXT),
        Part("last_name", sa.Text(), Kind.TEXT),
    ),
}


@cache
def dialect() -> sa.Dialect:
    """Give the dialect that SQL is written in; making one costs a millisecond."""
    return PGDialect_psycopg()


def columns(field: Field) -> dict[str, TypeEngine[Any]]:
    """Give the columns of a field, by name."""
    if field.type in PARTS:
        return {f"{field.name}_{part.name}": part.type for part in PARTS[field.type]}
    if field.type is FieldType.RELATION:
        return {f"{field.name}_id": sa.Uuid()}
    if field.type is FieldType.NUMBER:
        return {field.name: sa.Double() if field.decimals else sa.BigInteger()}
    return {field.name: _SCALARS[field.type]}


def value(field: Field, part: str, at: Columns) -> Expression:
    """Give what a comparison compares: the field, or the named part of it. A relation gives the raw id."""
    if field.type is FieldType.FULL_NAME and not part:
        return _whole_name(field, at)
    if field.type in PARTS:
        return at[f"{field.name}_{part or PARTS[field.type][0].name}"]
    return at[f"{field.name}_id" if field.type is FieldType.RELATION else field.name]


def sql(text: str) -> Expression:
    """Write our own words into a query: never anything that came from outside."""
    return sa.literal_column(text)


def folded(text: Expression) -> Expression:
    """Give text as it sorts: lower case, by code point on every server, whatever its own collation."""
    return sa.collate(sa.func.lower(text), "C")


def unique_form(field: Field, value: Expression) -> Expression:
    """Give the form in which two values of a unique field must differ: text whatever its case."""
    return value if field.type in (FieldType.NUMBER, FieldType.UUID) else folded(value)


def label(title: Field, at: Columns) -> Expression:
    """Give what people call the record: its title, or where that may not be seen, its id."""
    if title.type is FieldType.UUID:
        return sa.cast(at[title.name], sa.Text())
    return sa.func.coalesce(value(title, "", at), sql(f"'{UNTITLED}'"))


def as_json(field: Field, at: Columns) -> Expression:
    """Give the JSON value of a field that is no relation."""
    if field.type not in PARTS:
        return at[field.name]
    names = [part.name for part in PARTS[field.type]]
    body = sa.func.json_build_object(
        *(piece for name in names for piece in (sql(f"'{name}'"), at[f"{field.name}_{name}"]))
    )
    return sa.case((is_empty(field, at), sa.null()), else_=body)


def good_option(text: str) -> bool:
    """Say whether a text can be the value of a select's option."""
    return bool(text.strip()) and len(text) <= LONGEST_OPTION and storable_text(text)


def is_empty(field: Field, at: Columns) -> sa.ColumnElement[bool]:
    """Say whether a composite field holds nothing."""
    if field.type is FieldType.FULL_NAME:
        return sa.and_(*(at[name].is_(None) for name in columns(field)))
    return value(field, "", at).is_(None)


def _whole_name(field: Field, at: Columns) -> Expression:
    empty, space = sql("''"), sql("' '")
    first, last = (sa.func.coalesce(at[f"{field.name}_{part.name}"], empty) for part in PARTS[FieldType.FULL_NAME])
    return sa.func.nullif(sa.func.btrim(first.op("||")(space).op("||")(last)), empty)
