"""The data model over REST: objects and fields at run time, with versions and ways back."""

from typing import Any

import httpx2 as httpx
import pytest

from metier.testing import House

SHIP: dict[str, Any] = {
    "name": "ship",
    "fields": [{"name": "name", "type": "text"}, {"name": "length", "type": "text", "unit": "m"}],
    "note": "for the harbour",
}
OBJECT = "/api/v1/objects/ship"
DEFINITION = "/api/v1/definitions/object/ship"


@pytest.fixture
async def ship(client: httpx.AsyncClient) -> dict[str, Any]:
    """A ship that two records are of."""
    made = await client.post("/api/v1/objects", json=SHIP)
    assert made.status_code == 201, made.text
    for name, length in (("Aurora", "120"), ("Bora", "long")):
        added = await client.post("/api/v1/records/ship", json={"name": name, "length": length})
        assert added.status_code == 201, added.text
    return made.json()


async def found(client: httpx.AsyncClient, where: str = "{}") -> list[str]:
    answer = await client.get("/api/v1/records/ships", params={"where": where, "sort": "name"})
    return [record["name"] for record in answer.json()["data"]]


async def test_without_the_flag_nothing_is_told_and_nothing_changed(
    client: httpx.AsyncClient, anonymous: httpx.AsyncClient, sample_house: House, ship: dict[str, Any]
):
    key = await sample_house.metier.access.create_key(sample_house.actor, role="member", name="m")
    client.headers["Authorization"] = f"Bearer {key.token}"

    answers = [
        await client.request(method, url, json=body)
        for method, url, body in (
            ("POST", "/api/v1/objects", {**SHIP, "name": "boat"}),
            ("PATCH", OBJECT, {"label": "Boat"}),
            ("POST", f"{OBJECT}/fields", {"name": "x", "type": "text"}),
            ("PATCH", f"{OBJECT}/fields/length", {"label": "L"}),
            ("POST", f"{OBJECT}/fields/length/preview", {"type": "number"}),
            ("POST", f"{OBJECT}/fields/length/hide", {}),
            ("POST", f"{OBJECT}/fields/length/restore", {}),
            ("POST", f"{OBJECT}/fields/length/purge", {"confirm": "ship.length"}),
            ("GET", f"{OBJECT}/hidden-fields", None),
            ("GET", "/api/v1/definitions/object", None),
            ("GET", DEFINITION, None),
            ("PUT", DEFINITION, {"body": {"name": "ship", "fields": []}}),
            ("DELETE", f"{DEFINITION}/draft", None),
            ("POST", f"{DEFINITION}/publish", {}),
            ("POST", f"{DEFINITION}/archive", {}),
            ("POST", f"{DEFINITION}/restore", {}),
            ("POST", f"{DEFINITION}/rollback", {"version": 1}),
            ("POST", f"{DEFINITION}/purge", {"confirm": "ship"}),
            ("GET", f"{DEFINITION}/versions", None),
            ("GET", f"{DEFINITION}/versions/1", None),
            ("GET", f"{DEFINITION}/diff", None),
            ("GET", f"{DEFINITION}/export", None),
        )
    ]

    assert {answer.status_code for answer in answers} == {403}
    assert "DATA_MODEL" in answers[0].json()["message"]
    assert (await client.get(OBJECT)).json()["label"] == "Ship"


async def test_an_object_is_there_at_once(client: httpx.AsyncClient, ship: dict[str, Any]):
    listed = (await client.get("/api/v1/objects")).json()["data"]

    assert (ship["version"], ship["body"]["plural"]) == (1, "ships")
    assert "ship" in [kind["name"] for kind in listed]
    assert await found(client) == ["Aurora", "Bora"]
    assert (await client.post("/api/v1/objects", json=SHIP)).status_code == 409


async def test_a_wrong_object_is_told_with_its_places(client: httpx.AsyncClient):
    wrong = {**SHIP, "lable": "Ship", "fields": [{"name": "name", "type": "txt"}]}

    answer = await client.post("/api/v1/objects", json=wrong)

    assert answer.status_code == 422
    assert {(one["path"], one.get("did_you_mean")) for one in answer.json()["errors"]} == {("lable", "label")}
    del wrong["lable"]
    told = {one["path"]: one for one in (await client.post("/api/v1/objects", json=wrong)).json()["errors"]}
    assert set(told) == {"fields.0.type", "title"}
    assert "text" in told["fields.0.type"]["allowed"]


async def test_a_type_is_previewed_and_converted(client: httpx.AsyncClient, ship: dict[str, Any]):
    length = f"{OBJECT}/fields/length"

    seen = (await client.post(f"{length}/preview", json={"type": "number"})).json()
    assert (seen["converts"], seen["values"], seen["misfits"], seen["examples"]) == (True, 2, 1, ["long"])
    assert (await client.patch(length, json={"type": "number"})).status_code == 409
    assert (await client.patch(length, json={"type": "number", "convert": True})).status_code == 409
    (bora,) = [r for r in (await client.get("/api/v1/records/ship")).json()["data"] if r["name"] == "Bora"]
    await client.patch(f"/api/v1/records/ship/{bora['id']}", json={"length": "80"})

    changed = await client.patch(length, json={"type": "number", "convert": True, "note": "metres"})

    assert changed.status_code == 200, changed.text
    assert await found(client, '{"length": {"gt": 100}}') == ["Aurora"]
    assert (await client.post(f"{length}/preview", json={"label": "Metres"})).json() == {"converts": False}


