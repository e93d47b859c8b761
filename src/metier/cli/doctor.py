"""`metier doctor`: looks whether everything Metier needs is there, and says the cure where it is not."""

import asyncio
from typing import Annotated

import typer

from metier.cli.terminal import say, say_json


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print JSON, one check a line.")] = False) -> None:
        """Check whether everything Metier needs is there."""
        raise typer.Exit(0 if asyncio.run(_examine(as_json=as_json)) else 1)


async def _examine(*, as_json: bool) -> bool:
    """Print the checks as they are made and say whether all is well."""
    from metier.health import examine

    well = True
    async for check in examine():
        well = well and check.ok
        if as_json:
            say_json(check.to_json())
        else:
            say(f"{'ok ' if check.ok else 'BAD'}  {check.check:<9} {check.found}")
            if check.fix:
                say(f"     {'':<9} {check.fix}")
    return well
