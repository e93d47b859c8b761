"""A workspace with a store of cards."""

from collections.abc import Iterator

import pytest

from metier.clock import Clock
from metier.store import Database
from metier.testing import postgres
from tests.definitions.cards import Desk


@pytest.fixture(scope="module")
def database_url(server: str, template: str) -> Iterator[str]:
    """One database for all tests of a module: each makes a workspace of its own in it."""
    url = postgres.clone(server, template)
    yield url
    postgres.drop(url)


@pytest.fixture
async def desk(db: Database, clock: Clock) -> Desk:
    return await Desk.make(db, clock)
