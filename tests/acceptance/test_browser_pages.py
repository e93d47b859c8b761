"""Every page in light, dark and on a phone: nothing in the console, nothing sticks out, the focus can be seen."""

import json
from urllib.parse import quote

import pytest
from playwright.async_api import Browser, expect

from tests.acceptance.browser import Screen, check_page, window
from tests.acceptance.conftest import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture(scope="module")
def pages(server: Server) -> list[str]:
    """The addresses of all pages, those of an answered chat and its run among them."""
    with server.signed_in() as client:
        thread = client.post("/api/v1/threads", json={}).json()["id"]
        sent = client.post(f"/api/v1/threads/{thread}/messages", json={"text": "Top 20 companies by annual revenue"})
        run = sent.json()["run_id"]
        assert "event: complete" in client.get(f"/api/v1/runs/{run}/events").text
        where = quote(json.dumps({"name": {"ilike": "Velmora%"}}))
        company = client.get(f"/api/v1/records/company?where={where}").json()["data"][0]["id"]
    return [
        "/chat",
        f"/chat/{thread}",
        "/o",
        "/o/company",
        "/o/opportunity?f.stage.in=won,lost&f.close_date.within=last_90_days&sort=-amount&pick=amount",
        "/o/company?q=nothing+is+called+so",
        f"/o/company/{company}",
        "/runs",
        f"/runs/{run}",
        f"/runs/{run}?view=prompt",
        f"/runs/{run}?view=events",
        "/settings/profile",
        "/settings/members",
        "/settings/security/roles",
        "/settings/security/roles/member",
        "/settings/security/roles/member?object=opportunity",
        "/settings/api-keys",
        "/settings/secrets",
        "/settings/connections",
        "/settings/data-model",
        "/settings/data-model/company",
        "/settings/data-model/company/versions/1",
        "/settings/ai/models",
        "/settings/features",
        "/settings/schedules",
        "/settings/schedules/retention",
        "/settings/health",
        "/docs",
    ]


@pytest.mark.parametrize("screen", ["light", "dark", "phone"])
async def test_every_page_is_quiet_and_fits(chromium: Browser, server: Server, pages: list[str], screen: Screen):
    titles: dict[str, str] = {}
    async with window(chromium, server.address, cookies=server.cookies, screen=screen) as opened:
        for path in pages:
            await opened.go(path)
            await check_page(opened)
            assert await opened.page.locator("html").get_attribute("data-theme") == screen.replace("phone", "light")
            titles[path.partition("?")[0]] = await opened.page.title()
    assert len(set(titles.values())) == len(titles) - 1, titles  # a chat and its run are called by the same question


@pytest.mark.parametrize("screen", ["light", "dark", "phone"])
async def test_what_opens_over_a_page_is_quiet_and_fits(
    chromium: Browser, server: Server, pages: list[str], screen: Screen
):
    async with window(chromium, server.address, cookies=server.cookies, screen=screen) as opened:
        page = opened.page
        await opened.go(pages[1])
        await page.locator(".tool summary").click()
        await expect(page.locator(".tool .inside")).to_be_visible()
        await check_page(opened)
        await opened.go("/o/company")
        await opened.press("Control+k")
        await page.keyboard.type("a")
        await expect(page.locator("#palette-list li").nth(5)).to_be_visible()
        await check_page(opened)
        await opened.press("Escape")
        await expect(page.locator("#palette")).to_be_hidden()
        await opened.press("?")
        await expect(page.locator("#keymap")).to_be_visible()
        await check_page(opened)


@pytest.mark.parametrize("screen", ["light", "dark", "phone"])
async def test_sign_in_and_refusals_fit(chromium: Browser, server: Server, screen: Screen):
    async with window(chromium, server.address, screen=screen) as opened:
        await opened.go("/login")
        await check_page(opened)
    async with window(chromium, server.address, cookies=server.cookies, screen=screen, quiet=False) as opened:
        used = server.link.removeprefix(server.address)
        for path in ("/nowhere", "/o/nothing", "/runs/00000000-0000-0000-0000-000000000000", used):
            await opened.go(path)
            await check_page(opened)
