"""Agents over REST: refused to whoever may not, told at the place of the slip, and asked at once."""

from typing import Any

import httpx2 as httpx
import pytest

from metier.testing import House

SCOUT = {"name": "scout", "prompt": "You find companies.", "toolsets": ["records"]}


async def test_who_may_only_ask_sees_names_and_changes_nothing(client: httpx.AsyncClient, sample_house: House):
    await client.post("/api/v1/agents", json=SCOUT)
    await sample_house.metier.access.create_role(sample_house.actor, name="asker", flags=["AI"])
    key = await sample_house.metier.access.create_key(sample_house.actor, role="asker", name="k")
    client.headers["Authorization"] = f"Bearer {key.token}"

    listed = await client.get("/api/v1/agents")
    refused = [
        await client.get("/api/v1/agents/scout"),
        await client.post("/api/v1/agents", json=SCOUT | {"name": "mine"}),
        await client.patch("/api/v1/agents/scout", json={"prompt": "You tell all."}),
        await client.delete("/api/v1/agents/scout"),
        await client.get("/api/v1/definitions/agent"),
    ]

    assert [agent["name"] for agent in listed.json()["data"]] == ["crm-assistant", "scout"]
    assert "prompt" not in listed.json()["data"][1]
    assert [answer.status_code for answer in refused] == [403] * 5


async def test_an_agent_is_made_changed_taken_back_and_archived(client: httpx.AsyncClient):
    made = await client.post("/api/v1/agents", json=SCOUT | {"limits": {"max_steps": 5}})
    changed = await client.patch("/api/v1/agents/Scout", json={"limits": None, "label": "Finder", "note": "Longer."})
    now = (await client.get("/api/v1/agents/scout")).json()
    stale = await client.patch("/api/v1/agents/scout", json={"label": "X", "revision": made.json()["revision"]})
    back = await client.post("/api/v1/definitions/agent/scout/rollback", json={"version": 1})
    gone = await client.delete("/api/v1/agents/scout")

    assert (made.status_code, made.json()["version"]) == (201, 1)
    assert (changed.json()["version"], now["label"], now["limits"]["max_steps"]) == (2, "Finder", 20)
    assert now["source"] == "workspace"
    assert stale.status_code == 409
    assert (back.json()["version"], back.json()["body"]["limits"]) == (3, {"max_steps": 5})
    assert gone.status_code == 204
    assert (await client.get("/api/v1/agents/scout")).status_code == 404
    assert (await client.post("/api/v1/threads", json={"agent": "scout"})).status_code == 404
    assert (await client.post("/api/v1/agents", json=SCOUT)).status_code == 409


@pytest.mark.parametrize(
    ("slip", "place"),
    [
        ({"prompt": ""}, "prompt"),
        ({"toolsets": ["record"]}, "toolsets.0"),
        ({"role": "nobody"}, "role"),
        ({"limits": {"max_step": 1}}, "limits.max_step"),
        ({"modle": "x"}, "modle"),
        ({"model": "openai/gpt"}, "model"),
    ],
)
async def test_a_slip_is_told_at_its_place_and_makes_nothing(
    client: httpx.AsyncClient, slip: dict[str, Any], place: str
):
    answer = await client.post("/api/v1/agents", json=SCOUT | slip)

    assert answer.status_code == 422, answer.text
    assert [problem["path"] for problem in answer.json()["errors"]] == [place]
    assert (await client.get("/api/v1/agents/scout")).status_code == 404


async def test_an_agent_of_code_is_shown_and_not_changed(client: httpx.AsyncClient):
    changed = await client.patch("/api/v1/agents/crm-assistant", json={"prompt": "Be rude."})
    taken = await client.post("/api/v1/agents", json=SCOUT | {"name": "CRM_assistant".lower()})

    assert (changed.status_code, taken.status_code) == (409, 409)
    assert "comes with Metier" in changed.json()["message"]
    assert (await client.get("/api/v1/agents/crm-assistant")).json()["source"] == "code"
