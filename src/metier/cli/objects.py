"""`metier objects` and `metier records`: what is in the workspace, and what of it matches."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from metier.cli.house import open_house
from metier.cli.terminal import note, say_json, say_table
from metier.errors import BadFilter, Invalid, Problem

if TYPE_CHECKING:
    from metier.actor import Actor
    from metier.records import ObjectType, Records

PAGE = 500  # records asked for at once
SHOWN = 6  # columns of the table for people

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    records = typer.Typer(help="Records: the workspace's data.", no_args_is_help=True)
    app.add_typer(records, name="records")

    @app.command("objects")
    def list_objects(as_json: AsJson = False) -> None:
        """List the kinds of records."""
        asyncio.run(_objects(as_json=as_json))

    @records.command("list")
    def list_records(
        object_name: Annotated[str, typer.Argument(metavar="OBJECT", help="company, companies, …")],
        where: Annotated[str, typer.Option(help='Filter as JSON: {"employees": {"gt": 200}}')] = "{}",
        sort: Annotated[str, typer.Option(help="Fields, '-' for descending: -amount,name")] = "",
        limit: Annotated[int, typer.Option(min=1, help="Most records to print.")] = 50,
        as_json: AsJson = False,
    ) -> None:
        """Find records."""
        asyncio.run(_records(object_name, _filter(where), sort, limit, as_json=as_json))


async def _objects(*, as_json: bool) -> None:
    async with open_house() as (metier, operator):
        objects = await metier.records.objects(operator)
    if as_json:
        for kind in objects:
            say_json(kind.to_json())
    else:
        fields = [", ".join(field.name for field in kind.fields if not field.system) for kind in objects]
        say_table(("name", "plural", "fields"), [(o.name, o.plural, f) for o, f in zip(objects, fields, strict=True)])


async def _records(object_name: str, where: dict[str, Any], sort: str, limit: int, *, as_json: bool) -> None:
    async with open_house() as (metier, operator):
        kind = await metier.records.object(operator, object_name)
        shown: list[Mapping[str, Any]] = []
        async with aclosing(_found(metier.records, operator, kind.name, where, sort, limit)) as records:
            async for record in records:
                if as_json:
                    say_json(record)
                else:
                    shown.append(record)
    if not as_json:
        _say_records(kind, shown)


async def _found(
    records: "Records", actor: "Actor", object_name: str, where: dict[str, Any], sort: str, limit: int
) -> AsyncGenerator[Mapping[str, Any]]:
    cursor = None
    while limit > 0:
        page = await records.find(actor, object_name, where=where, sort=sort, limit=min(limit, PAGE), cursor=cursor)
        for record in page.records:
            yield record
        limit -= len(page.records)
        cursor = page.next_cursor
        if cursor is None:
            return


def _say_records(kind: "ObjectType", records: Sequence[Mapping[str, Any]]) -> None:
    if not records:
        note(f"No {kind.label_plural.lower()} match.")
        return
    fields = [field.name for field in kind.fields if not field.system][:SHOWN]
    say_table(
        ["id", *fields], [[str(record["id"]), *(_text(record.get(name)) for name in fields)] for record in records]
    )


def _text(value: Any) -> str:  # Any: the JSON value of a field, see metier.records.shape
    match value:
        case None:
            return ""
        case {"label": label}:
            return str(label)
        case {"amount_micros": micros, "currency_code": code}:
            return "" if micros is None else f"{micros / 1_000_000:,.2f} {code or ''}"
        case {"primary_email": text} | {"primary_link_url": text}:
            return str(text or "")
        case {"first_name": first, "last_name": last}:
            return f"{first or ''} {last or ''}".strip()
        case bool():
            return "yes" if value else "no"
        case _:
            return str(value)


def _filter(text: str) -> dict[str, Any]:
    import orjson

    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        problem = Problem("--where", f"is not JSON: {error}", example={"employees": {"gt": 200}})
        raise Invalid.of([problem], what="The command") from None
    if not isinstance(value, dict):
        raise BadFilter("--where", "must be a JSON object", example={"employees": {"gt": 200}})
    return cast(dict[str, Any], value)  # JSON: its keys are text
