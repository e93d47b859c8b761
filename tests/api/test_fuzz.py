"""Whatever a client sends, the answer is never a 5xx, has the house's form, and tells no stranger of anything.

Every operation of the API's own description, with generated right and wrong input, as whoever may be there. With
METIER_PROOF there are many times as many inputs.
"""

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import httpx2 as httpx
import pytest
import schemathesis

from metier import api
from metier.access import Access
from metier.actor import Actor
from metier.testing import House
from tests.api.drawing import draw
from tests.api.foreign import foreign_admin, ours, path_of
from tests.scale import cases

SKIPPED = "/api/v1/runs/{run_id}/events"  # a stream; followed by the tests of test_api.py
MODES = (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE)
UUID_TEXT = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
REQUEST = ("method", "url", "params", "json", "data", "content", "headers")


@dataclass
class Told:
    """What the answers were like.

    Attributes:
        refused: Refusals of an input that has places (422); `placed` are those that named one.
        open: Operations that did what somebody without credentials asked.
    """

    statuses: set[int] = field(default_factory=set)
    refused: int = 0
    placed: int = 0
    open: set[str] = field(default_factory=set)


@pytest.fixture
async def clients(sample_house: House, key: str) -> AsyncIterator[dict[str, httpx.AsyncClient]]:
    """Clients of the real application: nobody, admin, member, a key of a narrow role, another workspace's admin."""
    access, stranger = sample_house.metier.access, await foreign_admin(sample_house)
    tokens = {
        "admin": key,
        "member": await _key(access, sample_house.actor, "member"),
        "narrow": await _narrow_key(access, sample_house.actor),
        "foreign": await _key(access, stranger, "admin"),
    }
    app = api.build(sample_house.metier)
    async with AsyncExitStack() as stack:
        opened = {}
        for who in ("anonymous", *tokens):
            transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
            headers = {"Authorization": f"Bearer {tokens[who]}"} if who in tokens else {}
            client = httpx.AsyncClient(transport=transport, base_url="http://metier.test", headers=headers)
            opened[who] = await stack.enter_async_context(client)
        yield opened


async def _key(access: Access, actor: Actor, role: str) -> str:
    return (await access.create_key(actor, role=role, name="fuzz")).token


async def _narrow_key(access: Access, actor: Actor) -> str:
    flags = frozenset({"AI"})
    await access.create_role(actor, name="narrow", label="N", all_objects=frozenset(), objects={}, flags=flags)
    return await _key(access, actor, "narrow")


async def test_openapi_describes_every_route(client):
    document = (await client.get("/api/v1/openapi.json")).json()

    assert len(document["paths"]) >= 14
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation.get("summary"), f"{method} {path} has no words"


@pytest.mark.proof
async def test_no_operation_answers_5xx_or_tells_a_stranger_anything(
    sample_house: House, clients: dict[str, httpx.AsyncClient]
):
    """S-04, S-47, for five sorts of clients."""
    ids, told = await ours(sample_house), Told()
    ours_alone = await _ids_of_ours(sample_house)
    document = (await clients["admin"].get("/api/v1/openapi.json")).json()

    for found in schemathesis.openapi.from_dict(document).get_all_operations():
        operation = found.ok()
        if operation.path == SKIPPED:
            continue
        for case in _cases(operation, cases(3)):
            request = _request(case)
            for who, client in clients.items():
                known = {**request, "url": path_of(operation.path, ids, None)} if who in REAL else request
                answer = await client.request(**known)
                _check(operation.label, known, answer, told)
                if who == "anonymous" and answer.status_code < 400:
                    told.open.add(operation.label)
                if who == "foreign":
                    leaked = (set(UUID_TEXT.findall(answer.text)) & ours_alone) - set(UUID_TEXT.findall(str(known)))
                    assert not leaked, f"{operation.label}: {known} -> {answer.text[:300]}"

    assert told.open == OPEN
    assert told.placed >= 0.95 * told.refused > 0


REAL = ("foreign", "member")  # ask for ids that there are
OPEN = {"GET /healthz"}


def _check(label: str, request: dict[str, Any], answer: httpx.Response, told: Told) -> None:
    """Hold an answer against S-47: no 5xx, and each refusal says what and where."""
    shown = f"{label}: {request} -> {answer.status_code} {answer.text[:300]}"
    assert answer.status_code < 500, shown
    told.statuses.add(answer.status_code)
    if answer.status_code < 400:
        return
    assert answer.headers["content-type"] == "application/json", shown
    body = answer.json()
    assert body["errors"], shown
    assert all(isinstance(one["path"], str) and one["problem"] for one in body["errors"]), shown
    if answer.status_code == 422 and isinstance(request.get("json", {}), dict) and "data" not in request:
        told.refused += 1
        told.placed += any(one["path"] for one in body["errors"])


async def _ids_of_ours(house: House) -> set[str]:
    """Give all ids that stand in rows of the first workspace."""
    db, workspace = house.metier.db, house.actor.workspace_id
    tables = await db.rows(
        "select table_schema s, table_name t from information_schema.columns"
        " where column_name = 'id' and udt_name = 'uuid' and table_schema in ('core', %s)",
        [f"w_{workspace.hex}"],
    )
    found: set[str] = set()
    for table in tables:
        where = ""
        if table["s"] == "core":
            keyed = await db.value(
                "select count(*) from information_schema.columns where table_schema = 'core' and table_name = %s"
                " and column_name = 'workspace_id'",
                [table["t"]],
            )
            if not keyed:
                continue
            where = f" where workspace_id = '{workspace}'"
        found |= {str(row["id"]) for row in await db.rows(f'select id from "{table["s"]}"."{table["t"]}"{where}')}
    assert len(found) > 100
    return found


def _request(case: Any) -> dict[str, Any]:
    """Give a case as the client takes it, without credentials of its own."""
    kwargs = case.as_transport_kwargs(base_url="http://metier.test")
    kwargs["headers"] = {n: v for n, v in (kwargs.get("headers") or {}).items() if n.lower() != "authorization"}
    return {name: value for name, value in kwargs.items() if name in REQUEST and value is not None}


def _cases(operation: Any, count: int) -> list[Any]:
    return [case for mode in MODES for case in draw(operation.as_strategy(generation_mode=mode), count)]
