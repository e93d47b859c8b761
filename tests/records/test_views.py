"""Whoever looks as a member sees what both see: for thrown roles, the two answers' common part and nothing else."""

from typing import Any

import pytest

from metier.access.actors import as_member, as_role
from metier.actor import Actor
from metier.clock import Clock
from metier.errors import NotFound
from metier.records import Records
from metier.store import Database
from tests.records.chance import play
from tests.records.test_find_equals_brute_force import resolve
from tests.records.test_policy_equals_brute_force import Case, tell
from tests.records.world import World


async def seen(world: World, who: Actor, name: str) -> dict[str, dict[str, Any]]:
    """Give the records that somebody sees, by id; none of what they may not read."""
    try:
        page = await world.records.find(who, name, limit=500)
    except NotFound:
        return {}
    return {record["id"]: record for record in page.records}


@pytest.mark.parametrize("seed", range(200, 203))
async def test_a_view_shows_the_common_part(db: Database, clock: Clock, seed: int):
    thrown = play(seed, policies=6, questions=0)
    world = await World.make(db, clock, Records(db, clock))
    data = await tell(world, thrown)
    cases = [Case.of(world, data, resolve(policy.roles, data), policy.member) for policy in thrown.policies]
    for viewer, target in zip(cases, [*cases[1:], cases[0]], strict=True):
        member_view = as_member(viewer.actor, target.actor)
        role_view = as_role(viewer.actor, target.actor.roles[0])
        alone = Actor(world.workspace_id, viewer.actor.principal, target.actor.roles[:1])
        for name in data.types:
            own = await seen(world, viewer.actor, name)
            for view, others in (
                (member_view, await seen(world, target.actor, name)),
                (role_view, await seen(world, alone, name)),
            ):
                found = await seen(world, view, name)
                assert found.keys() == own.keys() & others.keys(), f"{name}: {viewer}\n{target}"
                for key, record in found.items():
                    assert record.keys() == own[key].keys() & others[key].keys()
