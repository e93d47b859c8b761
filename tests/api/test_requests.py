"""Requests over REST: seen by those whom they concern, answered once, refused in words."""

from collections.abc import AsyncIterator
from uuid import uuid4

import httpx2 as httpx
import pytest

from metier import api
from metier.testing import FrozenClock, House, Script, open_house
from tests.asking import Book, asked, ended, one_write, waiting


@pytest.fixture
def book() -> Book:
    return Book()


@pytest.fixture
async def office(furnished: None, database_url: str, clock: FrozenClock, book: Book) -> AsyncIterator[House]:
    async with open_house(url=database_url, clock=clock, agents=[book.agent()]) as opened:
        yield opened


@pytest.fixture
async def client(office: House) -> AsyncIterator[httpx.AsyncClient]:
    """The admin's browser."""
    access = office.metier.access
    token = (await access.use_link(await access.admin_link(office.actor.workspace_id))).token
    transport = httpx.ASGITransport(app=api.build(office.metier), raise_app_exceptions=False)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://metier.test/api/v1", cookies={api.auth.SIGN_IN_COOKIE: token}
    ) as opened:
        yield opened


async def question(house: House, **arguments):
    """Let the assistant ask; gives the run and the request."""
    house.model.script = Script().calls("ask_person", **arguments).then_says("Thanks.")
    thread = await house.metier.chat.create_thread(house.actor, agent="crm-assistant", model="scripted/model")
    run = await house.metier.chat.send(house.actor, thread.id, "Please.")
    [request] = await waiting(house, run.id)
    return run.id, request


async def test_a_request_is_listed_shown_and_answered(office: House, client: httpx.AsyncClient, book: Book):
    run_id, request = await asked(office, one_write())

    listed = (await client.get("/requests?status=open&for_me=true")).json()["data"]
    shown = (await client.get(f"/requests/{request.id}")).json()
    inbox = (await client.get("/inbox")).json()
    assert [one["id"] for one in listed] == [shown["id"]] == [one["id"] for one in inbox["requests"]]
    assert inbox["count"] == 1
    assert shown["arguments"] == {"page": "1", "text": "Acme"}
    assert shown["changes"][0]["fields"][0] == {"name": "text", "label": "Text", "before": "blank", "after": "Acme"}
    assert shown["asked_by"]["chain"] == ["agent:clerk"]

    body = {"hash": shown["hash"], "verdict": "approve", "note": "Go ahead"}
    first = await client.post(f"/requests/{request.id}/answer", json=body)
    again = await client.post(f"/requests/{request.id}/answer", json=body)
    other = await client.post(f"/requests/{request.id}/answer", json=body | {"verdict": "decline"})
    events = await ended(office, run_id)

    assert (first.status_code, first.json()["status"], first.json()["answered_by"]["label"]) == (
        200,
        "answered",
        "Admin",
    )
    assert again.json() == first.json()
    assert (other.status_code, other.json()["error"]) == (409, "AlreadyAnswered")
    assert "Go ahead" in events.last("tool_result").data["message"]
    assert book.pages["1"] == "Acme"
    assert (await client.get("/inbox")).json()["count"] == 0


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"verdict": "maybe"}, "verdict"),
        ({"verdict": "answer", "value": "yes"}, "verdict"),
        ({"verdict": "approve", "value": "yes"}, "value"),
        ({"verdict": "approve", "note": "x" * 2_001}, "note"),
        ({"verdict": "approve", "note": "a\x00b"}, "note"),
        ({"verdict": "approve", "colour": "red"}, "colour"),
        ({}, "verdict"),
    ],
)
async def test_a_malformed_answer_is_named_and_nothing_happens(
    office: House, client: httpx.AsyncClient, book: Book, body: dict[str, object], path: str
):
    _, request = await asked(office, one_write())

    answer = await client.post(f"/requests/{request.id}/answer", json={"hash": request.hash} | body)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["path"] == path
    assert (await client.get(f"/requests/{request.id}")).json()["status"] == "open"
    assert book.written == []


async def test_an_answer_to_something_else_is_a_conflict(office: House, client: httpx.AsyncClient):
    _, request = await asked(office, one_write())

    answer = await client.post(f"/requests/{request.id}/answer", json={"hash": "0" * 64, "verdict": "approve"})

    assert (answer.status_code, answer.json()["error"]) == (409, "RequestChanged")


