"""The sample workspace: consistent, relative to now, the same on every machine, made once."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest

from metier.access import CHEAP, Access
from metier.actor import Actor
from metier.builtin.app.objects import OBJECTS
from metier.builtin.app.sample import load_sample
from metier.clock import Clock
from metier.definitions import Definitions
from metier.records import DataModel, ObjectKind, Records
from metier.store import Database
from metier.testing import FrozenClock

TERMINAL = {"won", "lost"}


class Shop:
    """A workspace with the shelf's objects."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self.access = Access(db, clock, password_cost=CHEAP)
        self.records = Records(db, clock)
        self.db = db
        self.clock = clock
        self.actor: Actor

    async def open(self) -> "Shop":
        workspace_id = await self.access.create_workspace("Test")
        await self.access.create_member(workspace_id, name="Admin", role="admin")
        self.actor = await self.access.operator()
        definitions = Definitions(self.db, self.clock, [ObjectKind()])
        await DataModel(self.db, definitions).publish_all(self.actor, OBJECTS)
        return self

    async def load(self) -> dict[str, int]:
        return await load_sample(self.records, self.access, self.actor, self.clock)

    async def all(self, name: str) -> dict[str, dict[str, Any]]:
        page = await self.records.find(self.actor, name, limit=500)
        return {record["id"]: record for record in page.records}


@pytest.fixture
async def shop(db: Database, clock: Clock) -> Shop:
    return await Shop(db, clock).open()


async def test_it_is_made_once(shop: Shop):
    first = await shop.load()
    again = await shop.load()

    assert first == {"member": 4, "company": 62, "person": 140, "opportunity": 90, "task": 60, "note": 40}
    assert again == {}
    assert len(await shop.all("company")) == 62
    assert len(await shop.all("member")) == 5


async def test_one_company_was_created_in_each_of_the_last_seven_days(shop: Shop):
    await shop.load()
    now = shop.clock.now()

    page = await shop.records.find(shop.actor, "company", where={"created_at": {"within": "last_7_days"}})
    ages = [(now - datetime.fromisoformat(record["created_at"])).days for record in page.records]

    assert sorted(ages) == [0, 1, 2, 3, 4, 5, 6]
    everyone = [now - datetime.fromisoformat(record["created_at"]) for record in (await shop.all("company")).values()]
    assert timedelta(days=365) < max(everyone) < timedelta(days=426)


async def test_everything_fits_together(shop: Shop):
    await shop.load()
    companies, people, deals = [await shop.all(name) for name in ("company", "person", "opportunity")]
    now = shop.clock.now()

    assert {person["company"]["id"] for person in people.values()} == set(companies)
    for person in people.values():
        company = companies[person["company"]["id"]]
        domain = company["domain_name"]["primary_link_url"].removeprefix("https://")
        assert person["emails"]["primary_email"].endswith(f"@{domain}")
        assert domain.endswith(".example")
        assert person["created_at"] >= company["created_at"]
    for deal in deals.values():
        contact = people[deal["point_of_contact"]["id"]]
        assert contact["company"] == deal["company"]
        assert deal["created_at"] >= contact["created_at"]
        assert 500_000_000 <= deal["amount"]["amount_micros"] <= 5_000_000_000_000
        if deal["stage"] in TERMINAL:
            assert deal["created_at"][:10] < deal["close_date"] < now.date().isoformat()
        assert deal["owner"] is not None
    for name in ("task", "note"):
        for thing in (await shop.all(name)).values():
            person = people[thing["person"]["id"]]
            assert thing["company"] == person["company"]
            deal = deals[thing["opportunity"]["id"]] if thing["opportunity"] else None
            assert deal is None or deal["point_of_contact"]["id"] == person["id"]
            assert thing["created_at"] <= thing["updated_at"] <= now.isoformat()


async def test_it_is_varied(shop: Shop):
    await shop.load()
    companies, people, deals, tasks = [await shop.all(n) for n in ("company", "person", "opportunity", "task")]

    assert len({company["name"] for company in companies.values()}) == len(companies)
    assert len({company["country"] for company in companies.values()}) >= 10
    assert len({company["industry"] for company in companies.values()}) >= 9
    assert len({str(person["name"]) for person in people.values()}) > 110
    assert len({person["emails"]["primary_email"] for person in people.values()}) == len(people)
    assert all(person["emails"]["primary_email"].isascii() for person in people.values())
    assert any(not str(person["name"]).isascii() for person in people.values())
    assert set(Counter(deal["stage"] for deal in deals.values())) == {
        "new", "screening", "meeting", "proposal", "won", "lost",
    }  # fmt: skip
    assert set(Counter(task["status"] for task in tasks.values())) == {"todo", "in_progress", "done"}
    overdue = {"due_at": {"lt": "now"}, "not": {"status": "done"}}
    assert (await shop.records.find(shop.actor, "task", where=overdue, limit=0, count="exact")).total
    mine = {"assignee": "me"}
    assert (await shop.records.find(shop.actor, "task", where=mine, limit=0, count="exact")).total


async def test_it_is_the_same_every_time(shop: Shop, db: Database, clock: Clock):
    await shop.load()
    names = [record["name"] for record in (await shop.all("opportunity")).values()]
    await db.execute("update core.workspace set deleted_at = now()")
    twin = await Shop(db, clock).open()

    await twin.load()

    assert [record["name"] for record in (await twin.all("opportunity")).values()] == names


@pytest.mark.parametrize("now", ["2028-02-29T00:05:00+00:00", "2026-12-31T23:59:00+00:00", "2027-01-01T00:00:00+00:00"])
async def test_it_can_be_made_on_any_day(shop: Shop, clock: FrozenClock, now: str):
    clock.set(now)

    await shop.load()

    week = {"created_at": {"within": "last_7_days"}}
    assert (await shop.records.find(shop.actor, "company", where=week, limit=0, count="exact")).total == 7
