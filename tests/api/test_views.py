"""Looking as a role or a member over REST: with a header for one request, or for as long as a browser goes on."""

import httpx2 as httpx
import pytest

from metier.actor import Action, RowRule
from metier.api.auth import SIGN_IN_COOKIE
from metier.testing import House, Script
from tests.api.test_me import sign_in

AS = "Metier-View-As"


async def seller(house: House) -> None:
    """Make a role that sees large companies only, without their revenue, and no people."""
    await house.metier.access.create_role(
        house.actor,
        name="seller",
        flags=["AI"],
        all_objects=list(Action),
        objects={"person": []},
        fields={"company": {"annual_revenue": []}},
        rows={"company": [RowRule({"employees": {"gt": 500}}).to_json()]},
    )


async def test_a_key_without_the_flag_looks_as_nobody(client: httpx.AsyncClient, sample_house: House):
    access = sample_house.metier.access
    await access.create_role(sample_house.actor, name="plain", all_objects=["read"], flags=["ROLES"])
    key = await access.create_key(sample_house.actor, role="plain", name="plain")
    headers = {"Authorization": f"Bearer {key.token}", AS: "role:admin"}

    answers = [await client.get(f"/api/v1{path}", headers=headers) for path in ("/records/company", "/me", "/me/view")]
    words = await client.get("/api/v1/me", headers={AS: "everybody"})

    assert [answer.status_code for answer in answers] == [403] * 3
    assert "IMPERSONATE" in answers[0].json()["message"]
    assert (words.status_code, words.json()["errors"][0]["path"]) == (422, "view_as")


async def test_a_request_sees_what_the_role_sees(client: httpx.AsyncClient, sample_house: House):
    await seller(sample_house)
    headers = {AS: "role:seller"}

    companies = (await client.get("/api/v1/records/company?limit=100", headers=headers)).json()["data"]
    asked = await client.post("/api/v1/records/company/query", json={"limit": 500}, headers=headers)
    people = await client.get("/api/v1/records/person", headers=headers)
    everything = (await client.get("/api/v1/records/company?limit=100")).json()["data"]
    me = (await client.get("/api/v1/me", headers=headers)).json()

    assert 0 < len(companies) < len(everything)
    assert all(one["employees"] > 500 and "annual_revenue" not in one for one in companies)
    assert asked.json()["data"] == companies
    assert people.status_code == 404
    assert (me["viewing"], me["flags"]) == ({"kind": "role", "name": "seller", "label": "Seller"}, ["AI"])
    assert me["principal"]["label"] == "test"


async def test_nothing_is_written_or_asked_while_one_looks(client: httpx.AsyncClient, sample_house: House):
    company = (await client.get("/api/v1/records/company?limit=1")).json()["data"][0]["id"]
    thread = await sample_house.metier.chat.create_thread(sample_house.actor, model="scripted/model")
    sample_house.model.script = Script().says("Hello.")
    before = await sample_house.metier.db.value("select count(*) from core.audit where action <> 'view.used'")

    answers = [
        await client.request(method, f"/api/v1{path}", json=body, headers={AS: "role:admin"})
        for method, path, body in (
            ("POST", "/records/company", {"name": "New"}),
            ("PATCH", f"/records/company/{company}", {"name": "New"}),
            ("DELETE", f"/records/company/{company}", None),
            ("POST", "/threads", {}),
            ("POST", f"/threads/{thread.id}/messages", {"text": "Hi"}),
            ("POST", "/keys", {"role": "member", "name": "k"}),
            ("PATCH", "/workspace", {"time_zone": "Asia/Tokyo"}),
            ("PUT", "/secrets/x", {"value": "s3cret", "hosts": ["a.example"]}),
            ("POST", "/objects", {"name": "ship", "fields": []}),
            ("POST", "/me/view", {"role": "member"}),
        )
    ]

    assert [answer.status_code for answer in answers] == [403] * len(answers)
    assert {answer.json()["error"] for answer in answers} == {"OnlyViewing"}
    assert "nothing is changed" in answers[0].json()["message"]
    assert await sample_house.metier.db.value("select count(*) from core.audit where action <> 'view.used'") == before


