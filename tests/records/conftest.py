"""A workspace with companies, people and deals, empty."""

from collections.abc import Iterator

import pytest

from metier.clock import Clock
from metier.store import Database
from metier.testing import postgres
from tests.records.world import COMPANY, DEAL, PERSON, World


@pytest.fixture(scope="module")
def database_url(server: str, template: str) -> Iterator[str]:
    """One database for all tests of a module: each makes workspaces of its own in it, which see nothing of others."""
    url = postgres.clone(server, template)
    yield url
    postgres.drop(url)


@pytest.fixture
async def world(db: Database, clock: Clock) -> World:
    made = await World.make(db, clock)
    await made.publish(COMPANY, PERSON, DEAL)
    return made
