"""`metier keys`: API keys of the workspace."""

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from metier.cli.house import open_house, writing_for
from metier.cli.terminal import note, say, say_json, say_table
from metier.errors import NotFound

if TYPE_CHECKING:
    from metier.access import Key
    from metier.formats.writing import Writing

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    keys = typer.Typer(help="API keys: for programs that ask over HTTP.", no_args_is_help=True)
    app.add_typer(keys, name="keys")

    @keys.command("create")
    def create_key(
        role: Annotated[str, typer.Option(help="What the key may do, e.g. member; see: metier roles list")],
        name: Annotated[str, typer.Option(help="What it is for.")],
        days: Annotated[int | None, typer.Option(min=1, max=3650, help="Days after which it ends by itself.")] = None,
        as_json: AsJson = False,
    ) -> None:
        """Make a key and print it, this once."""
        asyncio.run(_create(role, name, days, as_json=as_json))

    @keys.command("list")
    def list_keys(as_json: AsJson = False) -> None:
        """List the keys, newest first, without their secrets."""
        asyncio.run(_list(as_json=as_json))

    @keys.command("revoke")
    def revoke_key(key: Annotated[str, typer.Argument(help="Its id, or how it begins: mk_…")]) -> None:
        """Refuse a key from now on."""
        asyncio.run(_revoke(key))


async def _create(role: str, name: str, days: int | None, *, as_json: bool) -> None:
    async with open_house() as (metier, operator):
        ends = None if days is None else metier.clock.now() + timedelta(days=days)
        key = await metier.access.create_key(operator, role=role, name=name, expires_at=ends)
    if as_json:
        say_json({"id": str(key.id), "token": key.token, "prefix": key.prefix})
    else:
        note("Keep it now: it is not shown again.")
        say(key.token)


async def _list(*, as_json: bool) -> None:
    async with open_house() as (metier, operator):
        writing = writing_for(metier, operator)
        keys = await metier.access.keys(operator)
    if as_json:
        for key in keys:
            say_json(key.to_json())
    else:
        say_table(
            ("id", "name", "role", "begins", "last used", "expires", "state"), [_row(key, writing) for key in keys]
        )


async def _revoke(given: str) -> None:
    async with open_house() as (metier, operator):
        key = _find(await metier.access.keys(operator), given)
        await metier.access.revoke_key(operator, key.id)
    say(f"Revoked: {key.name} ({key.prefix}…)")


def _find(keys: "list[Key]", given: str) -> "Key":
    """Find a key by its id or by how its token begins; a whole token works too."""
    found = [key for key in keys if _is_id(key.id, given) or given.startswith(key.prefix)]
    if len(found) != 1:
        raise NotFound("API key", given, (key.prefix for key in keys), cure="See: metier keys list")
    return found[0]


def _is_id(key_id: UUID, given: str) -> bool:
    return str(key_id) == given.strip().lower()


def _row(key: "Key", writing: "Writing") -> tuple[str, ...]:
    used, ends = (writing.moment(when) if when else "never" for when in (key.last_used_at, key.expires_at))
    return str(key.id), key.name, key.role, f"{key.prefix}…", used, ends, key.state
