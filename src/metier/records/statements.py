"""SQL that writes records: rows from one JSON document, whole records back as JSON.

A record as it lies in its table, hidden fields and all, is its image: `{field: JSON value}`, relations as bare ids.
Each statement gives rows of `id` and `image`. Who may write what was decided before; nobody else runs these.
"""

from collections.abc import Iterable, Sequence

from metier.records import columns as cols
from metier.records.ddl import quoted, sql_text, table_of
from metier.records.shape import Field, FieldType, ObjectType

_AS = "x"  # the table's alias; the statements' own word
_NEXT = "greatest(%(now)s, x.updated_at + interval '1 microsecond')"  # so that it tells two versions apart


def lock(schema: str, object_type: ObjectType) -> str:
    """Give the statement that locks the rows of `ids`, in the order of their ids, and says which are deleted."""
    return (
        f"select x.id, x.deleted_at is not null as gone, {_image(schema, object_type)} "
        f"from {_table(schema, object_type)} where x.id = any(%(ids)s) order by x.id for update"
    )


def insert(schema: str, object_type: ObjectType) -> str:
    """Give the statement that inserts `rows`."""
    types = _types(object_type.fields)
    names = ", ".join(quoted(name) for name in types)
    return (
        f"insert into {_table(schema, object_type)} ({names}) select {names} from {_document(types)} "
        f"returning x.id, {_image(schema, object_type)}"
    )


def update(schema: str, object_type: ObjectType, names: Iterable[str]) -> str:
    """Give the statement that sets the columns `names` by `rows`; rows that have the values already stay."""
    types = _types(object_type.fields)
    given = {name: types[name] for name in sorted(names)}
    old, new = (", ".join(f"{at}.{quoted(name)}" for name in given) for at in (_AS, "n"))
    setting = ", ".join(f"{quoted(name)} = n.{quoted(name)}" for name in given)
    return (
        f"update {_table(schema, object_type)} set {setting}, updated_at = {_NEXT} "
        f"from {_document({'id': 'UUID'} | given, 'n')} "
        f"where x.id = n.id and row({old}) is distinct from row({new}) returning x.id, {_image(schema, object_type)}"
    )


def delete(schema: str, object_type: ObjectType) -> str:
    """Give the statement that marks the rows of `ids` as deleted."""
    return _mark(schema, object_type, "%(now)s")


def restore(schema: str, object_type: ObjectType) -> str:
    """Give the statement that brings the deleted rows of `ids` back."""
    return _mark(schema, object_type, "null")


def destroy(schema: str, object_type: ObjectType) -> str:
    """Give the statement that removes the rows of `ids` for good."""
    return (
        f"delete from {_table(schema, object_type)} where x.id = any(%(ids)s) "
        f"returning x.id, {_image(schema, object_type)}"
    )


def match(schema: str, object_type: ObjectType, field: Field) -> str:
    """Give the statement that finds rows by a unique field: rows of `place` (from 1, in `values`) and `id`."""
    kept = cols.unique_form(field, cols.value(field, "", table_of(schema, object_type).alias(_AS).c))
    given = cols.unique_form(field, cols.sql("n.value"))
    kind = next(iter(_types([field]).values()))
    return (
        f"select n.place, x.id from unnest(%(values)s::{kind}[]) "
        f"with ordinality as n(value, place) "
        f"join {_table(schema, object_type)} on {sql_text(kept)} = {sql_text(given)} "
        f"where x.deleted_at is null"
    )


def _mark(schema: str, object_type: ObjectType, moment: str) -> str:
    return (
        f"update {_table(schema, object_type)} set deleted_at = {moment}, updated_at = {_NEXT} "
        f"where x.id = any(%(ids)s) returning x.id, {_image(schema, object_type)}"
    )


def _table(schema: str, object_type: ObjectType) -> str:
    return f"{quoted(schema, object_type.name)} as {_AS}"


def _types(fields: Sequence[Field]) -> dict[str, str]:
    return {name: kind.compile(cols.dialect()) for f in fields for name, kind in cols.columns(f).items()}


def _document(types: dict[str, str], name: str = "n") -> str:
    """Read `rows` as a table."""
    typed = ", ".join(f"{quoted(column)} {kind}" for column, kind in types.items())
    return f"jsonb_to_recordset(%(rows)s) as {name}({typed})"


def _image(schema: str, object_type: ObjectType) -> str:
    """Build the JSON of the row that the statement is at."""
    at = table_of(schema, object_type).alias(_AS).c
    values = {
        f.name: at[f"{f.name}_id"] if f.type is FieldType.RELATION else cols.as_json(f, at) for f in object_type.fields
    }
    named = ", ".join(f"{sql_text(value)} as {quoted(name)}" for name, value in values.items())
    return f"(select row_to_json(i)::text from (select {named}) as i) as image"
