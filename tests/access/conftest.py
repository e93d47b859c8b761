"""A workspace with an admin and a member."""

from dataclasses import dataclass
from uuid import UUID

import pytest

from metier.access import CHEAP, Access
from metier.actor import Actor
from metier.store import Database
from metier.testing import FrozenClock

PASSWORD = "correct horse"


@pytest.fixture
def access(db: Database, clock: FrozenClock) -> Access:
    return Access(db, clock, password_cost=CHEAP)


@pytest.fixture
def elsewhere(db: Database, clock: FrozenClock) -> Access:
    """The same room in another process: it shares the database and nothing else."""
    return Access(db, clock, password_cost=CHEAP)


@dataclass(frozen=True)
class People:
    """Who there is: Ada is admin, Mo is member."""

    workspace_id: UUID
    ada: Actor
    mo: Actor


@pytest.fixture
async def people(access: Access) -> People:
    workspace_id = await access.create_workspace("Acme")
    ada = await access.create_member(
        workspace_id, name="Ada Park", email="ada@acme.test", password=PASSWORD, role="admin", time_zone="Europe/Berlin"
    )
    mo = await access.create_member(workspace_id, name="Mo", email="mo@acme.test", password=PASSWORD)
    return People(
        workspace_id, await access.actor_for_member(workspace_id, ada), await access.actor_for_member(workspace_id, mo)
    )


@pytest.fixture
async def stranger(access: Access) -> Actor:
    """The admin of another workspace."""
    other = await access.create_workspace("Other")
    return await access.actor_for_member(other, await access.create_member(other, name="Boss", role="admin"))