async def test_a_browser_looks_until_it_stops(anonymous: httpx.AsyncClient, sample_house: House):
    await seller(sample_house)
    await sign_in(sample_house, anonymous)

    offered = (await anonymous.get("/api/v1/me/view")).json()
    begun = await anonymous.post("/api/v1/me/view", json={"role": "seller"})
    people = await anonymous.get("/api/v1/records/person")
    written = await anonymous.post("/api/v1/records/company", json={"name": "New"})
    now = (await anonymous.get("/api/v1/me/view")).json()["viewing"]
    stopped = await anonymous.delete("/api/v1/me/view")

    assert offered["viewing"] is None
    assert {"name": "seller", "label": "Seller"} in offered["roles"]
    assert (begun.status_code, begun.json()["viewing"]) == (200, now)
    assert (people.status_code, written.status_code, stopped.status_code) == (404, 403, 204)
    assert (await anonymous.get("/api/v1/records/person")).status_code == 200


async def test_a_member_is_looked_as_without_their_chats(anonymous: httpx.AsyncClient, sample_house: House):
    mo = await sample_house.member(flags=["AI"])
    for actor in (mo, sample_house.actor):
        await sample_house.metier.chat.create_thread(actor, model="scripted/model")
    await sign_in(sample_house, anonymous)

    await anonymous.post("/api/v1/me/view", json={"member": str(mo.principal.id)})
    threads = (await anonymous.get("/api/v1/threads")).json()["data"]
    runs = (await anonymous.get("/api/v1/runs")).json()["data"]
    me = (await anonymous.get("/api/v1/me")).json()

    assert (threads, runs) == ([], [])
    assert (me["viewing"]["label"], me["principal"]["label"]) == ("Mo", "Admin")


async def test_rules_with_me_bind_whoever_looks_as_a_member(anonymous: httpx.AsyncClient, sample_house: House):
    """Whoever sees own companies only does not see another's by looking as them."""
    access, actor = sample_house.metier.access, sample_house.actor
    rule = {"company": [{"where": {"account_owner": "me"}}]}
    await access.create_role(actor, name="own", flags=["IMPERSONATE"], all_objects=["read", "update"], rows=rule)
    await access.create_role(actor, name="all", all_objects=["read"])
    ids = [await access.create_member(actor.workspace_id, name=n, role=r) for n, r in (("A", "own"), ("B", "all"))]
    companies = (await sample_house.metier.records.find(actor, "company", limit=2)).records
    for company, owner in zip(companies, ids, strict=True):
        await sample_house.metier.records.update(actor, "company", company["id"], {"account_owner": str(owner)})
    await sign_in(sample_house, anonymous, await access.actor_for_member(actor.workspace_id, ids[0]))

    await anonymous.post("/api/v1/me/view", json={"member": str(ids[1])})
    seen = (await anonymous.get("/api/v1/records/company?limit=100")).json()["data"]
    theirs = (await anonymous.get('/api/v1/records/company?where={"account_owner":"me"}')).json()["data"]

    assert [one["id"] for one in seen] == [companies[0]["id"]]
    assert theirs == []  # "me" is B, and A sees nothing of B's


async def test_a_key_is_told_to_send_the_header(client: httpx.AsyncClient):
    for answer in (
        await client.post("/api/v1/me/view", json={"role": "member"}),
        await client.delete("/api/v1/me/view"),
    ):
        assert answer.status_code == 403
        assert AS in answer.json()["cure"]


@pytest.mark.parametrize("path", ["/api/v1/me", "/api/v1/records/company"])
async def test_a_view_ends_when_the_flag_is_taken_away(anonymous: httpx.AsyncClient, sample_house: House, path: str):
    access, actor = sample_house.metier.access, sample_house.actor
    await access.create_role(actor, name="looker", flags=["IMPERSONATE"], all_objects=["read"])
    lee = await access.create_member(actor.workspace_id, name="Lee", role="looker")
    await sign_in(sample_house, anonymous, await access.actor_for_member(actor.workspace_id, lee))
    await access.create_role(actor, name="nothing")
    await anonymous.post("/api/v1/me/view", json={"role": "nothing"})
    assert (await anonymous.get("/api/v1/records/company")).status_code == 404

    await access.update_role(actor, "looker", flags=[])

    assert (await anonymous.get(path)).status_code == 200
    assert (await anonymous.get("/api/v1/records/company")).status_code == 200
    assert anonymous.cookies.get(SIGN_IN_COOKIE)
