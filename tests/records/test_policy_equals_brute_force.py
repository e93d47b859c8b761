"""Any roles, any actor, any question: what the doors answer is what Python works out row by row.

Objects, rows with gaps everywhere, roles with hidden fields and row rules, chains of agents and questions are thrown.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any
from uuid import UUID, uuid4

import pytest

from metier.access.forms import changed
from metier.actor import Action, Actor, Principal, PrincipalKind, Role
from metier.clock import Clock
from metier.errors import NoSuchRecord, NotFound
from metier.records import FieldType, Records
from metier.records.compile import compose_ids
from metier.store import Database
from tests.records.brute import Data, Row, answer
from tests.records.chance import MEMBERS, Play, play
from tests.records.invent import Question
from tests.records.sight import Me, may, seen
from tests.records.test_find_equals_brute_force import link, resolve
from tests.records.world import World
from tests.scale import cases

PLAYS, POLICIES, QUESTIONS = 13, 8, 10  # about 1,000 triples of roles, actor and question

NOBODY = dict.fromkeys(("id", "name", "email", "time_zone"))


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(cases(PLAYS)))
async def test_s08_what_is_seen_equals_brute_force(db: Database, clock: Clock, seed: int):
    thrown = play(seed, policies=POLICIES, questions=QUESTIONS)
    world = await World.make(db, clock, Records(db, clock))
    data = await tell(world, thrown)
    for policy in thrown.policies:
        case = Case.of(world, data, resolve(policy.roles, data), policy.member)
        await case.check_objects()
        for question in policy.questions:
            await case.check_question(question, resolve(question.where, data))


@dataclass(frozen=True)
class Case:
    """One who asks, as the house knows them and as the brute force does."""

    world: World
    all: Data
    seen: Data
    actor: Actor
    roles: Sequence[Any]
    me: Me

    @classmethod
    def of(cls, world: World, data: Data, roles: Sequence[Any], member: int | None) -> "Case":
        row = None if member is None else data.rows["member"][member]
        me = Me(NOBODY if row is None else {name: row[name] and str(row[name]) for name in NOBODY})
        kind = PrincipalKind.KEY if row is None else PrincipalKind.MEMBER
        known = row or {"id": uuid4(), "name": "key", "email": None}
        principal = Principal(kind, known["id"], known["name"], "UTC", "en", known["email"])
        chain = tuple(f"agent:a{i}" for i in range(len(roles) - 1))
        held = tuple(changed(Role(uuid4(), f"r{i}", "R"), role) for i, role in enumerate(roles))
        return cls(world, data, seen(data, roles, me), Actor(world.workspace_id, principal, held, chain), roles, me)

    def __str__(self) -> str:
        return f"roles={self.roles}\nme={self.me}\nrows={self.all.rows}\ntypes={self.all.types}"

    async def check_objects(self) -> None:
        """Objects, fields, single records, titles."""
        records, actor = self.world.records, self.actor
        found = {kind.name: kind for kind in await records.objects(actor)}
        assert {name: [f.name for f in kind.fields] for name, kind in found.items()} == {
            name: [f.name for f in kind.fields] for name, kind in self.seen.types.items()
        }
        for name in self.all.types:
            there = {row["id"] for row in self.seen.visible(name)} if name in found else set[UUID]()
            for row in self.all.rows[name]:
                await self.check_one(name, row, row["id"] in there)
        await self.check_search()
        await self.check_actions()

    async def check_actions(self) -> None:
        """The rows with which each action is possible, of those that are there and of those that are deleted."""
        sight = await self.world.records._catalog.sight(self.actor)
        for name, (action, deleted) in product(self.seen.types, _ACTIONS):
            rows = self.all.rows[name]
            statement = compose_ids(sight.view, name, action=action, deleted=deleted)
            wanted = {**statement.constants, **sight.values, "ids": [row["id"] for row in rows]}
            found = {row["id"] for row in await self.world.db.rows(statement.sql, wanted)}
            right = [row for row in rows if may(self.all, self.roles, self.me, name, row, action)]
            assert found == {row["id"] for row in right if row["deleted"] == deleted}, f"{name} {action}\n{self}"

    async def check_one(self, name: str, row: Row, visible: bool) -> None:
        if not visible:
            with pytest.raises(NoSuchRecord if name in self.seen.types else NotFound):
                await self.world.records.get(self.actor, name, row["id"])
            return
        record = await self.world.records.get(self.actor, name, row["id"])
        kind = self.seen.types[name]
        assert set(record) == {field.name for field in kind.fields}
        for field in kind.fields:
            if field.type is FieldType.RELATION:
                assert record[field.name] == self.label(field.target or "", self.seen.target(field, row)), (
                    f"{row}\n{self}"
                )

    def label(self, name: str, row: Row) -> dict[str, Any] | None:
        """Give how a relation to the row is shown."""
        if row["id"] is None:
            return None
        title = self.seen.types[name].title
        text = row.get(title) if isinstance(row.get(title), str) else None
        return {"id": str(row["id"]), "label": str(row["id"]) if title == "id" else text or "Untitled"}

    async def check_search(self) -> None:
        hits = await self.world.records.search(self.actor, "a", limit=50)
        expected = {
            (name, row["id"])
            for name, kind in self.seen.types.items()
            for row in self.seen.visible(name)
            if kind.title != "id" and "a" in str(row.get(kind.title) or "").lower()
        }
        assert {(hit.object, hit.id) for hit in hits} == expected, str(self)

    async def check_question(self, question: Question, where: Any) -> None:
        order = question.sort or ([] if "created_at" in self.seen.types["thing"].by_name else ["-id"])
        expected = [str(row["id"]) for row in answer(self.seen, "thing", where, order)]
        told = f"where={where} sort={question.sort} limit={question.limit}\n{self}"

        assert await self.walk(question, where) == expected, told
        counted = await self.world.records.find(self.actor, "thing", where=where, limit=0, count="exact")
        assert counted.total == len(expected), told

    async def walk(self, question: Question, where: Any) -> list[str]:
        ids: list[str] = []
        cursor: str | None = None
        while True:
            page = await self.world.records.find(
                self.actor, "thing", where=where, sort=question.sort, limit=question.limit, cursor=cursor, select=["id"]
            )
            ids += [record["id"] for record in page.records]
            cursor = page.next_cursor
            if cursor is None:
                return ids


#: What can be done, with records that are there (False) or deleted (True).
_ACTIONS = ((Action.UPDATE, False), (Action.DELETE, False), (Action.DELETE, True))


async def tell(world: World, thrown: Play) -> Data:
    """Put the play into the database; give it as the brute force knows it."""
    types = thrown.types
    await world.publish(types["other"], types["thing"])
    ids: dict[str, list[UUID]] = {"member": [await world.member(m["name"], m["email"]) for m in MEMBERS]}
    for name in ("other", "thing"):
        relations = {f.name for f in types[name].fields if f.type is FieldType.RELATION}
        rows = thrown.rows[name]
        plain = [{k: v for k, v in row.items() if k != "deleted" and k not in relations} for row in rows]
        ids[name] = await world.insert(name, *plain)
    known = {name: [dict(row, id=ids[name][i]) for i, row in enumerate(rows)] for name, rows in thrown.rows.items()}
    for row in known["member"]:
        row |= {"deleted": False, "created_at": world.clock.now()}
    for name in ("other", "thing"):
        for row in known[name]:
            await link(world, name, row, types[name], ids)
        await world.delete(name, *(row["id"] for row in known[name] if row["deleted"]))
    return Data(types, known, world.clock.now())
