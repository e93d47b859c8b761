"""`metier sql`: statements on the database, as the operator."""

import asyncio
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from metier.cli.terminal import note, say, say_json, say_table
from metier.errors import Invalid, Problem

if TYPE_CHECKING:
    from metier.store import Answer, Column

EXAMPLE = 'select key, value from core."featureFlag"'


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def sql(
        query: Annotated[
            str | None, typer.Argument(help="One or more statements; read from standard input if left out.")
        ] = None,
        as_json: Annotated[bool, typer.Option("--json", help="Print JSON, one row a line.")] = False,
    ) -> None:
        """Run SQL on Metier's database, also while the server runs. All of it takes effect, or nothing."""
        asyncio.run(_run(_given(query), as_json=as_json))


def _given(query: str | None) -> str:
    if query is None and not sys.stdin.isatty():
        query = sys.stdin.read()
    if query is None or not query.strip():
        raise Invalid.of([Problem("QUERY", "says nothing", example=EXAMPLE)], cure=f"metier sql '{EXAMPLE}'")
    return query


async def _run(query: str, *, as_json: bool) -> None:
    from metier.settings import Settings
    from metier.store import Database, run_script

    db = await Database.open(Settings.load())
    try:
        answers = await run_script(db, query)
    finally:
        await db.aclose()
    for remark in answers.remarks:
        note(remark)
    for answer in answers.given:
        (_say_json if as_json else _say)(answer)


def _say(answer: "Answer") -> None:
    if answer.columns is None:
        say(answer.command if answer.touched is None else f"{answer.command}: {_rows(answer.touched)}")
        return
    say_table([column.name for column in answer.columns], [_cells(answer.columns, row) for row in answer.rows])
    note(_rows(len(answer.rows)))


def _say_json(answer: "Answer") -> None:
    if answer.columns is None:
        say_json({"command": answer.command, "rows": answer.touched})
        return
    names = _names(answer.columns)
    for row in answer.rows:
        say_json({name: _value(c, cell) for name, c, cell in zip(names, answer.columns, row, strict=True)})


def _rows(count: int) -> str:
    return f"{count:,} row{'' if count == 1 else 's'}"


def _cells(columns: "Sequence[Column]", row: Sequence[str | None]) -> list[str]:
    words = {"t": "true", "f": "false"}
    return [
        words.get(cell or "", "") if column.form == "boolean" else cell or ""
        for column, cell in zip(columns, row, strict=True)
    ]


def _names(columns: "Sequence[Column]") -> list[str]:
    """Give the columns' names, with a number where one comes again: no value is lost."""
    found: list[str] = []
    for column in columns:
        name, n = column.name, 2
        while name in found:
            name, n = f"{column.name}_{n}", n + 1
        found.append(name)
    return found


def _value(column: "Column", cell: str | None) -> Any:  # Any: a JSON value
    """Give a value as JSON has it: numbers to the last digit, times as ISO 8601 writes them."""
    import orjson

    match column.form, cell:
        case _, None:
            return None
        case "boolean", _:
            return cell == "t"
        case "json", _:
            return orjson.Fragment(cell)
        case "number", _ if not cell.endswith(("NaN", "Infinity")):
            return orjson.Fragment(cell)
        case "time", _:
            return _iso(cell)
        case _:
            return cell


def _iso(time: str) -> str:
    """Write `2026-11-21 09:00:00+00` as `2026-11-21T09:00:00+00:00`; what is no such time stays as it is."""
    day, space, rest = time.partition(" ")
    if not space or rest.endswith("BC"):
        return time
    return f"{day}T{rest}:00" if rest[-3:-2] in ("+", "-") else f"{day}T{rest}"
