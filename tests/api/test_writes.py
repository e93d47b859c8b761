"""Writing over REST: refused first, then done, repeated without harm, and taken back."""

from typing import Any

import httpx2 as httpx
import pytest

from metier.actor import Action
from metier.testing import House

NOBODY = "01a1fd55-0000-7000-8000-00000000dead"  # an id that nothing has

WRITES = [
    ("POST", "/api/v1/records/company", {}),
    ("PATCH", f"/api/v1/records/company/{NOBODY}", {}),
    ("DELETE", f"/api/v1/records/company/{NOBODY}", None),
    ("POST", f"/api/v1/records/company/{NOBODY}/restore", None),
    ("POST", f"/api/v1/records/company/{NOBODY}/destroy", None),
    ("POST", "/api/v1/records/company/upsert", {}),
    ("POST", "/api/v1/records/company/batch", {"operations": [{"action": "delete", "id": NOBODY}]}),
    ("GET", f"/api/v1/records/company/{NOBODY}/changes", None),
    ("POST", f"/api/v1/changes/{NOBODY}/undo", None),
]


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
async def test_without_a_key_nothing_is_written(anonymous: httpx.AsyncClient, method: str, path: str, body: Any):
    assert (await anonymous.request(method, path, json=body)).status_code == 401


async def test_a_reader_writes_nothing(anonymous: httpx.AsyncClient, sample_house: House):
    await sample_house.metier.access.create_role(
        sample_house.actor, name="reader", label="Reader", objects={"company": frozenset({Action.READ})}
    )
    key = await sample_house.metier.access.create_key(sample_house.actor, role="reader", name="r")
    headers = {"Authorization": f"Bearer {key.token}"}

    for method, path, body in WRITES[:-2]:
        answer = await anonymous.request(method, path, json=body, headers=headers)
        assert (answer.status_code, answer.json()["error"]) == (403, "MissingPermission"), path
    for method, path, body in WRITES[-2:]:
        assert (await anonymous.request(method, path, json=body, headers=headers)).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "body", "place"),
    [
        ("POST", "/api/v1/records/company", {"nmae": "x"}, "nmae"),
        ("POST", "/api/v1/records/company", {"annualRevenue": {"amountMicros": 1}}, "annualRevenue.currency_code"),
        ("POST", "/api/v1/records/company", [], ""),
        ("POST", "/api/v1/records/company/upsert?by=colour", {"name": "x"}, ""),
        ("POST", "/api/v1/records/company/batch", {"operations": []}, "operations"),
        ("POST", "/api/v1/records/company/batch", {"operations": [{"action": "eat"}]}, "operations.0.action"),
        ("POST", "/api/v1/records/company/batch", {"operations": [{"action": "update"}]}, "operations.0.id"),
        ("POST", "/api/v1/records/company/batch", {"operations": [{"action": "create", "id": "x"}]}, "operations.0.id"),
        (
            "POST",
            "/api/v1/records/company/batch",
            {"operations": [{"action": "delete", "id": NOBODY, "values": {}}]},
            "operations.0.values",
        ),
        (
            "POST",
            "/api/v1/records/company/batch",
            {
                "operations": [
                    {"action": "create", "values": {"name": "fine"}},
                    {"action": "create", "values": {"employees": "x"}},
                ]
            },
            "operations.1.values.employees",
        ),
    ],
)
async def test_a_mistake_is_told_with_its_place(
    client: httpx.AsyncClient, method: str, path: str, body: Any, place: str
):
    before = (await client.get("/api/v1/records/company?count=true&limit=1")).json()["total"]

    answer = await client.request(method, path, json=body)

    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["path"] == place, answer.text
    assert (await client.get("/api/v1/records/company?count=true&limit=1")).json()["total"] == before


