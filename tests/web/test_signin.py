"""Signing in: by link, by password, and out again."""

import pytest

from metier.api.auth import SIGN_IN_COOKIE
from tests.web.site import Site, soup


@pytest.mark.parametrize(
    "url",
    [
        "/",
        "/o",
        "/o/ship",
        "/o/ship?f.state=afloat",
        "/settings/profile",
        "/settings/api-keys",
        "/settings/ai/models",
        "/settings/health",
    ],
)
async def test_without_a_sign_in_every_page_leads_to_the_form(anonymous: Site, url: str):
    answer = await anonymous.get(url)

    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login")


async def test_a_part_of_a_page_leads_the_whole_page_to_the_form(anonymous: Site):
    answer = await anonymous.part("/o/ship", "view")

    assert answer.status_code == 401
    assert answer.headers["hx-redirect"] == "/login"


async def test_programs_get_json_instead_of_the_form(anonymous: Site):
    answer = await anonymous.client.get("/o/ship.json", headers={"Accept": "text/html"})

    assert answer.status_code == 401
    assert answer.json()["error"] == "NotSignedIn"


async def test_password_signs_in_and_goes_on_to_where_one_was_headed(anonymous: Site):
    access = anonymous.house.metier.access
    await access.set_password(anonymous.house.actor, email="ada@ships.example", password="a long password")
    headed = (await anonymous.get("/o/ship?f.state=afloat")).headers["location"]
    form = soup(await anonymous.get(headed)).find("form")
    assert form is not None
    hidden = {i["name"]: i["value"] for i in form.select("input[type=hidden]")}

    refused = await anonymous.post("/login", hidden | {"email": "ada@ships.example", "password": "wrong password"})
    let_in = await anonymous.post("/login", hidden | {"email": "Ada@ships.example", "password": "a long password"})

    assert refused.status_code == 401
    assert "is not right" in soup(refused).select_one("[role=alert]").get_text()
    assert soup(refused).select_one("#email")["value"] == "ada@ships.example", "what was typed is kept"
    assert SIGN_IN_COOKIE not in refused.cookies
    assert let_in.status_code == 303
    assert let_in.headers["location"] == "/o/ship?f.state=afloat"
    assert (await anonymous.get("/o/ship")).status_code == 200


async def test_the_cookie_is_for_this_server_only(anonymous: Site):
    """S-53."""
    access = anonymous.house.metier.access
    await access.set_password(anonymous.house.actor, email="ada@ships.example", password="a long password")

    answer = await anonymous.post("/login", {"email": "ada@ships.example", "password": "a long password"})

    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie


@pytest.mark.parametrize("next_", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"])
async def test_nobody_is_sent_elsewhere_after_signing_in(anonymous: Site, next_: str):
    access = anonymous.house.metier.access
    await access.set_password(anonymous.house.actor, email="ada@ships.example", password="a long password")

    answer = await anonymous.post(
        "/login", {"email": "ada@ships.example", "password": "a long password", "next": next_}
    )

    assert answer.headers["location"] == "/"


async def test_a_form_of_another_site_signs_nobody_in(anonymous: Site):
    answer = await anonymous.post("/login", {"email": "a", "password": "b"}, **{"Sec-Fetch-Site": "cross-site"})

    assert answer.status_code == 403


async def test_too_many_tries_are_told_to_wait(anonymous: Site):
    answers = [await anonymous.post("/login", {"email": "a@b.example", "password": "x"}) for _ in range(40)]

    assert answers[0].status_code == 401
    assert answers[-1].status_code == 429
    assert "Try again in" in soup(answers[-1]).select_one("[role=alert]").get_text()


async def test_a_link_signs_in_once(anonymous: Site):
    token = await anonymous.house.metier.access.admin_link(anonymous.house.actor.workspace_id)

    first = await anonymous.get(f"/link/{token}")
    second = await anonymous.get(f"/link/{token}")

    assert first.status_code == 303
    assert first.headers["location"] == "/chat"
    assert SIGN_IN_COOKIE in first.cookies
    assert second.status_code == 401
    assert "no longer works" in soup(second).h1.get_text()
    assert "prints a new one" in second.text
    assert SIGN_IN_COOKIE not in second.cookies


async def test_a_browser_that_reads_ahead_does_not_use_the_link_up(anonymous: Site):
    token = await anonymous.house.metier.access.admin_link(anonymous.house.actor.workspace_id)

    ahead = await anonymous.get(f"/link/{token}", **{"Sec-Purpose": "prefetch;prerender"})
    meant = await anonymous.get(f"/link/{token}")

    assert ahead.status_code == 503
    assert meant.status_code == 303


async def test_a_visit_grants_nothing(empty_site: Site):
    """S-06: only the link makes an admin; the welcome without it is the sign-in."""
    assert (await empty_site.get("/welcome")).headers["location"] == "/login"
    assert (await empty_site.get("/link/ml_guessed")).status_code == 401


async def test_signing_out_ends_the_sign_in_on_the_server(site: Site):
    token = site.client.cookies[SIGN_IN_COOKIE]

    answer = await site.post("/sign-out", {})
    site.client.cookies.set(SIGN_IN_COOKIE, token)

    assert answer.headers["location"] == "/login"
    assert (await site.get("/o/ship")).status_code == 303, "the kept token is worth nothing"


async def test_whoever_is_signed_in_passes_the_form(site: Site):
    answer = await site.get("/login?next=/o/ship")

    assert answer.headers["location"] == "/o/ship"
