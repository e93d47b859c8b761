"""`metier roles`: what members and keys may do."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from metier.cli.house import open_house
from metier.cli.terminal import say, say_json, say_table
from metier.errors import Invalid, NotFound, Problem, nearest
from metier.registry import fold_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from metier.actor import Action, Role

Name = Annotated[str, typer.Argument(help="Its name.")]
AllObjects = Annotated[
    str | None,
    typer.Option(help="What it allows on every object without a rule of its own: read,create,update,delete,destroy."),
]
Objects = Annotated[
    list[str] | None,
    typer.Option(help="A rule for one object, e.g. company=read,update, or note= for nothing; may be given again."),
]
Flags = Annotated[str | None, typer.Option(help="Flags it holds, e.g. AI,API_KEYS_AND_WEBHOOKS.")]
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
    def show_role(name: Name, as_json: AsJson = False) -> None:
        """Show what a role allows."""
        asyncio.run(_show(name, as_json=as_json))

    @roles.command("create")
    def create_role(
        name: Name,
        label: Annotated[str | None, typer.Option(help="What people read; made of the name if left out.")] = None,
        all_objects: AllObjects = None,
        objects: Objects = None,
        flags: Flags = None,
        as_json: AsJson = False,
    ) -> None:
        """Make a role; what is not named it does not allow."""
        asyncio.run(_create(name, label, _wanted(all_objects, objects, flags), as_json=as_json))

    @roles.command("update")
    def update_role(
        name: Name,
        all_objects: AllObjects = None,
        objects: Objects = None,
        flags: Flags = None,
        as_json: AsJson = False,
    ) -> None:
        """Change a role for all who hold it; an option replaces what was there, and what is left out stays."""
        asyncio.run(_update(name, _wanted(all_objects, objects, flags), as_json=as_json))


@dataclass(frozen=True)
class Wanted:
    """What the options say of a role; None where nothing is said."""

    all_objects: "frozenset[Action] | None"
    objects: "dict[str, frozenset[Action]] | None"
    flags: frozenset[str] | None


async def _roles() -> "list[Role]":
    async with open_house() as (metier, operator):
        return await metier.access.roles(operator)


async def _list(*, as_json: bool) -> None:
    roles = await _roles()
    if as_json:
        for role in roles:
            say_json(role.to_json())
    else:
        say_table(("name", "label", "all objects", "flags"), [_row(role) for role in roles])


async def _show(name: str, *, as_json: bool) -> None:
    roles = await _roles()
    role = next((role for role in roles if fold_name(role.name) == fold_name(name)), None)
    if role is None:
        raise NotFound("role", name, (role.name for role in roles))
    _say(role, as_json=as_json)


async def _create(name: str, label: str | None, wanted: Wanted, *, as_json: bool) -> None:
    from metier.api.roles import label_of, own_names

    async with open_house() as (metier, operator):
        role = await metier.access.create_role(
            operator,
            name=name,
            label=label or label_of(name),
            all_objects=wanted.all_objects or (),
            objects=await own_names(metier, operator, wanted.objects or {}),
            flags=wanted.flags or (),
        )
    _say(role, as_json=as_json)


async def _update(name: str, wanted: Wanted, *, as_json: bool) -> None:
    from metier.api.roles import own_names

    async with open_house() as (metier, operator):
        role = await metier.access.update_role(
            operator,
            name,
            all_objects=wanted.all_objects,
            objects=None if wanted.objects is None else await own_names(metier, operator, wanted.objects),
            flags=wanted.flags,
        )
    _say(role, as_json=as_json)


def _wanted(all_objects: str | None, objects: Sequence[str] | None, flags: str | None) -> Wanted:
    return Wanted(
        all_objects=None if all_objects is None else _actions(all_objects, "--all-objects"),
        objects=dict(map(_rule, objects)) if objects else None,
        flags=None if flags is None else frozenset(_parts(flags)),
    )


def _rule(text: str) -> "tuple[str, frozenset[Action]]":
    """Read `company=read,update`."""
    name, equals, actions = text.partition("=")
    if not equals or not name.strip():
        raise Invalid.of([Problem("--objects", f"{text!r} is no rule", example="company=read,update")])
    return name.strip(), _actions(actions, f"--objects {name.strip()}")


def _actions(text: str, option: str) -> "frozenset[Action]":
    from metier.actor import Action

    known = tuple(action.value for action in Action)
    if wrong := [name for name in _parts(text) if name not in known]:
        raise Invalid.of(
            [Problem(option, f"there is no action {n!r}", known, did_you_mean=nearest(n, known)) for n in wrong],
            cure=f"There are {', '.join(known)}.",
        )
    return frozenset(map(Action, _parts(text)))


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _say(role: "Role", *, as_json: bool) -> None:
    if as_json:
        say_json(role.to_json())
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
