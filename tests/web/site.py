"""A browser on the real application over ASGI, and the ships that the tests invent."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx2 as httpx
from bs4 import BeautifulSoup

from metier import api, web
from metier.actor import Actor
from metier.api.auth import SIGN_IN_COOKIE
from metier.records import ObjectType
from metier.testing import House

PORT = {
    "name": "port",
    "plural": "ports",
    "label": "Port",
    "label_plural": "Ports",
    "title": "name",
    "fields": [{"name": "name", "label": "Name", "type": "text"}],
}
SHIP = {
    "name": "ship",
    "plural": "ships",
    "label": "Ship",
    "label_plural": "Ships",
    "title": "name",
    "icon": "target",
    "description": "What sails for us.",
    "fields": [
        {"name": "name", "label": "Name", "type": "text"},
        {
            "name": "state",
            "label": "State",
            "type": "select",
            "options": [
                {"value": "afloat", "label": "Afloat", "color": "ok"},
                {"value": "docked", "label": "In dock", "color": "warn"},
                {"value": "sunk", "label": "Sunk", "color": "bad"},
            ],
        },
        {"name": "crew", "label": "Crew", "type": "number"},
        {"name": "price", "label": "Price", "type": "currency"},
        {"name": "armed", "label": "Armed", "type": "boolean"},
        {"name": "launched", "label": "Launched", "type": "date"},
        {"name": "site", "label": "Site", "type": "links"},
        {"name": "radio", "label": "Radio", "type": "emails"},
        {"name": "captain", "label": "Captain", "type": "full_name"},
        {"name": "home", "label": "Home port", "type": "relation", "target": "port"},
        {"name": "owner", "label": "Owner", "type": "relation", "target": "member"},
    ],
}


@dataclass
class Site:
    """The pages of a house, visited by one browser."""

    house: House
    client: httpx.AsyncClient
    ids: dict[str, UUID] = field(default_factory=dict[str, UUID])

    async def get(self, url: str, **headers: str) -> httpx.Response:
        """Visit a page as a browser does."""
        return await self.client.get(url, headers={"Accept": "text/html"} | headers)

    async def post(self, url: str, form: dict[str, str], **headers: str) -> httpx.Response:
        """Send a form as a browser does."""
        own = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}
        return await self.client.post(url, data=form, headers=own | headers)

    async def part(self, url: str, target: str) -> httpx.Response:
        """Ask for a part of a page as htmx does."""
        return await self.get(url, **{"HX-Request": "true", "HX-Target": f"div#{target}"})

    async def page(self, url: str) -> BeautifulSoup:
        """Visit a page that is there."""
        answer = await self.get(url)
        assert answer.status_code == 200, f"{url}: {answer.status_code} {answer.text[:300]}"
        return soup(answer)

    async def sign_in(self, actor: Actor | None = None) -> None:
        """Sign in: as the admin, or as another member."""
        access = self.house.metier.access
        if actor is None:
            token = (await access.use_link(await access.admin_link(self.house.actor.workspace_id))).token
        else:
            email = f"{actor.principal.id}@ships.example"
            await access.set_password(actor, email=email, password="a long password")
            token = (await access.sign_in(email, "a long password")).token
        self.client.cookies.set(SIGN_IN_COOKIE, token)


def soup(answer: httpx.Response) -> BeautifulSoup:
    """Read an answer's HTML."""
    return BeautifulSoup(answer.text, "html.parser")


def names(page: BeautifulSoup) -> list[str]:
    """Give the titles of a list's rows."""
    return [link.get_text() for link in page.select("a[data-record]")]


def browser_of(house: House) -> httpx.AsyncClient:
    """Give a browser that is not signed in."""
    app = api.build(house.metier, web.renderers(house.metier))
    web.attach(app, house.metier)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://metier.test")


def ship(name: str, **values: Any) -> dict[str, Any]:
    """Give a ship's values."""
    return {"name": name} | values


async def launch(house: House) -> dict[str, UUID]:
    """Publish ports and ships, and put three ships and a port in; gives their ids by name."""
    records, actor = house.metier.records, house.actor
    await house.metier.data_model.publish(actor, ObjectType.from_json(PORT))
    await house.metier.data_model.publish(actor, ObjectType.from_json(SHIP))
    (port,) = await records.insert(actor, "port", [{"name": "Lagos"}])
    fleet = [
        ship(
            "Aurora",
            state="afloat",
            crew=120,
            price={"amount_micros": 52_000_000_000, "currency_code": "EUR"},
            armed=True,
            launched="2026-03-01",
            site={"primary_link_url": "https://aurora.example/log"},
            radio={"primary_email": "bridge@aurora.example"},
            captain={"first_name": "Ada", "last_name": "Park"},
            home=str(port),
            owner=str(actor.principal.id),
        ),
        ship("Borealis", state="docked", crew=80),
        ship("<b>Cutter</b>", state="sunk"),
    ]
    found = await records.insert(actor, "ship", fleet)
    return {"Lagos": port} | dict(zip(("Aurora", "Borealis", "Cutter"), found, strict=True))
