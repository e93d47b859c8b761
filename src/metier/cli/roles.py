"""`metier roles`: what members and keys may do."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from metier.actor import Action, Holder
from metier.cli.house import open_house
from metier.cli.terminal import say, say_json, say_table
from metier.cli.versions import Note, add_versions
from metier.errors import Invalid, NotFound, Problem, nearest
from metier.registry import fold_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from metier.access.forms import RoleForm
    from metier.actor import Role, RowRule

ROLE = "role"

Name = Annotated[str, typer.Argument(help="Its name.")]
Label = Annotated[str | None, typer.Option(help="What people read; made of the name if left out.")]
Description = Annotated[str | None, typer.Option(help="What it is for.")]
AllObjects = Annotated[
    str | None,
    typer.Option(help="What it allows on every object without a rule of its own: read,create,update,delete,destroy."),
]
Objects = Annotated[
    list[str] | None,
    typer.Option(help="A rule for one object, e.g. company=read,update, or note= for nothing; may be given again."),
]
Inherits = Annotated[
    list[str] | None,
    typer.Option(help="Actions of one object that follow --all-objects, e.g. company=create,delete; again for more."),
]
Fields = Annotated[
    list[str] | None,
    typer.Option(help="What is left of a field, e.g. company.revenue= to hide it, company.name=read; again for more."),
]
Rows = Annotated[
    list[str] | None,
    typer.Option(help='Which records, as a filter: opportunity={"owner": "me"}; all must match if given again.'),
]
Flags = Annotated[str | None, typer.Option(help="Flags it holds, e.g. AI,API_KEYS_AND_WEBHOOKS.")]
AllSettings = Annotated[bool | None, typer.Option("--all-settings/--no-all-settings", help="Every settings flag.")]
AllTools = Annotated[bool | None, typer.Option("--all-tools/--no-all-tools", help="Every tool flag.")]
AssignTo = Annotated[str | None, typer.Option(help="Who can be given it: users,agents,api_keys.")]
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
        label: Label = None,
        description: Description = None,
        all_objects: AllObjects = None,
        objects: Objects = None,
        inherits: Inherits = None,
        fields: Fields = None,
        rows: Rows = None,
        flags: Flags = None,
        all_settings: AllSettings = None,
        all_tools: AllTools = None,
        assign_to: AssignTo = None,
        note: Note = "",
        as_json: AsJson = False,
    ) -> None:
        """Make a role; what is not named it does not allow."""
        form = _form(label, description, all_objects, objects, fields, rows, flags, all_settings, all_tools, assign_to)
        form["inherits"] = dict(_object_rule(one, "--inherits") for one in inherits) if inherits else None
        asyncio.run(_create(name, form, note=note, as_json=as_json))

    @roles.command("update")
    def update_role(
        name: Name,
        label: Label = None,
        description: Description = None,
        all_objects: AllObjects = None,
        objects: Objects = None,
        inherits: Inherits = None,
        fields: Fields = None,
        rows: Rows = None,
        flags: Flags = None,
        all_settings: AllSettings = None,
        all_tools: AllTools = None,
        assign_to: AssignTo = None,
        note: Note = "",
        as_json: AsJson = False,
    ) -> None:
        """Change a role for all who hold it; an option replaces what was there, and what is left out stays."""
        form = _form(label, description, all_objects, objects, fields, rows, flags, all_settings, all_tools, assign_to)
        form["inherits"] = dict(_object_rule(one, "--inherits") for one in inherits) if inherits else None
        asyncio.run(_update(name, form, note=note, as_json=as_json))

    @roles.command("delete")
    def delete_role(name: Name) -> None:
        """Archive a role that nobody holds; restore brings it back."""
        asyncio.run(_delete(name))

    add_versions(roles, ROLE)


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


async def _create(name: str, form: "RoleForm", *, note: str, as_json: bool) -> None:
    async with open_house() as (metier, operator):
        role = await metier.access.create_role(operator, name=name, note=note, **form)
    _say(role, as_json=as_json)


async def _update(name: str, form: "RoleForm", *, note: str, as_json: bool) -> None:
    async with open_house() as (metier, operator):
        role = await metier.access.update_role(operator, name, note=note, **form)
    _say(role, as_json=as_json)


async def _delete(name: str) -> None:
    async with open_house() as (metier, operator):
        await metier.access.delete_role(operator, name)
    say(f"Archived the role {name!r}. To bring it back: metier roles restore {name}")


def _form(
    label: str | None,
    description: str | None,
    all_objects: str | None,
    objects: Sequence[str] | None,
    fields: Sequence[str] | None,
    rows: Sequence[str] | None,
    flags: str | None,
    all_settings: bool | None,
    all_tools: bool | None,
    assign_to: str | None,
) -> "RoleForm":
    """Give what the options say of a role; None where nothing is said."""
    return {
        "label": label,
        "description": description,
        "all_objects": None if all_objects is None else _actions(all_objects, "--all-objects"),
        "objects": dict(_object_rule(one, "--objects") for one in objects) if objects else None,
        "fields": _field_rules(fields) if fields else None,
        "rows": _row_rules(rows) if rows else None,
        "flags": None if flags is None else _parts(flags),
        "can_update_all_settings": all_settings,
        "can_access_all_tools": all_tools,
        "can_be_assigned_to": None if assign_to is None else _parts(assign_to),
    }


def _object_rule(text: str, option: str) -> "tuple[str, frozenset[Action]]":
    """Read `company=read,update`."""
    name, actions = _split(text, option, "company=read,update")
    return name, _actions(actions, f"{option} {name}")


def _field_rules(texts: Sequence[str]) -> "dict[str, dict[str, frozenset[Action]]]":
    """Read `company.revenue=` and its like."""
    found: dict[str, dict[str, frozenset[Action]]] = {}
    for text in texts:
        place, actions = _split(text, "--fields", "company.revenue=")
        name, _, field = place.partition(".")
        if not field:
            raise Invalid.of([Problem("--fields", f"{text!r} names no field", example="company.revenue=")])
        found.setdefault(name, {})[field] = _actions(actions, f"--fields {place}")
    return found


def _row_rules(texts: Sequence[str]) -> dict[str, list[dict[str, object]]]:
    """Read `opportunity={"owner": "me"}` and its like; nothing behind the sign takes the object's rules away."""
    found: dict[str, list[dict[str, object]]] = {}
    for text in texts:
        name, where = _split(text, "--rows", _ROW)
        try:
            found.setdefault(name, []).extend([{"where": json.loads(where)}] if where.strip() else [])
        except ValueError as error:
            raise Invalid.of([Problem(f"--rows {name}", f"{where!r} is no JSON: {error}", example=_ROW)]) from None
    return found


