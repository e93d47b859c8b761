"""`metier runs`: what agents did."""

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from metier.cli.house import open_house, writing_for
from metier.cli.terminal import say, say_json, say_table
from metier.errors import Invalid, Problem

if TYPE_CHECKING:
    from metier.formats.writing import Writing
    from metier.runs import Run

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    runs = typer.Typer(help="Runs: what agents did.", no_args_is_help=True)
    app.add_typer(runs, name="runs")

    @runs.command("list")
    def list_runs(
        status: Annotated[str | None, typer.Option(help="running, succeeded, failed, stopped, …")] = None,
        kind: Annotated[str | None, typer.Option(help="turn, agent, …")] = None,
        limit: Annotated[int, typer.Option(min=1, max=500, help="Most runs to print.")] = 20,
        as_json: AsJson = False,
    ) -> None:
        """List runs, newest first."""
        asyncio.run(_list(status, kind, limit, as_json=as_json))

    @runs.command("show")
    def show_run(
        run_id: Annotated[str, typer.Argument(metavar="ID", help="The run's id.")],
        events: Annotated[bool, typer.Option("--events", help="Print its events as JSON, to its end.")] = False,
        as_json: AsJson = False,
    ) -> None:
        """Show a run and what ran for it."""
        asyncio.run(_show(_id(run_id), events=events, as_json=as_json))


async def _list(status: str | None, kind: str | None, limit: int, *, as_json: bool) -> None:
    async with open_house() as (metier, operator):
        writing = writing_for(metier, operator)
        page = await metier.runs.list(operator, limit=limit, kind=kind, status=status)
    if as_json:
        for run in page.runs:
            say_json(_json(run))
    else:
        titles = ("id", "began", "kind", "name", "status", "who")
        say_table(titles, [_row(run, writing) for run in page.runs])


async def _show(run_id: UUID, *, events: bool, as_json: bool) -> None:
    async with open_house() as (metier, operator):
        run = await metier.runs.get(operator, run_id)
        if events:
            async with aclosing(metier.runs.follow(run.root_id)) as following:
                async for event in following:
                    say_json(event.to_json())
            return
        tree = await metier.runs.tree(operator, run.root_id)
    if as_json:
        for part in tree:
            say_json(_json(part))
    else:
        _say_tree(tree)


def _say_tree(tree: "list[Run]") -> None:
    depths: dict[UUID, int] = {}
    for run in tree:
        depth = depths[run.id] = depths.get(run.parent_id, -1) + 1 if run.parent_id else 0
        say(f"{'  ' * depth}{run.kind} {run.name}: {run.status.value}{_seconds(run)}  {run.id}")
        if run.error:
            say(f"{'  ' * depth}  {run.error.get('message', '')}")
    root = tree[0]
    tokens = root.usage.get("input_tokens", 0) + root.usage.get("output_tokens", 0)
    say(f"{tokens} tokens, {root.cost_micros / 1_000_000:.4f} USD, by {root.actor['label']}")


def _seconds(run: "Run") -> str:
    return f" in {(run.ended_at - run.created_at).total_seconds():.1f} s" if run.ended_at else ""


def _row(run: "Run", writing: "Writing") -> tuple[str, ...]:
    return (
        str(run.id),
        writing.moment(run.created_at, seconds=True),
        run.kind,
        run.name,
        run.status.value,
        str(run.actor["label"]),
    )


def _json(run: "Run") -> dict[str, Any]:
    from metier.api.chat import run_json

    return run_json(run)


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Invalid.of([Problem("ID", f"{text!r} is not the id of a run")], what="The command") from None
