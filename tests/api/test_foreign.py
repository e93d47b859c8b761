"""S-04: an id of another workspace is answered like one that there is not, for every operation that takes one.

The operations come from the API's own description, so a new one is tested by being there.
"""

import re
from typing import Any
from uuid import UUID

import httpx2 as httpx
import pytest
import schemathesis

from metier import api
from metier.actor import Actor
from metier.runs import Period, Scope
from metier.testing import House, Script
from tests.api.test_fuzz import _draw
from tests.asking import waiting

STREAM = "/api/v1/runs/{run_id}/events"
UNKNOWN = UUID(int=0xDEAD)


@pytest.fixture
async def foreigner(sample_house: House) -> Actor:
    """The admin of another workspace, which has the same objects and no records."""
    metier = sample_house.metier
    other = await metier.access.create_workspace("Other")
    member = await metier.access.create_member(other, name="Boss", role="admin")
    actor = await metier.access.actor_for_member(other, member)
    await metier.data_model.publish_all(actor, metier.shelf.objects, note="For the test.")
    return actor


@pytest.fixture
async def foreign(sample_house: House, foreigner: Actor):
    """A client with a key of the other workspace's admin."""
    key = await sample_house.metier.access.create_key(foreigner, role="admin", name="k")
    transport = httpx.ASGITransport(app=api.build(sample_house.metier), raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {key.token}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://metier.test", headers=headers) as client:
        yield client


async def ours(house: House) -> dict[str, Any]:
    """Give ids of the first workspace, by the names that paths have for them."""
    access, actor, db = house.metier.access, house.actor, house.metier.db
    thread = await house.metier.chat.create_thread(actor, model="scripted/model")
    events = await house.ask("Hi", thread_id=thread.id, model=Script().says("Hello."))
    company = (await house.metier.records.find(actor, "company", limit=1)).records[0]["id"]
    await house.metier.records.update(actor, "company", company, {"name": "Changed"})
    house.model.script = Script().calls("ask_person", question="Which one?").then_says("Thanks.")
    asking = await house.metier.chat.create_thread(actor, agent="crm-assistant", model="scripted/model")
    [request] = await waiting(house, (await house.metier.chat.send(actor, asking.id, "Please.")).id)
    budget = await house.metier.budgets.set(actor, scope=Scope.WORKSPACE, period=Period.DAY, tokens=1_000_000)
    return {
        "budget_id": budget.id,
        "change_id": await db.value("select id from core.change where workspace_id = %s limit 1", [actor.workspace_id]),
        "thread_id": thread.id,
        "run_id": events[0].run_id,
        "request_id": request.id,
        "record_id": company,
        "key_id": (await access.create_key(actor, role="member", name="x")).id,
        "member_id": (await access.members(actor))[-1].id,
        "invitation_id": (await access.invite(actor, email="bo@acme.test", role="member")).id,
    }


def _path(template: str, ids: dict[str, Any], instead: UUID | None) -> str:
    """Fill in a path: ids as they are or all of them unknown, names that both workspaces have."""
    names = {"object": "company", "name": "member", "key": "IS_AI_ENABLED"}

    def fill(match: re.Match[str]) -> str:
        word = match[1]
        if word.endswith("_id"):
            return str(instead or ids[word])  # one that is not there: put an id of the new kind into `ours`
        return names.get(word, "nothing")

    return re.sub(r"\{(\w+)\}", fill, template)


async def test_foreign_ids_are_answered_like_unknown_ones(sample_house: House, foreign: httpx.AsyncClient):
    ids = await ours(sample_house)
    document = (await foreign.get("/api/v1/openapi.json")).json()
    tested: dict[str, int] = {}

    for found in schemathesis.openapi.from_dict(document).get_all_operations():
        operation = found.ok()
        if not re.search(r"_id\}", operation.path):
            continue
        (case, *_) = _draw(operation.as_strategy(generation_mode=schemathesis.GenerationMode.POSITIVE), 1)
        body = case.as_transport_kwargs(base_url="http://metier.test").get("json")
        theirs, unknown = [
            await foreign.request(operation.method.upper(), _path(operation.path, ids, instead), json=body)
            for instead in (None, UNKNOWN)
        ]
        said = [re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "ID", answer.text) for answer in (theirs, unknown)]
        assert theirs.status_code == unknown.status_code, f"{operation.label}: {theirs.text} and {unknown.text}"
        assert said[0] == said[1], operation.label
        assert theirs.status_code in (403, 404, 409, 422), f"{operation.label}: {theirs.status_code} {theirs.text}"
        tested[operation.label] = theirs.status_code

    assert {label for label, status in tested.items() if label.startswith(("GET", "DELETE")) and status != 404} == set()
    assert len(tested) >= 12
    assert f"GET {STREAM}" in tested
