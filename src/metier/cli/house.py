"""How commands come into the house: the database of this home, and the operator."""

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from metier.actor import Actor
    from metier.app import Metier
    from metier.formats.writing import Writing


WHAT_MAX = 500  # characters of a command in the audit log

#: As whom the command at work looks, `role:NAME` or `member:EMAIL`; as the operator if empty.
VIEW: ContextVar[str] = ContextVar("view", default="")


def writing_for(metier: "Metier", actor: "Actor") -> "Writing":
    """Give how values are written for who looks: the operator's first admin, or whom the command looks as."""
    from zoneinfo import ZoneInfo

    from metier.formats.writing import Writing

    who = actor.me
    return Writing(metier.clock.now(), ZoneInfo(who.time_zone), who.locale, who.formats)


@asynccontextmanager
async def open_house() -> "AsyncGenerator[tuple[Metier, Actor]]":
    """Open the house of the environment; a running server is not needed and not disturbed.

    Yields:
        The house, and the operator: whoever holds its files acts as the first admin, recorded as such; with
        `--as-role` or `--as-member` one who looks as those.

    Raises:
        Conflict: There is no workspace yet.
        NotFound: There is no such role or member.
    """
    from metier.app import Metier
    from metier.settings import Settings

    async with Metier.open(Settings.load(), takes_over=False) as metier:
        operator = await metier.access.operator()
        if view := VIEW.get():
            operator = await metier.access.look(operator, view, f"metier {' '.join(sys.argv[1:])}"[:WHAT_MAX])
        yield metier, operator
