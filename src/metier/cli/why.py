"""`metier why`: which rule lets somebody see or do something, or forbids it."""

import asyncio
from typing import Annotated, Any

import typer

from metier.cli.house import open_house
from metier.cli.terminal import say, say_json


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command("why")
    def why(
        object_name: Annotated[str, typer.Argument(metavar="OBJECT", help="An object; left out with --flag.")] = "",
        field: Annotated[str | None, typer.Option(help="One of its fields.")] = None,
        record: Annotated[str | None, typer.Option(help="The id of a record.")] = None,
        action: Annotated[str, typer.Option(help="read, create, update, delete or destroy.")] = "read",
        flag: Annotated[str | None, typer.Option(help="A flag instead of an object, e.g. AI.")] = None,
        member: Annotated[str | None, typer.Option(help="Whose right it is about: an e-mail or id.")] = None,
        role: Annotated[str | None, typer.Option(help="The role it is about.")] = None,
        agent: Annotated[str | None, typer.Option(help="An agent that acts for them.")] = None,
        as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    ) -> None:
        """Say why somebody may see or do something, or not: the rule that decides."""
        named = {"field": field, "record_id": record, "flag": flag, "member": member, "role": role, "agent": agent}
        asyncio.run(_why(object_name, action, named, as_json=as_json))


async def _why(object_name: str, action: str, named: dict[str, Any], *, as_json: bool) -> None:
    from metier.actor import Action
    from metier.api.why import reason_of
    from metier.errors import Invalid, Problem, nearest

    known = tuple(one.value for one in Action)
    if action not in known:
        near = nearest(action, known)
        raise Invalid.of([Problem("--action", f"there is no action {action!r}", known, did_you_mean=near)])
    async with open_house() as (metier, operator):
        reason = await reason_of(metier, operator, object_name, action=Action(action), **named)
    if as_json:
        say_json(reason.to_json())
    else:
        say(f"{'yes' if reason.allowed else 'no'}: {reason.says}")
