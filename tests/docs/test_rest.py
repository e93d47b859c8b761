"""docs/reference/rest.md has each operation with what it takes, and its examples are answered as shown."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from itertools import pairwise

import httpx2 as httpx
import pytest

from metier import api
from metier.actor import FLAGS
from metier.testing import House
from tests.docs.pages import REFERENCE, Block, blocks, check_json, fits, names, sections
from tests.docs.shell import openapi, operation_of, operations

PAGE = (REFERENCE / "rest.md").read_text()
SECTIONS = sections(PAGE, 3)
OPERATIONS = operations()
SCHEMAS = openapi()["components"]["schemas"]


def test_each_operation_has_its_heading():
    assert sorted(SECTIONS) == sorted(OPERATIONS)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_each_parameter_and_field_has_its_row(operation: str):
    told = SECTIONS[operation]

    takes = _parameters(operation) | _fields(operation)
    assert sorted(names(told)) == sorted(takes)
    required = {name for name, needed in takes.items() if needed}
    assert {name for name in takes if re.search(rf"^\| `{name}` \|.*required", told, re.MULTILINE)} == required


def _parameters(operation: str) -> dict[str, bool]:
    given = OPERATIONS[operation].get("parameters", [])
    return {one["name"]: one["required"] for one in given if one["in"] != "path"}


def _fields(operation: str) -> dict[str, bool]:
    body = OPERATIONS[operation].get("requestBody")
    if body is None:
        return {}
    name = body["content"]["application/json"]["schema"].get("$ref", "").rsplit("/", 1)[-1]
    if not name:
        return {}  # the values of a record: what they are called is the object's
    schema = SCHEMAS[name]
    return {name: name in schema.get("required", ()) for name in schema["properties"]}


@pytest.fixture
async def client(sample_house: House) -> AsyncIterator[httpx.AsyncClient]:
    """A client with an admin's key."""
    key = await sample_house.metier.access.create_key(sample_house.actor, role="admin", name="docs")
    transport = httpx.ASGITransport(app=api.build(sample_house.metier))
    headers = {"Authorization": f"Bearer {key.token}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://metier.test", headers=headers) as client:
        yield client


async def test_the_examples_are_answered_as_shown(client: httpx.AsyncClient):
    ids: dict[str, str] = {}
    count = 0

    for heading, asked, shown in _examples():
        path, _, _ = _request(asked, ids)[1].partition("?")
        method, url, body = _request(asked, ids)
        assert operation_of(method, path) == heading
        answer = await client.request(method, url, json=body)
        assert str(answer.status_code) in OPERATIONS[heading]["responses"], answer.text
        assert answer.is_success, answer.text
        if shown.lang == "text":
            assert fits(shown.text, answer.text), answer.text
        else:
            check_json(json.loads(shown.text), answer.json(), ids, heading)
        count += 1
    assert count == len(blocks(PAGE, "http"))
    assert count > 12


def _examples() -> Iterator[tuple[str, Block, Block]]:
    for heading, text in SECTIONS.items():
        found = blocks(text)
        for asked, shown in pairwise(found):
            if asked.lang == "http":
                yield heading, asked, shown


def _request(block: Block, ids: dict[str, str]) -> tuple[str, str, object]:
    text = block.text
    for word, real in ids.items():
        text = re.sub(rf"\b{word}\b", real, text)
    head, _, body = text.partition("\n\n")
    method, _, url = head.strip().partition(" ")
    return method, url, json.loads(body) if body.strip() else None


def test_the_flags_are_as_told():
    told = sections(PAGE, 2)["Roles"]

    assert tuple(re.findall(r"^- `([A-Z_]+)`: ", told, re.MULTILINE)) == FLAGS


async def test_the_list_of_records_alone_refuses_unknown_parameters(client: httpx.AsyncClient):
    assert (await client.get("/api/v1/records/company?colour=red")).status_code == 422
    assert (await client.post("/api/v1/threads", json={"colour": "red"})).status_code == 422


async def test_no_path_and_no_method_answer_as_told(client: httpx.AsyncClient):
    nowhere = await client.get("/api/v1/nowhere")
    never = await client.put("/api/v1/threads", json={})

    assert (nowhere.status_code, nowhere.json()["error"]) == (404, "Http")
    assert (never.status_code, never.json()["error"]) == (405, "Http")
