"""The API's description."""

import pytest

from metier.web.reference import operations
from tests.web.site import Site

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_every_call_of_the_api_is_described_once_with_what_it_takes(fleet: Site):
    page = await fleet.page("/docs")

    document = (await fleet.client.get("/api/v1/openapi.json")).json()
    calls = [f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods]
    assert sorted(s.get_text(" ") for s in _heads(page)) == sorted(calls)
    query = page.select_one("#post-api-v1-records-object-query").get_text(" ", strip=True)
    assert "where body" in query
    assert not page.select("script[src*='//'], link[href*='//']")


def _heads(page):
    for summary in page.select(".operation summary"):
        summary.select_one(".what").decompose()
        yield summary


async def test_kinds_read_as_words():
    field = {"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "null"}]}
    document = {
        "paths": {"/a/{b}": {"post": {"description": "Do.\n\nMore.", "requestBody": _json({"$ref": "#/x/Body"})}}},
        "components": {"schemas": {"Body": {"properties": {"names": field}, "required": ["names"]}}},
    }

    (found,) = operations(document)["other"]

    assert (found.id, found.summary, found.description) == ("post-a-b", "Do.", "More.")
    assert (found.given[0].kind, found.given[0].required) == ("list of string", True)


def _json(schema):
    return {"content": {"application/json": {"schema": schema}}}
