"""Pages under test: the real application over ASGI."""

import shutil
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from metier.testing import FrozenClock, House, open_house, postgres
from tests.web.journey import CHROMIUM_SWITCHES, serve
from tests.web.site import Site, browser_of, launch


@pytest.fixture
async def empty_site(house: House) -> AsyncIterator[Site]:
    """A house with the shelf's objects, and nobody signed in."""
    async with browser_of(house) as client:
        yield Site(house, client)


@pytest.fixture
async def anonymous(empty_site: Site) -> Site:
    """A house with three ships, and nobody signed in."""
    empty_site.ids = await launch(empty_site.house)
    return empty_site


@pytest.fixture
async def site(anonymous: Site) -> Site:
    """A house with three ships, and the admin signed in."""
    await anonymous.sign_in()
    return anonymous


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def fleet(server: str, furnished_template: str) -> AsyncIterator[Site]:
    """A house like `site`'s, shared by the tests of one module that change nothing.

    Such a module says `pytestmark = pytest.mark.asyncio(loop_scope="module")`.
    """
    url = postgres.clone(server, furnished_template)
    async with open_house(url=url, clock=FrozenClock()) as house, browser_of(house) as client:
        shared = Site(house, client, await launch(house))
        await shared.sign_in()
        yield shared
    postgres.drop(url)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def address(fleet: Site) -> AsyncIterator[str]:
    """The fleet's house, served on a port of its own."""
    async with serve(fleet.house) as found:
        yield found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium() -> AsyncIterator[Browser]:
    """The system's Chromium; skips without one."""
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        pytest.skip("there is no Chromium on this machine")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=CHROMIUM_SWITCHES)
        yield browser
        await browser.close()
