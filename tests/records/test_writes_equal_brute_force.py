"""Any roles, any actor, any write: it is done or refused as Python works out, and a refusal changes nothing (S-09).

Roles with hidden fields and row rules are thrown, then writes on records that are there, hidden or deleted; the record
as it would be afterwards is judged by the same rules.
"""

from collections.abc import Mapping
from random import Random
from typing import Any
from uuid import UUID

import pytest

from metier.clock import Clock
from metier.errors import MetierError
from metier.records import FieldType, Operation, Records, Written
from metier.records.operations import Verb
from metier.store import Database
from tests.records.chance import _Dice, play
from tests.records.sight import _actions, may, seen
from tests.records.test_find_equals_brute_force import resolve
from tests.records.test_policy_equals_brute_force import Case, tell
from tests.records.world import World
from tests.scale import cases

PLAYS, POLICIES, WRITES = 13, 8, 10  # about 1,000 writes
NEEDS: Mapping[str, str] = {"restore": "delete"}
VERBS: tuple[Verb, ...] = ("create", "update", "update", "update", "delete", "restore", "destroy")


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(cases(PLAYS)))
async def test_s09_what_is_written_equals_brute_force(db: Database, clock: Clock, seed: int):
    thrown = play(seed, policies=POLICIES, questions=0)
    world = await World.make(db, clock, Records(db, clock))
    data = await tell(world, thrown)
    dice, random = _Dice(seed), Random(seed)
    policies = [(resolve(policy.roles, data), policy.member) for policy in thrown.policies]  # before places change
    for roles, member in policies:
        for _ in range(WRITES):
            case = Case.of(world, data, roles, member)
            await check_write(case, *throw(case, dice, random))


def throw(case: Case, dice: _Dice, random: Random) -> tuple[Verb, dict[str, Any], dict[str, Any]]:
    """Throw a verb, a row it means, and values for up to three fields."""
    kind = case.all.types["thing"]
    verb = random.choice(VERBS)
    row = random.choice(list(case.all.rows["thing"]))
    values: dict[str, Any] = {}
    if verb in ("create", "update"):
        for field in random.sample([f for f in kind.fields if not f.system], random.randint(1, 3)):
            if field.type is FieldType.RELATION:
                values[field.name] = str(random.choice(list(case.all.rows[field.target or ""]))["id"])
            else:
                values[field.name] = dice.value(field)
            if random.random() < 0.15:
                values[field.name] = None
    return verb, dict(row), values


async def check_write(case: Case, verb: Verb, row: dict[str, Any], values: dict[str, Any]) -> None:
    after = expected(case, verb, row, values)
    told = f"{verb} {row} {values}\n{case}"
    before = await table(case.world)
    record_id = None if verb == "create" else row["id"]
    written = await attempt(case, verb, record_id, values)
    if written is None:
        assert after is REFUSED, f"refused\n{told}"
        assert await table(case.world) == before, told
        return
    assert after is not REFUSED, f"done\n{told}"
    keep(case, verb, written.one.id, after)
    if after is not None and not after["deleted"]:
        found = await case.world.records.get(case.world.admin, "thing", written.one.id)
        for name, value in values.items():
            given = found[name]["id"] if isinstance(found[name], dict) and "id" in found[name] else found[name]
            assert (given is None) is (value is None), told


async def attempt(case: Case, verb: Verb, record_id: UUID | None, values: dict[str, Any]) -> Written | None:
    """Write; None if that was refused."""
    try:
        return await case.world.records.batch(case.actor, "thing", [Operation(verb, record_id, values)])
    except MetierError as error:
        if error.status >= 500:
            raise
        return None


REFUSED: Any = object()


def expected(case: Case, verb: Verb, row: dict[str, Any], values: dict[str, Any]) -> Any:
    """Work out the row afterwards; None for one that is gone, REFUSED for what may not be."""
    action = NEEDS.get(verb, verb)
    allowed = all({"read", action} <= set(_actions(role, "thing")) for role in case.roles)
    if not allowed or not all(_may_set(case, name, value) for name, value in values.items()):
        return REFUSED
    now = {"deleted": False, "created_at": case.all.now, "id": UUID(int=0)} if verb == "create" else row
    if verb in ("update", "delete") and row["deleted"]:
        return REFUSED
    if verb == "restore" and not row["deleted"]:  # it is there: nothing to do, for who sees it
        return row if may(case.all, case.roles, case.me, "thing", row, "read") else REFUSED
    if verb != "create" and not may(case.all, case.roles, case.me, "thing", row, action):
        return REFUSED
    if verb == "destroy":
        return None
    after = now | values | {"deleted": verb == "delete"}
    if verb in ("create", "update") and not _fits(case, after, action):
        return REFUSED
    return after


def _may_set(case: Case, name: str, value: Any) -> bool:
    kind = case.seen.types.get("thing")
    if kind is None or name not in kind.by_name:
        return False
    if not all("update" in role.get("fields", {}).get("thing", {}).get(name, ["update"]) for role in case.roles):
        return False
    field = kind.by_name[name]
    if field.type is not FieldType.RELATION or value is None:
        return True
    return any(str(other["id"]) == value for other in case.seen.visible(field.target or ""))


def _fits(case: Case, after: dict[str, Any], action: str) -> bool:
    """Say whether the record as it would be is one with which the actor may do this."""
    others = [row for row in case.all.rows["thing"] if row["id"] != after["id"]]
    data = type(case.all)(case.all.types, {**case.all.rows, "thing": [*others, after]}, case.all.now)
    assert seen(data, case.roles, case.me)
    return may(data, case.roles, case.me, "thing", after, action)


def keep(case: Case, verb: str, record_id: UUID, after: dict[str, Any] | None) -> None:
    """Let the brute force know what was written."""
    rows: Any = case.all.rows["thing"]
    rows[:] = [row for row in rows if row["id"] != record_id]
    if after is not None:
        rows.append(after | {"id": record_id})


async def table(world: World) -> list[Any]:
    log = await world.db.value("select count(*) from core.change where workspace_id = %s", [world.workspace_id])
    return [log, *(await world.db.rows(f'select * from "{world.schema}"."thing" order by id'))]