_ROW = 'opportunity={"owner": "me"}'


def _split(text: str, option: str, example: str) -> tuple[str, str]:
    name, equals, rest = text.partition("=")
    if not equals or not name.strip():
        raise Invalid.of([Problem(option, f"{text!r} is no rule", example=example)])
    return name.strip(), rest


def _actions(text: str, option: str) -> "frozenset[Action]":
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
    if role.description:
        say(f"  {role.description}")
    say(f"  every object: {_words(role.all_objects)}")
    for object_name, actions in sorted(role.objects.items()):
        inherits = role.inherits.get(object_name)
        say(f"  {object_name}: {_words(actions)}{f'; inherits {_words(inherits)}' if inherits else ''}")
    for object_name, rules in sorted(role.fields.items()):
        for field, actions in sorted(rules.items()):
            say(f"  {object_name}.{field}: {'read' if actions else 'hidden'}")
    for object_name, rows in sorted(role.rows.items()):
        for rule in rows:
            say(f"  {object_name} only where {rule.text}{_restricted(rule)}")
    say(f"  flags: {_flags(role)}")
    if role.can_be_assigned_to != frozenset(Holder):
        say(f"  for: {', '.join(one.value for one in Holder if one in role.can_be_assigned_to) or 'nobody'}")


def _restricted(rule: "RowRule") -> str:
    return "" if len(rule.actions) == len(Action) else f" ({_words(rule.actions)})"


def _row(role: "Role") -> tuple[str, ...]:
    return role.name, role.label, _words(role.all_objects), _flags(role)


def _flags(role: "Role") -> str:
    kinds = [("all settings", role.can_update_all_settings), ("all tools", role.can_access_all_tools)]
    named = [flag for flag in sorted(role.flags) if not replace(role, flags=frozenset()).holds(flag)]
    return ", ".join([*(words for words, holds in kinds if holds), *named]) or "none"


def _words(actions: "Iterable[Action]") -> str:
    return ", ".join(sorted(action.value for action in actions)) or "nothing"