async def test_anothers_request_answers_like_an_unknown_one(office: House, client: httpx.AsyncClient):
    member = await office.member(flags=["AI"])
    _, request = await asked(office, one_write(), actor=member)
    key = await office.metier.access.create_key(office.actor, role="member", name="stranger")
    del client.cookies[api.auth.SIGN_IN_COOKIE]
    headers = {"Authorization": f"Bearer {key.token}"}

    body = {"hash": request.hash, "verdict": "approve"}
    there = await client.post(f"/requests/{request.id}/answer", json=body, headers=headers)
    nowhere = await client.post(f"/requests/{uuid4()}/answer", json=body, headers=headers)
    shown = await client.get(f"/requests/{request.id}", headers=headers)

    assert there.status_code == nowhere.status_code == shown.status_code == 404
    assert set(there.json()) == set(nowhere.json())
    assert (await client.get("/requests", headers=headers)).json()["data"] == []


async def test_a_key_confirms_what_its_own_agent_does_but_approves_no_risk(office: House, client: httpx.AsyncClient):
    access = office.metier.access
    token = (await access.create_key(office.actor, role="member", name="program")).token
    actor = await access.actor_for_key(token)
    run_id, request = await asked(office, one_write(), actor=actor)
    headers = {"Authorization": f"Bearer {token}"}

    body = {"hash": request.hash, "verdict": "approve"}
    confirmed = await client.post(f"/requests/{request.id}/answer", json=body, headers=headers)

    assert confirmed.status_code == 200
    assert (await ended(office, run_id)).status == "succeeded"


async def test_words_and_choices_reach_the_model(office: House, client: httpx.AsyncClient):
    run_id, request = await question(office, question="Which one?", options=["Acme", "Globex"])
    bad = await client.post(
        f"/requests/{request.id}/answer", json={"hash": request.hash, "verdict": "answer", "value": "Acmee"}
    )
    good = await client.post(
        f"/requests/{request.id}/answer", json={"hash": request.hash, "verdict": "answer", "value": "Globex"}
    )
    events = await ended(office, run_id)

    assert bad.status_code == 422
    assert bad.json()["errors"][0]["did_you_mean"] == "Acme"
    assert good.json()["answer"] == {"verdict": "answer", "value": "Globex"}
    assert events.last("tool_result").data["result"] == {"answer": "Globex"}

    run_id, request = await question(office, question="What shall it say?")
    empty = await client.post(
        f"/requests/{request.id}/answer", json={"hash": request.hash, "verdict": "answer", "value": " "}
    )
    await client.post(f"/requests/{request.id}/answer", json={"hash": request.hash, "verdict": "decline"})
    events = await ended(office, run_id)

    assert empty.status_code == 422
    assert events.last("tool_result").error == "Declined"


async def test_failed_runs_stand_in_the_inbox_until_they_are_cleared(
    office: House, client: httpx.AsyncClient, clock: FrozenClock
):
    await office.ask("Hi", agent="clerk", model=Script().says(""))
    before = (await client.get("/inbox")).json()

    clock.forward(1)
    cleared = await client.post("/inbox/clear")

    assert [run["status"] for run in before["failed"]] == ["failed"]
    assert cleared.status_code == 204
    assert (await client.get("/inbox")).json() == {"count": 0, "requests": [], "failed": []}


async def test_who_holds_the_flag_chooses_what_is_confirmed(office: House, client: httpx.AsyncClient):
    member = (await office.metier.access.create_key(office.actor, role="member", name="m")).token
    refused = await client.patch(
        "/confirming", json={"default": "never"}, headers={"Authorization": f"Bearer {member}", "Cookie": ""}
    )
    bad = await client.patch("/confirming", json={"agents": {"clerk": "sometimes"}})
    unknown = await client.patch("/confirming", json={"agents": {"clark": "never"}})
    chosen = await client.patch("/confirming", json={"default": "never", "agents": {"clerk": "outside_own"}})
    taken_back = await client.patch("/confirming", json={"agents": {"clerk": None}})

    assert refused.status_code == 403
    assert (bad.status_code, bad.json()["errors"][0]["path"]) == (422, "agents.clerk")
    assert unknown.status_code == 404
    assert chosen.json()["effective"] == {"clerk": "outside_own", "crm-assistant": "never"}
    assert taken_back.json()["agents"] == {}
    assert taken_back.json()["default"] == "never"
