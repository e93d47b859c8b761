"""S-04: an id of another workspace is answered like one that there is not, for every operation that takes one.

The operations come from the API's own description, so a new one is tested by being there.
"""

import re
from uuid import UUID

import httpx2 as httpx
import pytest
import schemathesis

from metier import api
from metier.testing import House
from tests.api.drawing import draw
from tests.api.foreign import foreign_admin, ours, path_of

STREAM = "/api/v1/runs/{run_id}/events"
UNKNOWN = UUID(int=0xDEAD)


@pytest.fixture
async def foreign(sample_house: House):
    """A client with a key of the other workspace's admin."""
    stranger = await foreign_admin(sample_house)
    key = await sample_house.metier.access.create_key(stranger, role="admin", name="k")
    transport = httpx.ASGITransport(app=api.build(sample_house.metier), raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {key.token}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://metier.test", headers=headers) as client:
        yield client


async def test_foreign_ids_are_answered_like_unknown_ones(sample_house: House, foreign: httpx.AsyncClient):
    ids = await ours(sample_house)
    document = (await foreign.get("/api/v1/openapi.json")).json()
    tested: dict[str, int] = {}

    for found in schemathesis.openapi.from_dict(document).get_all_operations():
        operation = found.ok()
        if not re.search(r"_id\}", operation.path):
            continue
        (case, *_) = draw(operation.as_strategy(generation_mode=schemathesis.GenerationMode.POSITIVE), 1)
        body = case.as_transport_kwargs(base_url="http://metier.test").get("json")
        theirs, unknown = [
            await foreign.request(operation.method.upper(), path_of(operation.path, ids, instead), json=body)
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
