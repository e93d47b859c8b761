"""`metier profile`: what the first admin says of himself or herself."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from metier.cli.house import open_house
from metier.cli.terminal import say, say_json

if TYPE_CHECKING:
    from metier.access import Profile

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    profile = typer.Typer(help="Your profile: name, time zone, and how values are written.", no_args_is_help=True)
    app.add_typer(profile, name="profile")

    @profile.command("show")
    def show_profile(as_json: AsJson = False) -> None:
        """Show the profile of the first admin."""
        asyncio.run(_change({}, as_json=as_json))

    @profile.command("set")
    def set_profile(
        name: Annotated[str | None, typer.Option(help="What people read.")] = None,
        time_zone: Annotated[str | None, typer.Option(help="An IANA name, e.g. Europe/Berlin.")] = None,
        locale: Annotated[str | None, typer.Option(help="Language and country of values, e.g. de-AT.")] = None,
        number_format: Annotated[str | None, typer.Option(help="E.g. dots_and_comma; system for the locale's.")] = None,
        currency_display: Annotated[str | None, typer.Option(help="symbol or code.")] = None,
        date_format: Annotated[str | None, typer.Option(help="day_first, month_first, year_first or system.")] = None,
        time_format: Annotated[str | None, typer.Option(help="hour_12, hour_24 or system.")] = None,
        calendar_start_day: Annotated[
            str | None, typer.Option(help="monday, saturday, sunday or system; for this_week and the like.")
        ] = None,
        as_json: AsJson = False,
    ) -> None:
        """Change what is given of the first admin's profile; the rest stays."""
        given = {
            "name": name,
            "time_zone": time_zone,
            "locale": locale,
            "number_format": number_format,
            "currency_display": currency_display,
            "date_format": date_format,
            "time_format": time_format,
            "calendar_start_day": calendar_start_day,
        }
        asyncio.run(_change({key: value for key, value in given.items() if value is not None}, as_json=as_json))


async def _change(given: dict[str, str], *, as_json: bool) -> None:
    async with open_house() as (metier, operator):
        if given:
            found = await metier.access.update_profile(operator, **given)
        else:
            found = await metier.access.profile(operator)
    _say(found, as_json=as_json)


def _say(profile: "Profile", *, as_json: bool) -> None:
    if as_json:
        say_json(profile.to_json())
        return
    for key, value in profile.to_json().items():
        say(f"{key.replace('_', ' ')}: {value or 'none'}")
