"""`metier link`: a fresh one-time link, for whoever cannot sign in."""

import asyncio
from typing import Annotated

import typer

from metier.cli.terminal import note, say
from metier.errors import Invalid


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def link(
        url: Annotated[str | None, typer.Option(help="Where the server is reached, if not where it listens.")] = None,
        email: Annotated[str | None, typer.Option("--as", help="Sign in the member with this e-mail instead.")] = None,
    ) -> None:
        """Print a link that signs in the first admin, once, within 24 hours."""
        asyncio.run(_link(url) if email is None else _link_for(email, url))


async def _link(url: str | None) -> None:
    from metier.app import Metier
    from metier.settings import Settings

    base = base_url(url)
    async with Metier.open(Settings.load()) as metier:
        workspaces = await metier.access.workspaces()
        token = await metier.access.admin_link(workspaces[0].id if workspaces else None)
    _say_link("Signs in as the first admin" if workspaces else "Leads to making the first workspace", base, token)


async def _link_for(email: str, url: str | None) -> None:
    from metier.cli.house import open_house

    base = base_url(url)
    async with open_house() as (metier, operator):
        member = await metier.access.actor_for_email(operator.workspace_id, email)
        token = await metier.access.member_link(member)
    _say_link(f"Signs in as {member.label}", base, token)


def _say_link(whither: str, base: str, token: str) -> None:
    note(f"{whither}: works once, within 24 hours, while the server runs.")
    say(f"{base}/link/{token}")


def base_url(url: str | None) -> str:
    """Give where the server is reached: as the option says, else by the settings.

    Raises:
        Invalid: It is no address of a server, or not known here.
    """
    from metier.cli.serve import address
    from metier.settings import Settings

    if url is not None:
        if not url.startswith(("http://", "https://")):
            raise Invalid(f"{url!r} is not the address of a server.", cure="--url https://metier.example.com")
        return url.rstrip("/")
    settings = Settings.load()
    if not settings.public_url and not settings.port:
        raise Invalid("METIER_PORT is 0, so the server's port is not known here.", cure="--url http://127.0.0.1:PORT")
    return address(settings, settings.port)
