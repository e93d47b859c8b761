"""The welcome on an empty home."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2 as httpx
import pytest

from metier import api, web
from metier.api.auth import SIGN_IN_COOKIE
from metier.app import Metier
from metier.settings import Settings
from metier.testing import FrozenClock
from metier.web.cookies import WELCOME_COOKIE
from tests.web.site import soup

GIVEN = {
    "workspace": "Fleet",
    "name": "Ada Park",
    "email": "ada@ships.example",
    "password": "a long password",
    "time_zone": "Europe/Berlin",
}
BROWSER = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}


@pytest.fixture
async def home(database_url: str, clock: FrozenClock, tmp_path: Path) -> AsyncIterator[Metier]:
    """A Metier without a workspace."""
    async with Metier.open(Settings.for_tests(tmp_path, database_url=database_url), clock=clock) as metier:
        yield metier


@pytest.fixture
async def browser(home: Metier) -> AsyncIterator[httpx.AsyncClient]:
    """A browser that visits it."""
    app = api.build(home, web.renderers(home))
    web.attach(app, home)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://metier.test", headers=BROWSER) as client:
        yield client


async def test_without_the_link_there_is_no_welcome(home: Metier, browser: httpx.AsyncClient):
    shown = await browser.get("/welcome")
    sent = await browser.post("/welcome", data=GIVEN)
    browser.cookies.set(WELCOME_COOKIE, "ml_guessed")
    guessed = await browser.post("/welcome", data=GIVEN)

    assert shown.headers["location"] == "/login"
    assert sent.status_code == 401
    assert guessed.status_code == 401
    assert await home.access.workspaces() == []
    assert "no workspace" in (await browser.get("/login")).text


async def test_the_link_leads_to_the_form_and_the_form_to_the_chat(home: Metier, browser: httpx.AsyncClient):
    link = await browser.get(f"/link/{await home.access.admin_link()}")
    form = await browser.get(link.headers["location"])
    made = await browser.post("/welcome", data=GIVEN)

    assert "Welcome" in soup(form).h1.get_text()
    assert made.headers["location"] == "/chat"
    actor = await home.access.actor_for_sign_in(browser.cookies[SIGN_IN_COOKIE])
    assert (actor.principal.label, actor.principal.time_zone, actor.roles[0].name) == (
        "Ada Park",
        "Europe/Berlin",
        "admin",
    )
    assert [w.name for w in await home.access.workspaces()] == ["Fleet"]
    assert WELCOME_COOKIE not in browser.cookies


@pytest.mark.parametrize(
    ("slip", "field"),
    [({"workspace": " "}, "workspace"), ({"email": "ada"}, "email"), ({"password": "short"}, "password")],
)
async def test_a_slip_is_told_at_its_field_and_costs_nothing(
    home: Metier, browser: httpx.AsyncClient, slip: dict[str, str], field: str
):
    await browser.get(f"/link/{await home.access.admin_link()}")

    slipped = await browser.post("/welcome", data=GIVEN | slip)
    nothing_made = await home.access.workspaces()
    again = await browser.post("/welcome", data=GIVEN)

    assert slipped.status_code == 422
    assert soup(slipped).select_one(f"#{field}")["aria-invalid"] == "true"
    assert soup(slipped).select_one("#name")["value"] == "Ada Park"
    assert nothing_made == []
    assert again.status_code == 303


async def test_the_form_works_once(home: Metier, browser: httpx.AsyncClient):
    await browser.get(f"/link/{await home.access.admin_link()}")
    kept = browser.cookies[WELCOME_COOKIE]
    await browser.post("/welcome", data=GIVEN)
    browser.cookies.set(WELCOME_COOKIE, kept)

    again = await browser.post("/welcome", data=GIVEN | {"email": "eve@ships.example"})

    assert again.status_code == 401
    assert len(await home.access.workspaces()) == 1
