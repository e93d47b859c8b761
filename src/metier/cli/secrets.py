"""`metier secrets`: values that requests name and nobody reads."""

import asyncio
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from metier.cli.house import open_house, writing_for
from metier.cli.terminal import note, say, say_json, say_table
from metier.errors import Invalid

if TYPE_CHECKING:
    from metier.access import NamedSecret
    from metier.formats.writing import Writing

Name = Annotated[str, typer.Argument(help="Its name, e.g. STRIPE_KEY.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    secrets = typer.Typer(help="Secrets: values that requests name and nobody reads.", no_args_is_help=True)
    app.add_typer(secrets, name="secrets")

    @secrets.command("set")
    def set_secret(
        name: Name,
        host: Annotated[
            list[str] | None, typer.Option(help="Where it may be sent, e.g. api.stripe.com; may be given again.")
        ] = None,
        description: Annotated[str | None, typer.Option(help="What it is for.")] = None,
        keep_value: Annotated[bool, typer.Option("--keep-value", help="Change only what else is given.")] = False,
        as_json: AsJson = False,
    ) -> None:
        """Make a secret or set it anew; the value is read from standard input, or asked for."""
        value = None if keep_value else _read(name)
        asyncio.run(_set(name, value, host, description, as_json=as_json))

    @secrets.command("list")
    def list_secrets(as_json: AsJson = False) -> None:
        """List the secrets, without their values."""
        asyncio.run(_list(as_json=as_json))

    @secrets.command("delete")
    def delete_secret(name: Name) -> None:
        """Throw a secret away."""
        asyncio.run(_delete(name))

    @secrets.command("rotate-key")
    def rotate_key() -> None:
        """Seal all secrets with a new key; the old one opens nothing after that."""
        asyncio.run(_rotate())


def _read(name: str) -> str:
    """Read a value that nobody sees: never from the command itself, which other users of the machine can list."""
    value = typer.prompt(f"Value of {name}", hide_input=True) if sys.stdin.isatty() else sys.stdin.read()
    value = value.removesuffix("\n").removesuffix("\r")
    if not value:
        raise Invalid("No value came in.", cure=f"Type it, or send it in: metier secrets set {name} < FILE")
    return value


async def _set(
    name: str, value: str | None, hosts: list[str] | None, description: str | None, *, as_json: bool
) -> None:
    async with open_house() as (metier, operator):
        secret = await metier.secrets.put(operator, name, value=value, hosts=hosts, description=description)
    if as_json:
        say_json(secret.to_json())
        return
    note(f"In a request's header it is named secret:{secret.name}")
    say(f"Set: {secret.name}, for {', '.join(secret.hosts)}")


async def _list(*, as_json: bool) -> None:
    async with open_house() as (metier, operator):
        writing = writing_for(metier, operator)
        secrets = await metier.secrets.secrets(operator)
    if as_json:
        for secret in secrets:
            say_json(secret.to_json())
    else:
        say_table(("name", "hosts", "set", "last used", "description"), [_row(secret, writing) for secret in secrets])


async def _delete(name: str) -> None:
    async with open_house() as (metier, operator):
        await metier.secrets.delete(operator, name)
    say(f"Deleted: {name.upper().replace('-', '_')}")


async def _rotate() -> None:
    async with open_house() as (metier, operator):
        sealed = await metier.secrets.rotate(operator)
        given = bool(metier.settings.secret_key)
    say(f"Sealed with the new key: {sealed} secret{'' if sealed == 1 else 's'}")
    if given:
        note("Only the first key of METIER_SECRET_KEY is needed now; take the others out.")


def _row(secret: "NamedSecret", writing: "Writing") -> tuple[str, ...]:
    used = writing.moment(secret.used_at) if secret.used_at else "never"
    return secret.name, ", ".join(secret.hosts), writing.moment(secret.updated_at), used, secret.description
