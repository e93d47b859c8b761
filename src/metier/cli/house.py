"""How commands come into the house: the database of this home, and the operator."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from metier.actor import Actor
    from metier.app import Metier


@asynccontextmanager
async def open_house() -> "AsyncGenerator[tuple[Metier, Actor]]":
    """Open the house of the environment; a running server is not needed and not disturbed.

    Yields:
        The house, and the operator: whoever holds its files acts as the first admin, recorded as such.

    Raises:
        Conflict: There is no workspace yet.
    """
    from metier.app import Metier
    from metier.settings import Settings

    async with Metier.open(Settings.load(), takes_over=False) as metier:
        yield metier, await metier.access.operator()
