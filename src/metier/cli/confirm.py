"""`metier confirm`: which changes agents have confirmed before they make them."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from metier.cli.house import open_house
from metier.cli.terminal import say_json, say_table

if TYPE_CHECKING:
    from uuid import UUID

    from metier.app import Metier

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    confirm = typer.Typer(help="Confirming: which changes agents ask about first.", no_args_is_help=True)
    app.add_typer(confirm, name="confirm")

    @confirm.command("show")
    def show(as_json: AsJson = False) -> None:
        """Show what is chosen, and what that means for each agent."""
        asyncio.run(_show(as_json=as_json))

    @confirm.command("set")
    def set_choice(
        choice: Annotated[str, typer.Argument(help="always, outside_own, never; with --agent also default.")],
        agent: Annotated[str | None, typer.Option(help="For this agent only; for all others if left out.")] = None,
        as_json: AsJson = False,
    ) -> None:
        """Choose which changes are confirmed; holds from the next step of every run on."""
        asyncio.run(_set(choice, agent, as_json=as_json))


async def _show(*, as_json: bool) -> None:
    async with open_house() as (metier, operator):
        await _say(metier, operator.workspace_id, as_json=as_json)


async def _set(choice: str, agent: str | None, *, as_json: bool) -> None:
    async with open_house() as (metier, operator):
        known = await metier.agents.names(operator.workspace_id)
        if agent is None:
            await metier.access.choose_confirming(operator, default=choice, known=known)
        else:
            chosen = None if choice == "default" else choice
            await metier.access.choose_confirming(operator, agents={agent: chosen}, known=known)
        await _say(metier, operator.workspace_id, as_json=as_json)


async def _say(metier: "Metier", workspace_id: "UUID", *, as_json: bool) -> None:
    chosen = await metier.access.confirming(workspace_id)
    agents = await metier.agents.all(workspace_id)
    effective = {agent.name: chosen.of(agent.name, agent.confirm).value for agent in agents}
    if as_json:
        say_json(chosen.to_json() | {"effective": effective})
        return
    rows = [("(default)", chosen.default.value, "")]
    rows += [(agent.name, chosen.agents.get(agent.name, "default"), effective[agent.name]) for agent in agents]
    say_table(("agent", "chosen", "holds"), rows)
