"""`metier objects`: what kinds of records there are."""

import asyncio
from typing import Annotated

import typer

from metier.cli.house import open_house
from metier.cli.terminal import say_json, say_table

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command("objects")
    def list_objects(as_json: AsJson = False) -> None:
        """List the kinds of records."""
        asyncio.run(_objects(as_json=as_json))


async def _objects(*, as_json: bool) -> None:
    async with open_house() as (metier, operator):
        objects = await metier.records.objects(operator)
    if as_json:
        for kind in objects:
            say_json(kind.to_json())
    else:
        fields = [", ".join(field.name for field in kind.fields if not field.system) for kind in objects]
        say_table(("name", "plural", "fields"), [(o.name, o.plural, f) for o, f in zip(objects, fields, strict=True)])
