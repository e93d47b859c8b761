"""`metier budgets`: limits on tokens and money."""

import asyncio
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from metier.cli.house import open_house, writing_for
from metier.cli.terminal import say, say_json, say_table
from metier.errors import Invalid, NotFound, Problem, nearest

if TYPE_CHECKING:
    from enum import StrEnum
    from typing import TypeVar

    from metier.formats.writing import Writing
    from metier.runs import Budget, Standing

    Word = TypeVar("Word", bound=StrEnum)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    budgets = typer.Typer(help="Budgets: limits on tokens and money.", no_args_is_help=True)
    app.add_typer(budgets, name="budgets")

    @budgets.command("list")
    def list_budgets(as_json: AsJson = False) -> None:
        """List the budgets, and how much of each is used."""
        asyncio.run(_list(as_json=as_json))

    @budgets.command("set")
    def set_budget(
        scope: Annotated[str, typer.Option(help="Whose calls: workspace, role, member, key or agent.")],
        period: Annotated[str, typer.Option(help="For how long: run, day or month.")],
        subject: Annotated[
            str,
            typer.Option(help="Which one: an e-mail, a key's beginning, a name; '*' for each by itself."),
        ] = "",
        tokens: Annotated[int | None, typer.Option(help="Most tokens, in and out.")] = None,
        cost: Annotated[str | None, typer.Option(help="Most money, in dollars, e.g. 5.00.")] = None,
        soft: Annotated[bool, typer.Option("--soft", help="Only warn, refuse nothing.")] = False,
        warn: Annotated[int, typer.Option(help="From which share on to warn, in per cent.")] = 80,
        as_json: AsJson = False,
    ) -> None:
        """Set a budget, in place of one for the same calls and period."""
        asyncio.run(_set(scope, period, subject, tokens, cost, hard=not soft, warn=warn, as_json=as_json))

    @budgets.command("remove")
    def remove_budget(budget: Annotated[str, typer.Argument(help="Its id, or how it begins.")]) -> None:
        """Take a budget away; what was used stays in the ledger."""
        asyncio.run(_remove(budget))

    @budgets.command("zone")
    def zone(
        name: Annotated[str | None, typer.Argument(help="Time zone, e.g. Europe/Berlin; shown if left out.")] = None,
    ) -> None:
        """Show or say where the workspace is: its days and months begin at midnight there."""
        asyncio.run(_zone(name))


async def _list(*, as_json: bool) -> None:
    async with open_house() as (metier, operator):
        writing = writing_for(metier, operator)
        found = await metier.budgets.list(operator)
    if as_json:
        for one in found:
            say_json(one.to_json())
    else:
        say_table(("id", "whose", "tokens", "money", "used", "state", "until"), [_row(one, writing) for one in found])


async def _set(
    scope: str, period: str, subject: str, tokens: int | None, cost: str | None, *, hard: bool, warn: int, as_json: bool
) -> None:
    from metier.runs import Period, Scope

    wanted_scope, wanted_period = _word(Scope, scope, "--scope"), _word(Period, period, "--period")
    async with open_house() as (metier, operator):
        budget = await metier.budgets.set(
            operator,
            scope=wanted_scope,
            subject=subject,
            period=wanted_period,
            tokens=tokens,
            cost_micros=None if cost is None else _micros(cost),
            hard=hard,
            warn_percent=warn,
        )
        writing = writing_for(metier, operator)
    if as_json:
        say_json(budget.to_json())
    else:
        say(f"{budget.title}: {_limits(budget, writing)}{'' if budget.hard else ', only a warning'}")


async def _remove(given: str) -> None:
    async with open_house() as (metier, operator):
        budgets = {one.budget.id: one.budget for one in await metier.budgets.list(operator)}
        budget = budgets[_find(budgets, given)]
        await metier.budgets.remove(operator, budget.id)
    say(f"Removed: {budget.title}")


async def _zone(name: str | None) -> None:
    async with open_house() as (metier, operator):
        if name is not None:
            await metier.access.set_time_zone(operator, name)
        say(await metier.access.time_zone(operator))


def _find(budgets: "dict[UUID, Budget]", given: str) -> UUID:
    found = [one for one in budgets if given and str(one).startswith(given.strip().lower())]
    if len(found) != 1:
        raise NotFound("budget", given, map(str, budgets), cure="See: metier budgets list")
    return found[0]


def _word(words: "type[Word]", given: str, option: str) -> "Word":
    known = tuple(word.value for word in words)
    if given not in known:
        problem = Problem(option, f"there is no {given!r}", known, did_you_mean=nearest(given, known))
        raise Invalid.of([problem], cure=f"There are {', '.join(known)}.")
    return words(given)


def _micros(dollars: str) -> int:
    try:
        return int(Decimal(dollars.removeprefix("$").replace(",", "")) * 1_000_000)
    except (InvalidOperation, ValueError, OverflowError):
        raise Invalid.of([Problem("--cost", f"{dollars!r} is no sum of dollars", example="5.00")]) from None


def _row(one: "Standing", writing: "Writing") -> tuple[str, ...]:
    budget = one.budget
    used = f"{writing.number(one.tokens)} tokens, {_money(one.cost_micros, writing)}" if one.until else "by run"
    whose = f"{budget.title}: {one.holder}" if one.holder else budget.title
    tokens = "any" if budget.tokens is None else writing.number(budget.tokens)
    money = "any" if budget.cost_micros is None else _money(budget.cost_micros, writing)
    until = writing.moment(one.until) if one.until else ""
    return str(budget.id), whose, tokens, money, used, one.state if budget.hard else f"{one.state} (soft)", until


def _limits(budget: "Budget", writing: "Writing") -> str:
    tokens = [] if budget.tokens is None else [f"{writing.number(budget.tokens)} tokens"]
    money = [] if budget.cost_micros is None else [_money(budget.cost_micros, writing)]
    return " and ".join([*tokens, *money])


def _money(micros: int, writing: "Writing") -> str:
    return writing.price(micros, 4 if 0 < micros < 10_000 else 2)
