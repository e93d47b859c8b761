"""The first minute in a real browser, against the real process: the link, the question, the answer, its trace."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Route, expect

from tests.acceptance.browser import Window, window
from tests.acceptance.conftest import Home, Server, running
from tests.acceptance.models import scripted
from tests.acceptance.test_ask import QUESTION, recent_companies

pytestmark = pytest.mark.asyncio(loop_scope="session")
WORDS = " ".join(f"word{i}" for i in range(600))


@pytest_asyncio.fixture(loop_scope="session")
async def chat(chromium: Browser, server: Server) -> AsyncIterator[Window]:
    """A window on the empty chat."""
    async with window(chromium, server.address, cookies=server.cookies) as opened:
        await opened.go("/chat")
        yield opened


@pytest.fixture(scope="module")
def wordy(home: Home, server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A second server on the same home, whose model talks slowly and for long."""
    folder: Path = tmp_path_factory.mktemp("model")
    with scripted(folder, [{"says": WORDS, "between_s": 0.05}]) as env, running(home, "demo", **env) as started:
        started.cookies = server.cookies
        yield started


async def links(page: Page, within: str) -> dict[str, str]:
    """Read the links to records that stand in a place: id to text."""
    found: list[tuple[str, str]] = await page.locator(f"{within} a[href^='/o/company/']").evaluate_all(
        "links => links.map(link => [link.getAttribute('href').split('/').pop(), link.textContent.trim()])"
    )
    return dict(found)


# --- ask -------------------------------------------------------------------------------------------------------------


async def test_the_first_minute(chromium: Browser, home: Home):
    """The printed link opens the chat; the question brings a card, exactly the right rows, and links that work."""
    with running(home, "demo") as started:
        async with window(chromium, started.address) as first:
            page = first.page
            await page.goto(started.link)
            assert first.path == "/chat"
            await expect(page.locator(".pill.offline")).to_contain_text("rules, not AI")
            await first.ask(QUESTION)
            await first.answered()

            expected = recent_companies(home)
            await expect(page.locator(".tool .name")).to_have_text("find_companies")
            await expect(page.locator(".tool .line")).to_have_text("created_at within last_7_days")
            await expect(page.locator("ul.plan")).to_contain_text("Created in the last 7 days")
            assert await links(page, ".answer > .md") == expected
            assert await page.locator(".answer > .md tbody tr").count() == len(expected)
            await page.locator(".tool summary").click()
            await expect(page.locator(".tool .filter")).to_contain_text("Created in the last 7 days (")
            assert await links(page, ".tool") == expected
            await expect(page.locator(".tool .count")).to_have_text(f"{len(expected)} companies · open as list")

            await expect(page.locator("h1")).to_have_text(QUESTION)
            answer = await page.locator(".answer > .md").inner_html()
            await page.reload()
            assert (await page.locator(".answer > .md").inner_html()).strip() == answer.strip()
            await expect(page.locator(".tool .name")).to_have_text("find_companies")

            name = page.locator(".answer > .md tbody a[href^='/o/company/']").first
            chosen = (await name.inner_text()).strip()
            await name.click()
            await expect(page.locator("h1")).to_have_text(chosen)
            assert first.path.removeprefix("/o/company/") in expected


async def test_a_used_link_says_so(chromium: Browser, server: Server):
    async with window(chromium, server.address, quiet=False) as late:
        answer = await late.page.goto(server.link)

        assert answer
        assert answer.status == 401
        await expect(late.page.locator("h1")).to_have_text("This link no longer works")
        await expect(late.page.get_by_role("link", name="Sign in with a password")).to_be_visible()
        await late.go("/chat")
        await expect(late.page.locator("h1")).to_have_text("Sign in")


async def test_the_own_message_stands_there_before_the_server_has_answered(chat: Window):
    page = chat.page
    asked, answered = asyncio.Event(), asyncio.Event()

    async def hold(route: Route) -> None:
        asked.set()
        await answered.wait()
        await route.continue_()

    await page.route("**/api/v1/threads", hold)
    await chat.ask("How many companies are there?")
    await asyncio.wait_for(asked.wait(), 15)

    await expect(page.locator(".said-by-me")).to_have_text("How many companies are there?")
    await expect(page.locator(".status")).to_have_text("Thinking…")
    await expect(page.locator("textarea")).to_have_value("")
    assert chat.path == "/chat"
    answered.set()
    await chat.answered()
    await expect(page.locator(".answer")).to_contain_text("62")


async def test_a_piece_of_the_plan_is_taken_away(chat: Window):
    await chat.ask(QUESTION)
    await chat.answered()
    page = chat.page
    await page.get_by_role("button", name="Ask without: Created in the last 7 days").click()

    await expect(page.locator(".turn")).to_have_count(2)
    await chat.answered()
    await expect(page.locator(".turn").last.locator(".answer > .md")).to_contain_text("62")


