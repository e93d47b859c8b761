"""`metier hosts`: where agents may go by themselves."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from metier.cli.house import open_house, writing_for
from metier.cli.terminal import say, say_json, say_table

if TYPE_CHECKING:
    from metier.access import AllowedHost
    from metier.formats.writing import Writing

Host = Annotated[str, typer.Argument(help="A host, or *.example.com for all below it.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    hosts = typer.Typer(help="Hosts that agents may reach by themselves.", no_args_is_help=True)
    app.add_typer(hosts, name="hosts")

    @hosts.command("list")
    def list_hosts(as_json: AsJson = False) -> None:
        """List the hosts that agents may reach without asking."""
        asyncio.run(_list(as_json=as_json))

    @hosts.command("allow")
    def allow_host(
        host: Host,
        note: Annotated[str | None, typer.Option(help="What it is for.")] = None,
        as_json: AsJson = False,
    ) -> None:
        """Put a host on the list, or change its note."""
        asyncio.run(_allow(host, note, as_json=as_json))

    @hosts.command("remove")
    def remove_host(host: Host) -> None:
        """Take a host off the list."""
        asyncio.run(_remove(host))


async def _list(*, as_json: bool) -> None:
    async with open_house() as (metier, operator):
        writing = writing_for(metier, operator)
        hosts = await metier.hosts.hosts(operator)
    if as_json:
        for host in hosts:
            say_json(host.to_json())
    else:
        say_table(("host", "since", "note"), [_row(host, writing) for host in hosts])


async def _allow(host: str, note: str | None, *, as_json: bool) -> None:
    async with open_house() as (metier, operator):
        allowed = await metier.hosts.allow(operator, host, note=note)
    if as_json:
        say_json(allowed.to_json())
    else:
        say(f"Allowed: {allowed.host}")


async def _remove(host: str) -> None:
    async with open_house() as (metier, operator):
        await metier.hosts.disallow(operator, host)
    say(f"Removed: {host}")


def _row(host: "AllowedHost", writing: "Writing") -> tuple[str, ...]:
    return host.host, writing.moment(host.created_at), host.note
