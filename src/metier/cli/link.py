"""`metier link`: a fresh one-time link, for whoever cannot sign in."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from metier.cli.terminal import note, say
from metier.errors import Invalid

if TYPE_CHECKING:
    from metier.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def link(
        url: Annotated[str | None, typer.Option(help="Where the server is reached, if not where it listens.")] = None,
    ) -> None:
        """Print a link that signs in the first admin, once, within 24 hours."""
        asyncio.run(_link(url))


async def _link(url: str | None) -> None:
    from metier.app import Metier
    from metier.settings import Settings

    settings = Settings.load()
    base = _base(settings, url)
    async with Metier.open(settings) as metier:
        workspaces = await metier.access.workspaces()
        token = await metier.access.admin_link(workspaces[0].id if workspaces else None)
    whither = "Signs in as the first admin" if workspaces else "Leads to making the first workspace"
    note(f"{whither}: works once, within 24 hours, while the server runs.")
    say(f"{base}/link/{token}")


def _base(settings: "Settings", url: str | None) -> str:
    from metier.cli.serve import address

    if url is not None:
        if not url.startswith(("http://", "https://")):
            raise Invalid(
                f"{url!r} is not the address of a server.", cure="metier link --url https://metier.example.com"
            )
        return url.rstrip("/")
    if not settings.public_url and not settings.port:
        raise Invalid(
            "METIER_PORT is 0, so the server's port is not known here.", cure="metier link --url http://127.0.0.1:PORT"
        )
    return address(settings, settings.port)