async def test_the_foot_of_an_answer_leads_to_its_trace(chat: Window, server: Server):
    await chat.ask("Top 3 companies by employees")
    await chat.answered()
    page = chat.page
    await page.get_by_role("link", name="Trace").click()
    await expect(page.locator("h1")).to_have_text("Top 3 companies by employees")

    await expect(page.locator(".trace .tag").first).to_have_text("succeeded")
    await expect(page.locator(".steps .step .name")).to_have_text(
        ["offline/planner", "find_companies", "offline/planner"]
    )
    await page.locator(".steps .step summary").nth(1).click()
    await expect(page.locator(".steps .step .inside").nth(1)).to_contain_text("employees")
    await page.get_by_role("link", name="Prompt as sent").first.click()
    await expect(page.locator(".trace h2").first).to_contain_text("offline/planner")
    await page.get_by_role("link", name="Events", exact=True).click()
    types = await page.locator("table.events td:nth-child(3)").all_inner_texts()
    assert types[-1] == "complete"
    assert {"tool_call", "tool_result", "token"} <= set(types)
    await page.get_by_role("link", name="Open chat").click()
    await expect(page.locator(".said-by-me")).to_have_text("Top 3 companies by employees")


# --- stop ------------------------------------------------------------------------------------------------------------


async def test_stop_keeps_the_text_so_far_and_says_stopped(chromium: Browser, wordy: Server):
    async with window(chromium, wordy.address, cookies=wordy.cookies) as chat:
        page = chat.page
        await chat.go("/chat")
        await chat.ask("Talk to me")
        await expect(page.locator(".answer > .md")).to_contain_text("word10 ")
        await page.get_by_role("button", name="Stop").click()
        await expect(page.locator(".end .stopped")).to_have_text("Stopped")

        text = (await page.locator(".answer > .md").inner_text()).strip()
        assert WORDS.startswith(text)
        assert "word10 " in text
        assert not text.endswith("word599")
        await expect(page.get_by_role("button", name="Send")).to_be_visible()
        await page.reload()
        await expect(page.locator(".end .stopped")).to_have_text("Stopped")
        await expect(page.locator(".answer > .md")).to_have_text(text)
        assert run(wordy, chat.path.removeprefix("/chat/"))["status"] == "stopped"


async def test_who_comes_back_finds_the_answer_going_on(chromium: Browser, wordy: Server):
    async with window(chromium, wordy.address, cookies=wordy.cookies) as chat:
        page = chat.page
        await chat.go("/chat")
        await chat.ask("Talk on")
        await expect(page.locator(".answer > .md")).to_contain_text("word3 ")
        await expect(page.locator("h1")).to_have_text("Talk on")
        await chat.go("/o/company")
        await page.go_back()

        await expect(page.locator(".answer > .md")).to_contain_text("word30 ")
        text = (await page.locator(".answer > .md").inner_text()).strip()
        assert WORDS.startswith(text)
        await page.get_by_role("button", name="Stop").click()
        await expect(page.locator(".end .stopped")).to_have_text("Stopped")


def run(server: Server, thread_id: str) -> dict[str, Any]:
    """Read the last run of a thread over REST."""
    with server.signed_in() as client:
        return client.get("/api/v1/runs", params={"thread_id": thread_id}).json()["data"][0]


# --- keyboard --------------------------------------------------------------------------------------------------------


async def test_all_of_it_by_keyboard(chromium: Browser, server: Server, home: Home):
    async with window(chromium, server.address, cookies=server.cookies) as desk:
        page = desk.page
        await desk.go("/o/company")
        await desk.press("Tab")
        await expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
        await desk.press("g", "c")
        await expect(page.locator("textarea")).to_be_focused()
        await page.keyboard.type(QUESTION)
        await desk.press("Enter")
        await desk.answered()

        await page.reload()
        await desk.press("Shift+Tab")
        await desk.tab_to(".tool summary")
        await desk.press("Enter")
        await expect(page.locator(".tool")).to_have_attribute("open", "")
        await desk.tab_to(".answer > .md a[href^='/o/company/']")
        await desk.press("Enter")
        await expect(page.locator(".crumb")).to_contain_text("Companies")
        assert desk.path.removeprefix("/o/company/") in recent_companies(home)
        await expect(page.locator("h1")).to_be_focused()
        await desk.tab_to("[data-palette-open]")
        await desk.press("Enter")
        await expect(page.locator("#palette-input")).to_be_focused()
        await desk.press("Escape")
        await expect(page.locator("#palette")).to_be_hidden()
