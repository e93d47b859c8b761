"""Apps over REST: what is sent is never code, applied whole, and refused to whoever may not."""

import httpx2 as httpx

from metier.testing import House
from tests.apps.test_apps import SHOP


async def test_who_may_not_apply_apps_is_refused_everywhere(client: httpx.AsyncClient, sample_house: House):
    await client.post("/api/v1/apps/apply", json={"files": SHOP})
    await sample_house.metier.access.create_role(sample_house.actor, name="guest", flags=["AI", "DATA_MODEL"])
    key = await sample_house.metier.access.create_key(sample_house.actor, role="guest", name="k")
    client.headers["Authorization"] = f"Bearer {key.token}"

    answers = [
        await client.get("/api/v1/apps"),
        await client.get("/api/v1/apps/shop"),
        await client.post("/api/v1/apps/plan", json={"files": SHOP}),
        await client.post("/api/v1/apps/apply", json={"files": SHOP}),
        await client.post("/api/v1/apps/shop/remove", json={}),
    ]

    assert [answer.status_code for answer in answers] == [403] * 5


async def test_an_app_is_planned_applied_shown_and_removed(client: httpx.AsyncClient):
    planned = (await client.post("/api/v1/apps/plan", json={"files": SHOP})).json()
    nothing = (await client.get("/api/v1/apps")).json()
    applied = (await client.post("/api/v1/apps/apply", json={"files": SHOP, "note": "New."})).json()
    again = (await client.post("/api/v1/apps/apply", json={"files": SHOP})).json()
    shown = (await client.get("/api/v1/apps/shop")).json()
    removed = (await client.post("/api/v1/apps/shop/remove", json={})).json()

    assert nothing == {"data": []}
    assert planned == applied
    assert (again["changes"], again["before"]) == (False, "1.0.0")
    assert {part["kind"] for part in shown["parts"]} == {"agent", "object", "role"}
    assert {step["what"] for step in removed["steps"]} == {"archive"}
    assert [one["name"] for one in (await client.get("/api/v1/apps?archived=true")).json()["data"]] == ["shop"]


async def test_code_is_refused_and_a_slip_is_told_at_its_file_and_line(client: httpx.AsyncClient):
    code = await client.post("/api/v1/apps/plan", json={"files": SHOP | {"shop.py": "import os"}})
    files = SHOP | {"agents/clerk.toml": SHOP["agents/clerk.toml"].replace("prompt", "promt")}
    slip = await client.post("/api/v1/apps/apply", json={"files": files})
    half = await client.post("/api/v1/apps/plan", content=b'{"files": {"metier.toml": "\\ud800"}}')

    assert (code.status_code, code.json()["errors"][0]["path"]) == (422, "files.shop.py")
    assert slip.status_code == 422
    assert any(one["path"] == "agents/clerk.toml:2:1" for one in slip.json()["errors"]), slip.text
    assert half.status_code == 422
    assert (await client.get("/api/v1/apps")).json() == {"data": []}
