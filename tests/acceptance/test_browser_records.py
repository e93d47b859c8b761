"""Palette, filter, sort, search and the walk through records in a real browser; rows are compared with REST."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.acceptance.browser import Window, window
from tests.acceptance.conftest import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def desk(chromium: Browser, server: Server) -> AsyncIterator[Window]:
    """A window on a desk, signed in."""
    async with window(chromium, server.address, cookies=server.cookies) as opened:
        yield opened


def over_rest(server: Server, kind: str, **query: Any) -> list[dict[str, Any]]:
    """Read all records of a kind over REST, page by page."""
    where = {"where": json.dumps(query.pop("where"))} if "where" in query else {}
    found: list[dict[str, Any]] = []
    cursor: str | None = ""
    with server.signed_in() as client:
        while cursor is not None:
            page = client.get(f"/api/v1/records/{kind}", params=query | where | ({"cursor": cursor} if cursor else {}))
            assert page.status_code == 200, page.text
            found += page.json()["data"]
            cursor = page.json()["next_cursor"]
    return found


def ids(records: list[dict[str, Any]]) -> list[str]:
    return [record["id"] for record in records]


async def shown(desk: Window) -> list[str]:
    """Read the ids of a list's rows."""
    return await desk.page.locator("tbody a[data-record]").evaluate_all("rows => rows.map(row => row.dataset.record)")


# --- palette ---------------------------------------------------------------------------------------------------------


async def test_the_palette_asks(desk: Window):
    await desk.go("/o/company")
    await desk.press("Control+k")
    page = desk.page
    await expect(page.locator("#palette-input")).to_be_focused()
    await expect(page.locator("#palette-list li").first).to_contain_text("Ask AI")
    await page.keyboard.type("How many people are there?")
    await expect(page.locator("#palette-list li").first).to_contain_text("How many people are there?")
    await desk.press("Enter")

    await desk.answered()
    await expect(page.locator(".said-by-me")).to_have_text("How many people are there?")
    await expect(page.locator(".answer")).to_contain_text("140")
    assert desk.path.startswith("/chat/")


async def test_the_palette_finds_a_record_and_opens_it(desk: Window, server: Server):
    (wanted,) = over_rest(server, "company", where={"name": {"ilike": "Velmora%"}})
    await desk.go("/settings/profile")
    page = desk.page
    await page.get_by_role("button", name="Search or ask").click()
    await page.keyboard.type(wanted["name"][:5])
    choice = page.locator("#palette-list li", has_text=wanted["name"])
    await expect(choice.first).to_contain_text("Company")
    await expect(page.locator("#palette-list li").first).to_contain_text("Ask AI")
    await desk.press("ArrowDown", "Enter")

    await expect(page.locator("h1")).to_have_text(wanted["name"])
    assert desk.path == f"/o/company/{wanted['id']}"
    await desk.press("Control+k")
    await expect(page.locator("#palette")).to_be_visible()
    await desk.press("Escape")
    await expect(page.locator("#palette")).to_be_hidden()
    assert desk.path == f"/o/company/{wanted['id']}"


# --- filter ----------------------------------------------------------------------------------------------------------


async def test_a_filter_narrows_to_the_right_rows_and_is_cleared(desk: Window, server: Server):
    page = desk.page
    await desk.go("/o/company")
    await page.get_by_text("Filter", exact=True).click()
    await page.locator("#filter-panel").get_by_text("Industry", exact=True).click()
    await page.locator("#filter-panel").get_by_label("Energy").check()
    await page.get_by_role("button", name="Show", exact=True).click()
    await expect(page.locator(".condition .text")).to_have_text("Industry is Energy")
    energy = over_rest(server, "company", where={"industry": {"eq": "energy"}})
    assert sorted(await shown(desk)) == sorted(ids(energy))
    assert desk.path == "/o/company?f.industry.in=energy"

    await page.get_by_text("Filter", exact=True).click()
    await page.locator("#filter-panel").get_by_text("Employees", exact=True).click()
    await page.get_by_label("Employees is at least").fill("100")
    await desk.press("Enter")
    await expect(page.locator(".condition")).to_have_count(2)
    large = [record for record in energy if (record["employees"] or 0) >= 100]
    assert sorted(await shown(desk)) == sorted(ids(large))
    assert 0 < len(large) < len(energy)

    await page.reload()
    await expect(page.locator(".condition")).to_have_count(2)
    assert sorted(await shown(desk)) == sorted(ids(large))
    await page.get_by_role("link", name="Clear filters").click()
    await expect(page.locator(".count")).to_have_text("62 companies")
    assert desk.path == "/o/company"
    await page.go_back()
    await expect(page.locator(".condition")).to_have_count(2)


