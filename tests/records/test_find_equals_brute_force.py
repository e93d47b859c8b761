"""Any question about any objects: what `find` answers is what Python works out row by row.

Object types, rows with gaps everywhere, filters, orders and page sizes are invented; each answer is walked by cursor.
"""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from metier.clock import Clock
from metier.records import FieldType, Records
from metier.store import Database
from tests.records.brute import Data, answer
from tests.records.invent import Place, Question, Story, stories
from tests.records.world import World
from tests.scale import cases

STORIES, QUESTIONS = cases(60), 20  # 1,200 questions


@pytest.mark.proof
@given(story=stories(QUESTIONS))
@settings(
    max_examples=STORIES,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
async def test_find_equals_brute_force(db: Database, clock: Clock, story: Story):
    world = await World.make(db, clock, Records(db, clock))
    data = await tell(world, story)
    for question in story.questions:
        where = resolve(question.where, data)
        expected = answer(data, "thing", where, question.sort)

        found = await walk(world, question, where)

        assert found == [str(row["id"]) for row in expected], explain(story, data, question, where)
        counted = await world.records.find(world.admin, "thing", where=where, limit=0, count="capped")
        assert counted.total == len(expected)


def explain(story: Story, data: Data, question: Question, where: Any) -> str:
    """Say what was asked of what: shrinking a story takes minutes."""
    fields = [field.to_json() for kind in (story.thing, story.other) for field in kind.fields if not field.system]
    return f"where={where}\nsort={question.sort} limit={question.limit}\nfields={fields}\nrows={data.rows}"


async def tell(world: World, story: Story) -> Data:
    """Put the story into the database; give it as the brute force knows it."""
    types = {"other": story.other, "thing": story.thing}
    await world.publish(story.other, story.thing)
    ids: dict[str, list[UUID]] = {}
    for name, rows in story.rows.items():
        relations = {f.name for f in types[name].fields if f.type is FieldType.RELATION}
        plain = [{k: v for k, v in row.items() if k != "deleted" and k not in relations} for row in rows]
        ids[name] = await world.insert(name, *plain)
    known: dict[str, list[dict[str, Any]]] = {}
    for name, rows in story.rows.items():
        known[name] = [dict(row, id=ids[name][i]) for i, row in enumerate(rows)]
        for row in known[name]:
            await link(world, name, row, types[name], ids)
        await world.delete(name, *(row["id"] for row in known[name] if row["deleted"]))
    return Data(types, known, world.clock.now())


async def link(world: World, name: str, row: dict[str, Any], kind: Any, ids: dict[str, list[UUID]]) -> None:
    """Set the relations of a row, to rows that may come after it or be deleted."""
    for field in kind.fields:
        if field.type is FieldType.RELATION and row[field.name] is not None:
            target = ids[field.target][row[field.name]]
            row[field.name] = str(target)
            sql = f'update "{world.schema}"."{name}" set "{field.name}_id" = %s where id = %s'
            await world.db.execute(sql, [target, row["id"]])


def resolve(tree: Any, data: Data) -> Any:
    """Put the ids into a tree that names records by their places."""
    if isinstance(tree, Place):
        return str(data.rows[tree.object][tree.place]["id"])
    if isinstance(tree, dict):
        return {key: resolve(value, data) for key, value in tree.items()}
    return [resolve(value, data) for value in tree] if isinstance(tree, list) else tree


async def walk(world: World, question: Question, where: Any) -> list[str]:
    """Follow the cursors to the end; give the ids in order."""
    ids: list[str] = []
    cursor: str | None = None
    while True:
        page = await world.records.find(
            world.admin, "thing", where=where, sort=question.sort, limit=question.limit, cursor=cursor, select=["id"]
        )
        ids += [record["id"] for record in page.records]
        cursor = page.next_cursor
        if cursor is None:
            return ids
        assert len(page.records) == question.limit
