"""Feature flags over REST; with AI off every agent path is refused in words, and what happened can be read."""

import pytest

from metier.actor import AI_FEATURE
from metier.testing import House, Script

URL = "/api/v1/feature-flags"


async def test_without_the_flag_workspace_none_is_changed(anonymous, sample_house: House):
    made = await sample_house.metier.access.create_key(sample_house.actor, role="member", name="m")
    anonymous.headers["Authorization"] = f"Bearer {made.token}"

    refused = await anonymous.put(f"{URL}/{AI_FEATURE}", json={"value": False})

    assert refused.status_code == 403
    assert {flag["key"]: flag["value"] for flag in (await anonymous.get(URL)).json()["data"]}[AI_FEATURE] is True


@pytest.mark.parametrize("body", [{}, {"value": "off"}, {"value": 0}, {"value": None}, {"value": False, "x": 1}, []])
async def test_a_value_is_true_or_false(client, body: object):
    answer = await client.put(f"{URL}/{AI_FEATURE}", json=body)

    assert answer.status_code == 422
    assert (await client.get("/api/v1/agents")).status_code == 200


async def test_an_unknown_flag_is_not_found(client):
    answer = await client.put(f"{URL}/IS_AI", json={"value": False})

    assert (answer.status_code, answer.json()["errors"][0]["did_you_mean"]) == (404, AI_FEATURE)


async def test_with_ai_off_every_agent_path_is_refused_and_past_runs_are_read(client, sample_house: House):
    sample_house.model.script = Script().says("Hello.")
    thread = (await client.post("/api/v1/threads", json={"model": "scripted/model"})).json()["id"]
    run = (await client.post(f"/api/v1/threads/{thread}/messages", json={"text": "Hi."})).json()["run_id"]
    await client.get(f"/api/v1/runs/{run}/events")
    paths = [
        ("POST", "/api/v1/threads", {}),
        ("GET", "/api/v1/threads", None),
        ("GET", f"/api/v1/threads/{thread}", None),
        ("PATCH", f"/api/v1/threads/{thread}", {"title": "x"}),
        ("DELETE", f"/api/v1/threads/{thread}", None),
        ("POST", f"/api/v1/threads/{thread}/restore", None),
        ("GET", f"/api/v1/threads/{thread}/messages", None),
        ("POST", f"/api/v1/threads/{thread}/messages", {"text": "Again."}),
        ("GET", "/api/v1/agents", None),
        ("GET", "/api/v1/models", None),
    ]

    assert (await client.put(f"{URL}/{AI_FEATURE}", json={"value": False})).json()["value"] is False
    refused = [await client.request(method, path, json=body) for method, path, body in paths]
    read = [await client.get(path) for path in ("/api/v1/runs", f"/api/v1/runs/{run}", f"/api/v1/runs/{run}/events")]

    for (method, path, _), answer in zip(paths, refused, strict=True):
        assert answer.status_code == 403, f"{method} {path}"
        assert answer.json()["error"] == "FeatureOff"
        assert AI_FEATURE in answer.json()["message"]
        assert "WORKSPACE" in answer.json()["cure"]
    assert [answer.status_code for answer in read] == [200, 200, 200]
    assert "AI" not in (await client.get("/api/v1/me")).json()["flags"]
    assert len(sample_house.model.script.asked) == 1, "no model was asked again"

    await client.put(f"{URL}/{AI_FEATURE}", json={"value": True})
    assert (await client.get(f"/api/v1/threads/{thread}")).status_code == 200
