"""S-45 over REST: each operation that changes something leaves a row in the audit log, or a reason why not."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx2 as httpx
import pytest

from metier.testing import House, Script
from tests.asking import waiting
from tests.docs.shell import operations

CHANGES = sorted(name for name in operations() if name.split()[0] not in ("GET", "HEAD"))

#: What leaves no row, and why.
ELSEWHERE = {
    "POST /api/v1/records/{object}/query": "reads",
    "POST /api/v1/objects/{name}/fields/{field}/preview": "reads",
    "POST /api/v1/apps/plan": "reads",
    "POST /api/v1/threads": "a chat of one's own; what is asked in it is a run",
    "PATCH /api/v1/threads/{thread_id}": "the title of a chat of one's own",
    "POST /api/v1/threads/{thread_id}/messages": "a run, which keeps all of it",
    "POST /api/v1/inbox/clear": "what one does not want to see any more",
}


@dataclass(frozen=True)
class Desk:
    """What a request is made of."""

    house: House
    client: httpx.AsyncClient

    async def send(self, method: str, path: str, body: Any = None) -> httpx.Response:
        answer = await self.client.request(method, f"/api/v1{path}", json=body)
        assert answer.is_success, answer.text
        return answer

    async def made(self, path: str, body: Any, *, method: str = "POST") -> str:
        return (await self.send(method, path, body)).json()["id"]

    async def company(self) -> str:
        return (await self.send("GET", "/records/company?limit=1")).json()["data"][0]["id"]

    async def written(self) -> str:
        rows = await self.house.metier.db.rows("select details->>'write' as write from core.audit order by id")
        return [row["write"] for row in rows if row["write"]][-1]


Do = Callable[[Desk], Awaitable[object]]
ROLE = {"name": "clerk", "flags": ["AI"]}
APP = {"files": {"metier.toml": 'name = "shop"\nversion = "1"\n'}}
AGENT = {"name": "scout", "prompt": "You find companies."}
BUDGET = {"scope": "workspace", "period": "day", "tokens": 10}


async def _deleted(desk: Desk) -> str:
    company = await desk.company()
    await desk.send("DELETE", f"/records/company/{company}")
    return company


async def _undo(desk: Desk) -> object:
    await desk.send("PATCH", f"/records/company/{await desk.company()}", {"employees": 7})
    return await desk.send("POST", f"/changes/{await desk.written()}/undo")


async def _answer(desk: Desk) -> object:
    desk.house.model.script = Script().calls("ask_person", question="Which?").then_says("Thanks.")
    thread = await desk.made("/threads", {"model": "scripted/model"})
    run = (await desk.send("POST", f"/threads/{thread}/messages", {"text": "Hi"})).json()["run_id"]
    [request] = await waiting(desk.house, UUID(run))
    return await desk.send("POST", f"/requests/{request.id}/answer", {"hash": request.hash, "verdict": "decline"})


async def _stop(desk: Desk) -> object:
    thread = await desk.made("/threads", {"model": "scripted/model"})
    desk.house.model.script = Script().then_hangs(after="Well")
    run = (await desk.send("POST", f"/threads/{thread}/messages", {"text": "Hi"})).json()["run_id"]
    await desk.send("POST", f"/runs/{run}/stop")
    return await desk.house.events(UUID(run))


async def _as_member(desk: Desk) -> None:
    """Let the client be a person: a key has neither profile nor password."""
    link = await desk.house.metier.access.admin_link(desk.house.actor.workspace_id)
    signed = await desk.house.metier.access.use_link(link)
    del desk.client.headers["Authorization"]
    desk.client.cookies.set("metier_sign_in", signed.token)  # type: ignore[union-attr]


async def _profile(desk: Desk) -> object:
    await _as_member(desk)
    return await desk.send("PATCH", "/me", {"name": "Ada"})


async def _password(desk: Desk) -> object:
    await _as_member(desk)
    return await desk.send("POST", "/me/password", {"password": "long enough 1", "email": "ada@example.com"})


async def _viewing(desk: Desk) -> object:
    await _as_member(desk)
    return await desk.send("POST", "/me/view", {"role": "member"})


async def _thread(desk: Desk) -> str:
    return await desk.made("/threads", {"model": "scripted/model"})


async def _restored(desk: Desk) -> object:
    thread = await _thread(desk)
    await desk.send("DELETE", f"/threads/{thread}")
    return await desk.send("POST", f"/threads/{thread}/restore")


SECRET = {"value": "s3cret-value", "hosts": ["api.example.com"]}
GUEST = {"email": "bo@example.com", "role": "member"}


async def _added(desk: Desk) -> str:
    return (await desk.send("POST", "/members", GUEST)).json()["member"]["id"]


async def _accepted(desk: Desk) -> object:
    token = (await desk.send("POST", "/invitations", GUEST)).json()["token"]
    body = {"token": token, "name": "Admin", "password": "long enough 1"}
    return await desk.send("POST", "/invitations/accept", body)


SHIP = {"name": "ship", "fields": [{"name": "name", "type": "text"}, {"name": "length", "type": "text"}]}
OBJECT, FIELD, DEFINITION = "/objects/ship", "/objects/ship/fields/length", "/definitions/object/ship"


def after_ship(*steps: tuple[str, str, Any]) -> Do:
    """Make a type of ships, then take these steps."""

    async def do(desk: Desk) -> None:
        for method, path, body in (("POST", "/objects", SHIP), *steps):
            await desk.send(method, path, body)

    return do


DRAFTED = ("PUT", DEFINITION, {"body": {**SHIP, "label": "Boat"}, "draft": True})
HIDDEN = ("POST", f"{FIELD}/hide", {})
ARCHIVED = ("POST", f"{DEFINITION}/archive", {})
ONE = "/api/v1/definitions/{kind}/{name}"
ONE_FIELD = "/api/v1/objects/{name}/fields"

DATA_MODEL: Mapping[str, tuple[str, Do]] = {
    "POST /api/v1/objects": ("definition.published", after_ship()),
    "PATCH /api/v1/objects/{name}": ("definition.published", after_ship(("PATCH", OBJECT, {"label": "Boat"}))),
    f"POST {ONE_FIELD}": (
        "definition.published",
        after_ship(("POST", f"{OBJECT}/fields", {"name": "x", "type": "text"})),
    ),
    f"PATCH {ONE_FIELD}/{{field}}": ("definition.published", after_ship(("PATCH", FIELD, {"label": "L"}))),
    f"POST {ONE_FIELD}/{{field}}/hide": ("definition.published", after_ship(HIDDEN)),
    f"POST {ONE_FIELD}/{{field}}/restore": (
        "definition.published",
        after_ship(HIDDEN, ("POST", f"{FIELD}/restore", {})),
    ),
    f"POST {ONE_FIELD}/{{field}}/purge": (
        "definition.purged",
        after_ship(HIDDEN, ("POST", f"{FIELD}/purge", {"confirm": "ship.length"})),
    ),
    f"PUT {ONE}": ("definition.drafted", after_ship(DRAFTED)),
    f"DELETE {ONE}/draft": ("definition.draft_discarded", after_ship(DRAFTED, ("DELETE", f"{DEFINITION}/draft", None))),
    f"POST {ONE}/publish": ("definition.published", after_ship(DRAFTED, ("POST", f"{DEFINITION}/publish", {}))),
    f"POST {ONE}/rollback": (
        "definition.published",
        after_ship(("PATCH", OBJECT, {"label": "Boat"}), ("POST", f"{DEFINITION}/rollback", {"version": 1})),
    ),
    f"POST {ONE}/archive": ("definition.archived", after_ship(ARCHIVED)),
    f"POST {ONE}/restore": ("definition.restored", after_ship(ARCHIVED, ("POST", f"{DEFINITION}/restore", {}))),
    f"POST {ONE}/purge": (
        "definition.purged",
        after_ship(ARCHIVED, ("POST", f"{DEFINITION}/purge", {"confirm": "ship"})),
    ),
}

ACTIONS: Mapping[str, tuple[str, Do]] = {
    "POST /api/v1/records/{object}": (
        "record.written",
        lambda d: d.send("POST", "/records/company", {"name": "Acme"}),
    ),
    "PATCH /api/v1/records/{object}/{record_id}": (
        "record.written",
        lambda d: _with(d.company(), lambda one: d.send("PATCH", f"/records/company/{one}", {"employees": 7})),
    ),
    "DELETE /api/v1/records/{object}/{record_id}": ("record.written", _deleted),
    "POST /api/v1/records/{object}/{record_id}/restore": (
        "record.written",
        lambda d: _with(_deleted(d), lambda one: d.send("POST", f"/records/company/{one}/restore")),
    ),
    "POST /api/v1/records/{object}/{record_id}/destroy": (
        "record.written",
        lambda d: _with(_deleted(d), lambda one: d.send("POST", f"/records/company/{one}/destroy")),
    ),
    "POST /api/v1/records/{object}/upsert": (
        "record.written",
        lambda d: d.send("POST", "/records/company/upsert", {"name": "Acme", "domain_name": "https://acme.example"}),
    ),
    "POST /api/v1/records/{object}/batch": (
        "record.written",
        lambda d: d.send(
            "POST",
            "/records/company/batch",
            {"operations": [{"action": "create", "values": {"name": name}} for name in ("Acme", "Bolt")]},
        ),
    ),
    "POST /api/v1/changes/{change_id}/undo": ("record.written", _undo),
    "DELETE /api/v1/threads/{thread_id}": (
        "thread.deleted",
        lambda d: _with(_thread(d), lambda one: d.send("DELETE", f"/threads/{one}")),
    ),
    "POST /api/v1/threads/{thread_id}/restore": ("thread.restored", _restored),
    "POST /api/v1/runs/{run_id}/stop": ("run.stopped", _stop),
    "POST /api/v1/requests/{request_id}/answer": ("request.answered", _answer),
    "PATCH /api/v1/confirming": (
        "confirming.changed",
        lambda d: d.send("PATCH", "/confirming", {"default": "never"}),
    ),
    "PATCH /api/v1/me": ("member.profile_changed", _profile),
    "POST /api/v1/me/password": ("member.password_set", _password),
    "POST /api/v1/me/view": ("view.begun", _viewing),
    "DELETE /api/v1/me/view": ("view.ended", lambda d: _with(_viewing(d), lambda _: d.send("DELETE", "/me/view"))),
    "PATCH /api/v1/workspace": (
        "workspace.changed",
        lambda d: d.send("PATCH", "/workspace", {"time_zone": "Europe/Berlin"}),
    ),
    "POST /api/v1/keys": ("key.created", lambda d: d.send("POST", "/keys", {"name": "k", "role": "member"})),
    "DELETE /api/v1/keys/{key_id}": (
        "key.revoked",
        lambda d: _with(d.made("/keys", {"name": "k", "role": "member"}), lambda one: d.send("DELETE", f"/keys/{one}")),
    ),
    "POST /api/v1/roles": ("role.created", lambda d: d.send("POST", "/roles", ROLE)),
    "PATCH /api/v1/roles/{name}": (
        "role.changed",
        lambda d: _with(d.made("/roles", ROLE), lambda _: d.send("PATCH", "/roles/clerk", {"flags": []})),
    ),
    "DELETE /api/v1/roles/{name}": (
        "role.deleted",
        lambda d: _with(d.made("/roles", ROLE), lambda _: d.send("DELETE", "/roles/clerk")),
    ),
    "POST /api/v1/apps/apply": ("definition.published", lambda d: d.send("POST", "/apps/apply", APP)),
    "POST /api/v1/apps/{name}/remove": (
        "definition.archived",
        lambda d: _with(d.send("POST", "/apps/apply", APP), lambda _: d.send("POST", "/apps/shop/remove", {})),
    ),
    "POST /api/v1/agents": ("definition.published", lambda d: d.send("POST", "/agents", AGENT)),
    "PATCH /api/v1/agents/{name}": (
        "definition.published",
        lambda d: _with(d.send("POST", "/agents", AGENT), lambda _: d.send("PATCH", "/agents/scout", {"label": "S"})),
    ),
    "DELETE /api/v1/agents/{name}": (
        "definition.archived",
        lambda d: _with(d.send("POST", "/agents", AGENT), lambda _: d.send("DELETE", "/agents/scout")),
    ),
    "PUT /api/v1/feature-flags/{key}": (
        "feature.switched",
        lambda d: d.send("PUT", "/feature-flags/IS_IF_ELSE_ENABLED", {"value": False}),
    ),
    **DATA_MODEL,
    "POST /api/v1/schedules/{schedule}/run": ("schedule.run", lambda d: d.send("POST", "/schedules/sweep/run")),
    "POST /api/v1/schedules/{schedule}/stop": (
        "schedule.stopped",
        lambda d: _with(d.send("POST", "/schedules/sweep/run"), lambda _: d.send("POST", "/schedules/sweep/stop")),
    ),
    "POST /api/v1/schedules/{schedule}/pause": ("schedule.paused", lambda d: d.send("POST", "/schedules/sweep/pause")),
    "POST /api/v1/schedules/{schedule}/resume": (
        "schedule.resumed",
        lambda d: d.send("POST", "/schedules/sweep/resume"),
    ),
    "PUT /api/v1/retention/{kept}": (
        "retention.changed",
        lambda d: d.send("PUT", "/retention/prompts", {"days": 9}),
    ),
    "DELETE /api/v1/retention/{kept}": ("retention.changed", lambda d: d.send("DELETE", "/retention/prompts")),
    "PUT /api/v1/allowed-hosts/{host}": ("host.allowed", lambda d: d.send("PUT", "/allowed-hosts/a.example.com", {})),
    "DELETE /api/v1/allowed-hosts/{host}": (
        "host.removed",
        lambda d: _with(
            d.send("PUT", "/allowed-hosts/a.example.com", {}),
            lambda _: d.send("DELETE", "/allowed-hosts/a.example.com"),
        ),
    ),
    "PUT /api/v1/secrets/{name}": ("secret.created", lambda d: d.send("PUT", "/secrets/PAY", SECRET)),
    "DELETE /api/v1/secrets/{name}": (
        "secret.deleted",
        lambda d: _with(d.send("PUT", "/secrets/PAY", SECRET), lambda _: d.send("DELETE", "/secrets/PAY")),
    ),
    "POST /api/v1/members": ("invitation.made", _added),
    "PATCH /api/v1/members/{member_id}": (
        "member.deactivated",
        lambda d: _with(_added(d), lambda one: d.send("PATCH", f"/members/{one}", {"active": False})),
    ),
    "POST /api/v1/members/{member_id}/invitation": (
        "invitation.made",
        lambda d: _with(_added(d), lambda one: d.send("POST", f"/members/{one}/invitation")),
    ),
    "POST /api/v1/invitations": ("invitation.made", lambda d: d.send("POST", "/invitations", GUEST)),
    "DELETE /api/v1/invitations/{invitation_id}": (
        "invitation.withdrawn",
        lambda d: _with(d.made("/invitations", GUEST), lambda one: d.send("DELETE", f"/invitations/{one}")),
    ),
    "POST /api/v1/invitations/accept": ("invitation.accepted", _accepted),
    "PUT /api/v1/budgets": ("budget.set", lambda d: d.send("PUT", "/budgets", BUDGET)),
    "DELETE /api/v1/budgets/{budget_id}": (
        "budget.removed",
        lambda d: _with(d.made("/budgets", BUDGET, method="PUT"), lambda one: d.send("DELETE", f"/budgets/{one}")),
    ),
}


async def _with(first: Awaitable[Any], then: Callable[[Any], Awaitable[object]]) -> object:
    return await then(await first)


def test_s45_each_operation_that_changes_something_is_known_here():
    """A new one belongs into ACTIONS, with the action of its row, or into ELSEWHERE, with a reason."""
    assert sorted({*ACTIONS, *ELSEWHERE}) == CHANGES


@pytest.mark.parametrize("operation", sorted(ACTIONS))
async def test_s45_what_is_changed_is_written_down(client: httpx.AsyncClient, sample_house: House, operation: str):
    action, do = ACTIONS[operation]

    await do(Desk(sample_house, client))

    rows = (await sample_house.metier.audit.list(sample_house.actor, limit=3)).rows
    row = next((one for one in rows if one["action"] == action), None)
    assert row is not None, [one["action"] for one in rows]
    assert (row["decision"], row["actor"]["label"] in ("test", "Admin")) == ("done", True)
    assert "s3cret" not in str(rows)


async def test_s45_a_refused_change_leaves_no_row_of_a_change(client: httpx.AsyncClient, sample_house: House):
    async def ids() -> list[UUID]:  # the rest of a row changes as it is chained
        return [row["id"] for row in (await sample_house.metier.audit.list(sample_house.actor)).rows]

    before = await ids()

    assert (await client.put("/api/v1/budgets", json=BUDGET | {"tokens": -1})).status_code == 422
    assert (await client.patch("/api/v1/roles/admin", json={"flags": []})).status_code == 409

    assert await ids() == before


async def test_the_log_is_listed_and_verified_by_who_may(client: httpx.AsyncClient, sample_house: House):
    await client.put("/api/v1/budgets", json=BUDGET)
    await sample_house.metier.access.create_role(sample_house.actor, name="asker", label="Asker", flags=["AI"])
    key = await sample_house.metier.access.create_key(sample_house.actor, role="asker", name="k")

    page = (await client.get("/api/v1/audit?action=budget&limit=1")).json()
    whole = (await client.get("/api/v1/audit/verify")).json()
    client.headers["Authorization"] = f"Bearer {key.token}"
    refused = [await client.get("/api/v1/audit"), await client.get("/api/v1/audit/verify")]

    assert (page["data"][0]["action"], page["data"][0]["actor"]["kind"]) == ("budget.set", "key")
    assert (whole["ok"], whole["broken"]) == (True, None)
    assert [answer.status_code for answer in refused] == [403, 403]
    assert "SECURITY" in refused[0].json()["message"]
