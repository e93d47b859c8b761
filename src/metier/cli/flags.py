"""`metier flags`: feature flags, that is what the workspace has switched on."""

import asyncio
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from metier.cli.house import open_house
from metier.cli.terminal import say, say_json, say_table

if TYPE_CHECKING:
    from metier.access import FeatureFlag

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]


class Switch(StrEnum):
    """The two places of a switch."""

    ON = "on"
    OFF = "off"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    flags = typer.Typer(help="Feature flags: what the workspace has switched on.", no_args_is_help=True)
    app.add_typer(flags, name="flags")

    @flags.command("list")
    def list_flags(as_json: AsJson = False) -> None:
        """List the feature flags, and what each governs."""
        asyncio.run(_list(as_json=as_json))

    @flags.command("set")
    def set_flag(
        key: Annotated[str, typer.Argument(help="The flag, e.g. IS_AI_ENABLED.")],
        value: Annotated[Switch, typer.Argument(help="on or off.")],
        as_json: AsJson = False,
    ) -> None:
        """Switch a feature on or off for the whole workspace, at once."""
        asyncio.run(_set(key, value, as_json=as_json))


async def _list(*, as_json: bool) -> None:
    async with open_house() as (metier, operator):
        flags = await metier.access.feature_flags(operator)
    if as_json:
        for flag in flags:
            say_json(flag.to_json())
    else:
        say_table(("key", "value", "governs"), [_row(flag) for flag in flags])


async def _set(key: str, value: Switch, *, as_json: bool) -> None:
    async with open_house() as (metier, operator):
        flag = await metier.access.set_feature_flag(operator, key, value=value is Switch.ON)
    if as_json:
        say_json(flag.to_json())
    else:
        say(f"{flag.key} is {value}. {flag.governs}")


def _row(flag: "FeatureFlag") -> tuple[str, ...]:
    return flag.key, "on" if flag.value else "off", flag.governs
