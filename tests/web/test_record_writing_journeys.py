"""Editing in a real browser: in the grid and on a record's page, by keyboard and pointer, with undo."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Route, expect

from metier.api.auth import SIGN_IN_COOKIE
from tests.web.journey import Journey, Screen, window
from tests.web.site import Site, ship

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def desk(chromium: Browser, address: str, fleet: Site) -> AsyncIterator[Journey]:
    """A window on a desk, signed in."""
    async with window(chromium, address, token=fleet.client.cookies[SIGN_IN_COOKIE]) as journey:
        yield journey


async def anew(fleet: Site, name: str) -> str:
    """Launch a ship of its own for a test; gives its id."""
    records = fleet.house.metier.records
    values = ship(name, state="afloat", crew=10, price={"amount_micros": 5_000_000, "currency_code": "EUR"})
    (made,) = await records.insert(fleet.house.actor, "ship", [values])
    return str(made)


def cell(desk: Journey, ship_id: str, field: str) -> Locator:
    return desk.page.locator(f"tr[data-row='{ship_id}'] [data-field={field}]")


async def test_a_value_is_edited_by_keyboard_and_taken_back(desk: Journey, fleet: Site):
    dune = await anew(fleet, "Dune")
    await desk.go("/o/ship?q=Dune")
    await desk.page.keyboard.press("j")
    await desk.page.keyboard.press("ArrowRight")
    await desk.page.keyboard.press("ArrowRight")
    await desk.page.keyboard.press("e")
    await desk.page.keyboard.type("1,234")
    await desk.page.keyboard.press("Enter")

    await expect(cell(desk, dune, "crew")).to_have_text("1,234")
    await expect(cell(desk, dune, "crew")).to_be_focused()
    await desk.page.get_by_role("button", name="Undo").click()
    await expect(cell(desk, dune, "crew")).to_have_text("10")


async def test_esc_leaves_a_value_as_it_was(desk: Journey, fleet: Site):
    echo = await anew(fleet, "Echo")
    await desk.go("/o/ship?q=Echo")
    await cell(desk, echo, "crew").click()
    await desk.page.keyboard.type("99")
    await desk.page.keyboard.press("Escape")

    await expect(cell(desk, echo, "crew")).to_have_text("10")
    await expect(desk.page.locator(".editing")).to_have_count(0)


async def test_tab_goes_on_to_the_next_value(desk: Journey, fleet: Site):
    fox = await anew(fleet, "Fox")
    await desk.go("/o/ship?q=Fox")
    await cell(desk, fox, "state").click()
    await desk.page.keyboard.type("dock")
    await expect(desk.page.locator(".pick-list li[aria-selected=true]")).to_have_text("In dock")
    await desk.page.keyboard.press("Tab")
    await desk.page.keyboard.type("33")
    await desk.page.keyboard.press("Enter")

    await expect(cell(desk, fox, "state")).to_have_text("In dock")
    await expect(cell(desk, fox, "crew")).to_have_text("33")


async def test_what_was_typed_shows_before_the_server_answers(desk: Journey, fleet: Site):
    """Optimistic: the answer is held back until the value was seen."""
    gull = await anew(fleet, "Gull")
    await desk.go("/o/ship?q=Gull")
    held: asyncio.Queue[Route] = asyncio.Queue()
    await desk.page.route("**/edit?**", held.put)
    await cell(desk, gull, "crew").click()
    await desk.page.keyboard.type("77")
    await desk.page.keyboard.press("Enter")
    await expect(cell(desk, gull, "crew")).to_have_text("77")
    await expect(cell(desk, gull, "crew")).to_have_class("num saving")
    await (await held.get()).continue_()

    await expect(cell(desk, gull, "crew")).to_have_class("num")
    await expect(cell(desk, gull, "crew")).to_have_text("77")


async def test_what_does_not_fit_comes_back_with_the_reason(chromium: Browser, address: str, fleet: Site):
    heron = await anew(fleet, "Heron")
    async with window(chromium, address, token=fleet.client.cookies[SIGN_IN_COOKIE], quiet=False) as desk:
        await desk.go("/o/ship?q=Heron")
        await cell(desk, heron, "crew").click()
        await desk.page.keyboard.type("many")
        await desk.page.keyboard.press("Enter")

        await expect(desk.page.locator(".editing .problem")).to_contain_text("Expected a number")
        await expect(desk.page.locator(".editing input")).to_have_value("many")
        await expect(cell(desk, heron, "crew")).to_have_text("10")


async def test_a_relation_is_found_by_its_name(desk: Journey, fleet: Site):
    ibis = await anew(fleet, "Ibis")
    await desk.go("/o/ship?q=Ibis")
    await cell(desk, ibis, "home").click()
    await desk.page.keyboard.type("lag")
    await expect(desk.page.locator(".pick-list li").first).to_have_text("Lagos")
    await desk.page.keyboard.press("Enter")

    await expect(cell(desk, ibis, "home").locator(".chip")).to_contain_text("Lagos")


async def test_a_record_is_edited_on_its_page_and_its_history_grows(desk: Journey, fleet: Site):
    jay = await anew(fleet, "Jay")
    await desk.go(f"/o/ship/{jay}")
    await desk.page.locator("dd[data-field=price]").click()
    await desk.page.keyboard.type("6500")
    await desk.page.keyboard.press("Enter")

    await expect(desk.page.locator("dd[data-field=price] .value")).to_have_text("€6,500")
    await expect(desk.page.locator(".history li").first).to_contain_text("changed price from €5 to €6,500")
    await desk.page.locator("p[data-field=name]").click()
    await desk.page.keyboard.type("Jay Two")
    await desk.page.keyboard.press("Enter")
    await expect(desk.page.locator("h1")).to_have_text("Jay Two")


async def test_a_new_record_is_made_beside_the_list(desk: Journey):
    await desk.go("/o/ship")
    await desk.page.keyboard.press("c")
    await expect(desk.page.get_by_label("Name", exact=True)).to_be_focused()
    await desk.page.keyboard.type("Kite")
    await desk.page.keyboard.press("Control+Enter")
    await desk.page.wait_for_url("**/o/ship/*-*")

    await expect(desk.page.locator("h1")).to_have_text("Kite")
    await expect(desk.page.locator(".toast")).to_contain_text("Ship created.")


async def test_rows_are_ticked_deleted_and_brought_back(desk: Journey, fleet: Site):
    for name in ("Lark 1", "Lark 2"):
        await anew(fleet, name)
    await desk.go("/o/ship?q=Lark")
    for key in ("j", "x", "j", "x"):
        await desk.page.keyboard.press(key)
    await expect(desk.page.locator("[data-ticked]")).to_have_text("2 selected")
    await desk.page.locator("#ticked").get_by_role("button", name="Delete").click()
    await expect(desk.page.locator("tbody tr")).to_have_count(0)
    await expect(desk.page.locator(".toast")).to_contain_text("2 ships deleted")
    await desk.page.get_by_role("button", name="Undo").click()

    await expect(desk.page.locator("tbody tr")).to_have_count(2)


@pytest.mark.parametrize("screen", ["light", "dark", "phone"])
async def test_pages_that_write_are_quiet_and_fit(chromium: Browser, address: str, fleet: Site, screen: Screen):
    async with window(chromium, address, token=fleet.client.cookies[SIGN_IN_COOKIE], screen=screen) as journey:
        aurora = fleet.ids["Aurora"]
        for url in ("/o/ship/new", "/o/ship?deleted=1", f"/o/ship/{aurora}?edit=price", f"/o/ship/{aurora}"):
            await journey.go(url)
            assert await journey.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), url
