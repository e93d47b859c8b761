"""Any roles through every door: REST, tools, the planner and pages answer what Python works out row by row (S-08)."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2 as httpx
import pytest

from metier import api
from metier.access.forms import changed
from metier.access.tokens import SIGN_IN, digest, new_token
from metier.actor import Actor, Role
from metier.api.auth import SIGN_IN_COOKIE
from metier.builtin.tools.records import RecordTools
from metier.context import Context
from metier.testing import House
from tests.records.brute import Data, answer
from tests.records.chance import Policy, play
from tests.records.invent import Question
from tests.records.sight import Me, seen
from tests.records.test_find_equals_brute_force import resolve
from tests.records.test_policy_equals_brute_force import NOBODY, tell
from tests.records.world import World
from tests.scale import cases

PLAYS, POLICIES, QUESTIONS = 2, 5, 4


@dataclass
class Doors:
    """The house's doors, and a client whose credential changes."""

    house: House
    client: httpx.AsyncClient

    async def sign_in(self, member: Actor) -> None:
        """Let the client be a member's browser."""
        token, now = new_token(SIGN_IN), self.house.metier.clock.now()
        await self.house.metier.db.execute(
            "insert into core.sign_in (token_hash, workspace_id, member_id, created_at, expires_at)"
            " values (%s, %s, %s, %s, %s)",
            [digest(token), member.workspace_id, member.principal.id, now, now + timedelta(days=1)],
        )
        self.client.headers = {"Cookie": f"{SIGN_IN_COOKIE}={token}", "Sec-Fetch-Site": "same-origin"}

    def use_key(self, token: str) -> None:
        """Let the client be a program."""
        self.client.headers = {"Authorization": f"Bearer {token}"}


@pytest.fixture
async def doors(house: House) -> AsyncIterator[Doors]:
    transport = httpx.ASGITransport(app=api.build(house.metier))
    async with httpx.AsyncClient(transport=transport, base_url="http://metier.test") as client:
        yield Doors(house, client)


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(1_000, 1_000 + cases(PLAYS)))
async def test_s08_every_door_shows_what_the_roles_show(doors: Doors, seed: int):
    metier = doors.house.metier
    world = await World.make(metier.db, metier.clock, metier.records)
    thrown = play(seed, policies=POLICIES, questions=QUESTIONS)
    data = await tell(world, thrown)
    for place, policy in enumerate(thrown.policies):
        case = await _Case.of(doors, world, data, policy, place)
        for question in policy.questions:
            await case.check(question)
        await case.check_single()
        await case.check_planner()


