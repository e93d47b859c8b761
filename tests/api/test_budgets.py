"""Budgets over REST: who may set them, what is refused, and where the workspace's days begin."""

import httpx2 as httpx
import pytest

from metier.testing import House, Script


async def as_key(house: House, client: httpx.AsyncClient) -> None:
    """Let the client be a key with the flag AI only."""
    await house.metier.access.create_role(house.actor, name="asker", label="Asker", flags=["AI"])
    key = await house.metier.access.create_key(house.actor, role="asker", name="k")
    client.headers["Authorization"] = f"Bearer {key.token}"


DAILY = {"scope": "workspace", "period": "day", "tokens": 10}


async def test_without_the_flag_nothing_is_set_or_removed(
    anonymous: httpx.AsyncClient, client: httpx.AsyncClient, sample_house: House
):
    budget = (await client.put("/api/v1/budgets", json=DAILY)).json()
    await as_key(sample_house, anonymous)

    answers = [
        await anonymous.put("/api/v1/budgets", json=DAILY),
        await anonymous.delete(f"/api/v1/budgets/{budget['id']}"),
        await anonymous.patch("/api/v1/workspace", json={"time_zone": "Europe/Berlin"}),
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert [one["id"] for one in (await anonymous.get("/api/v1/budgets")).json()["data"]] == [budget["id"]]


async def test_a_budget_is_set_stands_and_is_removed(client: httpx.AsyncClient, sample_house: House):
    await client.patch("/api/v1/workspace", json={"time_zone": "Europe/Berlin"})
    budget = (await client.put("/api/v1/budgets", json=DAILY)).json()
    await sample_house.ask("Well?", model=Script().says("Hello you"))

    listed = (await client.get("/api/v1/budgets")).json()
    assert listed == {
        "data": [
            budget
            | {
                "holder": "",
                "used": {"tokens": 12, "cost_micros": 14},
                "state": "over",
                "since": "2026-11-20T23:00:00+00:00",
                "until": "2026-11-21T23:00:00+00:00",
            }
        ],
        "time_zone": "Europe/Berlin",
    }
    assert (await client.delete(f"/api/v1/budgets/{budget['id']}")).status_code == 204
    assert (await client.get("/api/v1/budgets")).json()["data"] == []
    assert (await client.delete(f"/api/v1/budgets/{budget['id']}")).status_code == 404


@pytest.mark.parametrize(
    ("more", "status", "path"),
    [
        ({"scope": "galaxy"}, 422, "scope"),
        ({"period": "year"}, 422, "period"),
        ({"tokens": None}, 422, "tokens"),
        ({"tokens": -3}, 422, "tokens"),
        ({"tokens": 10**40}, 422, "tokens"),
        ({"colour": "red"}, 422, "colour"),
        ({"scope": "member", "subject": "no\x00body"}, 404, ""),
    ],
)
async def test_what_makes_no_sense_names_its_place(
    client: httpx.AsyncClient, more: dict[str, object], status: int, path: str
):
    answer = await client.put("/api/v1/budgets", json=DAILY | more)

    assert (answer.status_code, answer.json()["errors"][0]["path"]) == (status, path)
    assert (await client.get("/api/v1/budgets")).json()["data"] == []


async def test_another_workspaces_budget_is_an_unknown_one(client: httpx.AsyncClient, sample_house: House):
    db = sample_house.metier.db
    other = await sample_house.metier.access.create_workspace("Other")
    foreign = await db.value(
        "insert into core.budget (workspace_id, id, scope, subject, period, tokens, hard, warn_percent, created_at,"
        " created_by, updated_at) values (%s, gen_random_uuid(), 'workspace', '', 'day', 1, true, 80, now(),"
        " gen_random_uuid(), now()) returning id",
        [other],
    )

    assert (await client.delete(f"/api/v1/budgets/{foreign}")).status_code == 404
    assert (await client.get("/api/v1/budgets")).json()["data"] == []
    assert await db.value("select count(*) from core.budget") == 1


async def test_no_time_zone_that_there_is_not(client: httpx.AsyncClient):
    answer = await client.patch("/api/v1/workspace", json={"time_zone": "Europe/Berlim"})

    assert answer.json()["errors"][0]["did_you_mean"] == "Europe/Berlin"
    assert (await client.get("/api/v1/workspace")).json()["time_zone"] == "UTC"
