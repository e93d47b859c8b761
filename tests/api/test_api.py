"""REST as a client meets it: refused first, then answered; a client's mistake is never a 5xx."""

import json

import pytest

from metier.testing import House, Script

NOBODY = "01a1fd55-0000-7000-8000-00000000dead"  # an id that nothing has


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/threads",
        "/api/v1/runs",
        f"/api/v1/runs/{NOBODY}",
        f"/api/v1/runs/{NOBODY}/events",
        "/api/v1/objects",
        "/api/v1/records/company",
        "/api/v1/search?q=a",
        "/api/v1/agents",
        "/api/v1/keys",
    ],
)
async def test_without_a_key_everything_is_refused(anonymous, path: str):
    answer = await anonymous.get(path)

    assert answer.status_code == 401
    assert answer.json()["error"] == "NotSignedIn"
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_wrong_key_is_refused(anonymous):
    answer = await anonymous.get("/api/v1/objects", headers={"Authorization": "Bearer mk_wrong"})

    assert answer.status_code == 401


async def test_a_revoked_key_is_refused_at_the_next_request(client, sample_house: House):
    keys = (await client.get("/api/v1/keys")).json()["data"]
    assert (await client.get("/api/v1/objects")).status_code == 200

    await sample_house.metier.access.revoke_key(sample_house.actor, keys[0]["id"])

    assert (await client.get("/api/v1/objects")).status_code == 401


@pytest.mark.parametrize("header", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://evil.test"}])
async def test_a_cookie_request_from_another_site_is_refused(anonymous, header: dict[str, str]):
    """S-53."""
    anonymous.cookies["metier_sign_in"] = "x"

    answer = await anonymous.post("/api/v1/threads", json={}, headers=header)

    assert answer.status_code == 403


async def test_a_question_over_rest_streams_its_answer(client, sample_house: House):
    where = {"created_at": {"within": "last_7_days"}}
    sample_house.model.script = Script().calls("find_companies", where=where).then_says("Here they are.")
    thread = (await client.post("/api/v1/threads", json={"model": "scripted/model"})).json()

    sent = await client.post(f"/api/v1/threads/{thread['id']}/messages", json={"text": "New companies?"})
    assert sent.status_code == 202
    stream = await client.get(f"/api/v1/runs/{sent.json()['run_id']}/events")

    frames = [frame.split("\n") for frame in stream.text.strip().split("\n\n")]
    assert stream.headers["content-type"].startswith("text/event-stream")
    assert [line.partition(":")[0] for line in frames[0]] == ["id", "event", "data"]
    names = [frame[1].removeprefix("event: ") for frame in frames]
    assert names[-1] == "complete"
    assert {"tool_call", "tool_result", "token", "usage"} <= set(names)


def frames_of(answer) -> list[tuple[str, str, dict]]:
    """Read a stream: id, event and data of each frame."""
    frames = [[line.partition(": ")[2] for line in frame.split("\n")] for frame in answer.text.strip().split("\n\n")]
    return [(cursor, name, json.loads(data)) for cursor, name, data in frames]


async def test_a_stream_resumes_after_the_last_frame_seen(client, sample_house: House):
    sample_house.model.script = Script().says("One two three.")
    thread = (await client.post("/api/v1/threads", json={"model": "scripted/model"})).json()
    sent = (await client.post(f"/api/v1/threads/{thread['id']}/messages", json={"text": "Count."})).json()
    url = f"/api/v1/runs/{sent['run_id']}/events"
    whole = frames_of(await client.get(url))
    last_but_one = whole[-2][0]

    by_header = await client.get(url, headers={"Last-Event-ID": last_but_one})
    by_query = await client.get(url, params={"after": last_but_one})

    assert frames_of(by_header) == frames_of(by_query) == whole[-1:]


async def test_a_message_with_a_key_is_sent_once(client):
    """S-51: same body same run, other body an error."""
    thread = (await client.post("/api/v1/threads", json={"model": "offline/planner"})).json()
    url, headers = f"/api/v1/threads/{thread['id']}/messages", {"Idempotency-Key": "ask 1"}

    first = await client.post(url, json={"text": "How many people?"}, headers=headers)
    again = await client.post(url, json={"text": "How many people?"}, headers=headers)
    other = await client.post(url, json={"text": "How many companies?"}, headers=headers)
    long = await client.post(url, json={"text": "Hi"}, headers={"Idempotency-Key": "k" * 201})

    assert (again.status_code, again.json()) == (202, first.json())
    assert (other.status_code, other.json()["error"]) == (409, "KeyReused")
    assert long.status_code == 422


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/api/v1/records/company?where={", "where"),
        ("/api/v1/records/company?where=[]", "where"),
        ("/api/v1/records/company?limit=0", "limit"),
        ("/api/v1/records/company?limit=x", "limit"),
        ("/api/v1/records/company?limit=0000000019999", "limit"),
        (f"/api/v1/records/company?limit=000000001{'9' * 5_000}", "limit"),
        ("/api/v1/records/company?filter=x", "filter"),
        ("/api/v1/records/company?sort=nme", "sort.0"),
        ("/api/v1/records/company?select=nme", "select.0"),
        ("/api/v1/records/company?cursor=zzz", "cursor"),
        ('/api/v1/records/company?where={"nme":{"eq":"x"}}', "nme"),
        ('/api/v1/records/company?where={"employees":{"gt":"many"}}', "employees"),
    ],
)
async def test_a_mistake_in_the_url_is_told_with_its_place(client, path: str, place: str):
    answer = await client.get(path)

    assert answer.status_code == 422, answer.text
    assert any(place in problem["path"] for problem in answer.json()["errors"]), answer.text


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/records/unicorn",
        "/api/v1/records/company/not-an-id",
        f"/api/v1/records/company/{NOBODY}",
        f"/api/v1/threads/{NOBODY}",
        f"/api/v1/runs/{NOBODY}",
        "/api/v1/objects/unicorn",
        "/api/v1/nothing",
    ],
)
async def test_what_does_not_exist_is_a_404_with_words(client, path: str):
    answer = await client.get(path)

    assert answer.status_code == 404
    assert answer.json()["message"]