async def test_fields_come_and_go(client: httpx.AsyncClient, ship: dict[str, Any]):
    added = await client.post(f"{OBJECT}/fields", json={"name": "flag", "type": "text", "revision": ship["revision"]})
    assert (added.status_code, added.json()["version"]) == (201, 2)
    late = await client.post(f"{OBJECT}/fields", json={"name": "late", "type": "text", "revision": ship["revision"]})
    assert (late.status_code, late.json()["error"]) == (409, "VersionConflict")
    assert (await client.patch(f"{OBJECT}/fields/flag", json={"name": "ensign", "label": None})).status_code == 200

    hidden = await client.post(f"{OBJECT}/fields/length/hide", json={"note": "nobody asks"})

    assert [field["name"] for field in hidden.json()["body"]["fields"]] == ["name", "ensign"]
    (one,) = (await client.get(f"{OBJECT}/hidden-fields")).json()["data"]
    assert (one["field"]["name"], one["version"]) == ("length", 3)
    assert (await client.post(f"{OBJECT}/fields/length/restore", json={})).status_code == 200
    assert await found(client, '{"length": "120"}') == ["Aurora"]
    await client.post(f"{OBJECT}/fields/length/hide", json={})
    purge = f"{OBJECT}/fields/length/purge"
    assert (await client.post(purge, json={"confirm": "length"})).status_code == 422
    assert (await client.post(purge, json={"confirm": "ship.length"})).json() == {"purged": "ship.length"}
    assert (await client.get(f"{OBJECT}/hidden-fields")).json()["data"] == []


async def test_versions_are_listed_compared_exported_and_published_anew(
    client: httpx.AsyncClient, ship: dict[str, Any]
):
    toml = '# ships\nname = "ship"\nlabel = "Vessel"\n[[fields]]\nname = "name"\ntype = "text"\n'
    published = await client.put(DEFINITION, json={"source": toml, "format": "toml", "note": "by file"})
    assert (published.status_code, published.json()["label"]) == (200, "Vessel")

    versions = (await client.get(f"{DEFINITION}/versions")).json()["data"]
    assert [(one["version"], one["note"], one["author"]["label"]) for one in versions] == [
        (2, "by file", "test"),
        (1, "for the harbour", "test"),
    ]
    diff = (await client.get(f"{DEFINITION}/diff?before=1")).json()
    assert {(one["path"], one["what"]) for one in diff["differences"]} == {
        ("label", "changed"),
        ("fields.length", "removed"),
    }
    exported = await client.get(f"{DEFINITION}/export")
    assert (exported.text, exported.headers["content-type"]) == (toml, "application/toml")
    assert (await client.get(f"{DEFINITION}/versions/1")).json()["body"] == ship["body"]
    back = await client.post(f"{DEFINITION}/rollback", json={"version": 1})
    assert (back.json()["version"], back.json()["body"]) == (3, ship["body"])
    assert await found(client, '{"length": "120"}') == ["Aurora"]


async def test_drafts_wait(client: httpx.AsyncClient, ship: dict[str, Any]):
    kept = (await client.put(DEFINITION, json={"source": "{", "draft": True})).json()
    assert (kept["version"], kept["draft"]["body"]) == (1, None)
    assert kept["draft"]["problems"]
    assert (await client.post(f"{DEFINITION}/publish", json={})).status_code == 422
    right = {"name": "ship", "label": "Boat", "fields": [{"name": "name", "type": "text"}]}
    await client.put(DEFINITION, json={"body": right, "draft": True})

    assert (await client.get(OBJECT)).json()["label"] == "Ship"
    assert (await client.post(f"{DEFINITION}/publish", json={"note": "now"})).json()["version"] == 2
    assert (await client.get(OBJECT)).json()["label"] == "Boat"
    await client.put(DEFINITION, json={"source": "{", "draft": True})
    assert (await client.delete(f"{DEFINITION}/draft")).status_code == 204
    assert (await client.get(DEFINITION)).json()["draft"] is None


async def test_an_object_is_archived_restored_and_purged(client: httpx.AsyncClient, ship: dict[str, Any]):
    assert (await client.post(f"{DEFINITION}/archive", json={})).status_code == 200
    assert (await client.get(OBJECT)).status_code == 404
    archived = (await client.get("/api/v1/definitions/object?archived=true")).json()["data"]
    assert [one["name"] for one in archived] == ["ship"]
    await client.post(f"{DEFINITION}/restore", json={})
    assert await found(client) == ["Aurora", "Bora"]
    assert (await client.post(f"{DEFINITION}/purge", json={"confirm": "ship"})).status_code == 409
    await client.post(f"{DEFINITION}/archive", json={})
    assert (await client.post(f"{DEFINITION}/purge", json={"confirm": "Ship"})).status_code == 422

    assert (await client.post(f"{DEFINITION}/purge", json={"confirm": "ship"})).json() == {"purged": "ship"}

    assert (await client.get(DEFINITION)).status_code == 404


async def test_a_path_and_a_body_must_mean_one_thing(client: httpx.AsyncClient):
    body = {"name": "boat", "fields": [{"name": "name", "type": "text"}]}

    other = await client.put(DEFINITION, json={"body": body})
    neither = await client.put(DEFINITION, json={})
    both = await client.put(DEFINITION, json={"body": body, "source": "{}"})
    unknown = await client.get("/api/v1/definitions/objct")

    assert (other.status_code, other.json()["errors"][0]["path"]) == (422, "name")
    assert (neither.status_code, both.status_code) == (422, 422)
    assert (unknown.status_code, unknown.json()["errors"][0]["did_you_mean"]) == (404, "object")
    assert (await client.put("/api/v1/definitions/object/boat", json={"body": body, "revision": 0})).status_code == 200
    again = await client.put("/api/v1/definitions/object/boat", json={"body": body, "revision": 0})
    assert (again.status_code, again.json()["error"]) == (409, "AlreadyExists")
