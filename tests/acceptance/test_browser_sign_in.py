"""An empty home in a real browser: welcome by the printed link, then signing in and out with a password."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.acceptance.browser import Window, check_page, window
from tests.acceptance.conftest import Home, Server, running

pytestmark = pytest.mark.asyncio(loop_scope="session")
EMAIL, PASSWORD = "ada@park.example", "correct horse battery"


@pytest.fixture(scope="module")
def empty() -> Iterator[Server]:
    """`metier serve` on an empty home."""
    path = Path(tempfile.mkdtemp(prefix="m-"))
    with running(Home(path), "serve") as started:
        yield started
    shutil.rmtree(path, ignore_errors=True)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def founded(chromium: Browser, empty: Server) -> AsyncIterator[Server]:
    """The same after the welcome."""
    async with window(chromium, empty.address) as first:
        page = first.page
        await page.goto(empty.link)
        assert first.path == "/welcome"
        await check_page(first)
        await page.get_by_label("Name of the workspace").fill("Park & Co")
        await page.get_by_label("Your name").fill("Ada Park")
        await page.get_by_label("Your e-mail").fill(EMAIL)
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_label("Load sample data").check()
        await page.get_by_role("button", name="Make the workspace").click()
        await expect(page.locator(".hero h2")).to_have_text("What should we work on, Ada?")
        assert first.path == "/chat"
        await first.ask("How many companies are there?")
        await first.answered()
        await expect(page.locator(".answer")).to_contain_text("62")
    yield empty


@pytest_asyncio.fixture(loop_scope="session")
async def stranger(chromium: Browser, founded: Server) -> AsyncIterator[Window]:
    """A window of somebody not signed in, where refusals may speak in the console."""
    async with window(chromium, founded.address, quiet=False) as opened:
        yield opened


async def sign_in(opened: Window, password: str) -> None:
    await opened.page.get_by_label("E-mail").fill(EMAIL)
    await opened.page.get_by_label("Password").fill(password)
    await opened.press("Enter")


async def sign_out(opened: Window) -> None:
    await opened.page.locator(".account").click()
    await opened.page.get_by_role("button", name="Sign out").click()
    await expect(opened.page.locator("h1")).to_have_text("Sign in")


async def test_a_visit_without_the_link_grants_nothing(stranger: Window):
    """S-06."""
    for path in ("/welcome", "/chat", "/o/company", "/settings/profile"):
        await stranger.go(path)

        await expect(stranger.page.locator("h1")).to_have_text("Sign in")


async def test_the_welcome_link_works_once(stranger: Window, founded: Server):
    await stranger.page.goto(founded.link)

    await expect(stranger.page.locator("h1")).to_have_text("This link no longer works")


async def test_a_wrong_password_is_told_and_the_right_one_leads_on(stranger: Window):
    page = stranger.page
    await stranger.go("/o/person")
    await sign_in(stranger, "wrong password")
    await expect(page.get_by_role("alert")).to_have_text("The e-mail or the password is not right.")
    await expect(page.get_by_label("E-mail")).to_have_value(EMAIL)
    await expect(page.get_by_label("Password")).to_be_focused()

    await page.keyboard.type(PASSWORD)
    await stranger.press("Enter")
    await expect(page.locator("h1")).to_have_text("People")
    await sign_out(stranger)
    await stranger.go("/o/person")
    await expect(page.locator("h1")).to_have_text("Sign in")


async def test_somebody_is_invited_joins_on_a_phone_and_is_shut_out(chromium: Browser, founded: Server):
    async with window(chromium, founded.address) as desk, window(chromium, founded.address, screen="phone") as phone:
        await desk.go("/login?next=/settings/members")
        await sign_in(desk, PASSWORD)
        await desk.page.wait_for_url(f"{founded.address}/settings/members")
        await check_page(desk)
        await desk.page.get_by_label("E-mail", exact=True).fill("bo@park.example")
        await desk.page.get_by_role("button", name="Make a link", exact=True).click()
        link = await desk.page.locator("#link").inner_text()

        await phone.page.goto(link)
        await check_page(phone)
        await phone.page.get_by_label("Your name").fill("Bo Li")
        await phone.page.get_by_label("Password").fill(PASSWORD)
        await phone.page.get_by_role("button", name="Join").click()
        await expect(phone.page.locator(".hero h2")).to_have_text("What should we work on, Bo?")

        await desk.go("/settings/members")
        await desk.page.get_by_role("button", name="Deactivate Bo Li").click()
        await expect(desk.page.get_by_role("status").first).to_contain_text("Bo Li: deactivated")
        await phone.page.reload()
        await expect(phone.page.locator("h1")).to_have_text("Sign in")


async def test_a_password_set_in_the_profile_is_the_one_that_works(stranger: Window):
    page = stranger.page
    changed = PASSWORD + " staple"
    await stranger.go("/login")
    await sign_in(stranger, PASSWORD)
    await expect(page.locator(".hero")).to_be_visible()
    await stranger.go("/settings/profile")
    await page.get_by_label("Current password").fill(PASSWORD)
    await page.get_by_label("New password").fill(changed)
    await page.get_by_role("button", name="Save").last.click()
    await expect(page.get_by_role("status").first).to_be_visible()
    assert stranger.path == "/settings/profile?saved=password"
    await sign_out(stranger)

    await sign_in(stranger, PASSWORD)
    await expect(page.get_by_role("alert")).to_contain_text("not right")
    await page.get_by_label("Password").fill(changed)
    await stranger.press("Enter")
    await expect(page.locator(".hero")).to_be_visible()