async def test_a_filter_made_at_the_edge_of_a_narrow_window_is_seen_whole(desk: Window):
    await desk.page.set_viewport_size({"width": 1024, "height": 700})
    await desk.go("/o/opportunity?f.stage.in=won,lost&f.close_date.within=last_90_days")
    await desk.page.get_by_text("Filter", exact=True).click()

    await expect(desk.page.locator("#filter-panel")).to_be_in_viewport(ratio=1)
    await desk.page.locator("#filter-panel").get_by_text("Amount", exact=True).click()
    await expect(desk.page.get_by_label("Amount is at least")).to_be_focused()
    await expect(desk.page.locator("#filter-panel")).to_be_in_viewport(ratio=1)
    await desk.page.reload()


async def test_a_column_s_head_sorts_by_it_and_keeps_the_focus(desk: Window, server: Server):
    page = desk.page
    await desk.go("/o/company")
    for sort, way in (("-employees", "descending"), ("employees", "ascending")):
        head = page.get_by_role("columnheader", name="Employees").get_by_role("link")
        await head.press("Enter")
        await expect(page.locator("th[aria-sort]")).to_have_attribute("aria-sort", way)
        await expect(head).to_be_focused()

        assert desk.path == f"/o/company?sort={sort}"
        expected = ids(over_rest(server, "company", sort=sort))
        assert await shown(desk) == expected[:50]
    await page.locator("tbody a[data-record]").nth(6).click()
    await expect(page.locator(".place-in-list")).to_contain_text("7 of")
    await desk.press("j")
    await expect(page.locator(".place-in-list")).to_contain_text("8 of")
    assert desk.path == f"/o/company/{expected[7]}"


async def test_scrolling_brings_every_row_once_and_in_order(desk: Window, server: Server):
    await desk.go("/o/person?sort=-created_at")
    expected = ids(over_rest(server, "person", sort="-created_at", limit=100))
    rows = desk.page.locator("tbody a[data-record]")
    for least in (50, 100, 140):
        await expect(rows.nth(least - 1)).to_be_attached()
        await rows.last.scroll_into_view_if_needed()

    assert await shown(desk) == expected
    assert len(set(expected)) == 140
    await expect(desk.page.locator("#more")).to_have_count(0)
    await expect(desk.page.locator("thead th").nth(1)).to_be_in_viewport()


async def test_quick_search_walk_and_open_by_keyboard(desk: Window, server: Server):
    page = desk.page
    await desk.go("/o/person?sort=name")
    await desk.press("/")
    await expect(page.locator("#quick-input")).to_be_focused()
    await page.keyboard.type("an")
    found = over_rest(server, "person", where={"name": {"contains": "an"}}, sort="name")
    await expect(page.locator(".count")).to_have_text(f"{len(found)} people")
    assert await shown(desk) == ids(found)[:50]
    assert desk.path == "/o/person?q=an&sort=name"

    await desk.press("Enter", "j", "k", "j", "j")
    await expect(page.locator(f"a[data-record='{found[2]['id']}']")).to_be_focused()
    await desk.press("Enter")
    await expect(page.locator(".place-in-list")).to_contain_text("3 of")
    assert desk.path == f"/o/person/{found[2]['id']}"
    await desk.press("j")
    await expect(page.locator(".place-in-list")).to_contain_text("4 of")
    assert desk.path == f"/o/person/{found[3]['id']}"
    await page.locator("[data-back-to-list]").click()
    await expect(page.locator("#quick-input")).to_have_value("an")


async def test_a_record_page_tells_what_rest_tells_and_leads_on(desk: Window, server: Server):
    page = desk.page
    (company,) = over_rest(server, "company", where={"name": {"ilike": "Velmora%"}})
    people = over_rest(server, "person", where={"company": {"eq": company["id"]}})
    await desk.go(f"/o/company/{company['id']}")
    await expect(page.locator("dl.facts").first).to_contain_text(company["city"])
    await expect(page.locator("dl.facts").first).to_contain_text(f"{company['employees']:,}")
    related = page.get_by_role("region", name=f"People · {len(people)}").get_by_role("link")
    assert len(people) > 0
    await expect(related.first).to_be_visible()
    name = await related.first.inner_text()
    await related.first.click()

    await expect(page.locator("h1")).to_have_text(name)
    await page.locator("dl.facts").get_by_role("link", name=company["name"]).click()
    await expect(page.locator("h1")).to_have_text(company["name"])
