"""`metier app`: folders of definitions, planned and applied as a whole."""

import asyncio
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from metier.cli.house import open_house
from metier.cli.terminal import note as remark
from metier.cli.terminal import say, say_json, say_table
from metier.cli.versions import Note, in_house

if TYPE_CHECKING:
    from metier.definitions.apps import AppView, Plan, Trust

CHANGES = 3  # exit code of a plan by which something would change

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The app's folder, with metier.toml in it.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="The app's name.")]
Adopt = Annotated[
    list[str] | None, typer.Option(help="Take over what is there and of no app: object/ship; may be given again.")
]
Overwrite = Annotated[
    list[str] | None, typer.Option(help="Go over what somebody changed: agent/scout; may be given again.")
]
Accept = Annotated[list[str] | None, typer.Option(help="What else you agree to, e.g. convert:FIELD.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    apps = typer.Typer(help="Apps: folders of objects, roles and agents.", no_args_is_help=True)
    app.add_typer(apps, name="app")
    _add_applying(apps)
    _add_reading(apps)
    _add_trust(apps)


def _add_applying(apps: typer.Typer) -> None:
    @apps.command("plan")
    def plan(
        folder: Folder, adopt: Adopt = None, overwrite: Overwrite = None, accept: Accept = None, as_json: AsJson = False
    ) -> None:
        """Show what applying an app would do, and change nothing; exits 3 if something would change."""
        found = asyncio.run(_plan(folder, _accepted(adopt, overwrite, accept)))
        _say_plan(found, as_json=as_json, done=False)
        raise typer.Exit(CHANGES if found.steps else 0)

    @apps.command("apply")
    def apply(
        folder: Folder,
        adopt: Adopt = None,
        overwrite: Overwrite = None,
        accept: Accept = None,
        note: Note = "",
        as_json: AsJson = False,
    ) -> None:
        """Apply an app: all of it, or nothing; what is so already stays."""
        done = asyncio.run(_apply(folder, _accepted(adopt, overwrite, accept), note))
        _say_plan(done, as_json=as_json, done=True)

    @apps.command("remove")
    def remove(name: Name, note: Note = "", as_json: AsJson = False) -> None:
        """Archive an app with all it brought; no record is lost, and applying it brings it back."""
        done = asyncio.run(in_house(lambda m, actor: m.apps.remove(actor, name, note=note)))
        _say_steps(done, as_json=as_json, done=True)
        if not as_json:
            remark("Archived, not purged: records and versions are kept. To bring it back, apply it again.")


def _add_reading(apps: typer.Typer) -> None:
    @apps.command("list")
    def list_apps(
        archived: Annotated[bool, typer.Option("--archived", help="List those that were removed.")] = False,
        as_json: AsJson = False,
    ) -> None:
        """List the apps that are applied."""
        found = asyncio.run(in_house(lambda m, actor: m.apps.listed(actor, archived=archived)))
        if as_json:
            for one in found:
                say_json(one.to_json())
        else:
            bodies = [one.body or {} for one in found]
            rows = [(b["name"], b["label"], b["version"], b.get("role", "")) for b in bodies]
            say_table(("name", "label", "version", "role"), rows)

    @apps.command("show")
    def show_app(name: Name, as_json: AsJson = False) -> None:
        """Show what an app has brought."""
        found = asyncio.run(in_house(lambda m, actor: m.apps.get(actor, name)))
        if as_json:
            say_json(found.to_json())
        else:
            _say_app(found)


def _add_trust(apps: typer.Typer) -> None:
    @apps.command("trust")
    def trust(folder: Folder) -> None:
        """Let an app's Python run in Metier's process when it is planned and applied, with all that you may do."""
        say(f"Trusted: {_trust().add(folder)}")

    @apps.command("untrust")
    def untrust(folder: Folder) -> None:
        """Trust a folder no more."""
        say(f"Not trusted any more: {_trust().remove(folder)}")

    @apps.command("trusted")
    def trusted() -> None:
        """List the trusted folders."""
        for folder in _trust().folders():
            say(str(folder))


def _trust() -> "Trust":
    from metier.definitions.apps import Trust
    from metier.settings import Settings

    settings = Settings.load()
    return Trust(settings.home, settings.trusted_apps)


async def _plan(folder: Path, accept: Collection[str]) -> "Plan":
    from metier.definitions.apps import read_folder

    async with open_house() as (metier, operator):
        return await metier.apps.plan(operator, read_folder(folder, metier.apps.kinds, metier.trust), accept=accept)


async def _apply(folder: Path, accept: Collection[str], note: str) -> "Plan":
    from metier.definitions.apps import read_folder

    async with open_house() as (metier, operator):
        bundle = read_folder(folder, metier.apps.kinds, metier.trust)
        return await metier.apps.apply(operator, bundle, accept=accept, note=note)


def _accepted(adopt: Sequence[str] | None, overwrite: Sequence[str] | None, accept: Sequence[str] | None) -> list[str]:
    return [*(f"adopt:{one}" for one in adopt or ()), *(f"overwrite:{one}" for one in overwrite or ()), *(accept or ())]


_DONE = {"create": "created", "change": "changed", "restore": "restored", "archive": "archived", "adopt": "taken over"}


def _say_plan(plan: "Plan", *, as_json: bool, done: bool) -> None:
    if not as_json:
        now = "new" if plan.before is None else f"{plan.before} is applied"
        remark(f"{plan.app} {plan.version} ({now})")
    _say_steps(plan, as_json=as_json, done=done)
    if not plan.steps and not as_json:
        remark("Nothing is changed." if done else "Nothing would change.")


def _say_steps(plan: "Plan", *, as_json: bool, done: bool) -> None:
    if as_json:
        say_json(plan.to_json())
        return
    for step in plan.steps:
        say(f"{_DONE[step.what] if done else step.what} {step.kind} {step.name}")
        for one in step.differences:
            say(f"  {one.path}: {one.what}")


def _say_app(app: "AppView") -> None:
    body = app.definition.body or {}
    state = " (removed)" if app.definition.archived_at else ""
    say(f"{body['label']} ({body['name']}) {body['version']}{state}")
    if body.get("description"):
        say(f"  {body['description']}")
    say(f"  its agents may at most: {body.get('role', 'nothing, it has none')}")
    for kind, name, label, archived in app.parts:
        say(f"  {kind} {name}: {label}{' (archived)' if archived else ''}")
    for kind, named in body.get("added", {}).items():
        for name, parts in named.items():
            say(f"  added to {kind} {name}: {', '.join(part['name'] for part in parts)}")
