"""Who asks, told and changed over REST; a key has no password and sets nobody's."""

import httpx2 as httpx
import pytest

from metier.actor import Actor
from metier.api.auth import SIGN_IN_COOKIE
from metier.errors import NotSignedIn
from metier.testing import House

PASSWORD = "a long password"


async def sign_in(house: House, client: httpx.AsyncClient, actor: Actor | None = None) -> str:
    """Let the client be a browser of the admin, or of another member."""
    access = house.metier.access
    if actor is None:
        token = (await access.use_link(await access.admin_link(house.actor.workspace_id))).token
    else:
        await access.set_password(actor, email="mo@ships.example", password=PASSWORD)
        token = (await access.sign_in("mo@ships.example", PASSWORD)).token
    client.cookies.set(SIGN_IN_COOKIE, token)
    return token


@pytest.mark.parametrize(("method", "path"), [("GET", "/me"), ("PATCH", "/me"), ("POST", "/me/password")])
async def test_nobody_is_refused(anonymous: httpx.AsyncClient, method: str, path: str):
    answer = await anonymous.request(
        method, f"/api/v1{path}", json={"password": PASSWORD} if "password" in path else {}
    )

    assert answer.status_code == 401


async def test_a_key_sets_no_password_and_has_no_profile(client: httpx.AsyncClient):
    password = await client.post("/api/v1/me/password", json={"email": "ada@ships.example", "password": PASSWORD})
    profile = await client.patch("/api/v1/me", json={"name": "Ada"})

    assert (password.status_code, profile.status_code) == (403, 403)
    assert "is an API key: it has no password" in password.json()["message"]
    assert password.json()["cure"]
    assert "has no profile" in profile.json()["message"]


async def test_a_key_is_told_what_it_may(client: httpx.AsyncClient):
    me = (await client.get("/api/v1/me")).json()

    assert (me["principal"]["kind"], me["principal"]["label"]) == ("key", "test")
    assert me["role"] == {"name": "admin", "label": "Admin"}
    assert "AI_SETTINGS" in me["flags"]
    assert (me["email"], me["has_password"]) == (None, False)


async def test_a_member_is_told_only_the_flags_held(anonymous: httpx.AsyncClient, sample_house: House):
    await sign_in(sample_house, anonymous, await sample_house.member(flags=["AI"]))

    me = (await anonymous.get("/api/v1/me")).json()

    assert (me["principal"]["kind"], me["principal"]["label"]) == ("member", "Mo")
    assert me["flags"] == ["AI"]
    assert (me["email"], me["has_password"], me["time_zone"], me["locale"]) == ("mo@ships.example", True, "UTC", "en")


async def test_a_profile_is_changed_and_what_is_left_out_stays(anonymous: httpx.AsyncClient, sample_house: House):
    await sign_in(sample_house, anonymous)

    first = (await anonymous.patch("/api/v1/me", json={"name": "Ada Park", "time_zone": "Europe/Berlin"})).json()
    second = (await anonymous.patch("/api/v1/me", json={"locale": "de"})).json()

    assert (first["principal"]["label"], first["time_zone"], first["locale"]) == ("Ada Park", "Europe/Berlin", "en")
    assert second == first | {"locale": "de"}
    assert (await anonymous.get("/api/v1/me")).json() == second


@pytest.mark.parametrize(
    ("slip", "path"),
    [
        ({"time_zone": "Europe/Berln"}, "time_zone"),
        ({"locale": "German"}, "locale"),
        ({"name": " "}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"role": "admin"}, "role"),
    ],
)
async def test_a_slip_is_told_at_its_place_and_changes_nothing(
    anonymous: httpx.AsyncClient, sample_house: House, slip: dict[str, str], path: str
):
    await sign_in(sample_house, anonymous)
    before = (await anonymous.get("/api/v1/me")).json()

    answer = await anonymous.patch("/api/v1/me", json=slip)

    assert answer.status_code == 422
    assert [problem["path"] for problem in answer.json()["errors"]] == [path]
    assert (await anonymous.get("/api/v1/me")).json() == before


async def test_a_password_changes_only_with_the_one_so_far_and_ends_other_sign_ins(
    anonymous: httpx.AsyncClient, sample_house: House
):
    access = sample_house.metier.access
    await sign_in(sample_house, anonymous, await sample_house.member(flags=["AI"]))
    other = (await access.sign_in("mo@ships.example", PASSWORD)).token
    new = {"password": "another long one"}

    without = await anonymous.post("/api/v1/me/password", json=new)
    wrong = await anonymous.post("/api/v1/me/password", json=new | {"current": "not the one"})
    right = await anonymous.post("/api/v1/me/password", json=new | {"current": PASSWORD})

    assert (without.status_code, without.json()["errors"][0]["path"]) == (422, "current")
    assert wrong.status_code == 403
    assert right.status_code == 204
    assert (await anonymous.get("/api/v1/me")).json()["email"] == "mo@ships.example", "left out, it stays"
    assert (await access.sign_in("mo@ships.example", "another long one")).token
    with pytest.raises(NotSignedIn):
        await access.actor_for_sign_in(other)


async def test_a_first_password_needs_an_email(anonymous: httpx.AsyncClient, sample_house: House):
    await sign_in(sample_house, anonymous)

    answer = await anonymous.post("/api/v1/me/password", json={"password": PASSWORD})

    assert (answer.status_code, answer.json()["errors"][0]["path"]) == (422, "email")


async def test_another_site_sets_no_password(anonymous: httpx.AsyncClient, sample_house: House):
    await sign_in(sample_house, anonymous)

    answer = await anonymous.post(
        "/api/v1/me/password",
        json={"email": "evil@ships.example", "password": PASSWORD},
        headers={"Sec-Fetch-Site": "cross-site"},
    )

    assert answer.status_code == 403
    assert (await anonymous.get("/api/v1/me")).json()["has_password"] is False


async def test_weeks_in_filters_begin_with_the_chosen_day(anonymous: httpx.AsyncClient, sample_house: House):
    """The clock stands at Saturday, 21 November: a week that begins on Saturday has begun today."""
    await sign_in(sample_house, anonymous)
    task = {"title": "Call", "due_at": "2026-11-18T09:00:00Z"}
    made = (await anonymous.post("/api/v1/records/task", json=task)).json()["data"]
    url = '/api/v1/records/task?where={"title":"Call","due_at":{"within":"this_week"}}'
    before = (await anonymous.get(url)).json()["data"]

    changed = await anonymous.patch("/api/v1/me", json={"calendar_start_day": "saturday"})
    after = (await anonymous.get(url)).json()["data"]

    assert [one["id"] for one in before] == [made["id"]]
    assert (changed.json()["calendar_start_day"], changed.json()["number_format"]) == ("saturday", "system")
    assert after == []
    assert (await anonymous.patch("/api/v1/me", json={"date_format": "any"})).status_code == 422