@dataclass
class _Case:
    doors: Doors
    all: Data
    one: Data  # what the first role shows, to who signs in
    chained: Data  # what all roles show, to the agents that act for that one
    asker: Actor
    agent: Actor
    told: str

    @classmethod
    async def of(cls, doors: Doors, world: World, data: Data, policy: Policy, place: int) -> "_Case":
        access, roles = doors.house.metier.access, resolve(policy.roles, data)
        stored = await access.create_role(world.admin, name=f"r{place}", flags=["AI"], **roles[0])
        row = None if policy.member is None else data.rows["member"][policy.member]
        if row is None:
            key = await access.create_key(world.admin, role=stored.name, name="k")
            asker = await access.actor_for_key(key.token)
            doors.use_key(key.token)
        else:
            await world.db.execute("update core.member set role_id = %s where id = %s", [stored.id, row["id"]])
            asker = await access.actor_for_member(world.workspace_id, row["id"])
            await doors.sign_in(asker)
        me = Me(NOBODY if row is None else {name: row[name] and str(row[name]) for name in NOBODY})
        agent = asker
        for i, form in enumerate(roles[1:]):
            agent = agent.through(f"a{i}", changed(Role(uuid4(), f"a{i}", "A"), form))
        told = f"roles={roles}\nme={me}\nrows={data.rows}"
        return cls(doors, data, seen(data, roles[:1], me), seen(data, roles, me), asker, agent, told)

    async def check(self, question: Question) -> None:
        where = resolve(question.where, self.all)
        wanted = {"where": where, "sort": question.sort, "select": ["id"]}
        expected = _ids(self.one, where, question.sort)

        got: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            asked = {"where": json.dumps(where), "sort": ",".join(question.sort), "limit": str(question.limit)}
            page = await self.get("/api/v1/records/thing", **asked, **cursor)
            got += [record["id"] for record in page["data"]]
            if page["next_cursor"] is None:
                break
            cursor = {"cursor": page["next_cursor"]}
        posted = await self.doors.client.post(
            "/api/v1/records/things/query", json={**wanted, "limit": 500, "count": True}
        )
        tool = await self.tool("find_things", {**wanted, "limit": 100})

        assert got == expected, f"where={where}\n{self.told}"
        assert [r["id"] for r in posted.json()["data"]] == expected, posted.text
        assert posted.json()["total"] == len(expected)
        in_chain = _ids(self.chained, where, question.sort)
        assert [record["id"] for record in tool["records"]] == in_chain
        assert tool["total"] == len(in_chain)

    async def check_single(self) -> None:
        names = {kind["name"] for kind in (await self.get("/api/v1/objects"))["data"]}
        assert names == set(self.one.types)
        for name, rows in self.all.rows.items():
            there = {row["id"] for row in self.one.visible(name)} if name in self.one.types else set[UUID]()
            for row in rows:
                found = await self.doors.client.get(f"/api/v1/records/{name}/{row['id']}")
                assert found.status_code == (200 if row["id"] in there else 404), self.told
        hits = {hit["id"] for hit in (await self.get("/api/v1/search", q="a", limit="50"))["data"]}
        assert hits == _titled(self.one, "a")
        tools = {tool.name for tool in await RecordTools().tools(self.context())}
        assert {f"find_one_{name}" for name in self.chained.types} <= tools
        assert not {f"find_one_{name}" for name in set(self.all.types) - set(self.chained.types)} & tools
        if self.chained.types:
            found = await self.tool("search_records", {"text": "a", "limit": 50})
            assert {hit["id"] for hit in found["hits"]} == _titled(self.chained, "a")

    async def check_planner(self) -> None:
        """The planner counts what the asker sees, and knows nothing of a hidden object."""
        events = await self.doors.house.ask("How many things are there?", actor=self.asker)

        assert events.status == "succeeded"
        if "thing" in self.one.types:
            assert events.last("tool_result").data["result"]["total"] == len(self.one.visible("thing")), self.told
        else:
            assert "tool_result" not in events.kinds()
            assert "find_thing" not in repr(list(events))

    async def get(self, path: str, **query: str) -> Any:
        found = await self.doors.client.get(path, params=query)
        assert found.status_code == 200, f"{found.text}\n{self.told}"
        return found.json()

    async def tool(self, name: str, arguments: dict[str, Any]) -> Any:
        ctx = self.context()
        (tool,) = [tool for tool in await RecordTools().tools(ctx) if tool.name == name]
        return (await tool.run(ctx, arguments)).result

    def context(self) -> Context:
        metier = self.doors.house.metier
        return Context(self.agent, metier.clock, metier.records, None)  # pyright: ignore[reportArgumentType] no model


def _ids(data: Data, where: Any, sort: list[str]) -> list[str]:
    if "thing" not in data.types:
        return []
    order = sort or ([] if "created_at" in data.types["thing"].by_name else ["-id"])
    return [str(row["id"]) for row in answer(data, "thing", where, order)]


def _titled(data: Data, word: str) -> set[str]:
    return {
        str(row["id"])
        for name, kind in data.types.items()
        for row in data.visible(name)
        if kind.title != "id" and word in str(row.get(kind.title) or "").lower()
    }
