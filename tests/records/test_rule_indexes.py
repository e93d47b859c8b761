"""Row rules get indexes that serve pages under them, made and dropped as roles come and go."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest

from metier.actor import Actor, Role
from metier.records import RuleIndexes
from metier.records.catalog import Catalog
from metier.records.compile import compose
from metier.records.query import Questions
from metier.store import Json, UniqueViolation
from tests.records.test_row_rules import actor, role, rows
from tests.records.world import World

SIZE = 20_000
CITIES = 200  # one of them is what a rule lets through


class Roles(dict[str, Role]):
    """The roles of a workspace, in the database too."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world

    async def put(self, name: str, rule: Any, of: str = "company") -> Role:
        self[name] = role(**rows(rule, of=of))
        await self.world.db.execute(
            "insert into core.role (workspace_id, id, name, label, body, created_at, updated_at)"
            " values (%s, %s, %s, %s, %s, now(), now())"
            " on conflict (workspace_id, name) do update set body = excluded.body",
            [self.world.workspace_id, uuid4(), name, name, Json(self[name].body())],
        )
        return self[name]

    async def drop(self, name: str) -> None:
        del self[name]
        await self.world.db.execute(
            "delete from core.role where workspace_id = %s and name = %s", [self.world.workspace_id, name]
        )

    async def of(self, workspace_id: UUID) -> Sequence[Role]:
        return list(self.values())


@pytest.fixture
def roles(world: World) -> Roles:
    return Roles(world)


@pytest.fixture(params=[0, 1_000_000], ids=["beside the work", "at once"])
def keeper(request: pytest.FixtureRequest, world: World, roles: Roles) -> RuleIndexes:
    return world.records.rule_indexes(roles.of, small=request.param)


async def fill(world: World) -> None:
    """Put many companies in, of each city as many."""
    await world.db.execute(
        f"""
        insert into "{world.schema}".company (id, created_at, updated_at, name, city, ideal)
        select gen_random_uuid(), now() - i * interval '1 minute', now() - i * interval '1 minute',
            'Company ' || md5(i::text), 'City ' || i % {CITIES}, i % {CITIES} = 0
        from generate_series(1, {SIZE}) i
        """
    )
    await world.db.execute(f'analyze "{world.schema}".company')


async def plan(world: World, who: Actor, **question: Any) -> str:
    """Give how PostgreSQL answers a page that somebody asks for."""
    catalog = Catalog(world.db, world.clock)
    sight = await catalog.sight(who)
    query = Questions().read(sight.view, sight.view.objects["company"], catalog.here(who), question)
    statement = compose(sight.view, query.shape)
    values = {**statement.constants, **query.parameters, **sight.values}
    found = await world.db.rows(f"explain {statement.sql}", values)
    return "\n".join(row["QUERY PLAN"] for row in found)


async def names(world: World) -> set[str]:
    found = await world.db.rows(
        "select indexname as name from pg_indexes where schemaname = %s and indexname ~ '_r[0-9a-f]{8}$'",
        [world.schema],
    )
    return {row["name"].rpartition("_")[0] for row in found}


@pytest.mark.parametrize(
    ("rule", "question", "index"),
    [
        ({"city": "City 7"}, {}, "company_city_newest"),
        ({"city": "City 7"}, {"sort": "name"}, "company_city_title"),
        ({"city": "City 7"}, {"sort": "-updated_at"}, "company_city_updated"),
        ({"ideal": True}, {}, "company_ideal_newest"),
    ],
)
async def test_a_page_under_a_rule_walks_its_index(
    world: World, roles: Roles, keeper: RuleIndexes, rule: Any, question: dict[str, Any], index: str
):
    await fill(world)
    who = actor(world, await roles.put("rep", rule))
    before = await plan(world, who, **question)

    changed = await keeper.refresh(world.workspace_id)
    page = await world.records.find(who, "company", limit=20, **question)

    assert index not in before
    assert changed is not None
    assert len(changed.made) == 3
    for asked in (question, question | {"cursor": page.next_cursor}):
        shown = await plan(world, who, limit=20, **asked)
        assert index in shown
        assert "Sort" not in shown
        assert "Seq Scan" not in shown