async def test_records_are_filtered_sorted_and_paged(client):
    url = "/api/v1/records/companies"
    first = (await client.get(url, params={"sort": "-employees", "limit": 20, "count": "true"})).json()
    second = (await client.get(url, params={"sort": "-employees", "limit": 20, "cursor": first["next_cursor"]})).json()

    sizes = [r["employees"] for r in first["data"] + second["data"]]
    assert sizes == sorted(sizes, key=lambda n: -(n or 0))
    assert len({r["id"] for r in first["data"] + second["data"]}) == 40
    assert first["total"] >= 55


async def test_a_record_is_got_by_id(client):
    one = (await client.get("/api/v1/records/person?limit=1")).json()["data"][0]

    assert (await client.get(f"/api/v1/records/people/{one['id']}")).json() == one


async def test_a_key_of_a_role_without_an_object_does_not_know_it(client, anonymous, sample_house: House):
    await sample_house.metier.access.create_role(
        sample_house.actor, name="narrow", label="Narrow", all_objects=frozenset(), objects={}, flags=frozenset()
    )
    key = await sample_house.metier.access.create_key(sample_house.actor, role="narrow", name="n")
    anonymous.headers["Authorization"] = f"Bearer {key.token}"

    assert (await anonymous.get("/api/v1/objects")).json() == {"data": []}
    assert (await anonymous.get("/api/v1/records/company")).status_code == 404
    assert (await anonymous.get("/api/v1/search?q=a")).json() == {"data": []}
    assert (await anonymous.get("/api/v1/agents")).json() == {"data": []}


async def test_a_key_cannot_make_a_key_that_may_more(client, anonymous, sample_house: House):
    await sample_house.metier.access.create_role(
        sample_house.actor,
        name="keeper",
        label="Keeper",
        all_objects=frozenset(),
        objects={},
        flags=frozenset({"API_KEYS_AND_WEBHOOKS"}),
    )
    key = await sample_house.metier.access.create_key(sample_house.actor, role="keeper", name="k")
    anonymous.headers["Authorization"] = f"Bearer {key.token}"

    answer = await anonymous.post("/api/v1/keys", json={"name": "more", "role": "admin"})

    assert answer.status_code == 403


async def test_the_prompt_of_a_run_is_what_the_model_was_sent(client, sample_house: House):
    script = Script().says("Hi.")
    sample_house.model.script = script
    thread = (await client.post("/api/v1/threads", json={"model": "scripted/model"})).json()
    sent = (await client.post(f"/api/v1/threads/{thread['id']}/messages", json={"text": "Hello?"})).json()
    await client.get(f"/api/v1/runs/{sent['run_id']}/events")

    calls = (await client.get(f"/api/v1/runs/{sent['run_id']}/prompt")).json()["data"]

    assert len(calls) == 1
    assert calls[0]["system"] == script.asked[0].system
    assert [tool["name"] for tool in calls[0]["tools"]] == [spec.name for spec in script.asked[0].tools]


async def test_the_probe_needs_no_key(anonymous):
    answer = await anonymous.get("/healthz")

    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"
