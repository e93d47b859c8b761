"""`metier records`: finding records, writing them, and taking changes back."""

import asyncio
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from metier.cli.house import open_house, writing_for
from metier.cli.terminal import note, say, say_json, say_table
from metier.errors import BadFilter, Invalid, Problem

if TYPE_CHECKING:
    from metier.actor import Actor
    from metier.formats.writing import Writing
    from metier.records import Cause, Done, ObjectType, Records, Written
    from metier.records.shape import Field

PAGE = 500  # records asked for, or written, at once
SHOWN = 6  # columns of the table for people

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]
Object = Annotated[str, typer.Argument(metavar="OBJECT", help="company, companies, …")]
Id = Annotated[str, typer.Argument(metavar="ID", help="The record's id.")]
Values = Annotated[
    str, typer.Argument(metavar="VALUES", help='Values as JSON: {"name": "Acme"}; - reads them from standard input.')
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    records = typer.Typer(help="Records: the workspace's data.", no_args_is_help=True)
    app.add_typer(records, name="records")
    _add_reading(records)
    _add_writing(records)
    _add_removing(records)


def _add_reading(records: typer.Typer) -> None:
    @records.command("list")
    def list_records(
        object_name: Object,
        where: Annotated[str, typer.Option(help='Filter as JSON: {"employees": {"gt": 200}}')] = "{}",
        sort: Annotated[str, typer.Option(help="Fields, '-' for descending: -amount,name")] = "",
        limit: Annotated[int, typer.Option(min=1, help="Most records to print.")] = 50,
        deleted: Annotated[bool, typer.Option("--deleted", help="List those that are deleted.")] = False,
        as_json: AsJson = False,
    ) -> None:
        """Find records."""
        asyncio.run(_list(object_name, _filter(where), sort, limit, deleted=deleted, as_json=as_json))

    @records.command("changes")
    def list_changes(
        object_name: Object,
        record_id: Id,
        limit: Annotated[int, typer.Option(min=1, max=500, help="Most changes to print.")] = 50,
        as_json: AsJson = False,
    ) -> None:
        """List what was done to a record, the newest first."""
        asyncio.run(_changes(object_name, record_id, limit, as_json=as_json))


def _add_writing(records: typer.Typer) -> None:
    @records.command("create")
    def create_record(object_name: Object, values: Values, as_json: AsJson = False) -> None:
        """Create a record."""
        given = _values(values)
        _write(lambda r, actor, why: r.create(actor, object_name, given, cause=why), as_json=as_json)

    @records.command("update")
    def update_record(
        object_name: Object,
        record_id: Id,
        values: Values,
        if_updated_at: Annotated[
            str | None, typer.Option(help="The updated_at you read; a record changed since then is not touched.")
        ] = None,
        as_json: AsJson = False,
    ) -> None:
        """Change some values of a record; what is not named stays, null empties."""
        given = _values(values)
        _write(
            lambda r, actor, why: r.update(
                actor, object_name, record_id, given, if_updated_at=if_updated_at, cause=why
            ),
            as_json=as_json,
        )

    @records.command("upsert")
    def upsert_record(
        object_name: Object,
        values: Values,
        by: Annotated[str | None, typer.Option(help="The unique field that counts.")] = None,
        as_json: AsJson = False,
    ) -> None:
        """Change the record that has the same value of a unique field, or create it."""
        given = _values(values)
        _write(lambda r, actor, why: r.upsert(actor, object_name, given, by=by, cause=why), as_json=as_json)

    @records.command("import-json")
    def import_json(
        object_name: Object,
        file: Annotated[str, typer.Argument(metavar="FILE", help="A JSON list, or one record a line; - reads it.")],
        upsert: Annotated[
            bool, typer.Option("--upsert", help="Change records that have a unique value already.")
        ] = False,
        as_json: AsJson = False,
    ) -> None:
        """Create many records from JSON, 500 at a time; each 500 are written whole or not at all."""
        asyncio.run(_import(object_name, list(_rows(_text(file))), upsert=upsert, as_json=as_json))


def _add_removing(records: typer.Typer) -> None:
    @records.command("delete")
    def delete_record(object_name: Object, record_id: Id, as_json: AsJson = False) -> None:
        """Take a record out of sight; it can be restored."""
        _write(lambda r, actor, why: r.delete(actor, object_name, record_id, cause=why), as_json=as_json)

    @records.command("restore")
    def restore_record(object_name: Object, record_id: Id, as_json: AsJson = False) -> None:
        """Bring a deleted record back."""
        _write(lambda r, actor, why: r.restore(actor, object_name, record_id, cause=why), as_json=as_json)

    @records.command("destroy")
    def destroy_record(object_name: Object, record_id: Id, as_json: AsJson = False) -> None:
        """Remove a record for good, and its values from the log of changes."""
        _write(lambda r, actor, why: r.destroy(actor, object_name, record_id, cause=why), as_json=as_json)

    @records.command("undo")
    def undo_change(
        change_id: Annotated[str, typer.Argument(metavar="CHANGE", help="The id that a write or `changes` prints.")],
        as_json: AsJson = False,
    ) -> None:
        """Take back a change, or everything that one request or command changed."""
        _write(lambda r, actor, why: r.undo(actor, change_id, cause=why), as_json=as_json)


# --- reading ---------------------------------------------------------------------------------------------------------


async def _list(
    object_name: str, where: dict[str, Any], sort: str, limit: int, *, deleted: bool, as_json: bool
) -> None:
    async with open_house() as (metier, operator):
        kind = await metier.records.object(operator, object_name)
        writing = writing_for(metier, operator)
        shown: list[Mapping[str, Any]] = []
        found = _found(metier.records, operator, kind.name, where, sort, limit, deleted=deleted)
        async with aclosing(found) as records:
            async for record in records:
                if as_json:
                    say_json(record)
                else:
                    shown.append(record)
    if not as_json:
        _say_records(kind, shown, writing)


async def _found(
    records: "Records", actor: "Actor", name: str, where: dict[str, Any], sort: str, limit: int, *, deleted: bool
) -> AsyncGenerator[Mapping[str, Any]]:
    cursor = None
    while limit > 0:
        page = await records.find(
            actor, name, where=where, sort=sort, limit=min(limit, PAGE), cursor=cursor, deleted=deleted
        )
        for record in page.records:
            yield record
        limit -= len(page.records)
        cursor = page.next_cursor
        if cursor is None:
            return


def _say_records(kind: "ObjectType", records: Sequence[Mapping[str, Any]], writing: "Writing") -> None:
    if not records:
        note(f"No {kind.label_plural.lower()} match.")
        return
    fields = [field for field in kind.fields if not field.system][:SHOWN]
    rows = [[str(one["id"]), *(_cell(field, one.get(field.name), writing) for field in fields)] for one in records]
    say_table(["id", *(field.name for field in fields)], rows)


async def _changes(object_name: str, record_id: str, limit: int, *, as_json: bool) -> None:
    async with open_house() as (metier, operator):
        history = await metier.records.history(operator, object_name, record_id, limit=limit)
        writing = writing_for(metier, operator)
    if as_json:
        for told in history.changes:
            say_json(told.to_json())
        return
    rows = [
        (
            str(t.change.id),
            writing.moment(t.change.at),
            str(t.change.actor["label"]),
            t.change.kind,
            ", ".join(t.values),
        )
        for t in history.changes
    ]
    say_table(("id", "when", "who", "what", "fields"), rows)


def _cell(field: "Field", value: Any, writing: "Writing") -> str:  # Any: as below
    """Write a value as its table has it: numbers, money and times in the person's forms, all else as it is stored."""
    from metier.records.text import WRITTEN, value_text

    return value_text(field, value, writing) if field.type in WRITTEN else _value(value, writing)


def _value(value: Any, writing: "Writing") -> str:  # Any: the JSON value of a field, see metier.records.shape
    match value:
        case None:
            return ""
        case {"label": label}:
            return str(label)
        case {"amount_micros": _}:
            return writing.money(value)
        case {"primary_email": text} | {"primary_link_url": text}:
            return str(text or "")
        case {"first_name": first, "last_name": last}:
            return f"{first or ''} {last or ''}".strip()
        case bool():
            return "yes" if value else "no"
        case int() | float():
            return writing.exact(value)
        case _:
            return str(value)


# --- writing ---------------------------------------------------------------------------------------------------------


def _write(how: "Callable[[Records, Actor, Cause], Awaitable[Written]]", *, as_json: bool) -> None:
    """Write as the operator, and print what became of it."""

    async def write() -> "tuple[Written, Writing]":
        from metier.records import Cause, Origin

        async with open_house() as (metier, operator):
            return await how(metier.records, operator, Cause(Origin.CLI)), writing_for(metier, operator)

    written, writing = asyncio.run(write())
    for done in written.done:
        if as_json:
            say_json(done.to_json())
        else:
            _say_done(done, writing)


def _say_done(done: "Done", writing: "Writing") -> None:
    say(f"{done.kind or 'unchanged'} {done.id}")
    for name, (before, after) in done.values.items():
        old = f"{_value(before, writing)} → " if before is not None else ""
        say(f"  {name}: {old}{_value(after, writing) or 'nothing'}")
    if done.change_id and done.kind != "destroyed":
        note(f"Undo: metier records undo {done.change_id}")


async def _import(object_name: str, rows: list[Any], *, upsert: bool, as_json: bool) -> None:
    from metier.records import Cause, Operation, Origin

    verb = "upsert" if upsert else "create"
    done = 0
    async with open_house() as (metier, operator):
        for start in range(0, len(rows), PAGE):
            some = rows[start : start + PAGE]
            operations = [Operation(verb, values=row, path=f"row {start + i + 1}") for i, row in enumerate(some)]
            written = await metier.records.batch(operator, object_name, operations, cause=Cause(Origin.IMPORT))
            done += len(written.done)
            if as_json:
                say_json({"change_id": None if written.id is None else str(written.id), "records": len(written.done)})
            elif written.id:
                note(f"{done} of {len(rows)} done. Undo these: metier records undo {written.id}")
    if not as_json:
        say(f"{done} records")


# --- what was typed --------------------------------------------------------------------------------------------------


def _text(file: str) -> str:
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid.of([Problem("FILE", f"cannot be read: {error}")], what="The command") from None


def _rows(text: str) -> Iterator[Any]:
    """Read a JSON list, or one record a line."""
    if text.lstrip().startswith("["):
        yield from _json(text, "FILE")
        return
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            yield _json(line, f"line {number}")


def _values(text: str) -> dict[str, Any]:
    value = _json(sys.stdin.read() if text == "-" else text, "VALUES")
    if not isinstance(value, dict):
        problem = Problem("VALUES", "must be a JSON object", example={"name": "Acme"})
        raise Invalid.of([problem], what="The command")
    return cast(dict[str, Any], value)  # JSON: its keys are text


def _filter(text: str) -> dict[str, Any]:
    value = _json(text, "--where")
    if not isinstance(value, dict):
        raise BadFilter("--where", "must be a JSON object", example={"employees": {"gt": 200}})
    return cast(dict[str, Any], value)  # JSON: its keys are text


def _json(text: str, place: str) -> Any:
    import orjson

    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        example = {"employees": {"gt": 200}} if place == "--where" else {"name": "Acme"}
        problem = Problem(place, f"is not JSON: {error}", example=example)
        raise Invalid.of([problem], what="The command") from None
