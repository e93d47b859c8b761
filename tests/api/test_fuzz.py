"""Whatever a client sends, the answer is never a 5xx, and it has the form the API says it has."""

from contextlib import suppress
from datetime import timedelta
from unittest import SkipTest

import httpx2 as httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable

from metier import api
from metier.testing import House

SKIPPED = "/api/v1/runs/{run_id}/events"  # a stream; followed by the tests of test_api.py


async def test_openapi_describes_every_route(client):
    document = (await client.get("/api/v1/openapi.json")).json()

    assert len(document["paths"]) >= 14
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation.get("summary"), f"{method} {path} has no words"


@pytest.mark.parametrize("who", ["anonymous", "admin", "narrow"])
async def test_no_operation_answers_5xx(sample_house: House, who: str, key: str):
    """Every operation with generated right and wrong input."""
    app = api.build(sample_house.metier)
    headers = await _headers(sample_house, who, key)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://metier.test", headers=headers) as client:
        document = (await client.get("/api/v1/openapi.json")).json()
        schema = schemathesis.openapi.from_dict(document)
        for found in schema.get_all_operations():
            operation = found.ok()
            if operation.path != SKIPPED:
                await _try(client, operation, count=25)


async def _headers(house: House, who: str, key: str) -> dict[str, str]:
    if who == "anonymous":
        return {}
    if who == "admin":
        return {"Authorization": f"Bearer {key}"}
    flags = frozenset({"AI"})
    await house.metier.access.create_role(
        house.actor, name="narrow", label="N", all_objects=frozenset(), objects={}, flags=flags
    )
    made = await house.metier.access.create_key(house.actor, role="narrow", name="n")
    return {"Authorization": f"Bearer {made.token}"}


async def _try(client, operation, *, count: int) -> None:
    for case in _cases(operation, count):
        kwargs = case.as_transport_kwargs(base_url="http://metier.test")
        kwargs.pop("cookies", None)
        kwargs["headers"] = {n: v for n, v in (kwargs.get("headers") or {}).items() if n.lower() != "authorization"}
        answer = await client.request(**{k: v for k, v in kwargs.items() if k in REQUEST and v is not None})
        assert answer.status_code < 500, f"{operation.label}: {kwargs} -> {answer.status_code} {answer.text[:300]}"
        if answer.status_code >= 400 and answer.headers.get("content-type") == "application/json":
            assert answer.json()["errors"], operation.label


REQUEST = ("method", "url", "params", "json", "data", "content", "headers")


def _cases(operation, count: int) -> list:
    modes = (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE)
    return [case for mode in modes for case in _draw(operation.as_strategy(generation_mode=mode), count)]


def _draw(strategy, count: int) -> list:
    cases: list = []

    @settings(
        max_examples=count,
        database=None,
        deadline=timedelta(seconds=5),
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def keep(case) -> None:
        cases.append(case)

    with suppress(Unsatisfiable, SkipTest):  # an operation without input has no wrong input
        keep()
    return cases
