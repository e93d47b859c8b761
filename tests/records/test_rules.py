"""What a role says of objects, checked against what its writer sees."""

from typing import Any
from uuid import uuid4

import pytest

from metier.actor import Action, Actor, PrincipalKind, Role, RowRule
from metier.errors import Invalid, Problem
from tests.records.world import World


async def checked(world: World, actor: Actor | None = None, **said: Any) -> Role:
    return await world.records.own_names(actor or world.admin, Role(uuid4(), "rep", "Rep", **said))


async def slips(world: World, actor: Actor | None = None, **said: Any) -> list[Problem]:
    with pytest.raises(Invalid) as caught:
        await checked(world, actor, **said)
    return list(caught.value.problems)


def rows(where: dict[str, Any], name: str = "deal") -> dict[str, tuple[RowRule, ...]]:
    return {name: (RowRule(where),)}


NOTHING: frozenset[Action] = frozenset()


async def test_names_become_the_own_ones(world: World):
    role = await checked(
        world,
        objects={"deals": NOTHING},
        fields={"Companies": {"revenue": NOTHING}, "deal": {"dueAt": NOTHING}},
        rows=rows({"dueAt": {"is": "null"}}, "deals"),
    )

    assert role.objects == {"deal": NOTHING}
    assert role.fields == {"company": {"revenue": NOTHING}, "deal": {"due_at": NOTHING}}
    assert set(role.rows) == {"deal"}


@pytest.mark.parametrize(
    ("said", "path", "near"),
    [
        ({"objects": {"deel": NOTHING}}, "objects.deel", "deal"),
        ({"fields": {"deel": {"name": NOTHING}}}, "fields.deel", "deal"),
        ({"fields": {"deal": {"amout": NOTHING}}}, "fields.deal.amout", "amount"),
        ({"fields": {"deal": {"id": NOTHING}}}, "fields.deal.id", None),
        ({"fields": {"deal": {"due_at": NOTHING, "dueAt": NOTHING}}}, "fields.deal.dueAt", None),
        ({"objects": {"deal": NOTHING, "deals": NOTHING}}, "objects.deals", None),
        ({"rows": rows({}, "deel")}, "rows.deel", "deal"),
        ({"rows": rows({"stag": "new"})}, "rows.deal.0.where.stag", "stage"),
        ({"rows": rows({"stage": "neww"})}, "rows.deal.0.where.stage", "new"),
        ({"rows": rows({"and": [{"amount": {"gtt": 5}}]})}, "rows.deal.0.where.and.0.amount.gtt", "gt"),
        ({"rows": rows({"company.owner": {"eq": {"me": "mail"}}})}, "rows.deal.0.where.company.owner.eq", "email"),
        ({"rows": rows({"company.owner": {"eq": {"me": "email"}}})}, "rows.deal.0.where.company.owner.eq", None),
        ({"rows": rows({"name": {"eq": {"me": "id"}}})}, "rows.deal.0.where.name.eq", None),
        ({"rows": rows({"name": {"like": {"me": "name"}}})}, "rows.deal.0.where.name.like", None),
        ({"rows": rows({"amount": {"gt": {"me": "name"}}})}, "rows.deal.0.where.amount.gt", None),
    ],
)
async def test_a_slip_is_told_at_its_place(world: World, said: dict[str, Any], path: str, near: str | None):
    (problem,) = await slips(world, **said)

    assert (problem.path, problem.did_you_mean) == (path, near)


@pytest.mark.parametrize(
    "where",
    [
        {"company.owner": "me"},
        {"company.owner": {"eq": {"me": "id"}}},
        {"company.owner": {"in": ["me", {"me": "id"}, str(uuid4())]}},
        {"not": {"or": [{"name": {"eq": {"me": "email"}}}, {"stage": {"in": [{"me": "name"}, "won"]}}]}},
        {"name": {"contains": {"me": "time_zone"}}},
        {"due_at": {"within": "last_7_days"}},
    ],
)
async def test_what_can_be_asked_can_be_a_rule_whoever_writes_it(world: World, where: dict[str, Any]):
    for kind in (PrincipalKind.MEMBER, PrincipalKind.KEY):
        assert (await checked(world, world.actor(kind=kind), rows=rows(where))).rows == rows(where)


async def test_a_filter_of_daily_life_knows_no_fields_of_the_member(world: World):
    with pytest.raises(Invalid):
        await world.records.find(world.admin, "deal", where={"name": {"eq": {"me": "email"}}})


async def test_s08_a_role_names_only_what_its_writer_sees(world: World):
    """Word for word as what is not there."""
    writer = world.actor({"company": set()})
    hidden = [
        await slips(world, writer, objects={"company": NOTHING}),
        await slips(world, writer, rows=rows({"company.name": "Acme"})),
        await slips(world, writer, fields={"deal": {"company": NOTHING}}),
    ]
    unknown = [
        await slips(world, writer, objects={"compony": NOTHING}),
        await slips(world, writer, rows=rows({"compony.name": "Acme"})),
        await slips(world, writer, fields={"deal": {"compony": NOTHING}}),
    ]

    assert repr(hidden).replace("company", "compony") == repr(unknown)


async def test_s08_a_rule_asks_not_about_records_its_writer_does_not_see(world: World):
    role = Role(uuid4(), "some", "Some", frozenset(Action), rows=rows({"name": "Acme"}, "company"))
    writer = Actor(world.workspace_id, world.admin.principal, (role,))

    (problem,) = await slips(world, writer, rows=rows({"or": [{"stage": "new"}, {"company.city": "Graz"}]}))
    role = await checked(world, writer, rows=rows({"company": {"is": "not_null"}}))

    assert problem.path == "rows.deal.0.where"
    assert "you see some" in problem.problem
    assert role.rows
