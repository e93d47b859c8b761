"""`metier audit`: who did and tried what, and whether the log is whole."""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from metier.cli.house import open_house, writing_for
from metier.cli.terminal import note, say, say_json, say_table

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]


if TYPE_CHECKING:
    from metier.formats.writing import Writing


def register(app: typer.Typer) -> None:
    """Add the commands."""
    audit = typer.Typer(help="The audit log: who did and tried what.", no_args_is_help=True)
    app.add_typer(audit, name="audit")

    @audit.command("list")
    def list_audit(
        action: Annotated[str | None, typer.Option(help="One action, role.changed, or all of a thing, role.")] = None,
        decision: Annotated[str | None, typer.Option(help="done, allowed or refused.")] = None,
        limit: Annotated[int, typer.Option(help="How many, 1 to 500.")] = 50,
        as_json: AsJson = False,
    ) -> None:
        """List the log, the newest first."""
        asyncio.run(_list(action, decision, limit, as_json=as_json))

    @audit.command("verify")
    def verify_audit(as_json: AsJson = False) -> None:
        """Walk the chain of hashes; exit code 1 and the first broken row if it does not hold."""
        asyncio.run(_verify(as_json=as_json))


async def _list(action: str | None, decision: str | None, limit: int, *, as_json: bool) -> None:
    async with open_house() as (metier, operator):
        writing = writing_for(metier, operator)
        page = await metier.audit.list(operator, action=action, decision=decision, limit=limit)
    if as_json:
        for row in page.rows:
            say_json(row)
    else:
        say_table(("when", "who", "action", "what", "decision", "rule"), [_row(row, writing) for row in page.rows])


async def _verify(*, as_json: bool) -> None:
    async with open_house() as (metier, operator):
        found = await metier.audit.verify(operator)
    if as_json:
        say_json(found.to_json())
    elif found.broken is None:
        say(f"Whole: {found.rows} rows, the last one's hash is {found.head or 'none'}")
    else:
        seq, problem = found.broken
        note(f"{found.rows} rows before it are whole.")
        say(f"Broken at row {seq}: {problem}")
    if found.broken is not None:
        raise typer.Exit(1)


def _row(row: Mapping[str, Any], writing: "Writing") -> tuple[str, ...]:  # Any: columns
    what = row["tool"] or row["target"]
    return (
        writing.moment(row["ts"], seconds=True),
        row["actor"]["label"],
        row["action"],
        what,
        row["decision"],
        row["rule"],
    )
