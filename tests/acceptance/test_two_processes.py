"""What is made on one process is there on every other at once: nothing is waited for here, and nothing restarted."""

import json
from collections.abc import Iterator

import httpx2 as httpx
import pytest

from tests.acceptance.conftest import Home, Server, running

LIGHTHOUSE = {
    "name": "lighthouse",
    "fields": [{"name": "name", "type": "text"}, {"name": "height", "type": "number", "unit": "m"}],
}


@pytest.fixture(scope="module")
def other(home: Home, server: Server) -> Iterator[Server]:
    """A second server on the same home."""
    with running(home, "serve") as started:
        yield started


def key(home: Home, role: str) -> str:
    return json.loads(home.run("keys", "create", "--role", role, "--name", role, "--json").stdout)["token"]


def client(server: Server, token: str) -> httpx.Client:
    return httpx.Client(base_url=server.address, headers={"Authorization": f"Bearer {token}"}, timeout=60)


def ask(who: httpx.Client, question: str) -> dict[str, dict]:
    """Ask the offline planner, and give the events of the run by type."""
    thread = who.post("/api/v1/threads", json={"model": "offline/planner"}).json()
    run = who.post(f"/api/v1/threads/{thread['id']}/messages", json={"text": question}).json()["run_id"]
    frames = who.get(f"/api/v1/runs/{run}/events").text.strip().split("\n\n")
    lines = [frame.split("\n") for frame in frames]
    return {event.removeprefix("event: "): json.loads(data.removeprefix("data: ")) for _, event, data in lines}


def test_a_custom_object_is_at_once_everywhere_on_every_process(home: Home, server: Server, other: Server):
    token = key(home, "admin")
    with client(server, token) as here, client(other, token) as there:
        assert "lighthouse" not in [kind["name"] for kind in there.get("/api/v1/objects").json()["data"]]
        assert there.get("/api/v1/records/lighthouse").status_code == 404
        assert "tool_call" not in ask(there, "Show all lighthouses")

        made = here.post("/api/v1/objects", json=LIGHTHOUSE)
        assert made.status_code == 201, made.text
        assert "lighthouse" in [kind["name"] for kind in there.get("/api/v1/objects").json()["data"]]
        added = there.post("/api/v1/records/lighthouse", json={"name": "Fastnet", "height": 54})
        assert added.status_code == 201, added.text
        assert [one["name"] for one in here.get("/api/v1/records/lighthouses").json()["data"]] == ["Fastnet"]
        (hit,) = there.get("/api/v1/search?q=fastn").json()["data"]
        assert (hit["object"], hit["label"]) == ("lighthouse", "Fastnet")

        told = ask(there, "Show all lighthouses")
        assert told["tool_call"]["name"] == "find_lighthouses"
        assert [one["name"] for one in told["tool_result"]["result"]["records"]] == ["Fastnet"]
        told = ask(there, "Which lighthouses are higher than 30 m?")
        assert told["complete"]["status"] == "succeeded"

        for name, objects in (("harbour", {"lighthouse": ["read"]}), ("office", {"lighthouse": []})):
            role = {"name": name, "all_objects": ["read"], "objects": objects, "flags": ["AI"]}
            assert there.post("/api/v1/roles", json=role).status_code == 201
        with client(other, key(home, "harbour")) as reader, client(other, key(home, "office")) as stranger:
            assert [one["name"] for one in reader.get("/api/v1/records/lighthouse").json()["data"]] == ["Fastnet"]
            assert reader.post("/api/v1/records/lighthouse", json={"name": "Bell Rock"}).status_code == 403
            assert stranger.get("/api/v1/records/lighthouse").status_code == 404
            assert stranger.get("/api/v1/search?q=fastn").json()["data"] == []
            assert "tool_call" not in ask(stranger, "Show all lighthouses")

        # what changes afterwards is seen just so
        for step in range(20):
            renamed = {"name": f"size{step}"}
            old = f"size{step - 1}" if step else "height"
            assert here.patch(f"/api/v1/objects/lighthouse/fields/{old}", json=renamed).status_code == 200
            where = json.dumps({f"size{step}": {"gt": 50}})
            answer = there.get("/api/v1/records/lighthouse", params={"where": where})
            assert answer.status_code == 200, answer.text
            assert [one["name"] for one in answer.json()["data"]] == ["Fastnet"]
        here.post("/api/v1/definitions/object/lighthouse/archive", json={})
        assert there.get("/api/v1/records/lighthouse").status_code == 404
        here.post("/api/v1/definitions/object/lighthouse/restore", json={})
        assert there.get("/api/v1/records/lighthouse").status_code == 200
