"""The OpenAPI document says how to authenticate, and says it of the operations that want it."""

import re
from uuid import UUID

import httpx2 as httpx

ANY = str(UUID(int=1))


async def test_the_ways_to_authenticate_are_told(anonymous: httpx.AsyncClient):
    document = (await anonymous.get("/api/v1/openapi.json")).json()

    assert document["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    assert document["paths"]["/api/v1/objects"]["get"]["security"] == [{"key": []}, {"sign_in": []}]


async def test_an_operation_wants_a_credential_if_and_only_if_it_says_so(anonymous: httpx.AsyncClient):
    document = (await anonymous.get("/api/v1/openapi.json")).json()

    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            answer = await anonymous.request(method, re.sub(r"\{[^}]+\}", ANY, path), json={})
            assert (answer.status_code == 401) is bool(operation.get("security")), (
                f"{method} {path}: {answer.status_code}"
            )
