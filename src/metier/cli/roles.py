"""`metier roles`: what members and keys may do."""

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import typer

from metier.cli.house import open_house
from metier.cli.terminal import say, say_json, say_table
from metier.errors import NotFound
from metier.registry import fold_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from metier.actor import Action, Role

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    roles = typer.Typer(help="Roles: what members and keys may do.", no_args_is_help=True)
    app.add_typer(roles, name="roles")

    @roles.command("list")
    def list_roles(as_json: AsJson = False) -> None:
        """List the roles."""
        asyncio.run(_list(as_json=as_json))

    @roles.command("show")
    def show_role(name: Annotated[str, typer.Argument(help="Its name.")], as_json: AsJson = False) -> None:
        """Show what a role allows."""
        asyncio.run(_show(name, as_json=as_json))


async def _roles() -> "list[Role]":
    async with open_house() as (metier, operator):
        return await metier.access.roles(operator)


async def _list(*, as_json: bool) -> None:
    roles = await _roles()
    if as_json:
        for role in roles:
            say_json(_json(role))
    else:
        say_table(("name", "label", "all objects", "flags"), [_row(role) for role in roles])


async def _show(name: str, *, as_json: bool) -> None:
    roles = await _roles()
    role = next((role for role in roles if fold_name(role.name) == fold_name(name)), None)
    if role is None:
        raise NotFound("role", name, (role.name for role in roles))
    if as_json:
        say_json(_json(role))
        return
    say(f"{role.label} ({role.name})")
    say(f"  every object: {_words(role.all_objects)}")
    for object_name, actions in sorted(role.objects.items()):
        say(f"  {object_name}: {_words(actions)}")
    say(f"  flags: {', '.join(sorted(role.flags)) or 'none'}")


def _row(role: "Role") -> tuple[str, ...]:
    return role.name, role.label, _words(role.all_objects), ", ".join(sorted(role.flags)) or "none"


def _words(actions: "Iterable[Action]") -> str:
    return ", ".join(sorted(action.value for action in actions)) or "nothing"


def _json(role: "Role") -> dict[str, Any]:
    return {
        "id": str(role.id),
        "name": role.name,
        "label": role.label,
        "all_objects": sorted(role.all_objects),
        "objects": {name: sorted(actions) for name, actions in sorted(role.objects.items())},
        "flags": sorted(role.flags),
    }
