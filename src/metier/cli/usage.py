"""`metier usage`: what model calls used."""

import asyncio
from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from metier.cli.house import open_house, writing_for
from metier.cli.terminal import note, say_json, say_table
from metier.errors import Invalid, Problem, nearest

if TYPE_CHECKING:
    from metier.formats.writing import Writing
    from metier.runs import Used


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command("usage")
    def usage(
        by: Annotated[str, typer.Option(help="What to tell it by: day, model, agent or member.")] = "day",
        since: Annotated[str | None, typer.Option(help="First day, e.g. 2026-11-01; 30 days if left out.")] = None,
        until: Annotated[str | None, typer.Option(help="Last day; today if left out.")] = None,
        as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    ) -> None:
        """Show the tokens and the money that model calls used."""
        asyncio.run(_usage(by, since, until, as_json=as_json))


async def _usage(by: str, since: str | None, until: str | None, *, as_json: bool) -> None:
    from metier.runs import By

    known = tuple(one.value for one in By)
    if by not in known:
        raise Invalid.of([Problem("--by", f"there is no {by!r}", known, did_you_mean=nearest(by, known))])
    first, last = _day(since, "--since"), _day(until, "--until")
    async with open_house() as (metier, operator):
        report = await metier.usage.report(operator, by=By(by), since=first, until=last)
        writing = writing_for(metier, operator)
    if as_json:
        say_json(report.to_json())
        return
    rows = [row for row in report.rows if row.calls]
    say_table(
        (by, "calls", "in", "out", "cost"),
        [*(_row(row, writing) for row in rows), _row(report.total, writing, "total")],
    )
    note(f"{report.since} to {report.until}, {report.zone}")


def _day(text: str | None, option: str) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Invalid.of([Problem(option, f"{text!r} is no day", example="2026-11-01")]) from None


def _row(used: "Used", writing: "Writing", label: str = "") -> tuple[str, ...]:
    counts = (writing.number(count) for count in (used.calls, used.input_tokens, used.output_tokens))
    return label or used.label or "none", *counts, writing.price(used.cost_micros, 4)
