"""Schedules and retention over REST: refused first."""

import httpx2 as httpx

from metier.testing import House

CHANGES = [
    ("GET", "/schedules", None),
    ("GET", "/schedules/sweep", None),
    ("GET", "/schedules/sweep/jobs", None),
    ("POST", "/schedules/sweep/run", None),
    ("POST", "/schedules/sweep/stop", None),
    ("POST", "/schedules/sweep/pause", None),
    ("POST", "/schedules/sweep/resume", None),
    ("GET", "/retention", None),
    ("PUT", "/retention/prompts", {"days": 3}),
    ("DELETE", "/retention/prompts", None),
]


async def test_without_the_flag_it_is_refused(anonymous: httpx.AsyncClient, sample_house: House):
    key = (await sample_house.metier.access.create_key(sample_house.actor, role="member", name="m")).token
    headers = {"Authorization": f"Bearer {key}"}

    for method, path, body in CHANGES:
        unknown = await anonymous.request(method, f"/api/v1{path}", json=body)
        member = await anonymous.request(method, f"/api/v1{path}", json=body, headers=headers)

        assert unknown.status_code == 401, path
        assert (member.status_code, member.json()["error"]) == (403, "MissingPermission"), path


async def test_a_term_that_is_none_is_refused(client: httpx.AsyncClient):
    bodies = [{}, {"days": 0}, {"days": "7"}, {"days": 1.5}, {"days": True}, {"days": 40_000}, {"day": 7}, []]
    for body in bodies:
        answer = await client.put("/api/v1/retention/prompts", json=body)
        assert answer.status_code == 422, body
        assert answer.json()["errors"][0]["problem"]

    terms = (await client.get("/api/v1/retention")).json()["data"]
    assert not any(term["chosen"] for term in terms)


async def test_schedules_are_paused_resumed_run_and_stopped(client: httpx.AsyncClient):
    url = "/api/v1/schedules"
    paused = (await client.post(f"{url}/sweep/pause")).json()
    resumed = (await client.post(f"{url}/sweep/resume")).json()
    begun = await client.post(f"{url}/sweep/run")
    again = await client.post(f"{url}/sweep/run")
    stopped = await client.post(f"{url}/sweep/stop")
    nothing = await client.post(f"{url}/sweep/stop")
    listed = (await client.get(url)).json()
    jobs = (await client.get(f"{url}/sweep/jobs")).json()["data"]

    assert (paused["next_at"], bool(paused["paused_at"])) == (None, True)
    assert (bool(resumed["next_at"]), resumed["paused_at"]) == (True, None)
    assert (begun.status_code, begun.json()["status"], begun.json()["asked_by"]) == (202, "queued", "test")
    assert (again.status_code, nothing.status_code) == (409, 409)
    assert stopped.json()["status"] == "stopped"
    assert [one["name"] for one in listed["data"]] == ["retention", "sweep"]
    assert listed["running"] is False  # no process of this test launched them
    assert [job["id"] for job in jobs] == [begun.json()["id"]]


async def test_what_is_not_there_is_named(client: httpx.AsyncClient):
    for method, path in (
        ("GET", "/schedules/sweeep"),
        ("POST", "/schedules/sweeep/run"),
        ("DELETE", "/retention/prompt"),
    ):
        answer = await client.request(method, f"/api/v1{path}")
        assert answer.status_code == 404
        assert "Did you mean" in answer.json()["message"]


async def test_terms_are_chosen_and_taken_back(client: httpx.AsyncClient):
    ever = (await client.put("/api/v1/retention/requests", json={"days": None})).json()
    short = (await client.put("/api/v1/retention/prompts", json={"days": 7})).json()
    await client.delete("/api/v1/retention/requests")
    terms = {term["name"]: term for term in (await client.get("/api/v1/retention")).json()["data"]}

    assert (ever["days"], ever["chosen"]) == (None, True)
    assert short["days"] == terms["prompts"]["days"] == 7
    assert (terms["requests"]["days"], terms["requests"]["chosen"]) == (365, False)
