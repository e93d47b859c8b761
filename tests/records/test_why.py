"""Why somebody may see or do something: the rule named is the one that the compiler used (S-46)."""

from typing import Any

import pytest

from metier.actor import FLAGS, Action
from metier.actor.reason import Rule, why_flag
from metier.clock import Clock
from metier.errors import MissingPermission, NoSuchRecord, NotFound, UnknownField
from metier.records import Records
from metier.store import Database
from tests.records.chance import play
from tests.records.test_find_equals_brute_force import resolve
from tests.records.test_policy_equals_brute_force import Case, tell
from tests.records.test_row_rules import actor, ids, role, rows  # noqa: F401 `ids` is a fixture
from tests.records.world import World


@pytest.mark.parametrize("seed", range(100, 102))
async def test_s46_what_is_said_is_what_is_done(db: Database, clock: Clock, seed: int):
    """For thrown roles: allowed exactly if the doors show it, and the row rule named is one that the record fails."""
    thrown = play(seed, policies=6, questions=0)
    world = await World.make(db, clock, Records(db, clock))
    data = await tell(world, thrown)
    for policy in thrown.policies:
        case = Case.of(world, data, resolve(policy.roles, data), policy.member)
        for name, kind in data.types.items():
            seen = case.seen.types.get(name)
            assert (await world.records.why(world.admin, name, of=case.actor)).allowed == (seen is not None)
            for field in kind.fields:
                said = await world.records.why(world.admin, name, field=field.name, of=case.actor)
                assert said.allowed == (seen is not None and field.name in seen.by_name), f"{said}\n{case}"
            shown = {row["id"] for row in case.seen.visible(name)} if seen else set()
            for row in data.visible(name):
                said = await world.records.why(world.admin, name, record_id=row["id"], of=case.actor)
                assert said.allowed == (row["id"] in shown), f"{said}\n{case}"
                assert (said.rule is Rule.ROW) == (seen is not None and not said.allowed)
                assert said.where is None or said.where in _wheres(case.roles, name)


def _wheres(roles: Any, name: str) -> list[Any]:
    return [rule["where"] for one in roles for rule in one["rows"].get(name, ())]


async def test_s46_each_rule_is_named(world: World, ids: Any):  # noqa: F811
    rep = role(
        objects={"person": [], "deal": ["read"]},
        fields={"company": {"city": [], "name": ["read"]}},
        **rows({"owner": "me"}),
    )
    who = actor(world, rep, me=ids["sam"])

    async def why(name: str, **question: Any) -> tuple[bool, Rule]:
        reason = await world.records.why(world.admin, name, of=who, **question)
        assert reason.role == "rep" or reason.rule is Rule.HOUSE
        return reason.allowed, reason.rule

    assert await why("person") == (False, Rule.OBJECT)
    assert await why("deal", action=Action.UPDATE) == (False, Rule.OBJECT)
    assert await why("deal", field="contact") == (False, Rule.RELATION)
    assert await why("company", field="city") == (False, Rule.FIELD)
    assert await why("company", field="name", action=Action.UPDATE) == (False, Rule.FIELD)
    assert await why("company", field="name") == (True, Rule.NONE)
    assert await why("company", record_id=ids["bolt"]) == (False, Rule.ROW)
    assert await why("company", record_id=ids["acme"]) == (True, Rule.NONE)
    assert await why("member", action=Action.UPDATE) == (False, Rule.HOUSE)


async def test_s46_what_one_does_not_see_oneself_stays_unknown(world: World, ids: Any):  # noqa: F811
    rep = role(objects={"person": []}, fields={"company": {"city": []}}, **rows({"owner": "me"}), flags=["ROLES"])
    who = actor(world, rep, me=ids["sam"])

    for of in (None, world.admin):
        with pytest.raises(NotFound):
            await world.records.why(who, "person", of=of)
        with pytest.raises(UnknownField):
            await world.records.why(who, "company", field="city", of=of)
        with pytest.raises(NoSuchRecord):
            await world.records.why(who, "company", record_id=ids["bolt"], of=of)


async def test_s46_only_who_holds_roles_asks_about_others(world: World):
    who = actor(world, role())

    assert (await world.records.why(who, "company", action=Action.DELETE)).allowed
    with pytest.raises(MissingPermission):
        await world.records.why(who, "company", of=world.admin)


def test_s46_flags_are_explained(world: World):
    who = actor(world, role(can_access_all_tools=True), role(flags=["AI"]))

    for flag in FLAGS:
        assert why_flag(who, flag).allowed == who.holds(flag)
    assert why_flag(who, "VIEWS").rule is Rule.FLAG