async def test_a_record_lives_and_dies_over_rest(client: httpx.AsyncClient):
    made = await client.post("/api/v1/records/company", json={"name": "Acme", "domainName": "acme.example"})
    assert made.status_code == 201
    body = made.json()
    url = f"/api/v1/records/company/{body['data']['id']}"
    assert body["kind"] == "created"
    assert body["data"] == (await client.get(url)).json()

    changed = (await client.patch(url, json={"employees": 50})).json()
    assert changed["fields"] == {"employees": {"before": None, "after": 50}}
    same = (await client.patch(url, json={"employees": 50})).json()
    assert (same["kind"], same["change_id"], same["data"]) == ("unchanged", None, changed["data"])

    assert (await client.delete(url)).json()["kind"] == "deleted"
    assert (await client.get(url)).status_code == 404
    gone = (await client.get("/api/v1/records/company?deleted=true")).json()["data"]
    assert [record["name"] for record in gone] == ["Acme"]
    assert (await client.post(f"{url}/restore")).json()["data"]["employees"] == 50

    history = (await client.get(f"{url}/changes?limit=2")).json()
    assert [one["kind"] for one in history["data"]] == ["restored", "deleted"]
    rest = (await client.get(f"{url}/changes?cursor={history['next_cursor']}")).json()
    assert [one["kind"] for one in rest["data"]] == ["updated", "created"]
    assert {one["origin"] for one in rest["data"]} == {"api"}

    assert (await client.post(f"{url}/destroy")).json()["data"] is None
    assert (await client.post(f"{url}/restore")).status_code == 404


async def test_a_stale_version_is_refused_with_the_values_now(client: httpx.AsyncClient):
    record = (await client.post("/api/v1/records/company", json={"name": "Acme"})).json()["data"]
    url = f"/api/v1/records/company/{record['id']}"
    await client.patch(url, json={"name": "Bolt"})

    for answer in (
        await client.patch(url, json={"name": "Cask"}, params={"if_updated_at": record["updated_at"]}),
        await client.delete(url, params={"if_updated_at": record["updated_at"]}),
    ):
        assert (answer.status_code, answer.json()["error"]) == (409, "RecordChanged")
        assert answer.json()["current"]["name"] == "Bolt"


async def test_a_batch_is_done_and_undone_whole(client: httpx.AsyncClient):
    before = (await client.get("/api/v1/records/company?count=true&limit=2")).json()
    first, second = (record["id"] for record in before["data"])
    operations = [
        {"action": "create", "values": {"name": "Acme"}},
        {"action": "update", "id": first, "values": {"employees": 1}},
        {"action": "delete", "id": second},
        {"action": "upsert", "values": {"domainName": "fresh.example"}, "by": "domainName"},
    ]

    done = (await client.post("/api/v1/records/company/batch", json={"operations": operations})).json()
    assert [one["kind"] for one in done["data"]] == ["created", "updated", "deleted", "created"]
    undone = await client.post(f"/api/v1/changes/{done['change_id']}/undo")

    assert undone.status_code == 200, undone.text
    after = (await client.get("/api/v1/records/company?count=true&limit=2")).json()
    assert after["total"] == before["total"]
    assert [r["employees"] for r in after["data"]] == [r["employees"] for r in before["data"]]
    again = await client.post(f"/api/v1/changes/{done['change_id']}/undo")
    assert again.status_code in (404, 409)


async def test_a_repeated_key_is_answered_as_the_first_time(client: httpx.AsyncClient):
    """S-51: same body same answer, other body an error, another actor's key is another one."""
    url, body, headers = "/api/v1/records/company", {"name": "Acme"}, {"Idempotency-Key": "import 7"}

    first = await client.post(url, json=body, headers=headers)
    second = await client.post(url, json=body, headers=headers)
    other = await client.post(url, json={"name": "Bolt"}, headers=headers)
    elsewhere = await client.post("/api/v1/records/person", json={}, headers=headers)

    assert (second.status_code, second.json()) == (201, first.json())
    for answer in (other, elsewhere):
        assert (answer.status_code, answer.json()["error"]) == (409, "KeyReused")
        assert answer.json()["errors"][0]["path"] == "Idempotency-Key"
    found = (await client.post(f"{url}/query", json={"where": {"name": "Acme"}, "count": True})).json()
    assert found["total"] == 1


async def test_two_actors_may_use_one_key(client: httpx.AsyncClient, sample_house: House):
    other = await sample_house.metier.access.create_key(sample_house.actor, role="admin", name="other")
    headers = {"Idempotency-Key": "1"}
    first = (await client.post("/api/v1/records/company", json={"name": "Acme"}, headers=headers)).json()

    theirs = {**headers, "Authorization": f"Bearer {other.token}"}
    second = await client.post("/api/v1/records/company", json={"name": "Bolt"}, headers=theirs)

    assert second.json()["data"]["id"] != first["data"]["id"]


async def test_members_are_not_written_as_records(client: httpx.AsyncClient):
    answer = await client.post("/api/v1/records/member", json={"name": "Eve"})

    assert (answer.status_code, answer.json()["error"]) == (403, "ReadOnlyObject")