async def test_indexes_go_with_the_last_role_that_wants_them(world: World, roles: Roles, keeper: RuleIndexes):
    await roles.put("one", {"city": "Graz"})
    await roles.put("two", {"or": [{"city": {"in": ["Graz", "Linz"]}}, {"founded": {"is": "null"}}]})
    await keeper.refresh(world.workspace_id)
    both = await names(world)
    await roles.drop("two")
    await keeper.refresh(world.workspace_id)
    one = await names(world)
    await roles.drop("one")
    changed = await keeper.refresh(world.workspace_id)

    assert both == {f"company_{field}_{use}" for field in ("city", "founded") for use in ("newest", "title", "updated")}
    assert one == {f"company_city_{use}" for use in ("newest", "title", "updated")}
    assert await names(world) == set()
    assert changed is not None
    assert (changed.made, len(changed.dropped)) == ([], 3)


@pytest.mark.parametrize(
    "rule",
    [
        {"not": {"city": "Graz"}},
        {"city": {"neq": "Graz"}},
        {"employees": {"gt": 5}},
        {"parent.city": "Graz"},
        {"gone": 1},
        {},
    ],
)
async def test_what_no_index_could_serve_gets_none(world: World, roles: Roles, keeper: RuleIndexes, rule: Any):
    await roles.put("rep", rule)

    assert await keeper.refresh(world.workspace_id) is not None
    assert await names(world) == set()


async def test_an_index_that_is_there_already_is_not_made_twice(world: World, roles: Roles, keeper: RuleIndexes):
    await roles.put("rep", {"owner": "me"})

    await keeper.refresh(world.workspace_id)

    assert await names(world) == {"company_owner_title", "company_owner_updated"}


async def test_a_build_that_was_cut_off_is_made_anew(world: World, roles: Roles, keeper: RuleIndexes):
    await roles.put("rep", {"city": "Graz"})
    changed = await keeper.refresh(world.workspace_id)
    assert changed is not None
    name = changed.made[0]
    await world.insert("company", {"name": "Acme", "city": "Graz"}, {"name": "Bolt", "city": "Graz"})
    await world.db.execute(f'drop index "{world.schema}"."{name}"')
    with pytest.raises(UniqueViolation):  # leaves an index behind that is not valid
        await world.db.execute(f'create unique index concurrently "{name}" on "{world.schema}".company (city)')

    again = await keeper.refresh(world.workspace_id)

    assert again is not None
    assert (list(again.made), list(again.dropped)) == ([name], [name])


async def test_publishing_a_type_keeps_the_indexes_and_hiding_a_field_drops_its_own(
    world: World, roles: Roles, keeper: RuleIndexes
):
    await roles.put("rep", {"or": [{"city": "Graz"}, {"ideal": True}]})
    await keeper.refresh(world.workspace_id)
    await world.data_model.add_field(world.admin, "company", {"name": "mood", "type": "text"})
    kept = await names(world)
    await world.data_model.hide_field(world.admin, "company", "city")
    await keeper.refresh(world.workspace_id)

    assert len(kept) == 6
    assert {name for name in await names(world) if "city" in name} == set()


async def test_the_sweep_sees_to_what_changed_and_rests(world: World, roles: Roles, keeper: RuleIndexes):
    await roles.put("rep", {"city": "Graz"})
    await keeper.sweep()
    await asyncio.gather(*[task for task in asyncio.all_tasks() if task.get_name() == "indexes for row rules"])
    made = await names(world)
    await world.db.execute("update core.workspace set indexed_for = 'other' where id <> %s", [world.workspace_id])
    stale = await world.db.value("select indexed_for is null from core.workspace where id = %s", [world.workspace_id])

    assert made == {f"company_city_{use}" for use in ("newest", "title", "updated")}
    assert stale is False
    await keeper.aclose()


async def test_a_change_of_definitions_goes_first(world: World, roles: Roles, keeper: RuleIndexes):
    await roles.put("rep", {"city": "Graz"})
    async with world.db.transaction() as tx:
        await tx.execute("select from core.workspace where id = %s for update", [world.workspace_id])

        assert await keeper.refresh(world.workspace_id) is None

    assert await keeper.refresh(world.workspace_id) is not None


async def test_a_process_that_builds_nothing_leaves_all_as_it_is(world: World, roles: Roles):
    keeper = world.records.rule_indexes(roles.of, builds=False)
    await roles.put("rep", {"city": "Graz"})

    await keeper.sweep()

    assert await names(world) == set()
